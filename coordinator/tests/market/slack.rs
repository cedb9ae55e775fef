//! Slack as a function of progress, and its alarms.

use proofyard_coordinator::{
    ledger::{GroupKey, QuoteRecord, QuoteState},
    market::{Alarm, Market, MarketConfig, ROUNDS, Remaining, View},
};
use proptest::prelude::*;

use crate::samples::{measured, request, view};

/// A market with one committed group of 8 subtrees that takes 80 s on one worker, due 47 blocks after block 100.
fn promised() -> (Market, GroupKey) {
    let mut market = measured(MarketConfig::default(), 10_000);
    let offer = market.quote(&request(1, 8), &view()).expect("a quote");
    let key = GroupKey::of(&offer.terms);
    market.restore(&QuoteRecord {
        terms: offer.terms,
        reservation: offer.reservation,
        state: QuoteState::Committed,
        signature: Some(vec![1]),
        committed_at: Some(101),
        ended_at: None,
        reason: None,
    });
    (market, key)
}

fn at(block: u64, workers: u32) -> View {
    View { block, workers, ..view() }
}

#[test]
fn slack_is_time_left_less_time_predicted() {
    let (mut market, key) = promised();
    let slack = market.slack(key, &at(100, 1)).expect("promised");
    assert_eq!((slack.left_ms, slack.expected_ms), (47 * 12_000, 47 * 12_000 - 80_000));
    assert_eq!(slack.alarm(48_000), Alarm::None);
    market.progress(key, Remaining::in_round(3, 4, 8, [200; ROUNDS]));
    let half = market.slack(key, &at(100, 1)).expect("promised");
    assert_eq!(half.expected_ms, 47 * 12_000 - 40_000, "half is done");
    market.progress(key, Remaining::NOTHING);
    assert_eq!(market.slack(key, &at(146, 0)).expect("promised").worst_ms, 12_000, "proven needs no workers");
    assert_eq!(market.slack(GroupKey { commitment: Default::default(), group: 0 }, &view()), None);
}

#[test]
fn the_alarm_comes_before_the_miss() {
    let (market, key) = promised();
    let alarm = |block, workers| market.slack(key, &at(block, workers)).expect("promised").alarm(48_000);
    assert_eq!(alarm(130, 1), Alarm::None);
    let tight = (100..160).find(|block| alarm(*block, 1) == Alarm::Tight).expect("tight at some time");
    let late = (100..160).find(|block| alarm(*block, 1) == Alarm::Late).expect("late at some time");
    assert!(tight + 4 <= late, "four blocks of warning: {tight}, {late}");
    assert_eq!(alarm(100, 0), Alarm::Late, "no workers, no proof");
    assert_eq!(alarm(200, 1), Alarm::Late, "the window is over");
}

#[test]
fn other_promises_come_first_in_the_worst_case() {
    let (mut market, key) = promised();
    let before = market.slack(key, &at(100, 4)).expect("promised");
    market.quote(&request(2, 8), &view()).expect("a quote");
    let after = market.slack(key, &at(100, 4)).expect("promised");
    assert_eq!(after.expected_ms, before.expected_ms);
    assert_eq!(after.worst_ms, before.worst_ms - 20_000);
}

proptest! {
    #[test]
    fn progress_never_takes_slack_away(
        round in 0_u8..8, answered in 0_u32..20, subtrees in 0_u32..16, first in 0_u64..500, block in 0_u64..400,
    ) {
        let shares = [first, 500 - first, 100, 100, 300];
        let here = Remaining::in_round(round, answered, subtrees, shares);
        let next = Remaining::in_round(round, answered + 1, subtrees, shares);
        let later = Remaining::in_round(round + 1, 0, subtrees, shares);
        prop_assert!(later <= next && next <= here && here <= Remaining::ALL);
        let (mut market, key) = promised();
        market.progress(key, here);
        let before = market.slack(key, &at(block, 1)).expect("promised");
        market.progress(key, later);
        let after = market.slack(key, &at(block, 1)).expect("promised");
        prop_assert!(after.expected_ms >= before.expected_ms && after.worst_ms >= before.worst_ms);
        prop_assert!(before.worst_ms <= before.expected_ms && before.expected_ms <= before.left_ms);
    }
}
