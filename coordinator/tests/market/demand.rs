//! How many workers the market asks for, from what it has promised and measured.

use proofyard_coordinator::{
    client::QuoteRequest,
    ledger::GroupKey,
    market::{MarketConfig, ROUNDS, Remaining, Scaling, View},
};

use crate::samples::{market, measured, request, view};

const SCALING: Scaling = Scaling { floor: 1, most: 100, headroom_percent: 0, start_ms: 0 };

fn at(block: u64, workers: u32) -> View {
    View { block, workers, ..view() }
}

#[test]
fn promised_work_and_its_deadlines_say_how_many_workers_are_wanted() {
    let mut market = measured(MarketConfig::default(), 10_000);
    assert_eq!(market.demand(&view(), 0, &SCALING).workers_wanted, 1, "nothing is promised");
    let key = GroupKey::of(&market.quote(&request(1, 8), &view()).expect("a quote").terms);
    // 8 subtrees of 10 s, due at the end of block 147.
    let demand = |market: &proofyard_coordinator::market::Market, block| market.demand(&at(block, 4), 0, &SCALING);
    assert_eq!(demand(&market, 100).device_ms_due, 80_000);
    assert_eq!(demand(&market, 100).workers_wanted, 1);
    assert_eq!(demand(&market, 145).workers_wanted, 4, "80 s of work in 24 s");
    assert_eq!(demand(&market, 147).workers_wanted, 8, "no time is left: one for each subtree");
    assert_eq!(demand(&market, 200).workers_wanted, 8, "overdue");
    market.progress(key, Remaining::in_round(3, 4, 8, [200; ROUNDS]));
    assert_eq!(demand(&market, 145).workers_wanted, 2, "half is done");
    market.progress(key, Remaining::NOTHING);
    assert_eq!(demand(&market, 200).workers_wanted, 1, "proven");
}

#[test]
fn without_workers_or_measurements_the_configured_times_count() {
    let mut unmeasured = market();
    unmeasured.quote(&request(1, 8), &view()).expect("a quote");
    // The prior's 99th percentile: 16 s a subtree.
    let demand = unmeasured.demand(&at(145, 0), 0, &SCALING);
    assert_eq!((demand.device_ms_due, demand.workers_wanted), (128_000, 6), "128 s of work in 24 s, no worker there");
}

#[test]
fn a_block_counts_once_however_many_of_its_groups_are_promised() {
    let mut market = measured(MarketConfig::default(), 10_000);
    for group in 0..2 {
        let request = QuoteRequest { group, groups: 2, ..request(1, 8) };
        market.quote(&request, &view()).expect("a quote");
    }
    assert_eq!(market.calendar().len(), 2);
    assert_eq!(market.demand(&view(), 0, &SCALING).device_ms_due, 80_000);
    market.quote(&request(2, 4), &view()).expect("a quote");
    assert_eq!(market.demand(&view(), 0, &SCALING).device_ms_due, 120_000, "another block comes on top");
}
