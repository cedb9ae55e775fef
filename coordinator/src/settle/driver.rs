//! Follows L1 and the farm, and does what the groups order.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use proofyard_settlement::watcher::{Change, Watcher};
use tokio::sync::{mpsc, watch};
use tracing::{debug, error, info, warn};

use super::{
    SettleError,
    again::{Again, delay},
    chain::Sight,
    chronicle::Entry,
    office::{Committed, Notice, Office, farm_of},
    submissions::{Bounds, Submissions},
    works::Works,
};
use crate::{
    ledger::{GroupKey, QuoteState},
    market::Alarm,
    metrics::QuoteOutcome,
    submission::{Effect, Event, Farm},
};

/// How often chain, farm and transactions are looked at when nothing calls.
const PAUSE: Duration = Duration::from_millis(250);

/// What a group is told later, so that it gives an order again.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Later {
    Tell(Event),
    /// The quote's state as the ledger has it.
    Quote,
}

/// The driver's task.
pub(super) struct Driver {
    office: Arc<Office>,
    watcher: Watcher,
    notices: mpsc::UnboundedReceiver<Notice>,
    works: Works,
    submissions: Submissions,
    /// Changes that the watcher has shown and that are not taken in yet.
    changes: VecDeque<Change>,
    /// The head that the groups were told last.
    told: Option<u64>,
    /// Orders that were not carried out.
    again: Again<GroupKey, Later>,
    /// Failures to read L1 in a row, and when it is read again.
    chain: (u32, Instant),
    /// How urgent committed groups were last.
    alarms: BTreeMap<GroupKey, Alarm>,
}

impl Driver {
    /// A driver that has seen nothing yet.
    pub fn new(office: Arc<Office>, watcher: Watcher, notices: mpsc::UnboundedReceiver<Notice>) -> Self {
        Self {
            office,
            watcher,
            notices,
            works: Works::default(),
            submissions: Submissions::default(),
            changes: VecDeque::new(),
            told: None,
            again: Again::default(),
            chain: (0, Instant::now()),
            alarms: BTreeMap::new(),
        }
    }

    /// Runs until it is stopped; then only the proofs that are there are written down.
    pub async fn run(mut self, stop: watch::Receiver<bool>) {
        tokio::select! {
            () = self.follow() => {}
            () = super::stopped(stop) => {}
        }
        self.works.keep_proofs(&self.office).await;
    }

    async fn follow(&mut self) {
        let mut heads = self.office.client.rpc().heads();
        let mut sends = self.office.manager.changes();
        loop {
            self.look_at_chain().await;
            for (key, event) in self.works.news(&self.office).await {
                self.tell(key, event).await;
            }
            for (key, attempt, sending) in self.submissions.news(&self.office).await {
                debug!(commitment = %key.commitment, group = key.group, attempt, ?sending, "submission");
                self.tell(key, Event::Sending { attempt, sending }).await;
            }
            self.try_again().await;
            self.works.measure(&self.office);
            tokio::select! {
                notice = self.notices.recv() => match notice {
                    Some(notice) => self.take(notice).await,
                    None => return,
                },
                _ = heads.changed() => {}
                _ = sends.changed() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
            while let Ok(notice) = self.notices.try_recv() {
                self.take(notice).await;
            }
        }
    }

    async fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Opened(key) => {
                if let Some(head) = self.told {
                    self.tell(key, Event::Head(head)).await;
                }
            }
            Notice::Accepted(key) => {
                let nonce = {
                    let books = self.office.books();
                    let case = books.cases.get(&key).filter(|case| *case.group.farm() == Farm::Missing);
                    case.map(|case| case.terms.nonce)
                };
                // It may be the block of an earlier quote, and proven.
                let Some(nonce) = nonce else { return };
                let farm = self.office.on_disk(move |ledger| farm_of(ledger, nonce, key.commitment)).await;
                self.tell(key, Event::Farm(farm.unwrap_or(Farm::Waiting))).await;
            }
        }
    }

    async fn look_at_chain(&mut self) {
        let (failures, not_before) = self.chain;
        if Instant::now() < not_before {
            return;
        }
        let failures = match self.follow_chain().await {
            Ok(()) => 0,
            Err(error) => {
                warn!(%error, failures, "L1 is not followed");
                failures.saturating_add(1)
            }
        };
        self.chain = (failures, Instant::now() + delay(failures));
    }

    /// Takes in what is new on L1; when nothing is outstanding, tells all groups the head.
    async fn follow_chain(&mut self) -> Result<(), SettleError> {
        let mut new = Vec::new();
        let polled = self.watcher.poll(&mut new).await;
        for change in new {
            // What is taken back before it was taken in is not asked for any more: L1 may not know it now.
            match &change {
                Change::Reverted { block } => {
                    self.office.metrics().l1.taken_back();
                    self.forget(block.number);
                }
                Change::Resync { from } => self.forget(*from),
                Change::Applied { .. } | Change::History { .. } => {}
            }
            self.changes.push_back(change);
        }
        while let Some(change) = self.changes.front() {
            self.apply(&change.clone()).await?;
            self.changes.pop_front();
        }
        polled?;
        let Some(tip) = self.watcher.tip().map(|tip| tip.number) else { return Ok(()) };
        // Blocks may be left to read after a long sleep.
        let is_behind = self.office.client.rpc().heads().borrow().is_some_and(|head| head.number > tip);
        let is_new = self.told != Some(tip) || self.office.books().sight.is_none();
        if is_behind || !is_new {
            return Ok(());
        }
        let mut entries = self.office.missed_schedules().await?;
        entries.extend(self.office.losers(tip).await?);
        for entry in entries {
            self.write(entry).await;
        }
        self.look(tip).await?;
        let keys: Vec<GroupKey> = self.office.books().cases.keys().copied().collect();
        for key in keys {
            self.tell(key, Event::Head(tip)).await;
        }
        self.told = Some(tip);
        self.tidy(tip).await
    }

    /// Drops blocks from this one on that are not taken in yet. Of the first of them some logs may be: what was made of them is taken
    /// back with the change that follows.
    fn forget(&mut self, from: u64) {
        self.changes.retain(|change| !matches!(change, Change::Applied { block, .. } if block.number >= from));
    }

    async fn apply(&mut self, change: &Change) -> Result<(), SettleError> {
        match change {
            Change::History { logs, .. } | Change::Applied { logs, .. } => {
                for log in logs {
                    if let Some(entry) = self.office.fact_of(log).await? {
                        self.write(entry).await;
                    }
                }
            }
            Change::Reverted { block } => self.revert(block.number).await,
            Change::Resync { from } => self.revert(*from).await,
        }
        Ok(())
    }

    async fn revert(&mut self, block: u64) {
        warn!(block, "L1 took a block back");
        self.told = None;
        let keys: Vec<GroupKey> = {
            let mut books = self.office.books();
            books.chronicle.revert(block);
            books.cases.keys().copied().collect()
        };
        for key in keys {
            self.tell(key, Event::Reverted { block }).await;
        }
    }

    /// Notes a fact and tells the groups that it concerns.
    async fn write(&mut self, entry: Entry) {
        let keys: Vec<GroupKey> = {
            let mut books = self.office.books();
            books.chronicle.write(entry);
            let concerned = books.cases.iter().filter(|(_, case)| entry.concerns(&case.terms));
            concerned.map(|(key, _)| *key).collect()
        };
        for key in keys {
            self.tell(key, Event::Seen { block: entry.block, fact: entry.fact }).await;
        }
    }

    /// Looks at L1 for quotes.
    async fn look(&mut self, tip: u64) -> Result<(), SettleError> {
        let before = self.office.books().sight.clone();
        let reorg_blocks = self.office.market().config().reorg_blocks;
        let prover = self.office.key.address();
        let sight = Sight::read(&self.office.client, prover, tip, reorg_blocks, before.as_ref()).await?;
        self.office.books().sight = Some(sight);
        Ok(())
    }

    /// Ends what has expired, drops what is over, shows what has changed.
    async fn tidy(&mut self, tip: u64) -> Result<(), SettleError> {
        let reorg_blocks = self.office.market().config().reorg_blocks;
        let expired = self.office.on_disk(move |ledger| ledger.expire_quotes(tip, reorg_blocks)).await?;
        for record in expired {
            info!(height = record.terms.height, group = record.terms.group, "a quote expired");
            self.office.metrics().market.quote(QuoteOutcome::Lost);
            self.office.market().restore(&record);
            self.tell(GroupKey::of(&record.terms), Event::Quote(record.state)).await;
        }
        // What is held for a quote that never got into the ledger ends with its time, too.
        self.office.market().expire(tip, reorg_blocks);
        let before = tip.saturating_sub(self.office.config.keep_blocks);
        self.office.on_disk(move |ledger| ledger.prune_files(before)).await?;
        let commitments: Vec<B256> = self.office.books().shown.keys().copied().collect();
        for commitment in &commitments {
            self.office.refresh(*commitment);
        }
        self.watch_slack();
        let mut books = self.office.books();
        let books = &mut *books;
        // Finished blocks stay for those who ask, until there are many.
        books.tidy(super::SHOWN_MAX);
        self.again.keep(|key| books.cases.contains_key(key));
        Ok(())
    }

    /// Says, once for each change, which committed groups may be late.
    fn watch_slack(&mut self) {
        let mut alarms = BTreeMap::new();
        for Committed { key, height, slack, alarm, .. } in self.office.slacks() {
            if alarm > self.alarms.get(&key).copied().unwrap_or(Alarm::None) {
                let group = key.group;
                warn!(height, group, ?alarm, slack.expected_ms, slack.worst_ms, "ALARM: a proof may be late");
            }
            alarms.insert(key, alarm);
        }
        self.alarms = alarms;
    }

    /// Tells one group something and does what it orders.
    async fn tell(&mut self, key: GroupKey, event: Event) {
        let mut waiting = VecDeque::from(self.office.step(key, event));
        while let Some(effect) = waiting.pop_front() {
            let error = match self.act(key, effect.clone()).await {
                Ok(event) => {
                    if !matches!(effect, Effect::Stop { .. } | Effect::Withdraw { .. } | Effect::GiveUp { .. }) {
                        self.again.succeeded(key);
                    }
                    waiting.extend(event.into_iter().flat_map(|event| self.office.step(key, event)));
                    continue;
                }
                Err(error) => error,
            };
            error!(%error, commitment = %key.commitment, group = key.group, ?effect, "an order was not carried out");
            let later = match effect {
                Effect::Prove | Effect::Submit { .. } if error.is_final() => {
                    let failed = Farm::Failed { code: "PY-C-315".to_owned(), message: error.to_string() };
                    waiting.extend(self.office.step(key, Event::Farm(failed)));
                    continue;
                }
                Effect::Prove => Later::Tell(Event::Farm(Farm::Waiting)),
                Effect::Submit { attempt, .. } => Later::Tell(Event::NotSent { attempt }),
                Effect::Quote { .. } => {
                    // The ledger takes single steps: a later one hangs on this one. Other orders do not.
                    waiting.retain(|effect| !matches!(effect, Effect::Quote { .. }));
                    Later::Quote
                }
                // What is in flight without need is stopped by its own check.
                Effect::Stop { .. } | Effect::Withdraw { .. } | Effect::GiveUp { .. } => continue,
            };
            self.again.failed(key, later, Instant::now());
        }
        self.office.refresh(key.commitment);
    }

    async fn act(&mut self, key: GroupKey, effect: Effect) -> Result<Option<Event>, SettleError> {
        match effect {
            Effect::Prove => return self.works.prove(&self.office, key).await.map(Some),
            Effect::Stop { reason } => {
                info!(commitment = %key.commitment, group = key.group, reason, "not needed any more");
            }
            Effect::Submit { attempt, at_risk, not_before, deadline } => {
                let bounds = Bounds { at_risk, not_before, deadline };
                let left = deadline.saturating_sub(self.told.unwrap_or(deadline));
                self.office.metrics().market.submits(left.saturating_mul(self.office.config.block_ms));
                let sending = self.submissions.submit(&self.office, key, attempt, bounds).await?;
                return Ok(Some(Event::Sending { attempt, sending }));
            }
            Effect::Withdraw { attempt } => self.submissions.withdraw(&self.office, key, attempt).await?,
            Effect::Quote { to, at, reason } => self.quote(key, to, at, reason).await?,
            Effect::GiveUp { reason } => {
                self.office.metrics().market.given_up();
                error!(commitment = %key.commitment, group = key.group, reason, "ALARM: a committed group will not be proven by us");
            }
        }
        Ok(None)
    }

    async fn quote(&mut self, key: GroupKey, to: QuoteState, at: u64, why: Option<String>) -> Result<(), SettleError> {
        let nonce = self.office.books().cases.get(&key).map(|case| case.terms.nonce);
        let Some(nonce) = nonce else { return Ok(()) };
        let reason = why.clone();
        let record = self.office.on_disk(move |ledger| ledger.move_quote(nonce, to, at, reason.as_deref())).await?;
        info!(commitment = %key.commitment, group = key.group, state = %to, at, why, "quote");
        let outcome = match to {
            QuoteState::Committed => Some(QuoteOutcome::Won),
            QuoteState::Settled => Some(QuoteOutcome::Settled),
            QuoteState::Slashed => Some(QuoteOutcome::Slashed),
            QuoteState::Released | QuoteState::Expired => Some(QuoteOutcome::Lost),
            QuoteState::Reserved | QuoteState::Signed | QuoteState::Declined => None,
        };
        outcome.into_iter().for_each(|outcome| self.office.metrics().market.quote(outcome));
        self.office.market().restore(&record);
        Ok(())
    }

    /// Tells groups what makes them give failed orders again.
    async fn try_again(&mut self) {
        for (key, later) in self.again.due(Instant::now()) {
            let event = match later {
                Later::Tell(event) => event,
                Later::Quote => {
                    let nonce = self.office.books().cases.get(&key).map(|case| case.terms.nonce);
                    let Some(nonce) = nonce else { continue };
                    match self.office.on_disk(move |ledger| ledger.quote(nonce)).await {
                        Ok(Some(record)) => Event::Quote(record.state),
                        Ok(None) => continue,
                        Err(error) => {
                            warn!(%error, "the ledger cannot be read");
                            self.again.failed(key, Later::Quote, Instant::now());
                            continue;
                        }
                    }
                }
            };
            self.tell(key, event).await;
            if let Some(head) = self.told {
                self.tell(key, Event::Head(head)).await;
            }
        }
    }
}
