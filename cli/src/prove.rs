//! `proofyard demo` and `proofyard prove`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use proofyard_embedded_farm::{
    Bus as FarmBus, EmbeddedFarm, FarmConfig, FarmError, Proved, Request, WorkerProcesses, WorkerProgram,
};
use proofyard_rollup::{circuit, generate, subtree_inputs::subtrees_needed};
use proofyard_worker::{config::Config as WorkerConfig, figures::peak_rss_bytes};
use serde_json::{Map, Value, json};

use crate::{
    args::{Address, Bus, Chain, Demo, Prove, SetupFolder},
    block::read_block,
    chain,
    failure::Failure,
    screen::{Screen, report},
};

/// Transfers of the demo.
const DEMO_TRANSFERS: usize = 64;
/// Subtrees of the demo.
const DEMO_SUBTREES: u32 = 4;
/// The largest size class that `prove` chooses by itself.
const DEFAULT_ROWS_LOG2: u32 = 16;
/// The smallest size class.
const ROWS_LOG2_MIN: u32 = 12;
/// The largest size class.
const ROWS_LOG2_MAX: u32 = 20;
/// How long worker processes may take to come up.
pub const WORKERS_PATIENCE: Duration = Duration::from_secs(60);

/// How a block is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// M, a power of two.
    pub subtrees: u32,
    /// Base-2 logarithm of T.
    pub rows_log2: u32,
}

impl Cut {
    /// What is not named is chosen: the fewest subtrees of at most 2^16 rows, then the fewest rows that hold the transfers.
    pub fn choose(transfers: usize, subtrees: Option<u32>, rows_log2: Option<u32>) -> Result<Self, Failure> {
        let usage = |text: String| Failure::Usage(text);
        let subtrees = match subtrees {
            Some(subtrees) if subtrees.is_power_of_two() && subtrees <= 256 => subtrees,
            Some(subtrees) => {
                return Err(usage(format!("--subtrees {subtrees}: it must be a power of two, 1 to 256")));
            }
            None => {
                let capacity = circuit::capacity(rows_log2.unwrap_or(DEFAULT_ROWS_LOG2));
                let needed = subtrees_needed(transfers, capacity)
                    .ok_or_else(|| usage(format!("{transfers} transfers do not fit 256 subtrees; use --rows-log2")))?;
                u32::try_from(needed).map_err(|error| usage(error.to_string()))?
            }
        };
        let each = transfers.div_ceil(subtrees as usize);
        let rows_log2 = match rows_log2 {
            Some(rows_log2) if circuit::capacity(rows_log2) < each => {
                return Err(usage(format!(
                    "{transfers} transfers in {subtrees} subtrees are {each} each, but 2^{rows_log2} rows hold {}; \
                     use more subtrees or rows",
                    circuit::capacity(rows_log2)
                )));
            }
            Some(rows_log2) => rows_log2,
            None => (ROWS_LOG2_MIN..=ROWS_LOG2_MAX)
                .find(|rows_log2| circuit::capacity(*rows_log2) >= each)
                .ok_or_else(|| usage(format!("{each} transfers a subtree are too many; use more --subtrees")))?,
        };
        Ok(Self { subtrees, rows_log2 })
    }
}

/// A block to prove and how.
struct Task<'a> {
    block: Vec<u8>,
    transfers: usize,
    cut: Cut,
    workers: u16,
    bus: &'a Bus,
    farm: &'a str,
    chain: Chain,
    folder: PathBuf,
    log: &'a str,
}

/// `proofyard demo`.
pub fn demo(arguments: &Demo, json: bool, log: &str) -> Result<(), Failure> {
    let block = generate::block(DEMO_TRANSFERS, arguments.seed).map_err(|error| Failure::Usage(error.to_string()))?;
    let chain = Chain { chain_id: chain::CHAIN_ID, contract: None, beneficiary: Address([0; 20]) };
    let task = Task {
        block: block.encode(),
        transfers: DEMO_TRANSFERS,
        cut: Cut::choose(DEMO_TRANSFERS, Some(DEMO_SUBTREES), None)?,
        workers: arguments.workers,
        bus: &Bus::InProcess,
        farm: "",
        chain,
        folder: arguments.folder.path()?,
        log,
    };
    let screen = Screen::new();
    screen.say("a block of 64 generated transfers in 4 subtrees, proven in this process");
    let (_, result) = run(task, &screen)?;
    report(json, &result);
    if !json {
        println!("the root proof is accepted by the verifier contract's bytecode");
    }
    Ok(())
}

/// `proofyard prove`.
pub fn prove(arguments: &Prove, json: bool, log: &str) -> Result<(), Failure> {
    let (bytes, block) = read_block(&arguments.file)?;
    let transfers = block.transfers.len();
    if arguments.workers == 0 && arguments.bus == Bus::InProcess {
        return Err(Failure::Usage("--workers 0 uses the workers of a NATS farm; in-process needs at least 1".into()));
    }
    let task = Task {
        block: bytes,
        transfers,
        cut: Cut::choose(transfers, arguments.subtrees, arguments.rows_log2)?,
        workers: arguments.workers,
        bus: &arguments.bus,
        farm: &arguments.farm,
        chain: arguments.chain.clone(),
        folder: arguments.folder.path()?,
        log,
    };
    let screen = Screen::new();
    let (proved, mut result) = run(task, &screen)?;
    write_atomically(&arguments.out, &proved.proven.proof)?;
    result.insert("proof".into(), json!(arguments.out.display().to_string()));
    report(json, &result);
    Ok(())
}

fn run(task: Task<'_>, screen: &Screen) -> Result<(Proved, Map<String, Value>), Failure> {
    let Cut { subtrees, rows_log2 } = task.cut;
    let mut config = FarmConfig::insecure_in_process(task.folder.clone(), rows_log2, task.workers.into());
    if let Bus::Nats(url) = task.bus {
        config.bus = FarmBus::Nats { url: url.clone(), farm: task.farm.to_owned() };
    }
    let farm = EmbeddedFarm::start(config).map_err(farm_failure)?;
    screen.say("WARNING: the developers' setup is INSECURE; anyone can forge proofs for its keys");
    farm.open_setup(subtrees as usize, &|stage, done, total| screen.step(stage, done, total)).map_err(farm_failure)?;
    let processes = match task.bus {
        Bus::InProcess => None,
        Bus::Nats(url) if task.workers > 0 => Some(start_workers(&WorkerFleet {
            url,
            farm: task.farm,
            folder: &task.folder,
            log: task.log,
            workers: task.workers,
            threads: std::thread::available_parallelism().map_or(1, usize::from).div_ceil(task.workers.into()),
        })?),
        Bus::Nats(_) => None,
    };
    farm.wait_for_workers(usize::from(task.workers.max(1)), WORKERS_PATIENCE).map_err(farm_failure)?;

    let request = Request {
        block: task.block.into(),
        subtrees: Some(subtrees),
        groups: None,
        chain_id: task.chain.chain_id,
        contract: task.chain.contract(),
        beneficiary: task.chain.beneficiary.0,
    };
    let proved = farm.prove(request, |progress| screen.progress(progress)).map_err(farm_failure)?;
    let peaks: u64 = match task.bus {
        Bus::InProcess => 0,
        Bus::Nats(_) => farm.coordinator().board().workers().iter().map(|worker| worker.peak_rss_bytes).sum(),
    };
    let key = (farm.coordinator().setups())
        .get(subtrees as usize, &|_, _, _| {})
        .map_err(|error| Failure::Environment(error.to_string()))?
        .verifying_key();
    let proven = &proved.proven;
    let gas = chain::verify(&key, &proven.statement, &proven.proof)?;
    let hex_of = |index: usize, end: bool| {
        let statement = &proven.statement;
        let value = if end { statement.end[index] } else { statement.start[index] };
        hex::encode(proofyard_proof_system::codec::scalar_bytes(&value))
    };
    let seconds = proved.status.seconds;
    let result = json!({
        "transfers": task.transfers,
        "subtrees": subtrees,
        "rows_per_subtree": 1u64 << rows_log2,
        "workers": task.workers,
        "bus": match task.bus { Bus::InProcess => "in-process", Bus::Nats(url) => url },
        "seconds": seconds,
        "transfers_per_second": task.transfers as f64 / seconds,
        "proof_bytes": proven.proof.len(),
        "proof_sha256": hex::encode(proven.sha256),
        "start_root": hex_of(0, false),
        "end_root": hex_of(0, true),
        "data_hash": hex_of(1, true),
        "fees": proven.fees,
        "verified": true,
        "verify_gas": gas,
        "peak_rss_bytes": peaks + peak_rss_bytes().unwrap_or(0),
    });
    drop(processes);
    let Value::Object(result) = result else { return Err(Failure::Proof("no result".into())) };
    Ok((proved, result))
}

/// Worker processes to start.
pub struct WorkerFleet<'a> {
    /// The NATS server.
    pub url: &'a str,
    /// The farm's name on it.
    pub farm: &'a str,
    /// Folder of SRS and keys.
    pub folder: &'a Path,
    /// Log filter.
    pub log: &'a str,
    /// How many.
    pub workers: u16,
    /// Threads of each.
    pub threads: usize,
}

/// Worker processes: this program again, as `proofyard worker`.
pub fn start_workers(fleet: &WorkerFleet<'_>) -> Result<WorkerProcesses, Failure> {
    let path = std::env::current_exe().map_err(|error| Failure::Environment(error.to_string()))?;
    let program = WorkerProgram { path, arguments: vec!["worker".to_owned()] };
    let folder = std::env::temp_dir().join(format!("proofyard-workers-{}", std::process::id()));
    let mut processes = WorkerProcesses::new(program, folder).map_err(farm_failure)?;
    for index in 0..fleet.workers {
        let mut config = WorkerConfig { threads: fleet.threads, ..WorkerConfig::default() };
        config.id = format!("process-{}-{index}", std::process::id());
        config.bus.url = fleet.url.to_owned();
        config.bus.farm = fleet.farm.to_owned();
        config.setup.dir = fleet.folder.to_owned();
        config.log.filter = fleet.log.to_owned();
        processes.start(&config, &[]).map_err(farm_failure)?;
    }
    Ok(processes)
}

/// A farm's error as the command's.
pub fn farm_failure(error: FarmError) -> Failure {
    let text = error.to_string();
    match &error {
        FarmError::Unproven(unproven) if unproven.is_refused() => Failure::Refused(text),
        FarmError::Unproven(_) => Failure::Proof(text),
        FarmError::WorkerName(_) => Failure::Usage(text),
        FarmError::Runtime(_)
        | FarmError::Start(_)
        | FarmError::Setup(_)
        | FarmError::Bus(_)
        | FarmError::Workers { .. }
        | FarmError::Process { .. }
        | FarmError::Ended => Failure::Environment(text),
    }
}

/// Writes a file as a whole or not at all.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = PathBuf::from(name);
    std::fs::write(&temporary, bytes)
        .and_then(|()| std::fs::rename(&temporary, path))
        .map_err(|error| Failure::file(path, error))
}

/// `proofyard setup`.
pub fn setup(rows_log2: u32, subtrees: u32, folder: &SetupFolder, json: bool) -> Result<(), Failure> {
    let Cut { subtrees, .. } = Cut::choose(1, Some(subtrees), Some(rows_log2))?;
    let screen = Screen::new();
    let config = FarmConfig::insecure_in_process(folder.path()?, rows_log2, 0);
    let farm = EmbeddedFarm::start(config).map_err(farm_failure)?;
    farm.open_setup(subtrees as usize, &|stage, done, total| screen.step(stage, done, total)).map_err(farm_failure)?;
    let setup = (farm.coordinator().setups())
        .get(subtrees as usize, &|_, _, _| {})
        .map_err(|error| Failure::Environment(error.to_string()))?;
    let result = json!({
        "folder": setup.folder().display().to_string(),
        "rows_per_subtree": 1u64 << rows_log2,
        "subtrees": subtrees,
        "key_digest": hex::encode(setup.verifying_key().digest()),
        "srs_digest": hex::encode(setup.srs_digest()),
        "insecure": setup.verifying_key().is_insecure(),
    });
    if let Value::Object(result) = &result {
        report(json, result);
    }
    Ok(())
}
