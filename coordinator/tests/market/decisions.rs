//! One test a reason to decline, and what a quote says.

use alloy_primitives::{Address, U256};
use proofyard_coordinator::{
    client::QuoteRequest,
    ledger::{GroupKey, QuoteRecord, QuoteState},
    market::{Class, MarketConfig, Offer, Remaining, View, Window},
};

use crate::samples::{market, measured, request, view};

fn code(request: &QuoteRequest, view: &View) -> &'static str {
    let mut market = market();
    let declined = market.quote(request, view).expect_err("declined");
    assert!(declined.to_string().starts_with(&format!("[{}] ", declined.code())), "{declined}");
    assert!(market.calendar().is_empty(), "what is declined holds nothing");
    declined.code()
}

#[test]
fn a_quote_names_price_deposit_expiry_and_what_it_holds() {
    let mut market = measured(MarketConfig::default(), 1_000);
    let Offer { terms, reservation, expected_ms, price } = market.quote(&request(1, 6), &view()).expect("a quote");
    assert_eq!((terms.expiry, terms.deposit, terms.price), (110, U256::from(1_000), price.total));
    assert_eq!((terms.prover, terms.height), (crate::samples::ours().prover, 8));
    // 6 subtrees on 4 workers: two turns of a second, one and a half seconds of the whole farm.
    assert_eq!((expected_ms, reservation.wall_ms, reservation.work_ms), (2_000, 2_000, 1_500));
    assert_eq!((reservation.start_by, reservation.prove_by, reservation.quoted_at), (111, 150, 100));
    assert!(market.calendar().get(GroupKey::of(&terms)).is_some(), "capacity is held before anything is signed");
}

#[test]
fn statements_of_others_are_foreign() {
    let good = request(1, 2);
    for foreign in [
        QuoteRequest { chain_id: 1, ..good.clone() },
        QuoteRequest { sidecar: Address::ZERO, ..good.clone() },
        QuoteRequest { escrow: Address::ZERO, ..good.clone() },
    ] {
        assert_eq!(code(&foreign, &view()), "PY-Q-001");
    }
}

#[test]
fn shapes_that_no_block_has() {
    let good = request(1, 4);
    for bad in [
        QuoteRequest { groups: 0, ..good.clone() },
        QuoteRequest { subtrees: 0, ..good.clone() },
        QuoteRequest { groups: 3, ..good.clone() },
        QuoteRequest { group: 1, ..good.clone() },
        QuoteRequest { transfers: 0, ..good.clone() },
        QuoteRequest { transfers: 9, ..good.clone() },
    ] {
        assert_eq!(code(&bad, &view()), "PY-Q-002", "{bad:?}");
    }
}

#[test]
fn classes_without_key_or_verifier() {
    let good = request(1, 4);
    assert_eq!(code(&QuoteRequest { rows_log2: 13, ..good.clone() }, &view()), "PY-Q-003");
    assert_eq!(code(&request(1, 9), &view()), "PY-Q-003", "no verifier");
    assert_eq!(code(&QuoteRequest { subtrees: 128, groups: 16, ..good }, &view()), "PY-Q-003", "more than we cut");
}

#[test]
fn heights_of_the_past_and_of_the_far_future() {
    assert_eq!(code(&QuoteRequest { height: 6, ..request(1, 2) }, &view()), "PY-Q-004");
    assert_eq!(code(&QuoteRequest { height: 16, ..request(1, 2) }, &view()), "PY-Q-004");
}

#[test]
fn a_commitment_must_still_be_possible() {
    for commit_by in [0, 99, 100] {
        assert_eq!(code(&QuoteRequest { commit_by, ..request(1, 2) }, &view()), "PY-Q-005");
    }
    let over = View { window: Window { commit_by: 100, prove_by: 160 }, ..view() };
    assert_eq!(code(&request(1, 2), &over), "PY-Q-005", "the chain's word counts, not the asker's");
}

#[test]
fn p99_and_three_blocks_must_fit_what_is_left() {
    // 4 subtrees on 4 workers at the prior's 99th percentile: 16 s. Proving starts in block 111 at the latest.
    let fits = QuoteRequest { prove_by: 116, ..request(1, 4) };
    market().quote(&fits, &view()).expect("two blocks of 12 s are left");
    let late = QuoteRequest { prove_by: 115, ..request(1, 4) };
    assert_eq!(code(&late, &view()), "PY-Q-006");
    let closes = View { window: Window { commit_by: 120, prove_by: 115 }, ..view() };
    assert_eq!(code(&request(1, 4), &closes), "PY-Q-006", "the chain's word counts, not the asker's");
    assert_eq!(code(&QuoteRequest { prove_by: 0, ..request(1, 4) }, &view()), "PY-Q-006");
}

#[test]
fn a_farm_without_workers_or_with_too_many_promises() {
    assert_eq!(code(&request(1, 2), &View { workers: 0, ..view() }), "PY-Q-007");
    // A window of 36 blocks, 432 s, of which 70 % may be promised: 302 s. Each takes 8 turns of 10 s on one worker.
    let mut market = measured(MarketConfig::default(), 10_000);
    let alone = View { workers: 1, ..view() };
    for number in 0..3 {
        market.quote(&request(number, 8), &alone).expect("80 s each");
    }
    assert_eq!(market.quote(&request(3, 8), &alone).expect_err("the fourth").code(), "PY-Q-007");
    market.quote(&request(4, 6), &alone).expect("60 s still fit");
}

#[test]
fn deposits_that_are_not_covered_or_not_ours_to_risk() {
    assert_eq!(code(&QuoteRequest { deposit: U256::from(1_000_001), ..request(1, 2) }, &view()), "PY-Q-008");
    let held = View { deposits_held: U256::from(999_001), ..view() };
    assert_eq!(code(&request(1, 2), &held), "PY-Q-008");
    assert_eq!(code(&QuoteRequest { deposit: U256::MAX, ..request(1, 2) }, &view()), "PY-Q-009");
    assert_eq!(code(&QuoteRequest { deposit_token: Address::ZERO, ..request(1, 2) }, &view()), "PY-Q-009");
}

#[test]
fn prices_that_nobody_pays() {
    assert_eq!(code(&QuoteRequest { tip_token: Address::repeat_byte(9), ..request(1, 2) }, &view()), "PY-Q-010");
    let price = market().quote(&request(1, 2), &view()).expect("a quote").terms.price;
    market().quote(&QuoteRequest { price_max: price, ..request(1, 2) }, &view()).expect("exactly the price");
    assert_eq!(code(&QuoteRequest { price_max: price - U256::from(1), ..request(1, 2) }, &view()), "PY-Q-011");
}

#[test]
fn a_coordinator_that_stops_or_sees_no_chain() {
    assert_eq!(code(&request(1, 2), &View { is_draining: true, ..view() }), "PY-Q-012");
    assert_eq!(code(&request(1, 2), &View { is_stale: true, ..view() }), "PY-Q-013");
}

#[test]
fn no_more_quotes_than_configured_and_no_two_for_one_group() {
    let config = MarketConfig { quotes_max: 3, quotes_max_per_sequencer: 2, ..MarketConfig::default() };
    let mut market = measured(config, 10);
    let same = |number| QuoteRequest { sequencer: Address::repeat_byte(5), ..request(number, 1) };
    market.quote(&same(1), &view()).expect("a quote");
    assert_eq!(market.quote(&same(1), &view()).expect_err("again").code(), "PY-Q-017");
    market.quote(&same(2), &view()).expect("a quote");
    assert_eq!(market.quote(&same(3), &view()).expect_err("a third").code(), "PY-Q-015");
    market.quote(&request(4, 1), &view()).expect("another sequencer's");
    assert_eq!(market.quote(&request(5, 1), &view()).expect_err("a fourth").code(), "PY-Q-014");
}

#[test]
fn prices_beyond_256_bits_are_declined_not_wrapped() {
    let mut config = MarketConfig::default();
    config.tips[0].price_per_farm_second = proofyard_coordinator::market::Amount(U256::MAX);
    let mut market = measured(config, 1_000);
    assert_eq!(market.quote(&request(1, 2), &view()).expect_err("too dear").code(), "PY-Q-016");
}

#[test]
fn capacity_is_released_at_expiry_unless_it_was_committed() {
    let mut market = measured(MarketConfig::default(), 10);
    let offers: Vec<Offer> = (0..2).map(|n| market.quote(&request(n, 1), &view()).expect("a quote")).collect();
    let committed = QuoteRecord {
        terms: offers[0].terms.clone(),
        reservation: offers[0].reservation,
        state: QuoteState::Committed,
        signature: Some(vec![1]),
        committed_at: Some(105),
        ended_at: None,
        reason: None,
    };
    market.restore(&committed);
    assert_eq!(market.expire(113, 3), [], "it may still be drawn in a reorg");
    assert_eq!(market.expire(114, 3), [GroupKey::of(&offers[1].terms)]);
    assert_eq!(market.calendar().len(), 1);
    market.progress(GroupKey::of(&committed.terms), Remaining::NOTHING);
    assert_eq!(market.free_ms(&view(), 20), 17 * 12_000 / 100 * 70, "a proven group holds nothing");
    market.restore(&QuoteRecord { state: QuoteState::Settled, ..committed });
    assert!(market.calendar().is_empty());
}

#[test]
fn what_a_ledger_holds_is_held_after_a_start() {
    let mut before = measured(MarketConfig::default(), 10_000);
    let alone = View { workers: 1, ..view() };
    let records: Vec<QuoteRecord> = (0..3)
        .map(|number| before.quote(&request(number, 8), &alone).expect("80 s each"))
        .map(|offer| QuoteRecord {
            terms: offer.terms,
            reservation: offer.reservation,
            state: QuoteState::Signed,
            signature: Some(vec![1]),
            committed_at: None,
            ended_at: None,
            reason: None,
        })
        .collect();
    let mut after = measured(MarketConfig::default(), 10_000);
    records.iter().for_each(|record| after.restore(record));
    assert_eq!(after.quote(&request(3, 8), &alone).expect_err("as before").code(), "PY-Q-007");
}

#[test]
fn lost_workers_are_no_capacity() {
    let mut market = measured(MarketConfig::default(), 10_000);
    market.quote(&request(1, 8), &view()).expect("20 s on four workers");
    // Half of them are lost: what is promised takes twice as long, and less is free.
    let (four, one) = (view(), View { workers: 1, ..view() });
    assert!(market.free_ms(&one, 40) < market.free_ms(&four, 40));
    assert_eq!(market.free_ms(&View { workers: 0, ..view() }, 40), 0);
    let _ = Class { rows_log2: 1, subtrees: 1 };
}
