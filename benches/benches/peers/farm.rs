//! The product's side of the proving parts: coordinator and workers in this process, as `proofyard demo` runs them.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use proofyard_benches::rounds::Run;
use proofyard_embedded_farm::{EmbeddedFarm, FarmConfig, Request};
use proofyard_rollup::{block::Block, circuit, executor::Executed};

/// How long workers may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);
/// The chain id that the proofs are for; any will do.
const CHAIN_ID: u64 = 1;

/// A farm with its setup opened, cutting every block in the same way.
pub struct Farm {
    farm: EmbeddedFarm,
    subtrees: u32,
}

/// A block with what executing it gives.
pub struct Task {
    /// The block file.
    pub file: Vec<u8>,
    /// The block executed.
    pub executed: Executed,
}

impl Task {
    /// A generated block.
    pub fn generate(transfers: usize, seed: u64) -> Result<Self> {
        let block: Block = proofyard_rollup::generate::block(transfers, seed)?;
        let executed = proofyard_rollup::executor::execute(&block)?;
        Ok(Self { file: block.encode(), executed })
    }
}

/// The fewest rows of a subtree that hold so many transfers.
pub fn rows_log2(transfers: usize) -> Result<u32> {
    (circuit::ROWS_LOG2_MIN..=circuit::ROWS_LOG2_MAX)
        .find(|rows_log2| circuit::capacity(*rows_log2) >= transfers)
        .with_context(|| format!("{transfers} transfers fit no subtree"))
}

impl Farm {
    /// Starts a farm of `workers` workers that share the cores; the developers' setup is kept in `dir`.
    pub fn start(dir: &Path, rows_log2: u32, subtrees: u32, workers: usize) -> Result<Self> {
        let farm = EmbeddedFarm::start(FarmConfig::insecure_in_process(dir.to_owned(), rows_log2, workers))?;
        eprintln!("opening the developers' setup of {subtrees} subtrees of 2^{rows_log2} rows");
        farm.open_setup(subtrees as usize, &|_, _, _| {})?;
        farm.wait_for_workers(workers, PATIENCE)?;
        Ok(Self { farm, subtrees })
    }

    /// Proves a block; timed from handing its file in to the verified root proof.
    pub fn prove(&self, task: &Task) -> Result<Run<()>> {
        let request = Request {
            block: task.file.clone().into(),
            subtrees: Some(self.subtrees),
            groups: None,
            chain_id: CHAIN_ID,
            contract: [0; 20],
            beneficiary: [0; 20],
        };
        let run = Run::timed(|| self.farm.prove(request, |_| {})).transpose()?;
        let end = task.executed.end.to_array();
        ensure!(run.output.proven.statement.end == end, "the root proof is of another end than the block's");
        Ok(run.map(|_| ()))
    }
}
