//! The sidecar's own farm: an embedded farm on a thread of its own, one block after the other.

use std::{sync::mpsc, thread};

use proofyard_embedded_farm::{
    Bus, EmbeddedFarm, FarmConfig as EmbeddedConfig, FarmError, Request,
    coordinator::{SetupSource, core::Policy},
    worker::core::Limits,
};
use tokio::sync::oneshot;
use tracing::{info, warn};

use crate::{config::FarmConfig, error::StartError, market::group_proof};

/// Sessions that the farm's workers keep.
const SESSIONS_MAX: u32 = 256;

/// What is to be proven.
#[derive(Debug, Clone)]
pub struct Job {
    /// The block file.
    pub file: Vec<u8>,
    /// Subtrees of the block.
    pub subtrees: u32,
    /// Groups of the block.
    pub groups: u32,
    /// Chain the proofs are for.
    pub chain_id: u64,
    /// Verifier that the proofs are for.
    pub verifier: [u8; 20],
    /// Who earns the submission reward.
    pub beneficiary: [u8; 20],
}

type Answer = oneshot::Sender<Result<Vec<Vec<u8>>, String>>;

/// The farm's thread; it ends, when its block is done, after the last handle.
#[derive(Clone)]
pub struct Prover {
    jobs: mpsc::Sender<(Job, Answer)>,
}

impl Prover {
    /// Starts the thread and its farm, and opens the setup for groups of `subtrees`: one that is missing or refused is found before a
    /// deposit depends on it.
    pub async fn start(
        config: FarmConfig,
        rows_log2: u32,
        subtrees: usize,
        setup: SetupSource,
    ) -> Result<Self, StartError> {
        let (jobs, inbox) = mpsc::channel::<(Job, Answer)>();
        let (started, ready) = oneshot::channel();
        let work = move || {
            let first = start(&config, rows_log2, &setup);
            let first = first.and_then(|farm| farm.open_setup(subtrees, &progress).map(|()| farm));
            let (mut farm, outcome) = match first {
                Ok(farm) => (Some(farm), Ok(())),
                Err(error) => (None, Err(error)),
            };
            let failed = outcome.is_err();
            // Who starts it may be gone.
            if started.send(outcome).is_err() || failed {
                return;
            }
            while let Ok((job, answer)) = inbox.recv() {
                let proofs = prove(&mut farm, &config, rows_log2, &setup, job);
                if let Err(error) = &proofs {
                    warn!(error, "the own farm did not prove a block");
                    // The next block gets a new one.
                    farm = None;
                }
                // Who asked may be gone.
                let _ = answer.send(proofs);
            }
        };
        thread::Builder::new()
            .name("own-farm".to_owned())
            .spawn(work)
            .map_err(|source| StartError::System { what: "starting the own farm", source })?;
        ready.await.unwrap_or(Err(FarmError::Ended))?;
        Ok(Self { jobs })
    }

    /// Proves a block: one proof for each group, as the contracts take it.
    pub async fn prove(&self, job: Job) -> Result<Vec<Vec<u8>>, String> {
        let gone = || "the own farm has ended".to_owned();
        let (answer, proofs) = oneshot::channel();
        self.jobs.send((job, answer)).map_err(|_| gone())?;
        proofs.await.map_err(|_| gone())?
    }
}

fn progress(stage: &str, done: u64, total: u64) {
    info!(stage, done, total, "making the setup");
}

fn start(config: &FarmConfig, rows_log2: u32, setup: &SetupSource) -> Result<EmbeddedFarm, FarmError> {
    EmbeddedFarm::start(EmbeddedConfig {
        bus: Bus::InProcess { workers: config.workers },
        threads: config.threads,
        rows_log2,
        setup: setup.clone(),
        policy: Policy::default(),
        limits: Limits { sessions_max: SESSIONS_MAX, ..Limits::default() },
    })
}

fn prove(
    farm: &mut Option<EmbeddedFarm>,
    config: &FarmConfig,
    rows_log2: u32,
    setup: &SetupSource,
    job: Job,
) -> Result<Vec<Vec<u8>>, String> {
    let running = match farm {
        Some(farm) => farm,
        None => farm.insert(start(config, rows_log2, setup).map_err(|error| error.to_string())?),
    };
    let Job { file, subtrees, groups, chain_id, verifier, beneficiary } = job;
    running.open_setup((subtrees / groups.max(1)) as usize, &progress).map_err(|error| error.to_string())?;
    let request = Request {
        block: file.into(),
        subtrees: Some(subtrees),
        groups: Some(groups),
        chain_id,
        contract: verifier,
        beneficiary,
    };
    let proved = running.prove(request, |_| ()).map_err(|error| error.to_string())?;
    (0..groups).map(|group| group_proof(&proved.proven.proof, groups, group)).collect()
}
