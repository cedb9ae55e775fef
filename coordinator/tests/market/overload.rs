//! P4: whatever is asked for, the farm never promises more than it can do, in any order of work.

use alloy_primitives::U256;
use proofyard_coordinator::{
    client::QuoteRequest,
    ledger::{Backing, GroupKey, QuoteRecord, QuoteState, Reservation},
    market::{Market, MarketConfig, Offer, View, Window},
};
use proptest::prelude::*;

use crate::samples::{measured, request, view};

/// One asker: when it asks, for what, by when.
#[derive(Debug, Clone)]
struct Asked {
    blocks_later: u64,
    subtrees: u32,
    commit_in: u64,
    prove_in: u64,
    deposit: u64,
    /// When its commitment comes, as a part of the time there is, in percent.
    commits_at: u64,
    /// Its place when the farm has a choice.
    order: u32,
}

fn asked() -> impl Strategy<Value = Asked> {
    (0_u64..6, 1_u32..=8, 1_u64..15, 0_u64..40, 1_u64..500, 0_u64..=100, any::<u32>()).prop_map(
        |(blocks_later, subtrees, commit_in, prove_in, deposit, commits_at, order)| Asked {
            blocks_later,
            subtrees,
            commit_in,
            prove_in: commit_in + prove_in,
            deposit,
            commits_at,
            order,
        },
    )
}

struct Promise {
    offer: Offer,
    asked: Asked,
}

impl Promise {
    /// The L1 block of its commitment.
    fn commits_at(&self) -> u64 {
        let Reservation { quoted_at, .. } = self.offer.reservation;
        quoted_at + (self.offer.terms.expiry - quoted_at) * self.asked.commits_at / 100
    }

    /// As the ledger has it once it is committed.
    fn committed(&self) -> QuoteRecord {
        QuoteRecord {
            terms: self.offer.terms.clone(),
            reservation: self.offer.reservation,
            state: QuoteState::Committed,
            signature: Some(vec![1]),
            committed_at: Some(self.commits_at()),
            ended_at: None,
            reason: None,
        }
    }
}

/// Everybody asks; what is promised, with what each promise saw of the chain. Quotes are published, or expire.
fn run(all: &[Asked], turn_ms: u64, workers: u32, balance: u64, published: bool) -> (Market, Vec<Promise>, u64) {
    let mut market = measured(MarketConfig { quotes_max_per_sequencer: 1_000, ..MarketConfig::default() }, turn_ms);
    let mut promises: Vec<Promise> = Vec::new();
    let mut block = 100;
    for (number, asked) in (0..).zip(all) {
        block += asked.blocks_later;
        for promise in promises.iter().filter(|promise| published && promise.commits_at() <= block) {
            market.restore(&promise.committed());
        }
        market.expire(block, 3);
        let open = |promise: &&Promise| market.calendar().get(GroupKey::of(&promise.offer.terms)).is_some();
        let held = promises.iter().filter(open).fold(U256::ZERO, |sum, promise| sum + promise.offer.terms.deposit);
        let view = View {
            block,
            workers,
            window: Window { commit_by: u64::MAX, prove_by: u64::MAX },
            backing: Backing { balance: U256::from(balance), at: block },
            deposits_held: held,
            ..view()
        };
        let request = QuoteRequest {
            commit_by: block + asked.commit_in,
            prove_by: block + asked.prove_in,
            deposit: U256::from(asked.deposit),
            ..request(number, asked.subtrees)
        };
        let before = market.calendar().len();
        match market.quote(&request, &view) {
            Ok(offer) => {
                assert!(held + offer.terms.deposit <= U256::from(balance), "deposits beyond the balance");
                promises.push(Promise { offer, asked: asked.clone() });
            }
            Err(declined) => {
                assert!(declined.code().starts_with("PY-Q-"));
                assert_eq!(market.calendar().len(), before, "a declined request holds nothing");
            }
        }
    }
    (market, promises, block)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_promise_can_be_kept_in_any_order(
        all in proptest::collection::vec(asked(), 1..40), turn_ms in 50_u64..20_000, workers in 1_u32..6,
    ) {
        let (_, promises, _) = run(&all, turn_ms, workers, u64::MAX, true);
        // All are committed, each at some time it may be, and the farm takes those that are ready in any order, one at a time.
        let block_ms = view().block_ms;
        let mut waiting: Vec<(u64, u32, &Promise)> = promises
            .iter()
            .map(|promise| {
                let start_blocks = promise.offer.reservation.start_by - promise.offer.terms.expiry;
                ((promise.commits_at() + start_blocks) * block_ms, promise.asked.order, promise)
            })
            .collect();
        let mut now = 0;
        while !waiting.is_empty() {
            let ready = waiting.iter().map(|(ready, ..)| *ready).min().expect("not empty");
            now = now.max(ready);
            let (next, _) = waiting
                .iter()
                .enumerate()
                .filter(|(_, (ready, ..))| *ready <= now)
                .min_by_key(|(_, (_, order, _))| *order)
                .expect("one is ready");
            let (_, _, promise) = waiting.swap_remove(next);
            let reservation = promise.offer.reservation;
            // Whoever is worked on has the whole farm for its work and then, with what is left of it, ends its last turn; others may
            // begin meanwhile.
            let done = now + reservation.wall_ms;
            now += reservation.work_ms;
            let due = (reservation.prove_by - 3) * block_ms;
            prop_assert!(done <= due, "{promise:?} is done at {done}, due at {due}", promise = promise.offer);
        }
    }

    #[test]
    fn no_window_is_promised_beyond_the_utilisation(
        all in proptest::collection::vec(asked(), 1..60), turn_ms in 50_u64..20_000, workers in 1_u32..6,
    ) {
        let (market, ..) = run(&all, turn_ms, workers, u64::MAX, true);
        let utilisation = market.config().utilisation_percent;
        for (key, entry) in market.calendar().entries() {
            let own = entry.reservation;
            let overlapping: u64 = market
                .calendar()
                .entries()
                .filter(|(other, _)| *other != key)
                .map(|(_, other)| other.reservation)
                .filter(|other| other.quoted_at <= own.prove_by && own.quoted_at <= other.prove_by)
                .map(|other| other.work_ms)
                .sum();
            let window_ms = (own.prove_by - 3 - own.start_by) * view().block_ms;
            prop_assert!((overlapping + own.wall_ms) * 100 <= window_ms * utilisation);
        }
    }

    #[test]
    fn deposits_of_open_quotes_stay_within_the_balance(
        all in proptest::collection::vec(asked(), 1..60), balance in 0_u64..3_000,
    ) {
        run(&all, 100, 4, balance, false);
    }
}

#[test]
fn under_overload_what_does_not_fit_is_declined_and_the_rest_is_kept() {
    let asked =
        |order| Asked { blocks_later: 0, subtrees: 8, commit_in: 5, prove_in: 45, deposit: 1, commits_at: 100, order };
    let all: Vec<Asked> = (0..200).map(asked).collect();
    let (market, promises, _) = run(&all, 10_000, 2, u64::MAX, false);
    // Two workers need 40 s for each; 36 blocks of 12 s remain after the latest start, of which 70 % may be promised: 302 s.
    assert_eq!(promises.len(), 7);
    assert_eq!(market.calendar().len(), 7);
}
