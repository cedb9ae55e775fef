//! A chain with the contracts, a prover with an escrow, and a sequencer with a block.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alloy_primitives::{Address, B256, Bytes, U256, address};
use alloy_signer_local::PrivateKeySigner;
use proofyard_coordinator::{
    SetupSource, Setups,
    client::{BlockSubmission, Header, Quote, QuoteRequest, SignedQuote},
    ledger::{Identity, Ledger, SqliteLedger},
    proof_system::codec::scalar_bytes,
    rollup::{baton::Baton, executor, generate},
    settle::LedgerJournal,
};
use proofyard_settlement::{
    alloy::sol_types::SolCall,
    config::{EndpointConfig, L1Config},
    contracts::{
        KEY_WORDS,
        bindings::{IProverEscrow, IProvingSidecar, IVersionRegistry, block_commitment, vrf_message},
        bls::SecretKey,
    },
    rpc::Rpc,
    sidecar_client::{Class, DeployPlan, Deployment, SidecarClient, VerifyingKey, calls, deploy},
    signer::Key,
    transactions::{Intent, IntentId, Manager, State},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::anvil::Anvil;

/// Takes any proof.
const GULLIBLE: Address = Address::repeat_byte(0x67);
const GULLIBLE_CODE: &str = "0x6110005f5260205ff3";
const ALICE: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
const ALICE_KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const UNIT: u128 = 1_000_000_000_000_000_000;
/// Base-2 logarithm of the rows of a subtree, everywhere here.
pub const ROWS_LOG2: u32 = 12;
/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub fn tokens(amount: u64) -> U256 {
    U256::from(amount) * U256::from(UNIT)
}

/// The block of the stage as its sequencer has it.
pub struct Made {
    pub file: Vec<u8>,
    pub header: Header,
    pub salt: B256,
    pub commitment: B256,
}

pub struct Stage {
    pub anvil: Anvil,
    pub dir: TempDir,
    pub client: SidecarClient,
    pub deployment: Deployment,
    pub l1: L1Config,
    sequencer: Key,
    pub prover: Key,
    vrf: SecretKey,
    pub made: Made,
    manager: Manager,
    intents: u32,
}

/// The sequencer's key.
pub const SEQUENCER_SEED: u8 = 1;
/// The prover's key.
pub const PROVER_SEED: u8 = 2;

pub fn local_key(seed: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_slice(&[seed; 32]).expect("a key")
}

/// The developers' setup; made once, kept between runs.
pub fn setups() -> Arc<Setups> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("setup");
    let setups = Setups::new(SetupSource::Insecure { dir }, ROWS_LOG2).expect("a circuit");
    setups.get(1, &|_, _, _| ()).expect("a setup");
    Arc::new(setups)
}

fn verifying_key() -> VerifyingKey {
    let key = setups().get(1, &|_, _, _| ()).expect("a setup").verifying_key().encode();
    let mut words = [[0; 32]; KEY_WORDS];
    words.iter_mut().zip(key.chunks_exact(32)).for_each(|(word, chunk)| word.copy_from_slice(chunk));
    VerifyingKey { rows_log2: ROWS_LOG2, words, subtrees_per_group: vec![1] }
}

/// How a coordinator here talks to L1.
pub fn l1_config(url: &str) -> L1Config {
    let mut l1 = L1Config {
        endpoints: vec![EndpointConfig::url(url)],
        poll_interval_ms: 50,
        request_timeout_ms: 10_000,
        set_aside_ms: 60_000,
        finality_depth: 6,
        ..L1Config::default()
    };
    l1.watcher.window_blocks = 64;
    l1
}

fn words(baton: Baton) -> [U256; 3] {
    baton.to_array().map(|scalar| U256::from_be_bytes(scalar_bytes(&scalar)))
}

/// The quote as the contracts have it.
pub fn bound_quote(quote: &Quote) -> IProverEscrow::Quote {
    IProverEscrow::Quote {
        prover: quote.prover,
        sequencer: quote.sequencer,
        height: U256::from(quote.height),
        blockCommitment: quote.block_commitment,
        group: quote.group,
        tipToken: quote.tip_token,
        price: quote.price,
        depositToken: quote.deposit_token,
        deposit: quote.deposit,
        nonce: quote.nonce,
        expiry: quote.expiry,
    }
}

fn bound(header: &Header) -> IProvingSidecar::Header {
    let Header { start, ends, rows_log2, subtrees, data_version, data_commitment, data_uri } = header.clone();
    IProvingSidecar::Header {
        start,
        ends,
        rowsLog2: rows_log2,
        subtrees,
        dataVersion: data_version,
        dataCommitment: data_commitment,
        dataUri: data_uri,
    }
}

impl Stage {
    /// Contracts with a verifier that takes any proof, a funded prover with 100 tokens in the escrow, a registered sequencer, and a block
    /// of one transfer.
    pub async fn new() -> Self {
        Self::with(Vec::new()).await
    }

    /// The same with the real verifier.
    pub async fn honest() -> Self {
        let key = tokio::task::spawn_blocking(verifying_key).await.expect("no panic");
        Self::with(vec![key]).await
    }

    async fn with(keys: Vec<VerifyingKey>) -> Self {
        let anvil = Anvil::start();
        anvil.rpc("anvil_setCode", json!([GULLIBLE, GULLIBLE_CODE])).await;
        let l1 = l1_config(&anvil.url);
        let block = generate::block(1, 7).expect("a block");
        let executed = executor::execute(&block).expect("a good block");
        let file = block.encode();
        let (start, end) = (words(executed.start), words(executed.end));
        let (sequencer, prover) = (Key::local(local_key(SEQUENCER_SEED)), Key::local(local_key(PROVER_SEED)));
        let is_honest = !keys.is_empty();
        let plan = DeployPlan {
            keys,
            genesis: [start[0], start[1]],
            min_deposit: tokens(10),
            deposit_funds: vec![(prover.address(), tokens(500))],
            ..DeployPlan::default()
        };
        let rpc = Rpc::connect(&l1).expect("a configuration");
        let alice = Key::local(ALICE_KEY.parse::<PrivateKeySigner>().expect("a key"));
        let mut deployment = deploy(&rpc, &alice, &plan).await.expect("a deployment");
        if !is_honest {
            let class = IVersionRegistry::Class { rowsLog2: ROWS_LOG2, subtreesPerGroup: 1, verifier: GULLIBLE };
            let add = Bytes::from(IVersionRegistry::addClassCall { version: 1, class }.abi_encode());
            anvil.rpc("eth_sendTransaction", json!([{"from": ALICE, "to": deployment.registry, "data": add}])).await;
            deployment.classes = vec![Class { rows_log2: ROWS_LOG2, subtrees_per_group: 1, verifier: GULLIBLE }];
        }
        for party in [&sequencer, &prover] {
            anvil.rpc("anvil_setBalance", json!([party.address(), tokens(1_000)])).await;
        }
        anvil.rpc("evm_setAutomine", json!([false])).await;

        let dir = tempfile::tempdir().expect("a folder");
        let identity =
            Identity { chain_id: deployment.chain_id, sidecar: deployment.sidecar, escrow: deployment.escrow };
        let journal = |name: &str| {
            let ledger = SqliteLedger::open(&dir.path().join(name), identity).expect("a ledger");
            Arc::new(LedgerJournal(Arc::new(ledger)))
        };
        let manager = Manager::open(rpc.clone(), sequencer.transactions(), journal("sequencer.sqlite"), &l1);
        let manager = manager.await.expect("a manager");
        let header = Header {
            start,
            ends: vec![end],
            rows_log2: ROWS_LOG2,
            subtrees: 1,
            data_version: 0,
            data_commitment: B256::from_slice(&Sha256::digest(&file)),
            data_uri: String::new(),
        };
        let salt = B256::repeat_byte(0x5a);
        let at = (deployment.chain_id, deployment.sidecar);
        let commitment = block_commitment(at.0, at.1, 1, sequencer.address(), &bound(&header), salt);
        let client = SidecarClient::new(rpc.clone(), deployment.clone());
        let made = Made { file, header, salt, commitment };
        let vrf = SecretKey::from_seed(b"sequencer");
        let mut stage = Self { anvil, dir, client, deployment, l1, sequencer, prover, vrf, made, manager, intents: 0 };

        let d = stage.deployment.clone();
        let own = Manager::open(rpc, stage.prover.transactions(), stage.journal("prover.sqlite"), &stage.l1);
        let own = own.await.expect("a manager");
        stage.send(&own, "approve", d.deposit_token, calls::approve(d.escrow, tokens(100)), U256::ZERO).await;
        stage.send(&own, "deposit", d.escrow, calls::escrow_deposit(d.deposit_token, tokens(100)), U256::ZERO).await;
        let possession = stage.vrf.possession(d.chain_id, d.sequencers, stage.sequencer.address());
        stage.does(d.sequencers, calls::register(stage.vrf.public_key(), possession), U256::ZERO).await;
        stage.mine(2).await;
        stage
    }

    fn journal(&self, name: &str) -> Arc<LedgerJournal> {
        Arc::new(LedgerJournal(Arc::new(self.open(name))))
    }

    fn open(&self, name: &str) -> SqliteLedger {
        let d = &self.deployment;
        let identity = Identity { chain_id: d.chain_id, sidecar: d.sidecar, escrow: d.escrow };
        SqliteLedger::open(&self.dir.path().join(name), identity).expect("a ledger")
    }

    /// The coordinator's ledger, while no coordinator runs.
    pub fn ledger(&self) -> SqliteLedger {
        self.open("coordinator.sqlite")
    }

    async fn send(&self, manager: &Manager, name: &str, to: Address, data: Bytes, value: U256) {
        let id = IntentId::new(name).expect("an id");
        manager.submit(Intent { value, ..Intent::new(id.clone(), to, data) }).await.expect("accepted");
        manager.tick().await.expect("a tick");
        self.mine(1).await;
        manager.tick().await.expect("a tick");
        let state = manager.record(&id).await.expect("a record").state;
        assert!(matches!(state, State::Included { reverted: None, .. }), "{name}: {state:?}");
    }

    /// The sequencer sends, and a block is mined.
    pub async fn does(&mut self, to: Address, data: Bytes, value: U256) {
        self.intents += 1;
        self.send(&self.manager, &format!("sequencer/{}", self.intents), to, data, value).await;
    }

    pub async fn mine(&self, blocks: u64) {
        for _ in 0..blocks {
            self.anvil.rpc("evm_mine", json!([])).await;
        }
    }

    pub async fn mine_to(&self, block: u64) {
        self.mine(block.saturating_sub(self.head().await)).await;
    }

    pub async fn head(&self) -> u64 {
        self.client.rpc().head().await.expect("a head").number
    }

    /// Takes the newest blocks back; their transactions are gone.
    pub async fn reorg(&self, depth: u64) {
        self.anvil.rpc("anvil_reorg", json!([depth, []])).await;
    }

    pub fn sequencer(&self) -> Address {
        self.sequencer.address()
    }

    pub fn prover(&self) -> Address {
        self.prover.address()
    }

    /// A request for the stage's block, in time for the head of now.
    pub async fn request(&self) -> QuoteRequest {
        let head = self.head().await;
        let d = &self.deployment;
        QuoteRequest {
            chain_id: d.chain_id,
            sidecar: d.sidecar,
            escrow: d.escrow,
            sequencer: self.sequencer.address(),
            height: 1,
            block_commitment: self.made.commitment,
            group: 0,
            groups: 1,
            transfers: 1,
            subtrees: 1,
            rows_log2: ROWS_LOG2,
            tip_token: Address::ZERO,
            price_max: tokens(1),
            deposit_token: d.deposit_token,
            deposit: tokens(60),
            commit_by: head + 10,
            prove_by: head + 50,
        }
    }

    pub fn submission(&self, quote: SignedQuote) -> BlockSubmission {
        let Made { file, header, salt, .. } = &self.made;
        BlockSubmission { quote, header: header.clone(), salt: *salt, block: file.clone().into() }
    }

    /// The URL of the node.
    pub fn url(&self) -> &str {
        &self.anvil.url
    }

    /// The coordinator's ledger.
    pub fn ledger_path(&self) -> PathBuf {
        self.dir.path().join("coordinator.sqlite")
    }

    /// Somebody else submits a proof of the stage's block: the sequencer.
    pub async fn rival_submits(&mut self) {
        let data = calls::submit_proof(1, bound(&self.made.header), 0, Address::ZERO, readable_proof().into(), &[]);
        let sidecar = self.deployment.sidecar;
        self.does(sidecar, data, U256::ZERO).await;
    }

    /// The sequencer proposes, reveals and publishes the quote.
    pub async fn commit(&mut self, signed: &SignedQuote) {
        let d = self.deployment.clone();
        let next = self.client.next().await.expect("an answer");
        let output = self.vrf.vrf(&vrf_message(d.chain_id, d.sidecar, 1, next.randomness));
        let tip = signed.quote.price;
        let propose = calls::propose(1, self.made.commitment, Address::ZERO, tip, 5_000, output);
        self.does(d.sidecar, propose, tip).await;
        let schedule = self.client.schedule(1).await.expect("an answer");
        self.mine_to(schedule[1] - 1).await;
        self.does(d.sidecar, calls::reveal(1, bound(&self.made.header), self.made.salt), U256::ZERO).await;
        self.mine_to(schedule[2] - 1).await;
        self.publish(signed).await;
    }

    /// The sequencer publishes the quote.
    pub async fn publish(&mut self, signed: &SignedQuote) {
        let bound = bound_quote(&signed.quote);
        let data = calls::commit_quote(1, 0, 0, bound, signed.signature.clone());
        let commitments = self.deployment.commitments;
        self.does(commitments, data, U256::ZERO).await;
    }
}

/// A proof that can be read; the stage's verifier takes it.
pub fn readable_proof() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/test/fixtures/one_subtree.json");
    let fixture: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("a fixture")).expect("JSON");
    let proof: Bytes = fixture["proof"].as_str().expect("a proof").parse().expect("hexadecimal");
    proof.to_vec()
}

/// Makes the ledger hold a proof of the stage's block.
pub fn prove(ledger: &dyn Ledger, commitment: B256) {
    ledger.store_proof(commitment, &readable_proof()).expect("stored");
}
