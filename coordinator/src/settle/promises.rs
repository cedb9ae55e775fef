//! The farm's view with what only L1 knows: promises, deposits at risk, transactions.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use proofyard_coordinator_client::{BlockView, FarmView, MarketView, PromiseView, Stage};
use proofyard_job_schema::BlockId;

use super::office::{Books, Office};
use crate::{ledger::QuoteState, market::Slack};

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
            let of_it = books.cases.iter().filter(|(key, _)| key.commitment == *commitment);
            let promises = of_it.map(|(key, case)| {
                let committed = slacks.get(key);
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
                    transaction: books.transactions.get(key).copied(),
                }
            });
            let promises = promises.collect();
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
