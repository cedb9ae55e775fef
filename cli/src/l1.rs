//! `proofyard l1`: what operators do on a chain before their processes can work there.

use std::{fs, io::ErrorKind, path::Path};

use proofyard_contracts::{KEY_WORDS, bls::SecretKey};
use proofyard_embedded_farm::coordinator::{SetupSource, Setups};
use proofyard_proof_system::{codec::scalar_bytes, key::VerifyingKey as Key};
use proofyard_rollup::{block::Block, subtree_inputs::SUBTREES_MAX};
use proofyard_settlement::{
    alloy::primitives::{
        Address, U256,
        utils::{format_units, parse_units},
    },
    config::{ConfigError, EndpointConfig, L1Config},
    rpc::Rpc,
    sidecar_client::{
        ClientError, DeployPlan, Deployment, ErrandError, Errands, SidecarClient, VerifyingKey, calls, deploy,
    },
    signer::{Key as AccountKey, SignerConfig, SignerError},
};
use serde_json::{Value, json};

use crate::{
    args::{Account, DeploymentFile, L1},
    block::read_block,
    failure::Failure,
    screen::{Screen, report},
};

/// Decimals of the tokens that `deploy` makes, and of ETH.
const DECIMALS: u8 = 18;
/// Deposit tokens for each account that is to be funded.
const FUNDS: u64 = 10_000;

impl From<ErrandError> for Failure {
    fn from(error: ErrandError) -> Self {
        Self::Environment(error.to_string())
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::Environment(error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<SignerError> for Failure {
    fn from(error: SignerError) -> Self {
        Self::Usage(error.to_string())
    }
}

/// Connects to a chain, whichever it is.
pub async fn connect(url: &str) -> Result<Rpc, Failure> {
    let mut config = L1Config { endpoints: vec![EndpointConfig::url(url.to_owned())], ..L1Config::default() };
    config.chain_id = chain_id(url).await?;
    Ok(Rpc::connect(&config)?)
}

/// The chain that an endpoint serves.
async fn chain_id(url: &str) -> Result<u64, Failure> {
    let failed = |reason: String| Failure::Environment(format!("[PY-X-101] {url}: {reason}; is a node running there?"));
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []});
    let answer =
        reqwest::Client::new().post(url).json(&body).send().await.map_err(|error| failed(error.to_string()))?;
    let answer: Value = answer.json().await.map_err(|error| failed(error.to_string()))?;
    let digits = answer["result"].as_str().and_then(|text| text.strip_prefix("0x")).unwrap_or_default();
    u64::from_str_radix(digits, 16).map_err(|_| failed(format!("no chain id in {answer}")))
}

impl Account {
    fn key(&self) -> Result<AccountKey, Failure> {
        let config = SignerConfig {
            key_file: self.key_file.clone(),
            keystore: self.keystore.clone(),
            password_file: self.password_file.clone(),
            ..SignerConfig::default()
        };
        Ok(config.open()?)
    }
}

impl DeploymentFile {
    async fn client(&self, rpc: Rpc) -> Result<SidecarClient, Failure> {
        let deployment = Deployment::read(&self.path)?;
        if deployment.chain_id != rpc.chain_id() {
            let (found, wanted) = (rpc.chain_id(), deployment.chain_id);
            let path = self.path.display();
            return Err(Failure::Usage(format!(
                "[PY-X-102] {path} is for chain {wanted}, the node serves chain {found}; correct --rpc or --deployment"
            )));
        }
        let client = SidecarClient::new(rpc, deployment);
        client.check().await?;
        Ok(client)
    }
}

/// Runs a command.
pub async fn run(command: &L1, json: bool) -> Result<(), Failure> {
    match command {
        L1::Deploy { account, first_block, rows_log2, fund, out, folder } => {
            let (_, block) = read_block(first_block)?;
            let setups = Setups::new(SetupSource::Insecure { dir: folder.path()? }, *rows_log2)
                .map_err(|error| Failure::Environment(error.to_string()))?;
            let screen = Screen::new();
            screen.say("WARNING: the developers' setup is INSECURE; anyone can forge proofs for its keys");
            let setup = setups
                .get(1, &|stage, done, total| screen.step(stage, done, total))
                .map_err(|error| Failure::Environment(error.to_string()))?;
            let mut plan = plan(&block, &setup.verifying_key(), *rows_log2);
            plan.deposit_funds = fund.iter().map(|account| (account.0.into(), units(FUNDS))).collect();
            let deployment = deploy(&connect(&account.rpc).await?, &account.key()?, &plan).await?;
            write(out, &deployment)?;
            shown(json, json!({"deployment": out.display().to_string(), "contracts": deployment}));
            Ok(())
        }
        L1::Register { account, deployment, vrf_key_file } => {
            let client = deployment.client(connect(&account.rpc).await?).await?;
            let (key, vrf) = (account.key()?, vrf_key(vrf_key_file)?);
            let done = register(&client, &key, &vrf).await?;
            let state = if done { "registered" } else { "was registered already" };
            shown(json, json!({"sequencer": key.address(), "state": state}));
            Ok(())
        }
        L1::Deposit { account, deployment, amount } => {
            let client = deployment.client(connect(&account.rpc).await?).await?;
            let (amount, key) = (amount_of(amount)?, account.key()?);
            deposit(&client, &key, amount).await?;
            let available = client.escrow_available(client.deployment().deposit_token, key.address()).await?;
            shown(json, json!({"prover": key.address(), "in_escrow": shown_units(available)}));
            Ok(())
        }
        L1::Withdraw { account, deployment, amount } => {
            let client = deployment.client(connect(&account.rpc).await?).await?;
            let (amount, key) = (amount_of(amount)?, account.key()?);
            let (token, escrow) = (client.deployment().deposit_token, client.deployment().escrow);
            let call = calls::escrow_request_withdrawal(token, amount);
            let mut errands = Errands::open(client.rpc(), &key).await?;
            errands.call("announcing the withdrawal", escrow, U256::ZERO, call).await?;
            errands.finish().await?;
            let (pending, from) = client.pending_withdrawal(token, key.address()).await?;
            shown(json, json!({"announced": shown_units(pending), "available_from_block": from}));
            Ok(())
        }
        L1::Collect { account, deployment } => {
            let client = deployment.client(connect(&account.rpc).await?).await?;
            shown(json, collect(&client, &account.key()?).await?);
            Ok(())
        }
        L1::Show { rpc, deployment, accounts } => {
            let client = deployment.client(connect(rpc).await?).await?;
            let (proven, end) = client.proven_head().await?;
            let mut result = json!({
                "last_height": client.last_height().await?,
                "proven_height": proven,
                "state_root": end[0],
            });
            for account in accounts {
                let account = Address::from(account.0);
                result[account.to_string()] = what_it_has(&client, account).await?;
            }
            shown(json, result);
            Ok(())
        }
    }
}

fn shown(json: bool, result: Value) {
    if let Value::Object(result) = &result {
        report(json, result);
    }
}

async fn what_it_has(client: &SidecarClient, account: Address) -> Result<Value, Failure> {
    let deployment = client.deployment();
    let (deposits, rewards) = (deployment.deposit_token, deployment.reward_token);
    Ok(json!({
        "eth": shown_units(client.balance(Address::ZERO, account).await?),
        "deposit_tokens": shown_units(client.balance(deposits, account).await?),
        "in_escrow": shown_units(client.escrow_available(deposits, account).await?),
        "reward_tokens": shown_units(client.balance(rewards, account).await?),
        "withdrawable_eth": shown_units(client.withdrawable(Address::ZERO, account).await?),
        "withdrawable_deposit_tokens": shown_units(client.withdrawable(deposits, account).await?),
        "withdrawable_reward_tokens": shown_units(client.withdrawable(rewards, account).await?),
    }))
}

/// An amount of tokens as a user writes it.
fn amount_of(text: &str) -> Result<U256, Failure> {
    let amount = parse_units(text, DECIMALS)
        .map_err(|error| Failure::Usage(format!("[PY-X-103] {text}: {error}; write it like 100 or 2.5")))?;
    Ok(amount.get_absolute())
}

/// Pays out what the account can have; what that was.
async fn collect(client: &SidecarClient, key: &AccountKey) -> Result<Value, Failure> {
    let deployment = client.deployment();
    let (account, escrow) = (key.address(), deployment.escrow);
    let mut collected = json!({});
    let mut errands = Errands::open(client.rpc(), key).await?;
    for (name, token) in [
        ("eth", Address::ZERO),
        ("deposit_tokens", deployment.deposit_token),
        ("reward_tokens", deployment.reward_token),
    ] {
        let amount = client.withdrawable(token, account).await?;
        if !amount.is_zero() {
            errands.call("paying out what is credited", deployment.sidecar, U256::ZERO, calls::withdraw(token)).await?;
        }
        collected[name] = shown_units(amount).into();
    }
    let (pending, from) = client.pending_withdrawal(deployment.deposit_token, account).await?;
    let head = client.rpc().head().await.map_err(|error| Failure::Environment(error.to_string()))?.place().number;
    let due = !pending.is_zero() && head >= from;
    if due {
        let call = calls::escrow_withdraw(deployment.deposit_token);
        errands.call("paying the withdrawal out", escrow, U256::ZERO, call).await?;
    }
    errands.finish().await?;
    collected["from_escrow"] = shown_units(if due { pending } else { U256::ZERO }).into();
    if !pending.is_zero() && !due {
        collected["escrow_pays_from_block"] = from.into();
    }
    Ok(collected)
}

/// So many whole tokens, or ether.
pub fn units(whole: u64) -> U256 {
    U256::from(whole) * U256::from(10).pow(U256::from(DECIMALS))
}

/// An amount in whole tokens, or ether, without zeros at its end.
pub fn shown_units(amount: U256) -> String {
    let text = format_units(amount, DECIMALS).unwrap_or_else(|_| amount.to_string());
    match text.split_once('.') {
        Some((whole, rest)) if rest.bytes().all(|digit| digit == b'0') => whole.to_owned(),
        Some(_) => text.trim_end_matches('0').to_owned(),
        None => text,
    }
}

/// Contracts for a rollup that begins before `first`, with one size class in all numbers of subtrees.
pub fn plan(first: &Block, key: &Key, rows_log2: u32) -> DeployPlan {
    let bytes = key.encode();
    let mut words = [[0; 32]; KEY_WORDS];
    words.iter_mut().zip(bytes.chunks_exact(32)).for_each(|(word, chunk)| word.copy_from_slice(chunk));
    let subtrees_per_group = (0..=SUBTREES_MAX.ilog2()).map(|log2| 1 << log2).collect();
    let word = |value| U256::from_be_bytes(scalar_bytes(&value));
    DeployPlan {
        keys: vec![VerifyingKey { rows_log2, words, subtrees_per_group }],
        genesis: [word(first.previous_root), word(first.previous_data_hash)],
        ..DeployPlan::default()
    }
}

/// Writes a deployment file.
pub fn write(path: &Path, deployment: &Deployment) -> Result<(), Failure> {
    fs::write(path, deployment.to_toml()?).map_err(|error| Failure::file(path, error))
}

/// Reads a VRF key; makes one where there is none.
fn vrf_key(path: &Path) -> Result<SecretKey, Failure> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let made = SecretKey::from_seed(&rand::random::<[u8; 32]>());
            write_secret(path, &made.to_bytes())?;
            return Ok(made);
        }
        Err(error) => return Err(Failure::file(path, error)),
    };
    let unusable = || Failure::Usage(format!("[PY-X-104] {}: no VRF key of 64 hexadecimal digits", path.display()));
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.lines().next().unwrap_or_default().trim(), &mut bytes).map_err(|_| unusable())?;
    SecretKey::from_bytes(&bytes).map_err(|_| unusable())
}

/// Writes a key so that only its owner can read it; never over a file that is there.
pub fn write_secret(path: &Path, key: &[u8; 32]) -> Result<(), Failure> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| writeln!(file, "{}", hex::encode(key)));
    written.map_err(|error| Failure::file(path, error))
}

/// Registers a sequencer with its VRF key; false when that key is registered for it already.
pub async fn register(client: &SidecarClient, key: &AccountKey, vrf: &SecretKey) -> Result<bool, Failure> {
    let deployment = client.deployment();
    let registered = client.key_of(key.address()).await?;
    if registered.publicKey == vrf.public_key() {
        return Ok(false);
    }
    let possession = vrf.possession(deployment.chain_id, deployment.sequencers, key.address());
    let call = calls::register(vrf.public_key(), possession);
    let mut errands = Errands::open(client.rpc(), key).await?;
    errands.call("registering the sequencer", deployment.sequencers, U256::ZERO, call).await?;
    errands.finish().await?;
    Ok(true)
}

/// Puts deposit tokens into the escrow.
pub async fn deposit(client: &SidecarClient, key: &AccountKey, amount: U256) -> Result<(), Failure> {
    let deployment = client.deployment();
    let (token, escrow) = (deployment.deposit_token, deployment.escrow);
    let mut errands = Errands::open(client.rpc(), key).await?;
    errands.call("letting the escrow take the deposit", token, U256::ZERO, calls::approve(escrow, amount)).await?;
    errands.call("the deposit", escrow, U256::ZERO, calls::escrow_deposit(token, amount)).await?;
    errands.finish().await?;
    Ok(())
}
