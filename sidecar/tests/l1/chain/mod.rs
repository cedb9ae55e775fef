//! A real anvil with the contracts on it, and a registered sequencer.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use proofyard_embedded_farm::coordinator::{SetupSource, Setups};
use proofyard_settlement::{
    alloy::{
        primitives::{Address, U256},
        signers::local::PrivateKeySigner,
    },
    config::{EndpointConfig, L1Config},
    contracts::{KEY_WORDS, bls::SecretKey},
    rpc::Rpc,
    sidecar_client::{DeployPlan, Deployment, SidecarClient, VerifyingKey, calls, deploy},
    signer::Key,
};
use serde_json::{Value, json};

pub const ROWS_LOG2: u32 = 12;
/// Time is no part of what is shown here; a machine may be slow.
pub const PATIENCE: Duration = Duration::from_secs(560);
/// Published key of anvil's first account.
const DEPLOYER: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/// The sequencer's key.
pub const SEQUENCER: [u8; 32] = [0x51; 32];

/// 10^18, what tests count tokens in.
pub fn unit() -> U256 {
    U256::from(10).pow(U256::from(18))
}

pub fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn key(secret: [u8; 32]) -> PrivateKeySigner {
    PrivateKeySigner::from_slice(&secret).expect("a key")
}

pub struct Anvil {
    process: Child,
    pub url: String,
    http: reqwest::Client,
}

impl Anvil {
    /// A real anvil on a free port of the loopback, a block a second.
    pub fn start() -> Self {
        let program = std::env::var_os("PROOFYARD_ANVIL")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin/anvil"), PathBuf::from);
        let mut process = Command::new(&program)
            .args(["--host", "127.0.0.1", "--port", "0", "--hardfork", "osaka", "--block-time", "1"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask setup`", program.display()));
        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        let mut line = String::new();
        let url = loop {
            line.clear();
            assert_ne!(output.read_line(&mut line).expect("text"), 0, "anvil ended before it listened");
            if let Some((_, address)) = line.split_once("Listening on ") {
                break format!("http://{}", address.trim());
            }
        };
        // It must never wait for a reader.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Self { process, url, http: reqwest::Client::new() }
    }

    pub async fn rpc(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer: Value =
            self.http.post(&self.url).json(&body).send().await.expect("anvil answers").json().await.expect("JSON");
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    pub async fn number(&self) -> u64 {
        let number = self.rpc("eth_blockNumber", json!([])).await;
        let digits = number.as_str().expect("a string").trim_start_matches("0x");
        u64::from_str_radix(digits, 16).expect("hexadecimal")
    }

    /// Sends as any account, and waits until it is included.
    pub async fn send(&self, from: Address, to: Address, data: impl serde::Serialize) {
        self.rpc("anvil_impersonateAccount", json!([from])).await;
        let hash = self.rpc("eth_sendTransaction", json!([{"from": from, "to": to, "data": data}])).await;
        let until = Instant::now() + PATIENCE;
        loop {
            let receipt = self.rpc("eth_getTransactionReceipt", json!([hash])).await;
            if let Some(status) = receipt["status"].as_str() {
                assert_eq!(status, "0x1", "{receipt}");
                return;
            }
            assert!(Instant::now() < until, "a transaction is not included");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // A process that has ended already is as good as killed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Kept between runs: the setup takes a while to make and never changes.
pub fn setup_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("setup")
}

/// The developers' key of blocks of one group, made when it is missing.
pub fn verifying_key(subtrees_per_group: &[u32]) -> VerifyingKey {
    let setups = Setups::new(SetupSource::Insecure { dir: setup_dir() }, ROWS_LOG2).expect("a setup");
    let largest = subtrees_per_group.iter().copied().max().expect("a class") as usize;
    let key = setups.get(largest, &|_, _, _| ()).expect("keys").verifying_key().encode();
    let mut words = [[0; 32]; KEY_WORDS];
    words.iter_mut().zip(key.chunks_exact(32)).for_each(|(word, chunk)| word.copy_from_slice(chunk));
    VerifyingKey { rows_log2: ROWS_LOG2, words, subtrees_per_group: subtrees_per_group.to_vec() }
}

/// The contracts, and a folder with the files that a sidecar needs: deployment, sequencer's key, VRF key.
pub struct Chain {
    pub anvil: Anvil,
    pub folder: tempfile::TempDir,
    pub deployment: Deployment,
    pub client: SidecarClient,
    pub sequencer: Address,
}

impl Chain {
    /// Deploys and registers the sequencer, whose key is active when this returns.
    pub async fn start(plan: DeployPlan) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let anvil = Anvil::start();
        let l1 = L1Config {
            endpoints: vec![EndpointConfig::url(anvil.url.clone())],
            poll_interval_ms: 200,
            finality_depth: 3,
            ..L1Config::default()
        };
        let rpc = Rpc::connect(&l1).expect("a configuration");
        let deployer = Key::local(DEPLOYER.parse().expect("a key"));
        let deployment = deploy(&rpc, &deployer, &plan).await.expect("deployed");
        let client = SidecarClient::new(rpc, deployment.clone());
        let sequencer = key(SEQUENCER).address();
        let chain = Self { anvil, folder, deployment, client, sequencer };
        fs::write(chain.at("deployment.toml"), chain.deployment.to_toml().expect("TOML")).expect("written");
        let vrf = SecretKey::from_seed(&[9; 32]);
        fs::write(chain.at("vrf.key"), digits(&vrf.to_bytes())).expect("written");
        fs::write(chain.at("sequencer.key"), digits(&SEQUENCER)).expect("written");
        chain.fund(sequencer).await;
        let possession = vrf.possession(chain.deployment.chain_id, chain.deployment.sequencers, sequencer);
        chain.anvil.send(sequencer, chain.deployment.sequencers, calls::register(vrf.public_key(), possession)).await;
        let active = chain.client.key_of(sequencer).await.expect("an answer").activeFrom;
        while chain.anvil.number().await < active {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        chain
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Ether for transactions.
    pub async fn fund(&self, account: Address) {
        self.anvil.rpc("anvil_setBalance", json!([account, unit() * U256::from(100)])).await;
    }

    /// The lines of a configuration that every sidecar of a test has. Top-level keys may be written before them, tables behind.
    pub fn configuration(&self) -> String {
        format!(
            "listen = \"127.0.0.1:0\"\nstate = {state:?}\ndeployment = {deployment:?}\nvrf_key_file = {vrf:?}\n\
             [block]\nrows_log2 = {ROWS_LOG2}\n[farm]\nsetup_dir = {setup:?}\n[signer]\nkey_file = {key:?}\n\
             [l1]\npoll_interval_ms = 200\nfinality_depth = 3\n[[l1.endpoints]]\nurl = {url:?}\n[waiting]\nblock_ms = 1000\n",
            state = self.at("sidecar.sqlite"),
            deployment = self.at("deployment.toml"),
            vrf = self.at("vrf.key"),
            setup = setup_dir(),
            key = self.at("sequencer.key"),
            url = self.anvil.url,
        )
    }
}
