//! What a run is written down as.

use serde::{Deserialize, Serialize};

use super::{
    machine::{Machine, Program},
    statistics::Summary,
};

/// Name and version of the report's JSON.
pub const SCHEMA: &str = "proofyard-bench/1";

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// When it began, in UTC.
    pub date: String,
    /// What was measured.
    pub program: Program,
    /// On what.
    pub machine: Machine,
    /// How.
    pub settings: Settings,
    /// One for each number of workers, in the order measured.
    pub points: Vec<Point>,
}

/// What all points of a run have in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// `generated`, or the block file's SHA-256.
    pub block: String,
    /// Seed of the first generated block.
    pub seed: Option<u64>,
    /// Transfers of a block.
    pub transfers: usize,
    /// Subtrees of a block.
    pub subtrees: u32,
    /// Base-2 logarithm of the rows of a subtree.
    pub rows_log2: u32,
    /// `in-process` or `nats`.
    pub bus: String,
    /// Blocks proven at each number of workers before those that count.
    pub warmup: u32,
    /// Watts of the machine, as given.
    pub watts: Option<f64>,
    /// Price of the machine, as given.
    pub dollars_per_hour: Option<f64>,
    /// Price of electricity, as given.
    pub dollars_per_kwh: Option<f64>,
}

/// One block's seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct BlockSample {
    /// From intake to the verified root proof.
    pub seconds: f64,
    /// Decoding, executing and cutting it.
    pub execution: f64,
    /// Storing the subtrees' inputs.
    pub upload: f64,
    /// Each round from its challenges to the last reply.
    pub rounds: [f64; 5],
    /// After each round, from the last reply to the next challenges or the proof.
    pub aggregation: [f64; 5],
    /// Assembling and verifying the root proof.
    pub verification: f64,
}

/// One number of workers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Workers.
    pub workers: usize,
    /// Threads of each; `None` for workers that were there already.
    pub threads: Option<usize>,
    /// Backend of the workers, with the instruction set where it has several.
    pub backend: String,
    /// From intake to proof of every counted block, added up: one block is proven after the other.
    pub seconds: f64,
    /// Work done in that time.
    pub throughput: Throughput,
    /// Seconds of a block from intake to the verified root proof.
    pub latency: Summary,
    /// What a block's seconds consist of.
    pub stages: Stages,
    /// What the workers wait for.
    pub coordinator: Share,
    /// Against the run's first point.
    pub scaling: Scaling,
    /// Peak memory.
    pub memory: Memory,
    /// Energy, when watts were given or are counted.
    pub energy: Option<Energy>,
    /// Money, when a price was given.
    pub cost: Option<Cost>,
    /// Every counted block.
    pub blocks: Vec<BlockSample>,
}

/// Work done in a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    /// Root proofs per minute.
    pub blocks_per_minute: f64,
    /// Transfers proven per second.
    pub transfers_per_second: f64,
    /// Subtrees proven per minute.
    pub subtree_proofs_per_minute: f64,
}

/// Seconds of the stages of a block.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stages {
    /// Decoding, executing and cutting.
    pub execution: Summary,
    /// Storing the subtrees' inputs.
    pub upload: Summary,
    /// Round 1, from its challenges to the last reply.
    pub round_1: Summary,
    /// Round 2.
    pub round_2: Summary,
    /// Round 3.
    pub round_3: Summary,
    /// Round 4.
    pub round_4: Summary,
    /// Round 5.
    pub round_5: Summary,
    /// After all rounds together, from the last reply to the next challenges or the proof.
    pub aggregation: Summary,
    /// Assembling and verifying the root proof.
    pub verification: Summary,
}

impl Stages {
    /// Names and summaries in a block's order.
    pub fn each(&self) -> [(&'static str, &Summary); 9] {
        [
            ("execution", &self.execution),
            ("upload", &self.upload),
            ("round_1", &self.round_1),
            ("round_2", &self.round_2),
            ("round_3", &self.round_3),
            ("round_4", &self.round_4),
            ("round_5", &self.round_5),
            ("aggregation", &self.aggregation),
            ("verification", &self.verification),
        ]
    }
}

/// The coordinator's part of a block, from the last reply of each round to the next challenges.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Mean seconds a block.
    pub seconds_per_block: f64,
    /// Of all blocks' latency.
    pub percent_of_latency: f64,
}

/// Throughput against the run's first point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// Blocks per minute over those of the first point.
    pub speed_up: f64,
    /// Speed-up over the growth in workers; 1 is perfect.
    pub efficiency: f64,
}

/// Peak resident memory in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The process with the coordinator and, in-process, all workers.
    pub process_bytes: Option<u64>,
    /// Each worker process.
    pub worker_bytes: Vec<u64>,
}

impl Memory {
    /// All processes together.
    pub fn total(&self) -> u64 {
        self.process_bytes.unwrap_or(0) + self.worker_bytes.iter().sum::<u64>()
    }
}

/// Energy of the counted blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Energy {
    /// `given watts`, or `package counters`.
    pub source: String,
    /// Mean power.
    pub watts: f64,
    /// Of one root proof.
    pub joules_per_proof: f64,
    /// Of one transfer.
    pub joules_per_transfer: f64,
}

/// Price of the counted blocks: the machine's hours plus the energy, as far as prices were given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Of one root proof.
    pub dollars_per_proof: f64,
    /// Of one transfer.
    pub dollars_per_transfer: f64,
}
