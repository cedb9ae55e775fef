//! SIGKILL of a coordinator that is on its way with a block, at each write that counts and around the sending of the transaction. The next
//! process has the ledger alone: its bus is empty. Whatever was given out stands, and the proof, a real one, lands on L1 once.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Read as _, Write as _},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, U256};
use proofyard_coordinator::{
    client::{Client, ClientError, QuoteAnswer, Rung, Timeouts},
    endpoint::{Connections, Limits, router, serve},
    ledger::{Ledger, QuoteState, sqlite::Observer},
};
use proofyard_settlement::{
    sidecar_client::{Deployment, calls},
    signer::Key,
};

use crate::{
    running::{Plan, open_ledger},
    stage::{PATIENCE, PROVER_SEED, SEQUENCER_SEED, Stage, l1_config, local_key, tokens},
};

const FOLDER: &str = "PROOFYARD_TEST_FOLDER";
const URL: &str = "PROOFYARD_TEST_URL";
const STOP_AT: &str = "PROOFYARD_TEST_STOP_AT";
/// Stops nowhere by itself: the parent kills it when its transaction waits for a block.
const SENT: &str = "sent";

/// Says something to the parent.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n@ {line}").and_then(|()| out.flush()).expect("the parent listens");
}

/// Stops for ever at a moment named as `accept_block Durable 0`: operation, moment, how many such there were before.
fn stop_at(stop: String) -> Observer {
    let counts: Mutex<BTreeMap<String, u32>> = Mutex::default();
    Box::new(move |write| {
        let moment = format!("{} {:?}", write.operation, write.moment);
        let count = {
            let mut counts = counts.lock().expect("no panic");
            let count = counts.entry(moment.clone()).or_insert(0);
            *count += 1;
            *count - 1
        };
        if format!("{moment} {count}") == stop {
            say(&format!("STOPPED {stop}"));
            loop {
                thread::park();
            }
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that the other tests start and kill"]
async fn child() {
    // It ends with its parent.
    thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(1);
    });
    let of = |name: &str| env::var(name).expect("started by the parent");
    let folder = PathBuf::from(of(FOLDER));
    let deployment = Deployment::read(&folder.join("deployment.toml")).expect("a deployment");
    let ledger = open_ledger(&folder.join("coordinator.sqlite"), &deployment, Some(stop_at(of(STOP_AT))));
    let mut plan = Plan::new(l1_config(&of(URL)), deployment, Key::local(local_key(PROVER_SEED)), ledger);
    plan.proves = true;
    let running = plan.start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    say(&format!("LISTENING {}", listener.local_addr().expect("an address")));
    serve(listener, router(Arc::new(running.desk()), Limits::default()), Connections::default()).await;
}

/// A coordinator in a process of its own.
struct Process {
    child: Arc<Mutex<Child>>,
    client: Client,
    is_over: Arc<AtomicBool>,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Process {
    fn start(stage: &Stage, stop: &str) -> Self {
        let deployment = stage.deployment.to_toml().expect("TOML");
        std::fs::write(stage.dir.path().join("deployment.toml"), deployment).expect("written");
        let mut child = Command::new(env::current_exe().expect("this test"))
            .args(["--exact", "killed::child", "--ignored", "--nocapture"])
            .env(FOLDER, stage.dir.path())
            .env(URL, stage.url())
            .env(STOP_AT, stop)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (child, is_over) = (Arc::new(Mutex::new(child)), Arc::new(AtomicBool::new(false)));
        let (addresses, address) = mpsc::channel::<SocketAddr>();
        let (killed, ended) = (child.clone(), is_over.clone());
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                match line.strip_prefix("@ ").and_then(|line| line.split_once(' ')) {
                    Some(("LISTENING", at)) => addresses.send(at.parse().expect("an address")).expect("awaited"),
                    // SIGKILL: nothing of the process runs any more.
                    Some(("STOPPED", _)) => killed.lock().expect("no panic").kill().expect("killed"),
                    _ => {}
                }
            }
            killed.lock().expect("no panic").wait().expect("ended");
            ended.store(true, Ordering::SeqCst);
        });
        let address = address.recv_timeout(PATIENCE).expect("it starts");
        let timeouts = Timeouts { request: PATIENCE, ..Timeouts::default() };
        let client = Client::new(&format!("http://{address}"), timeouts).expect("an address");
        let client = client.signed_by(Arc::new(local_key(SEQUENCER_SEED)));
        Self { child, client, is_over }
    }

    /// SIGKILL, and waits for the end.
    fn kill(&self) {
        // One that has ended is as good.
        let _ = self.child.lock().expect("no panic").kill();
        while !self.is_over() {
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

/// Coordinators one after the other on one ledger; the first is killed somewhere.
struct Farm {
    process: Process,
    starts: u32,
    /// L1 had a transaction of the one that was killed waiting.
    had_sent: bool,
}

impl Farm {
    /// The next one, if the last was killed.
    async fn revive(&mut self, stage: &Stage) {
        if self.process.is_over() {
            self.had_sent = stage.pending_of(stage.prover()).await.is_some();
            self.process = Process::start(stage, "nowhere");
            self.starts += 1;
        }
    }

    /// Asks whichever coordinator lives until one answers.
    async fn ask<T>(&mut self, stage: &Stage, call: impl AsyncFn(Client) -> Result<T, ClientError>) -> T {
        let since = Instant::now();
        loop {
            self.revive(stage).await;
            match call(self.process.client.clone()).await {
                Ok(answer) => return answer,
                Err(error) => assert!(since.elapsed() < PATIENCE, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn lives_through(stop: &str) {
    let mut stage = Stage::honest().await;
    let (prover, commitment) = (stage.prover(), stage.made.commitment);
    let sent_before = stage.included_of(prover).await.len();
    let mut farm = Farm { process: Process::start(&stage, stop), starts: 1, had_sent: false };

    let request = stage.request().await;
    let asked = request.clone();
    let quote = async |farm: &mut Farm, stage: &Stage| {
        let answer = farm.ask(stage, async |client| client.quote(&asked, Duration::from_secs(60)).await).await;
        match answer {
            QuoteAnswer::Quoted(quote) => *quote,
            QuoteAnswer::Declined { code, reason } => panic!("{code} {reason}"),
        }
    };
    let quoted = quote(&mut farm, &stage).await;
    assert_eq!(quoted.quote.deposit, tokens(60));
    let submission = stage.submission(quoted.clone());
    let receipt = farm.ask(&stage, async |client| client.hand_over(&submission).await).await;
    stage.commit(&quoted).await;
    let schedule = stage.client.schedule(1).await.expect("an answer");
    stage.mine_to(schedule[3]).await;

    let since = Instant::now();
    while !stage.client.is_proven(1, 0).await.expect("an answer") {
        assert!(since.elapsed() < 2 * PATIENCE && stage.head().await < schedule[5], "not proven in time");
        let status = farm.ask(&stage, async |client| client.status_of(commitment).await).await;
        let waits = stage.pending_of(prover).await.is_some();
        if waits && stop == SENT && farm.starts == 1 {
            farm.process.kill();
            farm.revive(&stage).await;
        } else if waits || status.ladder.rung < Rung::Proving {
            stage.mine(1).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let sidecar = stage.deployment.sidecar;
    stage.does(sidecar, calls::settle(1), U256::ZERO).await;
    // Some moments come only now.
    loop {
        assert!(since.elapsed() < 3 * PATIENCE, "not final in time, or not killed");
        stage.mine(1).await;
        let status = farm.ask(&stage, async |client| client.status_of(commitment).await).await;
        if status.ladder.rung == Rung::Finalized && farm.starts == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // What was given out stands.
    let again = farm.ask(&stage, async |client| client.hand_over(&submission).await).await;
    assert_eq!(receipt, again, "one receipt");
    assert_eq!(farm.starts, 2, "it was killed at {stop}, once");
    assert_eq!(farm.had_sent, [SENT].contains(&stop), "killed before or after the sending");
    farm.process.kill();
    drop(farm);

    assert_eq!(stage.proofs_on_l1().await, 1);
    let sent = stage.included_of(prover).await;
    assert_eq!(sent.len(), sent_before + 1, "one transaction: the proof, once");
    let ledger = stage.ledger();
    let record = ledger.quote(quoted.quote.nonce).expect("read").expect("written");
    assert_eq!((record.state, &record.terms), (QuoteState::Settled, &quoted.quote));
    assert_eq!(record.signature.as_deref(), Some(quoted.signature.as_ref()));
    let work = ledger.open_work().expect("read");
    assert!(work.quotes.is_empty() && work.unproven.is_empty() && work.unsettled.is_empty(), "{work:?}");
    assert!(ledger.deposits_at_risk().expect("read").is_empty());
    let (token, escrow) = (stage.deployment.deposit_token, tokens(100));
    let free = stage.client.escrow_available(token, prover).await.expect("an answer");
    let back = stage.client.withdrawable(token, prover).await.expect("an answer");
    assert_eq!(free + back, escrow, "the deposit was drawn once and is back");
    let paid = stage.client.withdrawable(Address::ZERO, prover).await.expect("an answer");
    assert_eq!(paid, quoted.quote.price, "paid once");
    assert!(paid > U256::ZERO);
}

/// One test for each moment, so that they run side by side.
macro_rules! moments {
    ($($name:ident: $moment:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            lives_through($moment).await;
        }
    )*};
}

moments! {
    quote_reserved: "reserve_quote Durable 0";
    quote_signed_and_not_written: "sign_quote Begun 0";
    quote_signed_and_not_given_out: "sign_quote Durable 0";
    block_being_accepted: "accept_block Written 0";
    block_accepted_without_receipt: "accept_block Durable 0";
    receipt_signed_and_not_given_out: "sign_receipt Durable 0";
    commitment_seen: "move_quote Durable 0";
    proof_made_and_not_written: "store_proof Begun 0";
    proof_written: "store_proof Durable 0";
    submission_journalled: "store_transaction Durable 0";
    submission_signed_and_not_written: "store_transaction Begun 1";
    submission_signed_and_not_sent: "store_transaction Durable 1";
    submission_sent: SENT;
    submission_included_and_not_written: "store_transaction Begun 2";
    settlement_seen_and_not_written: "move_quote Begun 1";
}
