//! Coordinator and workers in one process over the in-process bus, or a coordinator in this process and workers in others
//! over NATS. The same cores and drivers run as in `proofyard-coordinator` and `proofyard-worker`.

mod error;
mod processes;

use std::{path::PathBuf, sync::Arc, time::Duration};

use proofyard_coordinator::{
    Coordinator, Handle, Settings, SetupSource, Setups,
    bus::{
        BlobStore, BusOptions, CoordinatorBus, FarmName, Start,
        in_process::InProcessBus,
        nats::{NatsAccess, NatsFarm, Role},
    },
    core::{Policy, Progress},
    setups::SetupProgress,
};
use proofyard_worker::{CpuKeys, Parts, circuit_prover::CircuitProver, core::Limits, job_schema::WorkerId};
use tokio::{runtime::Runtime, sync::watch, task::JoinHandle};

pub use error::FarmError;
pub use processes::{WorkerProcesses, WorkerProgram};
pub use proofyard_coordinator::{self as coordinator, Proved, Request};
pub use proofyard_worker as worker;

/// How long dropping a farm waits for its tasks.
const SHUTDOWN: Duration = Duration::from_secs(1);

/// Which bus connects coordinator and workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bus {
    /// Queues in this process; the farm runs this many workers as threads.
    InProcess {
        /// Workers.
        workers: usize,
    },
    /// A NATS server; workers are other processes.
    Nats {
        /// `nats://HOST:PORT`.
        url: String,
        /// Name of the farm on that server.
        farm: String,
    },
}

/// What a farm is started with.
#[derive(Debug, Clone)]
pub struct FarmConfig {
    /// The bus.
    pub bus: Bus,
    /// Threads of each worker in this process; 0: the cores shared out among them, at least one each.
    pub threads: usize,
    /// Base-2 logarithm of the rows of a subtree.
    pub rows_log2: u32,
    /// Where the setup comes from.
    pub setup: SetupSource,
    /// Times and counts of scheduling.
    pub policy: Policy,
    /// Bounds of each worker in this process.
    pub limits: Limits,
}

impl FarmConfig {
    /// Workers as threads, on the developers' setup in `dir`, made when missing. INSECURE.
    pub fn insecure_in_process(dir: PathBuf, rows_log2: u32, workers: usize) -> Self {
        Self {
            bus: Bus::InProcess { workers },
            threads: 0,
            rows_log2,
            setup: SetupSource::Insecure { dir },
            policy: Policy::default(),
            limits: Limits { sessions_max: 256, ..Limits::default() },
        }
    }
}

/// A running farm. Dropping it ends it.
pub struct EmbeddedFarm {
    runtime: Option<Runtime>,
    handle: Handle,
    keys: Option<Arc<CpuKeys>>,
    in_process: Option<InProcessBus>,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
}

impl EmbeddedFarm {
    /// Starts the coordinator and, in process, its workers. Opens no setup yet; [`EmbeddedFarm::open_setup`] or the first block
    /// does.
    pub fn start(config: FarmConfig) -> Result<Self, FarmError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(FarmError::Runtime)?;
        let FarmConfig { bus, threads, rows_log2, setup, policy, limits } = config;
        let (dir, label) = match &setup {
            SetupSource::Insecure { dir } => (dir.clone(), None),
            SetupSource::Labelled { dir, label } => (dir.clone(), Some(*label)),
        };
        let setups = Arc::new(Setups::new(setup, rows_log2)?);
        let settings = Settings { policy, setups, traces: Default::default(), metrics: Arc::default() };
        let guard = runtime.enter();
        let (stop, _) = watch::channel(false);
        let mut farm = match bus {
            Bus::InProcess { workers } => {
                let bus = InProcessBus::new(BusOptions::default());
                let (end, blobs) = (Arc::new(bus.coordinator(Start::Fresh)), Arc::new(bus.blobs()));
                let handle = Coordinator::start(end, blobs, settings);
                let keys = Some(Arc::new(CpuKeys::cpu(dir, label)));
                let in_process = Some(bus);
                let mut farm = Self { runtime: None, handle, keys, in_process, stop, workers: Vec::new() };
                let threads = match threads {
                    0 => std::thread::available_parallelism().map_or(1, usize::from).div_ceil(workers.max(1)),
                    threads => threads,
                };
                for index in 0..workers {
                    farm.add_worker(&format!("thread-{index}"), threads, limits.clone())?;
                }
                farm
            }
            Bus::Nats { url, farm } => {
                let (end, blobs) = runtime.block_on(connect(&url, &farm))?;
                let handle = Coordinator::start(end, blobs, settings);
                Self { runtime: None, handle, keys: None, in_process: None, stop, workers: Vec::new() }
            }
        };
        drop(guard);
        farm.runtime = Some(runtime);
        Ok(farm)
    }

    /// Opens the setup for groups of M subtrees, making what is missing, so that proving does not have to.
    pub fn open_setup(&self, subtrees: usize, progress: SetupProgress<'_>) -> Result<(), FarmError> {
        let setup = self.handle.setups().get(subtrees, progress)?;
        setup.proving_key().map_err(FarmError::Setup)?;
        if let Some(keys) = &self.keys {
            keys.adopt(self.handle.setups().circuit().clone(), setup);
        }
        Ok(())
    }

    /// Has a block proven and waits for it. The observer hears of every round and subtree.
    pub fn prove(&self, request: Request, observe: impl FnMut(&Progress)) -> Result<Proved, FarmError> {
        let Some(runtime) = &self.runtime else { return Err(FarmError::Ended) };
        Ok(runtime.block_on(self.handle.prove(request, observe))?)
    }

    /// The coordinator.
    pub fn coordinator(&self) -> &Handle {
        &self.handle
    }

    /// Waits until `count` workers are there and live.
    pub fn wait_for_workers(&self, count: usize, patience: Duration) -> Result<(), FarmError> {
        let until = std::time::Instant::now() + patience;
        loop {
            let live = self.handle.board().workers().iter().filter(|worker| worker.live).count();
            if live >= count {
                return Ok(());
            }
            if std::time::Instant::now() >= until {
                return Err(FarmError::Workers { live, wanted: count });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The bus of a farm in this process, for workers that are made elsewhere.
    pub fn in_process_bus(&self) -> Option<&InProcessBus> {
        self.in_process.as_ref()
    }

    /// Keys shared by the workers of this process.
    pub fn keys(&self) -> Option<&Arc<CpuKeys>> {
        self.keys.as_ref()
    }

    /// Runs something on the farm's runtime until it is done or the farm ends.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(task);
        }
    }

    /// Must be called inside the runtime.
    fn add_worker(&mut self, name: &str, threads: usize, limits: Limits) -> Result<(), FarmError> {
        let (Some(bus), Some(keys)) = (&self.in_process, &self.keys) else { return Err(FarmError::Ended) };
        let id = WorkerId::new(name).map_err(FarmError::WorkerName)?;
        let parts = Parts {
            bus: Arc::new(bus.worker(id.clone())),
            blobs: Arc::new(bus.blobs()),
            provers: vec![CircuitProver::new(keys.clone())],
            threads,
            limits,
            traces: Default::default(),
            metrics: Arc::default(),
            id,
        };
        let mut stop = self.stop.subscribe();
        let shutdown = async move {
            // An error means that the farm is gone, which is as good.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        self.workers.push(tokio::spawn(async move {
            if let Err(error) = proofyard_worker::run(parts, shutdown).await {
                tracing::error!(%error, "a worker did not start");
            }
        }));
        Ok(())
    }
}

async fn connect(url: &str, farm: &str) -> Result<(Arc<dyn CoordinatorBus>, Arc<dyn BlobStore>), FarmError> {
    let name = FarmName::new(farm)?;
    let access = NatsAccess::from(url);
    let farm = NatsFarm::connect(&access, &name, "proofyard", Role::Coordinator, BusOptions::default()).await?;
    Ok((Arc::new(farm.coordinator(Start::Fresh).await?), Arc::new(farm.blobs())))
}

impl Drop for EmbeddedFarm {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.handle.drain();
        if let Some(runtime) = self.runtime.take() {
            let workers = std::mem::take(&mut self.workers);
            runtime.block_on(async {
                let drained = async {
                    for worker in workers {
                        // A worker that ended badly has said so in the log.
                        let _ = worker.await;
                    }
                };
                // What is still proving when time is up is given up.
                let _ = tokio::time::timeout(SHUTDOWN, drained).await;
            });
            self.handle.abort();
            runtime.shutdown_background();
        }
    }
}
