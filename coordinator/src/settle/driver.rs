//! Follows L1 and the farm, and does what the groups order.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use alloy_primitives::{B256, U256};
use proofyard_settlement::{
    chain::Log,
    contracts::bindings::IProvingSidecar::IProvingSidecarEvents as Sidecar,
    sidecar_client::events::{self, L1Event},
    watcher::{Change, Watcher},
};
use tokio::sync::mpsc;
use tracing::{debug, error, info, warn};

use super::{
    SettleError,
    chain::{self, Sight},
    chronicle::Entry,
    office::{Notice, Office},
    works::Works,
};
use crate::{
    ledger::{GroupKey, QuoteState},
    market::Alarm,
    submission::{Effect, Event, Fact, Farm},
};

/// How often the chain is asked when nothing else happens.
const PAUSE: Duration = Duration::from_millis(250);

/// The driver's task.
pub(super) struct Driver {
    pub office: Arc<Office>,
    pub watcher: Watcher,
    pub notices: mpsc::UnboundedReceiver<Notice>,
    pub works: Works,
    /// Changes that the watcher has shown and that are not taken in yet.
    pub changes: VecDeque<Change>,
    /// The head that the groups were told last.
    pub told: Option<u64>,
    /// Groups whose quote's state could not be written.
    pub unwritten: BTreeSet<GroupKey>,
    /// How urgent committed groups were last.
    pub alarms: BTreeMap<GroupKey, Alarm>,
}

impl Driver {
    /// Runs until it is aborted.
    pub async fn run(mut self) {
        let mut heads = self.office.client.rpc().heads();
        let mut sends = self.office.manager.changes();
        loop {
            if let Err(error) = self.follow_chain().await {
                warn!(%error, "L1 is not followed");
            }
            self.follow_sends().await;
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
                let head = self.told;
                if let Some(head) = head {
                    self.tell(key, Event::Head(head)).await;
                }
            }
            Notice::Accepted(key) => self.tell(key, Event::Farm(Farm::Waiting)).await,
            Notice::Farm(block) => {
                for (key, event) in self.works.farm_changed(&self.office, block).await {
                    self.tell(key, event).await;
                }
            }
        }
    }

    /// Takes in what is new on L1; when nothing is outstanding, tells all groups the head.
    async fn follow_chain(&mut self) -> Result<(), SettleError> {
        let mut new = Vec::new();
        let polled = self.watcher.poll(&mut new).await;
        self.changes.extend(new);
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
        self.decide_winners(tip).await?;
        self.look(tip).await?;
        let keys: Vec<GroupKey> = self.office.books().cases.keys().copied().collect();
        for key in keys {
            self.tell(key, Event::Head(tip)).await;
        }
        self.told = Some(tip);
        self.tidy(tip).await
    }

    async fn apply(&mut self, change: &Change) -> Result<(), SettleError> {
        match change {
            Change::History { logs, .. } | Change::Applied { logs, .. } => {
                for log in logs {
                    self.log(log).await?;
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

    async fn log(&mut self, log: &Log) -> Result<(), SettleError> {
        let deployment = self.office.client.deployment();
        let event = match events::decode(deployment, log) {
            Ok(Some(L1Event::Sidecar(event))) => *event,
            Ok(_) => return Ok(()),
            Err(error) => {
                warn!(%error, "a log is passed over");
                return Ok(());
            }
        };
        let block = log.block_number;
        let of = |height: u64, commitment: Option<B256>, group: Option<u32>, fact: Fact| Entry {
            block,
            height,
            commitment,
            group,
            fact,
        };
        let proposal = |height: u64, index: u32| self.office.books().chronicle.proposal(height, index);
        let entry = match event {
            Sidecar::HeightOpened(event) => {
                let first = self.office.client.schedule(event.height).await?;
                let version = self.office.client.version_of(event.version).await?;
                let schedule = chain::schedule(first, version.fixedWindow);
                schedule.map(|schedule| of(event.height, None, None, Fact::Scheduled(schedule)))
            }
            Sidecar::Proposed(event) => {
                let commitment = event.blockCommitment;
                self.office.books().chronicle.proposed(block, event.height, event.proposal, commitment);
                Some(of(event.height, Some(commitment), None, Fact::Proposed))
            }
            Sidecar::Revealed(event) => {
                proposal(event.height, event.proposal).map(|at| of(event.height, Some(at), None, Fact::Revealed))
            }
            Sidecar::Committed(event) => proposal(event.height, event.proposal)
                .map(|at| of(event.height, Some(at), Some(event.group), Fact::Committed { prover: event.prover })),
            Sidecar::GroupProven(event) => self
                .winner(event.height)
                .await?
                .map(|at| of(event.height, Some(at), Some(event.group), Fact::GroupProven { rescued: event.rescued })),
            Sidecar::HeightProven(event) => {
                self.winner(event.height).await?.map(|at| of(event.height, Some(at), None, Fact::HeightProven))
            }
            Sidecar::HeightSlashed(event) => {
                self.winner(event.height).await?.map(|at| of(event.height, Some(at), None, Fact::HeightSlashed))
            }
            Sidecar::HeightVoided(event) => Some(of(event.height, None, None, Fact::HeightVoided)),
            _ => None,
        };
        if let Some(entry) = entry {
            self.write(entry).await;
        }
        Ok(())
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

    /// The block commitment that leads or has won a height.
    async fn winner(&self, height: u64) -> Result<Option<B256>, SettleError> {
        let winner = self.office.client.height_of(height).await?.winner;
        if winner == u32::MAX {
            return Ok(None);
        }
        let known = self.office.books().chronicle.proposal(height, winner);
        match known {
            Some(commitment) => Ok(Some(commitment)),
            None => Ok(Some(self.office.client.proposal_of(height, winner).await?.blockCommitment)),
        }
    }

    /// Heights whose winner is final: committed groups of other proposals have lost.
    async fn decide_winners(&mut self, tip: u64) -> Result<(), SettleError> {
        let undecided: BTreeSet<(u64, B256)> = {
            let books = self.office.books();
            let open = books.cases.values().filter(|case| {
                let facts = case.group.facts();
                facts.ended_at().is_none() && facts.committed_at().is_some() && facts.schedule().is_some()
            });
            open.map(|case| (case.terms.height, case.terms.block_commitment)).collect()
        };
        for (height, commitment) in undecided {
            let decided_from = self.office.client.schedule(height).await?[3];
            let known = |entry: &Entry| entry.fact == Fact::Lost && entry.commitment == Some(commitment);
            if decided_from == 0 || tip < decided_from || self.office.books().chronicle.knows(height, known) {
                continue;
            }
            if self.winner(height).await?.is_some_and(|winner| winner != commitment) {
                let fact = Fact::Lost;
                self.write(Entry { block: decided_from, height, commitment: Some(commitment), group: None, fact })
                    .await;
            }
        }
        Ok(())
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
            self.office.market().restore(&record);
            self.tell(GroupKey::of(&record.terms), Event::Quote(record.state)).await;
        }
        let before = tip.saturating_sub(self.office.config.keep_blocks);
        self.office.on_disk(move |ledger| ledger.prune_files(before)).await?;
        let commitments: Vec<B256> = self.office.books().shown.keys().copied().collect();
        for commitment in &commitments {
            self.office.refresh(*commitment);
        }
        self.watch_slack();
        let mut books = self.office.books();
        let books = &mut *books;
        books.cases.retain(|_, case| !case.group.is_over());
        // Finished blocks stay for those who ask, until there are many.
        let spare = books.shown.len().saturating_sub(super::SHOWN_MAX);
        let over = |commitment: &B256| !books.cases.keys().any(|key| key.commitment == *commitment);
        let gone: Vec<B256> = books.shown.keys().filter(|commitment| over(commitment)).take(spare).copied().collect();
        gone.iter().for_each(|commitment| drop(books.shown.remove(commitment)));
        Ok(())
    }

    /// Says, once for each change, which committed groups may be late.
    fn watch_slack(&mut self) {
        let farm = self.office.farm_sight();
        let market = self.office.market();
        let books = self.office.books();
        let Some(sight) = &books.sight else { return };
        let config = &self.office.config;
        let threshold = market.config().alarm_blocks.saturating_mul(config.block_ms);
        let mut alarms = BTreeMap::new();
        for (key, case) in books.cases.iter().filter(|(_, case)| case.group.quote() == QuoteState::Committed) {
            let view = sight.view(case.terms.height, farm, config.block_ms, config.stale_ms);
            let Some(slack) = market.slack(*key, &view) else { continue };
            let alarm = slack.alarm(threshold);
            if alarm > self.alarms.get(key).copied().unwrap_or(Alarm::None) {
                let height = case.terms.height;
                warn!(
                    height,
                    group = key.group,
                    ?alarm,
                    slack.expected_ms,
                    slack.worst_ms,
                    "ALARM: a proof may be late"
                );
            }
            alarms.insert(*key, alarm);
        }
        self.alarms = alarms;
    }

    /// Tells one group something and does what it orders.
    async fn tell(&mut self, key: GroupKey, event: Event) {
        let mut waiting = VecDeque::from(self.office.step(key, event));
        while let Some(effect) = waiting.pop_front() {
            match self.act(key, effect.clone()).await {
                Ok(Some(event)) => waiting.extend(self.office.step(key, event)),
                Ok(None) => {}
                Err(error) => {
                    error!(%error, commitment = %key.commitment, group = key.group, ?effect, "an order was not carried out");
                    match effect {
                        Effect::Prove => self.works.retry(key, Event::Farm(Farm::Waiting)),
                        Effect::Submit { attempt, .. } => self.works.retry(key, Event::NotSent { attempt }),
                        Effect::Quote { .. } => {
                            // What follows hangs on this one.
                            waiting.clear();
                            self.unwritten.insert(key);
                        }
                        Effect::Stop { .. } | Effect::Withdraw { .. } | Effect::GiveUp { .. } => {}
                    }
                }
            }
        }
        self.office.refresh(key.commitment);
    }

    async fn act(&mut self, key: GroupKey, effect: Effect) -> Result<Option<Event>, SettleError> {
        match effect {
            Effect::Prove => return self.works.prove(&self.office, key).await.map(Some),
            Effect::Stop { reason } => {
                info!(commitment = %key.commitment, group = key.group, reason, "not needed any more")
            }
            Effect::Submit { attempt, at_risk, not_before, deadline } => {
                let when = Submission { at_risk, not_before, deadline };
                return self.submit(key, attempt, when).await.map(Some);
            }
            Effect::Withdraw { attempt } => {
                if let Some(id) = self.works.intent(key, attempt) {
                    self.office.manager.withdraw(&id).await?;
                }
            }
            Effect::Quote { to, at, reason } => self.quote(key, to, at, reason).await?,
            Effect::GiveUp { reason } => {
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
        self.office.market().restore(&record);
        Ok(())
    }

    async fn submit(&mut self, key: GroupKey, attempt: u32, when: Submission) -> Result<Event, SettleError> {
        let sending = self.works.submit(&self.office, key, attempt, when).await?;
        Ok(Event::Sending { attempt, sending })
    }

    /// Quotes whose new state could not be written: the groups hear the one that is, and say again what it should be.
    async fn reread(&mut self) {
        for key in std::mem::take(&mut self.unwritten) {
            let nonce = self.office.books().cases.get(&key).map(|case| case.terms.nonce);
            let Some(nonce) = nonce else { continue };
            match self.office.on_disk(move |ledger| ledger.quote(nonce)).await {
                Ok(Some(record)) => self.works.retry(key, Event::Quote(record.state)),
                Ok(None) => {}
                Err(error) => {
                    warn!(%error, "the ledger cannot be read");
                    self.unwritten.insert(key);
                }
            }
        }
    }

    /// Tells groups what became of their submissions.
    async fn follow_sends(&mut self) {
        self.reread().await;
        for (key, attempt, sending) in self.works.sends(&self.office).await {
            debug!(commitment = %key.commitment, group = key.group, attempt, ?sending, "submission");
            self.tell(key, Event::Sending { attempt, sending }).await;
        }
        for (key, event) in self.works.due(&self.office) {
            self.tell(key, event).await;
        }
    }
}

/// Bounds of a submission.
pub(super) struct Submission {
    pub at_risk: U256,
    pub not_before: u64,
    pub deadline: u64,
}
