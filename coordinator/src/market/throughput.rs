//! How fast the farm is, measured.
//!
//! The model: W workers prove the M subtrees of a group in ⌈M/W⌉ turns; a turn is all five rounds of one subtree on one worker and
//! its part of what the coordinator does. Alone on the farm a group takes `wall = ⌈M/W⌉ · turn`, and it uses
//! `work = ⌈M · turn / W⌉` milliseconds of the whole farm.

use std::collections::{BTreeMap, VecDeque};

/// Rounds of a group.
pub const ROUNDS: usize = 5;

/// With fewer samples than this the 99th percentile is not below the prior's distance from the median.
const SAMPLES_TRUSTED: usize = 20;

/// A size class: groups of one shape, with a verifier of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class {
    /// Base-2 logarithm of the rows of a subtree.
    pub rows_log2: u32,
    /// Subtrees of the group.
    pub subtrees: u32,
}

/// A proven group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Its class.
    pub class: Class,
    /// Milliseconds of the farm to itself: time shared with other blocks counts by its share (see [`super::Meter`]).
    pub wall_ms: u64,
    /// Live workers, the fewest while it was proven.
    pub workers: u32,
    /// Milliseconds of each round; zeros when they are not known.
    pub rounds_ms: [u64; ROUNDS],
}

/// How long a turn takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Median in milliseconds.
    pub p50_ms: u64,
    /// 99th percentile in milliseconds.
    pub p99_ms: u64,
    /// Groups it was measured on; 0: the configuration's prior.
    pub samples: usize,
}

/// What a group would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prediction {
    /// Milliseconds of the whole farm, median.
    pub work_p50_ms: u64,
    /// Milliseconds of the whole farm, 99th percentile.
    pub work_p99_ms: u64,
    /// Milliseconds from start to end when alone, median.
    pub wall_p50_ms: u64,
    /// Milliseconds from start to end when alone, 99th percentile.
    pub wall_p99_ms: u64,
}

#[derive(Debug, Clone, Copy)]
struct Measured {
    turn_ms: u64,
    rounds_ms: [u64; ROUNDS],
}

/// What was measured, by size class, in a bounded window.
#[derive(Debug, Clone)]
pub struct Throughput {
    prior: Turn,
    samples_max: usize,
    classes: BTreeMap<Class, VecDeque<Measured>>,
}

/// Size classes remembered; a farm has a few.
const CLASSES_MAX: usize = 64;

impl Throughput {
    /// Nothing measured yet.
    pub fn new(prior: Turn, samples_max: usize) -> Self {
        Self { prior, samples_max: samples_max.max(1), classes: BTreeMap::new() }
    }

    /// Takes a proven group into account. One without workers, subtrees or time says nothing and is ignored.
    pub fn observe(&mut self, sample: Sample) {
        let Sample { class, wall_ms, workers, rounds_ms } = sample;
        if workers == 0 || class.subtrees == 0 || wall_ms == 0 {
            return;
        }
        if !self.classes.contains_key(&class) && self.classes.len() >= CLASSES_MAX {
            return;
        }
        let turns = u64::from(class.subtrees.div_ceil(workers));
        let window = self.classes.entry(class).or_default();
        while window.len() >= self.samples_max {
            window.pop_front();
        }
        window.push_back(Measured { turn_ms: wall_ms.div_ceil(turns), rounds_ms });
    }

    /// How long a turn of a class takes: measured, else as the slowest class with as many rows, else the prior.
    pub fn turn(&self, class: Class) -> Turn {
        let own = self.classes.get(&class).map(|window| self.percentiles(window));
        let kin = || {
            let alike = self.classes.iter().filter(|(other, _)| other.rows_log2 == class.rows_log2);
            alike.map(|(_, window)| self.percentiles(window)).max_by_key(|turn| turn.p99_ms)
        };
        own.or_else(kin).unwrap_or(self.prior)
    }

    /// Nearest-rank percentiles.
    fn percentiles(&self, window: &VecDeque<Measured>) -> Turn {
        let mut sorted: Vec<u64> = window.iter().map(|measured| measured.turn_ms).collect();
        sorted.sort_unstable();
        let at = |percent: usize| sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1];
        let (p50_ms, mut p99_ms) = (at(50), at(99));
        if sorted.len() < SAMPLES_TRUSTED {
            let spread = u128::from(p50_ms) * u128::from(self.prior.p99_ms) / u128::from(self.prior.p50_ms.max(1));
            p99_ms = p99_ms.max(u64::try_from(spread).unwrap_or(u64::MAX));
        }
        Turn { p50_ms, p99_ms, samples: sorted.len() }
    }

    /// What a group of a class takes on `workers` workers; `None` without workers.
    pub fn predict(&self, class: Class, workers: u32) -> Option<Prediction> {
        if workers == 0 {
            return None;
        }
        let turn = self.turn(class);
        let turns = u64::from(class.subtrees.div_ceil(workers));
        let wall = |turn_ms: u64| turns.saturating_mul(turn_ms);
        let work = |turn_ms: u64| u64::from(class.subtrees).saturating_mul(turn_ms).div_ceil(u64::from(workers));
        Some(Prediction {
            work_p50_ms: work(turn.p50_ms),
            work_p99_ms: work(turn.p99_ms),
            wall_p50_ms: wall(turn.p50_ms),
            wall_p99_ms: wall(turn.p99_ms),
        })
    }

    /// The share of each round in a group's time, in 1/1000; together 1000. Equal shares before anything is measured.
    pub fn round_shares(&self, class: Class) -> [u64; ROUNDS] {
        let mut sums = [0_u64; ROUNDS];
        for measured in self.classes.get(&class).into_iter().flatten() {
            for (sum, round) in sums.iter_mut().zip(measured.rounds_ms) {
                *sum = sum.saturating_add(round);
            }
        }
        let total: u128 = sums.iter().map(|sum| u128::from(*sum)).sum();
        if total == 0 {
            return [1_000 / ROUNDS as u64; ROUNDS];
        }
        let mut shares = sums.map(|sum| u64::try_from(u128::from(sum) * 1_000 / total).unwrap_or(0));
        // What rounding lost counts for the last round, so that nothing looks done before it is.
        shares[ROUNDS - 1] += 1_000 - shares.iter().sum::<u64>();
        shares
    }

    /// The classes that were measured.
    pub fn classes(&self) -> impl Iterator<Item = (Class, Turn)> + '_ {
        self.classes.iter().map(|(class, window)| (*class, self.percentiles(window)))
    }
}
