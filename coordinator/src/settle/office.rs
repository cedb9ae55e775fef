//! What desk and driver share: ledger, market, groups, key, chain.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alloy_primitives::{B256, U256};
use proofyard_coordinator_client::{BlockStatus, ErrorBody, PromiseView, Rung};
use proofyard_job_schema::BlockId;
use proofyard_settlement::{
    sidecar_client::SidecarClient,
    signer::{Key, typed::Domain},
    transactions::Manager,
};
use tokio::sync::mpsc;

use super::{
    SettleError, SettlementConfig,
    chain::{FarmSight, Sight},
    chronicle::Chronicle,
};
use crate::{
    handle::Handle,
    ledger::{BlockRecord, GroupKey, Ledger, LedgerError, QuoteRecord, QuoteState, QuoteTerms},
    market::{Alarm, Demand, Market, Scaling, Slack, at_risk_wei, demand},
    metrics::{MarketFigures, Metrics},
    submission::{Effect, Event, Farm, Group, SubmissionPolicy, Terms, standing, step},
    track::Track,
};

/// A group and what the office knows of it beside.
pub(super) struct Case {
    pub terms: QuoteTerms,
    pub group: Group,
}

/// A committed group and whether it will be in time.
pub(super) struct Committed {
    pub key: GroupKey,
    pub height: u64,
    pub deposit: U256,
    pub slack: Slack,
    pub alarm: Alarm,
}

/// An accepted block as its followers see it.
pub(super) struct Shown {
    pub id: B256,
    pub rows_log2: u32,
    pub track: Track,
}

/// What the driver is told by others.
#[derive(Debug)]
pub(super) enum Notice {
    /// A quote was signed.
    Opened(GroupKey),
    /// Its block was accepted.
    Accepted(GroupKey),
}

/// The books.
#[derive(Default)]
pub(super) struct Books {
    pub cases: BTreeMap<GroupKey, Case>,
    /// What was promised for groups that are over, of blocks that are shown.
    pub over: BTreeMap<GroupKey, PromiseView>,
    pub chronicle: Chronicle,
    /// By block commitment.
    pub shown: BTreeMap<B256, Shown>,
    /// The newest transaction that carries a group's proof.
    pub transactions: BTreeMap<GroupKey, B256>,
    pub sight: Option<Sight>,
}

pub(super) struct Office {
    pub config: SettlementConfig,
    pub policy: SubmissionPolicy,
    pub ledger: Arc<dyn Ledger>,
    pub market: Mutex<Market>,
    pub books: Mutex<Books>,
    /// Held from looking at what is promised until a promise is written: requests are answered one after the other.
    pub asking: tokio::sync::Mutex<()>,
    pub client: SidecarClient,
    pub manager: Manager,
    pub key: Key,
    pub domain: Domain,
    pub handle: Handle,
    pub notices: mpsc::UnboundedSender<Notice>,
}

/// What the farm has to do for a quote, as the ledger has it.
pub(super) fn farm_of(ledger: &dyn Ledger, nonce: U256, commitment: B256) -> Result<Farm, LedgerError> {
    if ledger.receipt(nonce)?.is_none() {
        return Ok(Farm::Missing);
    }
    if ledger.proof(commitment)?.is_some() {
        return Ok(Farm::Proven);
    }
    let given_up = ledger.block(commitment)?.and_then(|block| block.given_up);
    Ok(given_up.map_or(Farm::Waiting, |message| Farm::Failed { code: "PY-C-306".to_owned(), message }))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Office {
    pub fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }

    pub fn market(&self) -> MutexGuard<'_, Market> {
        lock(&self.market)
    }

    pub fn tell(&self, notice: Notice) {
        // The receiver is gone only when the driver has ended.
        let _ = self.notices.send(notice);
    }

    /// Runs something of the ledger on the blocking pool.
    pub async fn on_disk<T: Send + 'static>(
        &self,
        task: impl FnOnce(&dyn Ledger) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, SettleError> {
        let ledger = self.ledger.clone();
        let done = tokio::task::spawn_blocking(move || task(ledger.as_ref())).await?;
        Ok(done.inspect_err(|error| self.metrics().ledger.failed(error))?)
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        self.handle.metrics()
    }

    /// The slack of each committed group, as far as L1 was seen.
    pub fn slacks(&self) -> Vec<Committed> {
        let farm = self.farm_sight();
        let market = self.market();
        let books = self.books();
        let Some(sight) = &books.sight else { return Vec::new() };
        let threshold = market.config().alarm_blocks.saturating_mul(self.config.block_ms);
        let committed = books.cases.iter().filter(|(_, case)| case.group.quote() == QuoteState::Committed);
        committed
            .filter_map(|(key, case)| {
                let view = sight.view(case.terms.height, farm, self.config.block_ms, self.config.stale_ms);
                let slack = market.slack(*key, &view)?;
                let (height, deposit, alarm) = (case.terms.height, case.terms.deposit, slack.alarm(threshold));
                Some(Committed { key: *key, height, deposit, slack, alarm })
            })
            .collect()
    }

    /// The market as the metrics show it.
    pub fn figures(&self) -> MarketFigures {
        let committed = self.slacks();
        let mut figures = MarketFigures { groups_committed: committed.len(), ..MarketFigures::default() };
        for group in &committed {
            figures.at_risk.add(group.alarm, f64::from(group.deposit));
            let least = figures.tightest.get_or_insert(group.slack);
            least.left_ms = least.left_ms.min(group.slack.left_ms);
            least.expected_ms = least.expected_ms.min(group.slack.expected_ms);
            least.worst_ms = least.worst_ms.min(group.slack.worst_ms);
        }
        figures.quotes_open = self.market().calendar().len();
        let books = self.books();
        figures.escrow = books.sight.as_ref().map(|sight| f64::from(sight.backing.balance));
        figures.sight_age = books.sight.as_ref().map(|sight| sight.at.elapsed().as_secs_f64());
        figures
    }

    /// How many workers the promises need.
    pub fn demand(&self, scaling: &Scaling) -> Demand {
        let busy = self.handle.board().busy();
        let farm = self.farm_sight();
        let market = self.market();
        let books = self.books();
        match &books.sight {
            Some(sight) => {
                let view = sight.view(sight.last_height, farm, self.config.block_ms, self.config.stale_ms);
                market.demand(&view, busy, scaling)
            }
            None => demand(&[], busy, scaling),
        }
    }

    /// The farm's part of a view.
    pub fn farm_sight(&self) -> FarmSight {
        let workers = self.handle.board().workers();
        let workers = workers.iter().filter(|worker| worker.live && !worker.draining).count();
        let books = self.books();
        let shown_until = books.sight.as_ref().map_or(0, |sight| sight.backing.at);
        let not_shown = |case: &&Case| match case.group.quote() {
            QuoteState::Reserved | QuoteState::Signed => true,
            QuoteState::Committed => case.group.facts().committed_at().is_none_or(|block| block > shown_until),
            _ => false,
        };
        let held = books.cases.values().filter(not_shown);
        FarmSight {
            workers: u32::try_from(workers).unwrap_or(u32::MAX),
            deposits_held: held.fold(U256::ZERO, |sum, case| sum.saturating_add(case.terms.deposit)),
            is_draining: self.handle.is_draining(),
        }
    }

    /// Opens a case, or updates its quote's state. Everything that L1 said about it lately is heard.
    pub fn open_case(&self, record: &QuoteRecord, farm: Farm) {
        let at_risk = at_risk_wei(self.market().config(), &record.terms);
        let key = GroupKey::of(&record.terms);
        let mut books = self.books();
        let Books { cases, chronicle, .. } = &mut *books;
        if let Some(case) = cases.get_mut(&key)
            && case.terms.nonce == record.terms.nonce
        {
            // Signed meanwhile; what L1 made of it since is known better there.
            if case.group.quote() == QuoteState::Reserved {
                step(&mut case.group, Event::Quote(record.state));
            }
            return;
        }
        let terms = Terms {
            prover: record.terms.prover,
            at_risk,
            commit_by: record.terms.expiry,
            prove_by: record.reservation.prove_by,
        };
        let mut group = Group::new(self.policy, terms, record.state, farm);
        for entry in chronicle.about(&record.terms) {
            step(&mut group, Event::Seen { block: entry.block, fact: entry.fact });
        }
        cases.insert(key, Case { terms: record.terms.clone(), group });
    }

    /// Tells a case what happened; what it orders.
    pub fn step(&self, key: GroupKey, event: Event) -> Vec<Effect> {
        let mut books = self.books();
        books.cases.get_mut(&key).map_or_else(Vec::new, |case| step(&mut case.group, event))
    }

    /// Shows an accepted block to followers.
    pub fn show(&self, block: &BlockRecord, rows_log2: u32) {
        let mut books = self.books();
        books.shown.entry(block.commitment).or_insert_with(|| {
            let mut status = BlockStatus::new(BlockId(block.id.0).to_string(), rows_log2);
            status.block_commitment = Some(block.commitment);
            Shown { id: block.id, rows_log2, track: Track::new(status) }
        });
        drop(books);
        self.refresh(block.commitment);
    }

    /// Brings what followers see of a block up to date.
    pub fn refresh(&self, commitment: B256) {
        let market = self.market();
        let farm = self.farm_sight();
        let books = self.books();
        let Some(shown) = books.shown.get(&commitment) else { return };
        let id = BlockId(shown.id.0);
        let farm_status = self.handle.watch(id).map(|entry| entry.borrow().current());
        let cases = || books.cases.iter().filter(|(key, _)| key.commitment == commitment);
        if cases().next().is_none() {
            // It is over: what was shown last stands.
            return;
        }
        // A block is as far as the least of its groups.
        let standing = cases().map(|(_, case)| standing(&case.group)).min_by_key(|standing| standing.rung);
        let slack = books.sight.as_ref().and_then(|sight| {
            cases()
                .filter_map(|(key, case)| {
                    let view = sight.view(case.terms.height, farm, self.config.block_ms, self.config.stale_ms);
                    market.slack(*key, &view).map(|slack| slack.expected_ms)
                })
                .min()
        });
        shown.track.change(|status| {
            let mut now = farm_status.unwrap_or_else(|| BlockStatus::new(id.to_string(), shown.rows_log2));
            now.block_commitment = Some(commitment);
            if let Some(standing) = standing {
                now.ladder.rung = standing.rung;
                now.ladder.reason = standing.reason.map(|(code, message)| ErrorBody {
                    code: code.to_owned(),
                    message,
                    transaction: None,
                });
            }
            let underway = now.ladder.rung < Rung::Verified;
            now.ladder.slack_seconds = slack.filter(|_| underway).map(|slack| slack as f64 / 1_000.0);
            now.seconds = status.seconds;
            *status = now;
        });
    }
}
