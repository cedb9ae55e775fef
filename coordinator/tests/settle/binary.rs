//! The program itself, with a NATS server and L1: killed and its bus wiped it goes on from the ledger; a second one on the ledger is refused
//! before it touches the bus; SIGTERM ends it in order.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use proofyard_bus::{
    BusOptions, FarmName,
    nats::{NatsAccess, NatsFarm, Role},
};
use proofyard_coordinator::{
    client::{Client, QuoteAnswer, Rung, Timeouts},
    ledger::{Ledger, QuoteState},
};
use proofyard_job_schema::WorkerId;
use proofyard_settlement::signer::Key;
use tokio::task::JoinHandle;

use crate::{
    nats::Nats,
    stage::{PATIENCE, PROVER_SEED, SEQUENCER_SEED, Stage, local_key, setups},
    worker,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_proofyard-coordinator");

/// The folder of a coordinator: configuration, key, addresses, ledger.
struct Place {
    config: PathBuf,
}

impl Place {
    fn new(stage: &Stage, nats: &Nats, name: &str) -> Self {
        let at = |file: &str| stage.dir.path().join(file);
        fs::write(at("deployment.toml"), stage.deployment.to_toml().expect("TOML")).expect("written");
        let key = local_key(PROVER_SEED).to_bytes();
        fs::write(at("prover.key"), format!("{key}\n")).expect("written");
        let setup = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("setup");
        let config = format!(
            r#"
listen = "127.0.0.1:0"
[bus]
url = "{nats}"
farm = "l1"
[setup]
dir = {setup:?}
rows_log2 = 12
[l1]
chain_id = {chain}
poll_interval_ms = 50
finality_depth = 6
[[l1.endpoints]]
url = "{l1}"
[l1.watcher]
window_blocks = 64
[signer]
key_file = {key:?}
[settlement]
deployment = {deployment:?}
ledger = {ledger:?}
block_ms = 1000
stale_ms = 600000
[market]
prior_subtree_ms = 1000
"#,
            nats = nats.url(),
            chain = stage.deployment.chain_id,
            l1 = stage.url(),
            key = at("prover.key"),
            deployment = at("deployment.toml"),
            ledger = stage.ledger_path(),
        );
        let path = at(name);
        fs::write(&path, config).expect("written");
        Self { config: path }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("--config").arg(&self.config).arg("--insecure-setup").stdin(Stdio::null());
        command
    }

    /// Starts it and waits until it listens.
    fn start(&self) -> Program {
        let mut child = self.command().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("started");
        let logs = BufReader::new(child.stderr.take().expect("piped"));
        let (addresses, address) = mpsc::channel();
        thread::spawn(move || {
            for line in logs.lines().map_while(Result::ok) {
                let after = line.split_once("listening address=").map(|(_, rest)| rest);
                if let Some(address) = after.and_then(|rest| rest.split(' ').next()) {
                    // Only the first is awaited.
                    let _ = addresses.send(address.to_owned());
                }
            }
        });
        let address = address.recv_timeout(PATIENCE).expect("it listens");
        let timeouts = Timeouts { request: PATIENCE, ..Timeouts::default() };
        let client = Client::new(&format!("http://{address}"), timeouts).expect("an address");
        Program { child, client: client.signed_by(Arc::new(local_key(SEQUENCER_SEED))) }
    }
}

struct Program {
    child: Child,
    client: Client,
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended is as good as killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    fn kill(&mut self) {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("ended");
    }

    /// SIGTERM; how it ended, and after how long.
    fn terminate(&mut self) -> (ExitStatus, Duration) {
        let since = Instant::now();
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill");
        assert!(told.success());
        (self.child.wait().expect("ended"), since.elapsed())
    }

    async fn until(&self, what: &str, mut holds: impl AsyncFnMut(&Client) -> bool) {
        let since = Instant::now();
        while !holds(&self.client).await {
            assert!(since.elapsed() < PATIENCE, "{what} did not come");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// A worker on the bus, in this process.
async fn join(nats: &Nats, proves: bool) -> JoinHandle<()> {
    let farm = FarmName::new("l1").expect("a name");
    let id = WorkerId::new("worker").expect("a name");
    let access = NatsAccess::from(&*nats.url());
    let farm =
        NatsFarm::connect(&access, &farm, "worker", Role::Worker, BusOptions::default()).await.expect("a server");
    let (bus, blobs) = (Arc::new(farm.worker(id.clone()).await.expect("streams")), Arc::new(farm.blobs()));
    if !proves {
        return tokio::spawn(worker::live(bus, id));
    }
    let setups = tokio::task::spawn_blocking(setups).await.expect("no panic");
    tokio::spawn(worker::prove(bus, blobs, id, setups))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_with_a_wiped_bus_it_proves_what_it_accepted() {
    let mut stage = Stage::honest().await;
    let mut nats = Nats::start();
    let place = Place::new(&stage, &nats, "coordinator.toml");
    let mut first = place.start();
    let request = stage.request().await;
    let patient = Duration::from_secs(60);
    first.until("L1", async |client| client.farm().await.is_ok_and(|farm| farm.l1_block.is_some())).await;
    let declined = first.client.quote(&request, patient).await.expect("an answer");
    assert!(matches!(declined, QuoteAnswer::Declined { code, .. } if code == "PY-Q-007"), "it has no workers");
    let idle = join(&nats, false).await;
    first.until("readiness", async |client| client.ready().await.is_ok_and(|readiness| readiness.ready)).await;
    let QuoteAnswer::Quoted(quote) = first.client.quote(&request, patient).await.expect("an answer") else {
        panic!("no quote")
    };
    let commitment = stage.made.commitment;
    let receipt = first.client.hand_over(&stage.submission(*quote.clone())).await.expect("a receipt");
    stage.commit(&quote).await;
    stage.mine(1).await;
    let rung = async |client: &Client| client.status_of(commitment).await.ok().map(|status| status.ladder.rung);
    first.until("proving", async |client| rung(client).await == Some(Rung::Proving)).await;
    first.kill();
    idle.abort();
    nats.wipe();

    let mut second = place.start();
    let worker = join(&nats, true).await;
    let again = second.client.hand_over(&stage.submission(*quote.clone())).await.expect("a receipt");
    assert_eq!(receipt, again);
    let schedule = stage.client.schedule(1).await.expect("an answer");
    stage.mine_to(schedule[3]).await;
    let sent = async |_: &Client| stage.pending_of(stage.prover()).await.is_some();
    second.until("the proof on its way", sent).await;
    stage.mine(1).await;
    assert!(stage.client.is_proven(1, 0).await.expect("an answer"));
    second.until("verified", async |client| rung(client).await == Some(Rung::Verified)).await;
    let (status, took) = second.terminate();
    assert!(status.success() && took < Duration::from_secs(10), "{status} after {took:?}");
    worker.abort();
    assert_eq!(stage.proofs_on_l1().await, 1);
    let record = stage.ledger().quote(quote.quote.nonce).expect("read").expect("written");
    assert_eq!(record.state, QuoteState::Settled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_one_on_the_ledger_is_refused_and_the_first_goes_on() {
    let stage = Stage::new().await;
    let nats = Nats::start();
    let mut first = Place::new(&stage, &nats, "first.toml").start();
    let worker = join(&nats, false).await;
    first.until("readiness", async |client| client.ready().await.is_ok_and(|readiness| readiness.ready)).await;
    let Output { status, stderr, .. } = Place::new(&stage, &nats, "second.toml").command().output().expect("started");
    let said = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(5), "{said}");
    assert!(
        said.contains("PY-M-002") && said.contains("coordinator.sqlite") && said.contains("stop it first"),
        "{said}"
    );
    // The farm is the first one's as before.
    let request = stage.request().await;
    let answer = first.client.quote(&request, Duration::from_secs(60)).await.expect("an answer");
    assert!(matches!(answer, QuoteAnswer::Quoted(_)), "{answer:?}");

    let (status, took) = first.terminate();
    assert!(status.success() && took < Duration::from_secs(10), "{status} after {took:?}");
    worker.abort();
    // Closed in order, nothing is left to be recovered.
    assert!(!stage.dir.path().join("coordinator.sqlite-wal").exists());
    assert_eq!(stage.ledger().open_work().expect("read").quotes.len(), 1);
    let key = Key::local(local_key(PROVER_SEED));
    assert_eq!(stage.prover(), key.address());
}
