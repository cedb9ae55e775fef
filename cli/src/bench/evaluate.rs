//! From measured samples to a report: the same samples give the same report.

use super::{
    machine::{Machine, Program},
    report::{BlockSample, Cost, Energy, Memory, Point, Report, SCHEMA, Scaling, Settings, Share, Stages, Throughput},
    statistics::Summary,
};

/// What one number of workers came to, as measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Workers.
    pub workers: usize,
    /// Threads of each; `None` for workers that were there already.
    pub threads: Option<usize>,
    /// Backend of the workers, with the instruction set where it has several.
    pub backend: String,
    /// The counted blocks.
    pub blocks: Vec<BlockSample>,
    /// From intake to proof of every counted block, added up: one block is proven after the other.
    pub seconds: f64,
    /// Joules of the processor packages in that time, where they are counted.
    pub joules: Option<f64>,
    /// Peak memory.
    pub memory: Memory,
}

impl Outcome {
    fn blocks_per_second(&self) -> f64 {
        self.blocks.len() as f64 / self.seconds
    }
}

impl Stages {
    fn of(blocks: &[BlockSample]) -> Self {
        let over = |stage: &dyn Fn(&BlockSample) -> f64| Summary::of(&blocks.iter().map(stage).collect::<Vec<_>>());
        let [round_1, round_2, round_3, round_4, round_5] =
            std::array::from_fn(|round| over(&|block| block.rounds[round]));
        Self {
            execution: over(&|block| block.execution),
            upload: over(&|block| block.upload),
            round_1,
            round_2,
            round_3,
            round_4,
            round_5,
            aggregation: over(&|block| block.aggregation.iter().sum()),
            verification: over(&|block| block.verification),
        }
    }
}

/// Joules in a kilowatt-hour.
const JOULES_PER_KWH: f64 = 3.6e6;

impl Settings {
    fn energy(&self, outcome: &Outcome) -> Option<Energy> {
        let (source, joules) = match (self.watts, outcome.joules) {
            (Some(watts), _) => ("given watts", watts * outcome.seconds),
            (None, Some(joules)) => ("package counters", joules),
            (None, None) => return None,
        };
        let proofs = outcome.blocks.len() as f64;
        Some(Energy {
            source: source.to_owned(),
            watts: joules / outcome.seconds,
            joules_per_proof: joules / proofs,
            joules_per_transfer: joules / (proofs * self.transfers as f64),
        })
    }

    fn cost(&self, outcome: &Outcome, energy: Option<&Energy>) -> Option<Cost> {
        let proofs = outcome.blocks.len() as f64;
        let machine = self.dollars_per_hour.map(|price| price * outcome.seconds / 3_600.0 / proofs);
        let electricity =
            (self.dollars_per_kwh.zip(energy)).map(|(price, energy)| price * energy.joules_per_proof / JOULES_PER_KWH);
        if machine.is_none() && electricity.is_none() {
            return None;
        }
        let dollars_per_proof = machine.unwrap_or(0.0) + electricity.unwrap_or(0.0);
        Some(Cost { dollars_per_proof, dollars_per_transfer: dollars_per_proof / self.transfers as f64 })
    }

    /// `first`: workers of the run's first point, and its blocks per second.
    fn point(&self, outcome: Outcome, first: (usize, f64)) -> Point {
        let per_second = outcome.blocks_per_second();
        let speed_up = per_second / first.1;
        let latency: Vec<f64> = outcome.blocks.iter().map(|block| block.seconds).collect();
        let stages = Stages::of(&outcome.blocks);
        let latency = Summary::of(&latency);
        let energy = self.energy(&outcome);
        let cost = self.cost(&outcome, energy.as_ref());
        Point {
            workers: outcome.workers,
            threads: outcome.threads,
            backend: outcome.backend,
            seconds: outcome.seconds,
            throughput: Throughput {
                blocks_per_minute: 60.0 * per_second,
                transfers_per_second: per_second * self.transfers as f64,
                subtree_proofs_per_minute: 60.0 * per_second * f64::from(self.subtrees),
            },
            latency,
            coordinator: Share {
                seconds_per_block: stages.aggregation.mean,
                percent_of_latency: 100.0 * stages.aggregation.mean / latency.mean,
            },
            stages,
            scaling: Scaling { speed_up, efficiency: speed_up * first.0 as f64 / outcome.workers as f64 },
            memory: outcome.memory,
            energy,
            cost,
            blocks: outcome.blocks,
        }
    }
}

impl Report {
    /// Puts a run together. Every outcome has blocks.
    pub fn new(date: String, program: Program, machine: Machine, settings: Settings, outcomes: Vec<Outcome>) -> Self {
        let first = outcomes.first().map_or((1, 1.0), |first| (first.workers, first.blocks_per_second()));
        let points = outcomes.into_iter().map(|outcome| settings.point(outcome, first)).collect();
        Self { schema: SCHEMA.to_owned(), date, program, machine, settings, points }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Blocks of equal stages.
    fn outcome(workers: usize, seconds: &[f64]) -> Outcome {
        let block = |seconds: f64| BlockSample {
            seconds,
            execution: 0.1 * seconds,
            upload: 0.0,
            rounds: [0.1 * seconds; 5],
            aggregation: [0.02 * seconds; 5],
            verification: 0.3 * seconds,
        };
        Outcome {
            workers,
            threads: Some(1),
            backend: "cpu".to_owned(),
            blocks: seconds.iter().copied().map(block).collect(),
            seconds: seconds.iter().sum(),
            joules: None,
            memory: Memory { process_bytes: Some(1 << 20), worker_bytes: vec![1 << 20; 2] },
        }
    }

    /// A run of two points: blocks of 10, 20, 30 seconds, then twice as fast; 64 transfers in 4 subtrees.
    pub fn sample() -> Report {
        let machine = Machine {
            cpu: "A processor".to_owned(),
            arch: "x86_64".to_owned(),
            cpu_features: vec!["adx".to_owned(), "avx2".to_owned()],
            physical_cores: Some(2),
            threads: 2,
            memory_bytes: 1 << 34,
            os: "Linux 1".to_owned(),
            kernel: "1.2.3".to_owned(),
        };
        let program = Program { version: "0.1.0".to_owned(), commit: None, profile: "optimised".to_owned() };
        let settings = Settings {
            block: "generated".to_owned(),
            seed: Some(1),
            transfers: 64,
            subtrees: 4,
            rows_log2: 16,
            bus: "in-process".to_owned(),
            warmup: 1,
            watts: Some(90.0),
            dollars_per_hour: Some(0.36),
            dollars_per_kwh: Some(0.2),
        };
        let outcomes = vec![outcome(1, &[10.0, 30.0, 20.0]), outcome(2, &[5.0, 15.0, 10.0])];
        Report::new("2026-11-22T00:00:00Z".to_owned(), program, machine, settings, outcomes)
    }

    #[track_caller]
    fn near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-9 * expected.abs().max(1.0), "{value} is not {expected}");
    }

    #[test]
    fn figures_follow_from_the_samples() {
        let report = sample();
        let [one, two] = &report.points[..] else { panic!("two points") };
        near(one.throughput.blocks_per_minute, 3.0);
        near(one.throughput.transfers_per_second, 3.2);
        near(one.throughput.subtree_proofs_per_minute, 12.0);
        assert_eq!((one.latency.count, one.latency.p50, one.latency.p99), (3, 20.0, 30.0));
        near(one.stages.round_3.p50, 2.0);
        near(one.coordinator.seconds_per_block, 2.0);
        near(one.coordinator.percent_of_latency, 10.0);
        let stages: f64 = one.stages.each().iter().map(|(_, stage)| stage.mean).sum();
        near(stages, one.latency.mean);
        near(one.scaling.speed_up, 1.0);
        near(two.scaling.speed_up, 2.0);
        near(two.scaling.efficiency, 1.0);
        assert_eq!(two.memory.total(), 3 << 20);
    }

    #[test]
    fn energy_and_money() {
        let report = sample();
        let (energy, cost) = (report.points[0].energy.clone().unwrap(), report.points[0].cost.unwrap());
        near(energy.joules_per_proof, 1_800.0);
        near(energy.joules_per_transfer, 1_800.0 / 64.0);
        // 20 s of a machine at 0.36 an hour, and 1.8 kJ at 0.2 a kWh.
        near(cost.dollars_per_proof, 0.002 + 0.0001);
        near(cost.dollars_per_transfer, 0.0021 / 64.0);

        let settings = Settings { watts: None, dollars_per_hour: None, ..report.settings };
        let counted = Outcome { joules: Some(600.0), ..outcome(1, &[10.0, 20.0]) };
        let energy = settings.energy(&counted).unwrap();
        assert_eq!((energy.watts, energy.joules_per_proof, energy.source.as_str()), (20.0, 300.0, "package counters"));
        near(settings.cost(&counted, Some(&energy)).unwrap().dollars_per_proof, 0.2 * 300.0 / 3.6e6);
        assert_eq!(settings.energy(&outcome(1, &[10.0])), None);
        assert_eq!(settings.cost(&outcome(1, &[10.0]), None), None);
    }

    #[test]
    fn json_holds_all_of_it() {
        let report = sample();
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
        assert!(text.contains(r#""schema":"proofyard-bench/1""#));
    }
}
