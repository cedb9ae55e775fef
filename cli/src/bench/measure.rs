//! Proves blocks on farms of this machine and takes down what they took.

use std::time::{Duration, Instant};

use proofyard_embedded_farm::{
    Bus as FarmBus, EmbeddedFarm, FarmConfig, Proved, Request, WorkerProcesses, coordinator::core::Progress,
};
use proofyard_rollup::generate;
use proofyard_worker::figures::peak_rss_bytes;

use super::{
    energy::Meter,
    evaluate::Outcome,
    plan::Plan,
    report::{BlockSample, Memory},
};
use crate::{
    args::Bus,
    chain::CHAIN_ID,
    failure::Failure,
    prove::{WORKERS_PATIENCE, WorkerFleet, farm_failure, start_workers},
    screen::Screen,
};

/// Where blocks come from.
pub enum Blocks {
    /// Generated, each from the next seed.
    Generated {
        /// The first one's seed.
        seed: u64,
        /// Transfers of each.
        transfers: usize,
    },
    /// The same file again and again.
    File(Vec<u8>),
}

impl Blocks {
    /// The block of a number. The same file is proven anew because each time another address earns the reward.
    fn request(&self, number: u32, subtrees: u32) -> Result<Request, Failure> {
        let block = match self {
            Self::Generated { seed, transfers } => {
                let block = generate::block(*transfers, seed.wrapping_add(number.into()));
                block.map_err(|error| Failure::Usage(error.to_string()))?.encode()
            }
            Self::File(bytes) => bytes.clone(),
        };
        let mut beneficiary = [0; 20];
        beneficiary[16..].copy_from_slice(&(number + 1).to_be_bytes());
        Ok(Request {
            block: block.into(),
            subtrees: Some(subtrees),
            groups: None,
            chain_id: CHAIN_ID,
            contract: proofyard_contracts::address::DEFAULT_ADDRESS,
            beneficiary,
        })
    }
}

/// Measures one number of workers after the other.
pub struct Bench<'a> {
    pub plan: &'a Plan,
    pub blocks: Blocks,
    pub bus: &'a Bus,
    pub farm: &'a str,
    pub folder: &'a std::path::Path,
    pub log: &'a str,
    pub screen: &'a Screen,
}

impl Bench<'_> {
    /// Starts a farm with this number of workers, warms it up and measures it. 0: the workers that are there.
    pub fn measure(&self, workers: u16) -> Result<Outcome, Failure> {
        let plan = self.plan;
        let mut config = FarmConfig::insecure_in_process(self.folder.to_owned(), plan.cut.rows_log2, workers.into());
        config.threads = plan.threads;
        if let Bus::Nats(url) = self.bus {
            config.bus = FarmBus::Nats { url: url.clone(), farm: self.farm.to_owned() };
        }
        let farm = EmbeddedFarm::start(config).map_err(farm_failure)?;
        let step = |stage: &str, done, total| self.screen.step(stage, done, total);
        farm.open_setup(plan.cut.subtrees as usize, &step).map_err(farm_failure)?;
        let _processes = self.processes(workers)?;
        farm.wait_for_workers(usize::from(workers.max(1)), WORKERS_PATIENCE).map_err(farm_failure)?;

        forget_peak();
        let mut title = format!("{workers} worker{}", if workers == 1 { "" } else { "s" });
        if workers == 0 {
            title = "workers that are there".to_owned();
        }
        for number in 0..plan.warmup {
            let request = self.blocks.request(number, plan.cut.subtrees)?;
            let sample = self.prove(&farm, request, &format!("{title}, warm-up {}", number + 1))?;
            self.screen.say(&format!("{title}: warm-up block {} in {:.2} s, not counted", number + 1, sample.seconds));
        }
        let mut meter = Meter::open();
        let mut joules = meter.as_ref().map(|_| 0.0);
        let mut blocks = Vec::new();
        let mut spent = Duration::ZERO;
        while plan.amount.wants_more(blocks.len() as u32, spent) {
            let counted = blocks.len() as u32 + 1;
            // Making a block is the rollup's work, not the farm's: it is not in the time.
            let request = self.blocks.request(plan.warmup + counted - 1, plan.cut.subtrees)?;
            let before = meter.as_mut().and_then(Meter::lap);
            let begun = Instant::now();
            let sample = self.prove(&farm, request, &format!("{title}, block {counted}"))?;
            spent += begun.elapsed();
            let used = before.and_then(|_| meter.as_mut()?.lap());
            joules = joules.zip(used).map(|(sum, used)| sum + used);
            blocks.push(sample);
            self.screen.say(&format!("{title}: block {counted} in {:.2} s", sample.seconds));
        }

        let there: Vec<_> = farm.coordinator().board().workers().into_iter().filter(|worker| worker.live).collect();
        let worker_bytes = match self.bus {
            Bus::InProcess => Vec::new(),
            Bus::Nats(_) => there.iter().map(|worker| worker.peak_rss_bytes).collect(),
        };
        Ok(Outcome {
            workers: if workers == 0 { there.len().max(1) } else { workers.into() },
            threads: (workers > 0).then_some(plan.threads),
            backend: there.first().map(|worker| worker.device.clone()).unwrap_or_default(),
            blocks,
            seconds: spent.as_secs_f64(),
            joules,
            memory: Memory { process_bytes: peak_rss_bytes(), worker_bytes },
        })
    }

    fn processes(&self, workers: u16) -> Result<Option<WorkerProcesses>, Failure> {
        match self.bus {
            Bus::Nats(url) if workers > 0 => start_workers(&WorkerFleet {
                url,
                farm: self.farm,
                folder: self.folder,
                log: self.log,
                workers,
                threads: self.plan.threads,
            })
            .map(Some),
            Bus::Nats(_) | Bus::InProcess => Ok(None),
        }
    }

    fn prove(&self, farm: &EmbeddedFarm, request: Request, title: &str) -> Result<BlockSample, Failure> {
        self.screen.live(title);
        let show = |progress: &Progress| match progress {
            Progress::Round { round, answered, subtrees, .. } | Progress::Subtree { round, answered, subtrees, .. } => {
                self.screen.live(&format!("{title}: round {round}, {answered} of {subtrees} subtrees"));
            }
            Progress::Accepted { .. } => {}
            Progress::Verifying { .. } => self.screen.live(&format!("{title}: verifying")),
        };
        let proved = farm.prove(request, show).map_err(farm_failure)?;
        Ok(sample(&proved))
    }
}

fn sample(proved: &Proved) -> BlockSample {
    let timings = &proved.timings;
    let seconds = |duration: Duration| duration.as_secs_f64();
    let mut sample = BlockSample {
        seconds: proved.status.seconds,
        execution: seconds(timings.execution),
        upload: seconds(timings.upload),
        verification: seconds(timings.verification),
        ..BlockSample::default()
    };
    for round in &timings.rounds {
        let index = usize::from(round.round.clamp(1, 5)) - 1;
        sample.rounds[index] += seconds(round.proving);
        sample.aggregation[index] += seconds(round.aggregation);
    }
    sample
}

/// Has the kernel count this process's peak memory from here on. Where it does not, the peak is that of the whole run.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
