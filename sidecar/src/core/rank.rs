//! Which bid is best: price, weighed with how often the bidder has delivered.
//!
//! The chance of delivery is estimated as `(delivered + A) / (delivered + failed + A + B)`, the mean of a Beta(A, B) prior after the
//! bidder's record; a price counts as what it costs for one delivery on average, `price / chance`. Prices are at most 2^96 and
//! records at most 2^24, so the comparison is exact in 128 bits.

use std::{cmp::Ordering, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use super::{bid::Bid, types::Height};

/// Deliveries a newcomer is taken to have to its credit.
const PRIOR_DELIVERED: u32 = 9;
/// Failures a newcomer is taken to have.
const PRIOR_FAILED: u32 = 1;
/// Counts stop here.
const COUNT_MAX: u32 = 1 << 12;

/// What a bidder has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Groups it delivered.
    pub delivered: u32,
    /// Groups it did not.
    pub failed: u32,
    /// Height of its last failure; 0: none.
    pub failed_at: Height,
}

impl Record {
    fn chance(self) -> (u128, u128) {
        let good = self.delivered + PRIOR_DELIVERED;
        (u128::from(good), u128::from(good + self.failed + PRIOR_FAILED))
    }
}

/// Every bidder's record, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History(BTreeMap<String, Record>);

impl History {
    /// The record of a bidder.
    pub fn of(&self, bidder: &str) -> Record {
        self.0.get(bidder).copied().unwrap_or_default()
    }

    /// It delivered a group.
    pub fn delivered(&mut self, bidder: &str) {
        let record = self.0.entry(bidder.to_owned()).or_default();
        record.delivered = (record.delivered + 1).min(COUNT_MAX);
    }

    /// It did not deliver a group of this height.
    pub fn failed(&mut self, bidder: &str, height: Height) {
        let record = self.0.entry(bidder.to_owned()).or_default();
        record.failed = (record.failed + 1).min(COUNT_MAX);
        record.failed_at = record.failed_at.max(height);
    }

    /// Whether it may be asked at this height: not for `cool_down` heights after a failure.
    pub fn may_be_asked(&self, bidder: &str, height: Height, cool_down: u64) -> bool {
        let failed_at = self.of(bidder).failed_at;
        failed_at == 0 || height > failed_at.saturating_add(cool_down)
    }

    /// Best first. Equal costs: the better record, then the bidder's name, then the prover's address; never by arrival.
    pub fn rank(&self, bids: &mut [Bid]) {
        bids.sort_by(|a, b| self.compare(a, b));
    }

    fn compare(&self, a: &Bid, b: &Bid) -> Ordering {
        let ((good_a, all_a), (good_b, all_b)) = (self.of(&a.bidder).chance(), self.of(&b.bidder).chance());
        // price_a * all_a / good_a against price_b * all_b / good_b
        let cost = (a.quote.price * all_a * good_b).cmp(&(b.quote.price * all_b * good_a));
        let record = (good_b * all_a).cmp(&(good_a * all_b));
        cost.then(record).then_with(|| a.bidder.cmp(&b.bidder)).then_with(|| a.quote.prover.cmp(&b.quote.prover))
    }
}

/// A price of 2^96, a whole of at most 2 * 2^12 + 10 and a good of at most 2^12 + 9 multiply to less than 2^128.
const _: () =
    assert!((2 * COUNT_MAX + PRIOR_DELIVERED + PRIOR_FAILED) < 1 << 14 && COUNT_MAX + PRIOR_DELIVERED < 1 << 13);

#[cfg(test)]
mod tests {
    use super::{
        super::types::{Address, Bytes, Hash, PRICE_MAX},
        *,
    };
    use crate::core::bid::Quote;

    fn bid(bidder: &str, price: u128) -> Bid {
        let quote = Quote {
            prover: Bytes([bidder.as_bytes()[0]; 20]),
            sequencer: Address::ZERO,
            height: 1,
            block_commitment: Hash::ZERO,
            group: 0,
            tip_token: Address::ZERO,
            price,
            deposit_token: Address::ZERO,
            deposit: 0,
            nonce: Hash::ZERO,
            expiry: 0,
        };
        Bid { bidder: bidder.to_owned(), quote, signature: Vec::new(), brings_deposit: true }
    }

    fn order(history: &History, bids: &[(&str, u128)]) -> Vec<String> {
        let mut bids: Vec<_> = bids.iter().map(|(bidder, price)| bid(bidder, *price)).collect();
        history.rank(&mut bids);
        bids.into_iter().map(|bid| bid.bidder).collect()
    }

    #[test]
    fn the_cheaper_of_two_newcomers_is_first() {
        assert_eq!(order(&History::default(), &[("a", 5), ("b", 4)]), ["b", "a"]);
    }

    #[test]
    fn a_bad_record_costs_more_than_a_small_discount() {
        let mut history = History::default();
        (0..9).for_each(|_| history.failed("b", 1));
        // 9 of 10 against 9 of 19: b must be cheaper than 47/90 of a.
        assert_eq!(order(&history, &[("a", 100), ("b", 53)]), ["a", "b"]);
        assert_eq!(order(&history, &[("a", 100), ("b", 52)]), ["b", "a"]);
        (0..100).for_each(|_| history.delivered("b"));
        assert_eq!(order(&history, &[("a", 100), ("b", 99)]), ["b", "a"]);
    }

    #[test]
    fn ties_do_not_depend_on_arrival() {
        let mut history = History::default();
        assert_eq!(order(&history, &[("b", 0), ("a", 0), ("c", 0)]), ["a", "b", "c"]);
        assert_eq!(order(&history, &[("c", 7), ("b", 7), ("a", 7)]), ["a", "b", "c"]);
        history.delivered("c");
        assert_eq!(order(&history, &[("b", 0), ("a", 0), ("c", 0)]), ["c", "a", "b"], "free bids rank by record");
    }

    #[test]
    fn the_greatest_prices_and_records_compare_without_overflow() {
        let mut history = History::default();
        for _ in 0..COUNT_MAX + 5 {
            history.delivered("a");
            history.failed("b", 1);
        }
        assert_eq!(history.of("a").delivered, COUNT_MAX);
        assert_eq!(order(&history, &[("b", PRICE_MAX), ("a", PRICE_MAX)]), ["a", "b"]);
    }

    #[test]
    fn a_failure_cools_down_for_so_many_heights() {
        let mut history = History::default();
        assert!(history.may_be_asked("a", 10, 3));
        history.failed("a", 10);
        let asked: Vec<bool> = (10..16).map(|height| history.may_be_asked("a", height, 3)).collect();
        assert_eq!(asked, [false, false, false, false, true, true]);
        assert!(history.may_be_asked("b", 11, 3));
    }
}
