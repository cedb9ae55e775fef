//! A chain with the contracts, a sequencer, and a coordinator that can be stopped and started on its ledger.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes, U256, address};
use alloy_signer_local::PrivateKeySigner;
use proofyard_bus::{BusOptions, Start, WorkerBus, in_process::InProcessBus};
use proofyard_coordinator::{
    Coordinator, Handle, SetupSource, Setups,
    client::{BlockStatus, BlockSubmission, Header, QuoteRequest, Rung, SignedQuote},
    core::Policy,
    endpoint::{Desk, FarmDesk, Statement},
    ledger::{Identity, Ledger, SqliteLedger},
    market::MarketConfig,
    proof_system::codec::scalar_bytes,
    rollup::{baton::Baton, executor, generate},
    settle::{LedgerJournal, Settings, Settlement, SettlementConfig},
};
use proofyard_job_schema::{Heartbeat, SystemFigures, WorkerId, WorkerMessage};
use proofyard_settlement::{
    config::{EndpointConfig, L1Config},
    contracts::{
        bindings::{IProverEscrow, IProvingSidecar, IVersionRegistry, block_commitment, vrf_message},
        bls::SecretKey,
    },
    rpc::Rpc,
    sidecar_client::{Class, DeployPlan, Deployment, SidecarClient, calls, deploy},
    signer::{Key, SignerConfig},
    transactions::{Intent, IntentId, Manager, State},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Takes any proof.
const GULLIBLE: Address = Address::repeat_byte(0x67);
const GULLIBLE_CODE: &str = "0x6110005f5260205ff3";
const ALICE: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
const ALICE_KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const UNIT: u128 = 1_000_000_000_000_000_000;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn tokens(amount: u64) -> U256 {
    U256::from(amount) * U256::from(UNIT)
}

/// A real anvil on a free port of the loopback; ended when dropped.
struct Anvil {
    process: Child,
    url: String,
    http: reqwest::Client,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Anvil {
    fn start() -> Self {
        let program = std::env::var_os("PROOFYARD_ANVIL")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin/anvil"), PathBuf::from);
        let mut process = Command::new(&program)
            .args(["--host", "127.0.0.1", "--port", "0", "--hardfork", "osaka"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask setup`", program.display()));
        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert_ne!(output.read_line(&mut line).expect("text"), 0, "anvil ended before it listened");
            if let Some((_, address)) = line.split_once("Listening on ") {
                break address.trim().to_owned();
            }
        };
        // It must never wait for a reader.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Self { process, url: format!("http://{address}"), http: reqwest::Client::new() }
    }

    async fn rpc(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self.http.post(&self.url).json(&body).send().await.expect("anvil answers");
        let answer: Value = answer.json().await.expect("JSON");
        assert!(answer.get("error").is_none(), "{method} {params}: {answer}");
        answer["result"].clone()
    }
}

/// The block of the stage as its sequencer has it.
pub struct Made {
    pub file: Vec<u8>,
    pub header: Header,
    pub salt: B256,
    pub commitment: B256,
}

pub struct Stage {
    anvil: Anvil,
    dir: TempDir,
    pub client: SidecarClient,
    pub deployment: Deployment,
    l1: L1Config,
    sequencer: Key,
    prover: Key,
    vrf: SecretKey,
    pub made: Made,
    manager: Manager,
    intents: u32,
}

fn key(seed: u8) -> Key {
    Key::local(PrivateKeySigner::from_slice(&[seed; 32]).expect("a key"))
}

fn words(baton: Baton) -> [U256; 3] {
    baton.to_array().map(|scalar| U256::from_be_bytes(scalar_bytes(&scalar)))
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
    /// Contracts, a funded prover with 100 tokens in the escrow, a registered sequencer, and a block of one transfer.
    pub async fn new() -> Self {
        let anvil = Anvil::start();
        anvil.rpc("anvil_setCode", json!([GULLIBLE, GULLIBLE_CODE])).await;
        let mut l1 = L1Config {
            endpoints: vec![EndpointConfig::url(anvil.url.as_str())],
            poll_interval_ms: 50,
            request_timeout_ms: 10_000,
            set_aside_ms: 60_000,
            finality_depth: 6,
            ..L1Config::default()
        };
        l1.watcher.window_blocks = 64;
        let block = generate::block(1, 7).expect("a block");
        let executed = executor::execute(&block).expect("a good block");
        let file = block.encode();
        let (start, end) = (words(executed.start), words(executed.end));
        let (sequencer, prover) = (key(1), key(2));
        let plan = DeployPlan {
            genesis: [start[0], start[1]],
            min_deposit: tokens(10),
            deposit_funds: vec![(prover.address(), tokens(500))],
            ..DeployPlan::default()
        };
        let rpc = Rpc::connect(&l1).expect("a configuration");
        let alice = Key::local(ALICE_KEY.parse::<PrivateKeySigner>().expect("a key"));
        let mut deployment = deploy(&rpc, &alice, &plan).await.expect("a deployment");
        let class = IVersionRegistry::Class { rowsLog2: 12, subtreesPerGroup: 1, verifier: GULLIBLE };
        let add = calldata(&IVersionRegistry::addClassCall { version: 1, class });
        anvil.rpc("eth_sendTransaction", json!([{"from": ALICE, "to": deployment.registry, "data": add}])).await;
        deployment.classes = vec![Class { rows_log2: 12, subtrees_per_group: 1, verifier: GULLIBLE }];
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
            rows_log2: 12,
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
            rows_log2: 12,
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
        let quote = &signed.quote;
        let bound = IProverEscrow::Quote {
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
        };
        let data = calls::commit_quote(1, 0, 0, bound, signed.signature.clone());
        let commitments = self.deployment.commitments;
        self.does(commitments, data, U256::ZERO).await;
    }

    /// A coordinator on the stage's ledger, with a bus of its own, empty.
    pub async fn coordinator(&self) -> Running {
        let setups = tokio::task::spawn_blocking(|| {
            let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("setup");
            let setups = Setups::new(SetupSource::Insecure { dir }, 12).expect("a circuit");
            setups.get(1, &|_, _, _| ()).expect("a setup");
            Arc::new(setups)
        });
        let setups = setups.await.expect("no panic");
        let bus = InProcessBus::new(BusOptions::default());
        let (end, blobs) = (Arc::new(bus.coordinator(Start::Fresh)), Arc::new(bus.blobs()));
        let settings = proofyard_coordinator::Settings { policy: Policy::default(), setups };
        let handle = Coordinator::start(end, blobs, settings);
        let worker = tokio::spawn(idle_worker(bus));
        let statement = Statement {
            chain_id: self.deployment.chain_id,
            contract: [0; 20],
            beneficiary: [0; 20],
            key_digest: [0; 32],
            insecure_setup: true,
            blocks_max: 16,
        };
        let settlement = SettlementConfig {
            ledger: self.dir.path().join("coordinator.sqlite"),
            block_ms: 1_000,
            ..SettlementConfig::default()
        };
        let market = MarketConfig { prior_subtree_ms: 1_000, ..MarketConfig::default() };
        let settings = Settings { l1: self.l1.clone(), signer: SignerConfig::default(), settlement, market };
        let farm = FarmDesk::new(handle.clone(), statement);
        let settlement = Settlement::start_with(settings, self.deployment.clone(), self.prover.clone(), farm)
            .await
            .expect("a coordinator on L1");
        let running = Running { handle, settlement, worker };
        running.until("ready", async || running.settlement.desk().ready().await.ready).await;
        running
    }
}

fn calldata(call: &IVersionRegistry::addClassCall) -> Bytes {
    use proofyard_settlement::alloy::sol_types::SolCall;
    call.abi_encode().into()
}

/// Says that it lives, takes jobs and never answers.
async fn idle_worker(bus: InProcessBus) {
    let id = WorkerId::new("idle").expect("a name");
    let end = bus.worker(id.clone());
    for sequence in 0.. {
        let heartbeat = Heartbeat {
            worker: id.clone(),
            instance: 1,
            sequence,
            sessions: Vec::new(),
            sessions_max: 4,
            capacity: 2,
            running: Vec::new(),
            draining: false,
            device: "none".to_owned(),
            system: SystemFigures::default(),
        };
        end.send(&WorkerMessage::Heartbeat(Box::new(heartbeat))).await.expect("sent");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A running coordinator.
pub struct Running {
    pub handle: Handle,
    settlement: Settlement,
    worker: tokio::task::JoinHandle<()>,
}

impl Running {
    pub fn desk(&self) -> impl Desk + use<> {
        self.settlement.desk()
    }

    /// Asks for a quote without hurry.
    pub async fn quote(&self, request: QuoteRequest) -> Result<SignedQuote, &'static str> {
        let caller = request.sequencer;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        self.desk().quote(request, caller, deadline).await.map_err(|declined| declined.code)
    }

    /// The block's status as followers see it.
    pub async fn status(&self, id: B256) -> Option<BlockStatus> {
        self.desk().follow(id).await.and_then(|follower| follower.present())
    }

    pub async fn rung(&self, id: B256) -> Option<Rung> {
        self.status(id).await.map(|status| status.ladder.rung)
    }

    /// Waits until the coordinator has seen a block of L1.
    pub async fn sees(&self, block: u64) {
        self.until("the head", async || self.desk().status().await.l1_block >= Some(block)).await;
    }

    /// Waits for something.
    pub async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let since = Instant::now();
        while !holds().await {
            assert!(since.elapsed() < PATIENCE, "{what} did not come");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it at once, as a crash would; its bus is gone with it.
    pub async fn crash(self) {
        self.worker.abort();
        self.handle.abort();
        drop(self.settlement);
        // The tasks let go of the ledger.
        tokio::time::sleep(Duration::from_millis(500)).await;
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
