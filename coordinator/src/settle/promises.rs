//! The farm's view with what only L1 knows: promises, deposits at risk, transactions.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use proofyard_coordinator_client::{BlockView, FarmView, MarketView, PromiseView, Stage};
use proofyard_job_schema::BlockId;

use super::office::{Books, Case, Committed, Office};
use crate::{
    ledger::{GroupKey, QuoteState},
    market::Slack,
};

/// Blocks in a view at most, those that the farm knows included.
const VIEWED_MAX: usize = 64;

impl Office {
    /// Adds accepted blocks that the farm does not have yet, what was promised, and how it stands.
    pub fn add_promises(&self, view: &mut FarmView) {
        let slacks: BTreeMap<_, _> = self.slacks().into_iter().map(|committed| (committed.key, committed)).collect();
        let books = self.books();
        view.market = Some(market(&books));
        for (commitment, shown) in books.shown.iter().rev() {
            let Some(status) = shown.track.follow().present() else { continue };
            let open = books.cases.iter().filter(|(key, _)| key.commitment == *commitment);
            let open = open.map(|(key, case)| (key, books.promise(key, case, slacks.get(key))));
            let over = books.over.iter().filter(|(key, _)| key.commitment == *commitment);
            // A block may be promised again, at another height: what is open counts.
            let by_group: BTreeMap<_, _> = over.map(|(key, promise)| (key, promise.clone())).chain(open).collect();
            let promises = by_group.into_values().collect();
            let id = BlockId(shown.id.0).to_string();
            match view.blocks.iter_mut().find(|block| block.status.id == id) {
                Some(block) => {
                    block.status = status;
                    block.promises = promises;
                }
                None => {
                    let block = BlockView { status, begun_ms: None, groups: Vec::new(), workers: Vec::new(), promises };
                    let at = if block.status.is_final() { view.blocks.len() } else { 0 };
                    view.blocks.insert(at, block);
                }
            }
        }
        view.blocks.sort_by_key(|block| block.status.is_final() || block.status.stage == Stage::Refused);
        view.blocks.truncate(VIEWED_MAX);
    }
}

impl Books {
    fn promise(&self, key: &GroupKey, case: &Case, committed: Option<&Committed>) -> PromiseView {
        let seconds = |of: fn(&Slack) -> i64| {
            let ms = of(&committed?.slack);
            (ms != i64::MIN).then_some(ms as f64 / 1_000.0)
        };
        PromiseView {
            group: key.group,
            height: case.terms.height,
            state: case.group.quote().name().to_owned(),
            prove_by: case.group.prove_by(),
            slack_seconds: seconds(|slack| slack.expected_ms),
            worst_slack_seconds: seconds(|slack| slack.worst_ms),
            alarm: committed.map(|committed| committed.alarm.name().to_owned()),
            window_seconds: seconds(|slack| slack.left_ms),
            deposit: case.terms.deposit,
            transaction: self.transactions.get(key).copied(),
        }
    }

    /// Lets go of groups that are over, and of blocks that are, when there are more than `shown_max`. What was promised stays with its block.
    pub(super) fn tidy(&mut self, shown_max: usize) {
        let over: Vec<GroupKey> =
            self.cases.iter().filter(|(_, case)| case.group.is_over()).map(|(key, _)| *key).collect();
        for key in over {
            let Some(case) = self.cases.remove(&key) else { continue };
            let promise = self.promise(&key, &case, None);
            self.over.insert(key, promise);
        }
        let spare = self.shown.len().saturating_sub(shown_max);
        let is_over = |commitment: &B256| !self.cases.keys().any(|key| key.commitment == *commitment);
        let gone: Vec<B256> = self.shown.keys().filter(|commitment| is_over(commitment)).take(spare).copied().collect();
        gone.iter().for_each(|commitment| drop(self.shown.remove(commitment)));
        self.over.retain(|key, _| self.shown.contains_key(&key.commitment));
    }
}

fn market(books: &Books) -> MarketView {
    let of = |wanted: &[QuoteState]| {
        let states = wanted.to_vec();
        books.cases.values().filter(move |case| states.contains(&case.group.quote()))
    };
    let open = of(&[QuoteState::Reserved, QuoteState::Signed]).count();
    // What is proven cannot be lost any more.
    let at_risk = || of(&[QuoteState::Committed]).filter(|case| case.group.facts().proven().is_none());
    let mut by_token: BTreeMap<Address, U256> = BTreeMap::new();
    for case in at_risk() {
        let sum = by_token.entry(case.terms.deposit_token).or_default();
        *sum = sum.saturating_add(case.terms.deposit);
    }
    let most = by_token.into_iter().max_by_key(|(_, sum)| *sum);
    MarketView {
        quotes_open: u32::try_from(open).unwrap_or(u32::MAX),
        groups_committed: u32::try_from(at_risk().count()).unwrap_or(u32::MAX),
        deposits_at_risk: most.map_or(U256::ZERO, |(_, sum)| sum),
        deposit_token: most.map(|(token, _)| token),
    }
}
