//! Blocks, setups, farms and processes for the farm tests: T = 2^12, M = 4, four transfers.
#![allow(dead_code, reason = "every test file uses a part of it")]

#[path = "../../../bus/tests/common/mod.rs"]
pub mod nats;

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use proofyard_coordinator::{
    SetupSource,
    core::{Policy, Progress},
    rollup::generate,
};
use proofyard_embedded_farm::{Bus, EmbeddedFarm, FarmConfig, Proved, Request, WorkerProcesses, WorkerProgram};
use proofyard_worker::{
    config::{BusConfig, Config, SetupConfig},
    core::Limits,
};

pub const ROWS_LOG2: u32 = 12;
pub const SUBTREES: u32 = 4;
const TRANSFERS: usize = 4;

/// One folder for all farm tests, kept between runs: the setup takes a while to make and never changes.
pub fn setup_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("setup")
}

/// The block of all farm tests.
pub fn request() -> Request {
    let block = generate::block(TRANSFERS, 7).expect("a block");
    Request {
        block: block.encode().into(),
        subtrees: Some(SUBTREES),
        groups: None,
        chain_id: 31_337,
        contract: [0x11; 20],
        beneficiary: [0; 20],
    }
}

/// A farm in this process.
pub fn in_process(workers: usize) -> EmbeddedFarm {
    let config = FarmConfig::insecure_in_process(setup_dir(), ROWS_LOG2, workers);
    let farm = EmbeddedFarm::start(config).expect("the farm starts");
    farm.open_setup(SUBTREES as usize, &|_, _, _| ()).expect("the setup opens");
    farm
}

/// The root proof that every farm must give, byte for byte: one worker in this process, nothing going wrong.
pub fn reference() -> Vec<u8> {
    static REFERENCE: Mutex<Option<Vec<u8>>> = Mutex::new(None);
    let mut reference = REFERENCE.lock().unwrap_or_else(PoisonError::into_inner);
    reference.get_or_insert_with(|| prove(&in_process(1)).proven.proof.to_vec()).clone()
}

pub fn prove(farm: &EmbeddedFarm) -> Proved {
    farm.prove(request(), |_: &Progress| ()).expect("proven")
}

/// A coordinator in this process over a real NATS server.
pub fn over_nats(server: &nats::NatsServer) -> EmbeddedFarm {
    let farm = EmbeddedFarm::start(FarmConfig {
        bus: Bus::Nats { url: server.url(), farm: "test".to_owned() },
        threads: 0,
        rows_log2: ROWS_LOG2,
        setup: SetupSource::Insecure { dir: setup_dir() },
        policy: Policy::default(),
        limits: Limits::default(),
    })
    .expect("the farm starts");
    farm.open_setup(SUBTREES as usize, &|_, _, _| ()).expect("the setup opens");
    farm
}

/// Worker processes; `more` are the further arguments of each.
pub fn processes(server: &nats::NatsServer, more: &[&[&str]]) -> WorkerProcesses {
    static FOLDERS: AtomicU32 = AtomicU32::new(0);
    let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("workers-{}-{number}", std::process::id()));
    let program = WorkerProgram { path: worker_program(), arguments: Vec::new() };
    let mut processes = WorkerProcesses::new(program, folder).expect("a folder");
    for (index, more) in more.iter().enumerate() {
        let mut config = Config {
            id: format!("process-{index}"),
            threads: 1,
            bus: BusConfig { url: server.url(), farm: "test".to_owned(), ..BusConfig::default() },
            setup: SetupConfig { dir: setup_dir(), label: String::new() },
            ..Config::default()
        };
        config.log.filter = "warn".to_owned();
        processes.start(&config, more).expect("a process");
    }
    processes
}

/// A farm over NATS with worker processes that are all there.
pub fn with_processes(server: &nats::NatsServer, more: &[&[&str]]) -> (EmbeddedFarm, WorkerProcesses) {
    let farm = over_nats(server);
    let processes = processes(server, more);
    farm.wait_for_workers(more.len(), Duration::from_secs(30)).expect("the workers come");
    (farm, processes)
}

/// The worker of the farm tests, built beside them: `target/release/examples/farm_worker`.
fn worker_program() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let profile = test.parent().and_then(Path::parent).expect("target/<profile>/deps");
    let program = profile.join("examples/farm_worker");
    assert!(program.is_file(), "{} is not built", program.display());
    program
}
