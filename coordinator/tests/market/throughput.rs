//! What is measured, and what follows from it.

use proofyard_coordinator::market::{Class, MarketConfig, Meter, ROUNDS, Sample, Throughput, Turn};
use proptest::prelude::*;

const CLASS: Class = Class { rows_log2: 12, subtrees: 4 };

fn sample(class: Class, wall_ms: u64, workers: u32) -> Sample {
    Sample { class, wall_ms, workers, rounds_ms: [100, 200, 300, 100, 300] }
}

fn fresh() -> Throughput {
    Throughput::new(MarketConfig::default().prior(), 100)
}

#[test]
fn the_prior_holds_until_something_is_measured() {
    let mut throughput = fresh();
    let prior = throughput.turn(CLASS);
    assert_eq!(prior, Turn { p50_ms: 8_000, p99_ms: 16_000, samples: 0 });
    assert_eq!(throughput.round_shares(CLASS), [200; ROUNDS]);
    throughput.observe(sample(CLASS, 4_000, 4));
    assert_eq!(throughput.turn(CLASS).p50_ms, 4_000);
    assert_eq!(throughput.turn(CLASS).p99_ms, 8_000, "one sample says little about the slowest in a hundred");
    assert_eq!(throughput.round_shares(CLASS), [100, 200, 300, 100, 300]);
}

#[test]
fn a_turn_is_the_same_on_any_number_of_workers() {
    for (workers, wall_ms) in [(1, 4_000), (2, 2_000), (3, 2_000), (4, 1_000), (9, 1_000)] {
        let mut throughput = fresh();
        throughput.observe(sample(CLASS, wall_ms, workers));
        assert_eq!(throughput.turn(CLASS).p50_ms, 1_000, "{workers} workers");
    }
}

#[test]
fn percentiles_are_those_of_a_bounded_window() {
    let mut throughput = Throughput::new(MarketConfig::default().prior(), 100);
    for turn_ms in 1..=200 {
        throughput.observe(sample(CLASS, turn_ms, 4));
    }
    assert_eq!(throughput.turn(CLASS), Turn { p50_ms: 150, p99_ms: 199, samples: 100 });
}

#[test]
fn a_class_that_was_never_proven_takes_after_its_slowest_kin() {
    let mut throughput = fresh();
    throughput.observe(sample(CLASS, 1_000, 4));
    throughput.observe(sample(Class { subtrees: 8, ..CLASS }, 3_000, 8));
    let unknown = Class { subtrees: 2, ..CLASS };
    assert_eq!(throughput.turn(unknown).p50_ms, 3_000);
    assert_eq!(throughput.turn(Class { rows_log2: 16, subtrees: 4 }).samples, 0, "other rows, other times");
}

#[test]
fn nonsense_is_not_measured() {
    let mut throughput = fresh();
    for bad in [sample(CLASS, 0, 1), sample(CLASS, 1, 0), sample(Class { subtrees: 0, ..CLASS }, 1, 1)] {
        throughput.observe(bad);
    }
    assert_eq!(throughput.classes().count(), 0);
    for rows_log2 in 0..1_000 {
        throughput.observe(sample(Class { rows_log2, subtrees: 1 }, 1, 1));
    }
    assert!(throughput.classes().count() <= 64, "memory is bounded");
    assert_eq!(throughput.predict(CLASS, 0), None);
}

#[test]
fn time_is_shared_out_among_blocks_in_work() {
    let mut meter = Meter::new();
    meter.started('a', 4, 1_000);
    meter.started('b', 4, 2_000);
    meter.workers(3);
    assert_eq!(meter.ended('a', 4_000), Some((2_000, 3)), "one second alone, two with another");
    meter.workers(4);
    assert_eq!(meter.ended('b', 5_000), Some((2_000, 3)));
    assert_eq!(meter.ended('b', 6_000), None);
    meter.started('c', 2, 9_000);
    assert_eq!(meter.ended('c', 9_500), Some((500, 2)), "rest is nobody's");
}

proptest! {
    #[test]
    fn predictions_are_monotone_and_bound_each_other(
        turns in proptest::collection::vec(1_u64..100_000, 1..150), subtrees in 1_u32..64, workers in 1_u32..64,
    ) {
        let mut throughput = fresh();
        let class = Class { rows_log2: 12, subtrees };
        for turn_ms in turns {
            throughput.observe(sample(class, turn_ms, subtrees));
        }
        let now = throughput.predict(class, workers).expect("workers");
        prop_assert!(now.work_p50_ms <= now.work_p99_ms && now.wall_p50_ms <= now.wall_p99_ms);
        prop_assert!(now.work_p99_ms <= now.wall_p99_ms, "the whole farm does not need longer than its parts");
        let more = throughput.predict(class, workers + 1).expect("workers");
        prop_assert!(more.work_p99_ms <= now.work_p99_ms && more.wall_p99_ms <= now.wall_p99_ms);
        let shares = throughput.round_shares(class);
        prop_assert_eq!(shares.iter().sum::<u64>(), 1_000);
    }
}
