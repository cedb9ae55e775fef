//! The sidecar's decisions: `step(state, event, now) -> effects`, and nothing else. No tokio, clock, network or disk; hashes,
//! signatures, proofs and files are the driver's.
//!
//! A block waits in the queue until L1 takes a block that starts where it does; then it is tried at that height, an *attempt*:
//! prepared, bid for, proposed, revealed, committed, handed over, watched, proven, final. Each view of L1 is compared with what the
//! attempt wants; what is missing is done. So reorgs, lost messages and restarts need no cases of their own.
//!
//! What always holds:
//! - A height has at most one proposal of ours that may be or become valid, a group at most one such commitment: a slot's act changes
//!   only after the one before has failed for good.
//! - Only a bid that passed every check of [`bid::check`] is committed or handed over to.
//! - A group has one worker at a time.
//! - A block that came in ends in [`Rung::Finalized`], [`Rung::Cut`] or [`Rung::HandedBack`].
//! - The driver stores [`Records`] before it does anything a step asked for; [`Event::Started`] on them goes on where they stop.

mod attempt;
pub mod bid;
pub mod chain;
pub mod effect;
mod group;
pub mod policy;
mod proving;
pub mod rank;
mod records;
mod rung;
mod running;
pub mod slots;
mod summary;
pub mod types;

use attempt::{Attempt, Context, Stage, Verdict, asks_nobody, proposable};
use chain::View;
use effect::{Act, Slot};
use policy::Policy;
use slots::About;
use types::{Height, Millis, Plan, Reason};

pub use effect::{Effect, Event, Intent, Landing, Report};
pub use records::Records;
use records::{Place, Queued};
pub use rung::Rung;
pub use summary::{GroupCounts, Summary};

/// Everything the core knows.
#[derive(Debug, Clone)]
pub struct State {
    policy: Policy,
    records: Records,
    view: Option<Box<View>>,
    /// What came before the first view, and waits for it.
    early: Vec<Event>,
    draining: bool,
}

impl State {
    /// A sidecar that goes on from these records.
    pub fn new(policy: Policy, records: Records) -> Self {
        Self { policy, records, view: None, early: Vec::new(), draining: false }
    }

    /// What must survive the process.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Heights that the next view must show, whatever their phase.
    pub fn heights(&self) -> impl Iterator<Item = Height> + '_ {
        self.records.attempts.keys().copied()
    }

    /// Blocks taken and not ended.
    pub fn blocks(&self) -> usize {
        self.records.queue.len()
    }

    /// Whether no more blocks are taken for now.
    pub fn is_full(&self) -> bool {
        self.draining || self.blocks() >= self.policy.blocks_max
    }
}

/// Takes one event at one time and says what to do. Times never go back.
pub fn step(state: &mut State, event: Event, now: Millis) -> Vec<Effect> {
    let mut out = Vec::new();
    state.take(event, now, &mut out);
    state.advance(now, &mut out);
    out
}

impl State {
    fn take(&mut self, event: Event, now: Millis, out: &mut Vec<Effect>) {
        match event {
            Event::Started => self.resume(now, out),
            Event::L1(view) => {
                self.view = Some(view);
                for event in std::mem::take(&mut self.early) {
                    self.take(event, now, out);
                }
            }
            Event::Received { plan } => self.received(plan, out),
            Event::Cut { block, parts } => self.cut(block, parts, out),
            Event::Landed { intent, landing } => self.landed(intent, landing),
            Event::Tick => {}
            Event::Drain => self.draining = true,
            // A restarted sidecar may be answered before it sees L1.
            event if self.view.is_none() => self.early.push(event),
            Event::Prepared { height, block, commitment } => self.attempt(height, now, out, |attempt, cx| {
                if attempt.block() == block {
                    attempt.prepared(commitment, cx);
                }
            }),
            Event::Answered { height, commitment, group, bidder, answer } => {
                self.attempt(height, now, out, |attempt, cx| attempt.answered(commitment, group, &bidder, answer, cx));
            }
            Event::HandedOver { height, group, bidder, receipt } => {
                self.attempt(height, now, out, |attempt, cx| attempt.handed_over(group, &bidder, receipt, cx));
            }
            Event::Reported { height, group, bidder, report } => {
                self.attempt(height, now, out, |attempt, cx| attempt.reported(group, &bidder, report, cx));
            }
            Event::SelfProved { height, block, outcome } => self.attempt(height, now, out, |attempt, cx| {
                if attempt.block() == block {
                    attempt.self_proved(outcome.is_ok(), cx);
                }
            }),
        }
    }

    fn resume(&mut self, now: Millis, out: &mut Vec<Effect>) {
        for attempt in self.records.attempts.values_mut() {
            attempt.resume(now, &self.policy, out);
        }
        self.records.withdrawals.resume(About::default(), out);
        for queued in &self.records.queue {
            if let Place::Cutting { height } = queued.place {
                let first = self.policy.self_prove_transfers.max(1);
                out.push(Effect::Cut { block: queued.plan.id, first, height });
            }
        }
    }

    fn received(&mut self, plan: Plan, out: &mut Vec<Effect>) {
        if self.records.position(plan.id).is_some() {
            return;
        }
        let block = plan.id;
        if self.is_full() {
            let reason = Reason::new("PY-S-101", "the sidecar takes no more blocks for now; hand it in again later");
            out.push(Effect::Notify { block, rung: Rung::HandedBack { reason } });
            return;
        }
        self.records.queue.push(Queued::new(plan, false));
        out.push(Effect::Notify { block, rung: Rung::Queued });
    }

    fn cut(&mut self, block: types::BlockId, parts: Result<Box<(Plan, Plan)>, Reason>, out: &mut Vec<Effect>) {
        let Some(position) = self.records.position(block) else { return };
        if !matches!(self.records.queue[position].place, Place::Cutting { .. }) {
            return;
        }
        match parts {
            Ok(parts) => {
                let (first, rest) = *parts;
                let (first_id, rest_id) = (first.id, rest.id);
                out.push(Effect::Notify { block, rung: Rung::Cut { first: first_id, rest: rest_id } });
                self.records.queue.splice(position..=position, [Queued::new(first, true), Queued::new(rest, false)]);
                for block in [first_id, rest_id] {
                    out.push(Effect::Notify { block, rung: Rung::Queued });
                }
            }
            Err(reason) => {
                self.records.queue.remove(position);
                out.push(Effect::Notify { block, rung: Rung::HandedBack { reason } });
            }
        }
    }

    fn landed(&mut self, intent: Intent, landing: Landing) {
        let slots = match intent.slot {
            Slot::Withdraw(_) => Some(&mut self.records.withdrawals),
            _ => {
                let attempt = self.records.attempts.get_mut(&intent.height);
                attempt.filter(|attempt| attempt.number == intent.attempt).map(|attempt| &mut attempt.slots)
            }
        };
        if let Some(slots) = slots {
            slots.landed(intent.slot, intent.number, landing);
        }
    }

    /// Lets the attempt at a height see an event.
    fn attempt(
        &mut self,
        height: Height,
        now: Millis,
        out: &mut Vec<Effect>,
        act: impl FnOnce(&mut Attempt, &mut Context<'_>),
    ) {
        let (Some(view), Some(attempt)) = (&self.view, self.records.attempts.get_mut(&height)) else { return };
        if attempt.stage != Stage::Released {
            act(attempt, &mut Context { policy: &self.policy, view, history: &mut self.records.history, now, out });
        }
    }

    /// Compares every attempt with L1, starts new ones, draws what is credited.
    fn advance(&mut self, now: Millis, out: &mut Vec<Effect>) {
        let Some(view) = self.view.take() else { return };
        self.revive(&view, out);
        let heights: Vec<Height> = self.records.attempts.keys().copied().collect();
        for height in heights {
            if let Some(mut attempt) = self.records.attempts.remove(&height) {
                let history = &mut self.records.history;
                let cx = &mut Context { policy: &self.policy, view: &view, history, now, out };
                let verdict = match attempt.stage {
                    Stage::Released => {
                        if attempt.clear(cx) {
                            out.push(Effect::Forget { height });
                        } else {
                            self.records.attempts.insert(height, attempt);
                        }
                        continue;
                    }
                    Stage::Preparing => Verdict::Stay,
                    Stage::Bidding { until } => match attempt.decide(until, cx) {
                        Some(Verdict::Stay) => attempt.run(cx),
                        Some(verdict) => verdict,
                        None => Verdict::Stay,
                    },
                    Stage::Running | Stage::Proven { .. } => attempt.run(cx),
                };
                self.conclude(attempt, verdict, out);
            }
        }
        self.open(&view, out);
        self.hand_back_stale(&view, out);
        self.withdraw(&view, out);
        self.view = Some(view);
    }

    fn conclude(&mut self, mut attempt: Attempt, verdict: Verdict, out: &mut Vec<Effect>) {
        let (height, block) = (attempt.height, attempt.block());
        match verdict {
            Verdict::Stay => {
                self.records.attempts.insert(height, attempt);
            }
            Verdict::Cut => {
                out.push(Effect::Forget { height });
                self.start_cut(block, height, out);
            }
            Verdict::Final => {
                out.push(Effect::Forget { height });
                self.records.queue.retain(|queued| queued.plan.id != block);
            }
            Verdict::Release(rung) => {
                out.push(Effect::Notify { block, rung });
                if attempt.slots.of(Slot::Propose).is_some() {
                    attempt.stage = Stage::Released;
                    attempt.rung = None;
                    self.records.attempts.insert(height, attempt);
                } else {
                    out.push(Effect::Forget { height });
                }
                self.requeue(block, out);
            }
        }
    }

    /// A block's attempt came to nothing: it waits again, unless it has been tried too often.
    fn requeue(&mut self, block: types::BlockId, out: &mut Vec<Effect>) {
        let Some(position) = self.records.position(block) else { return };
        let queued = &mut self.records.queue[position];
        queued.place = Place::Waiting;
        if queued.attempts >= self.policy.attempts_max {
            let message = format!(
                "{} heights passed without a proof of it; look at its events, correct what they name and hand it in again",
                queued.attempts
            );
            self.records.queue.remove(position);
            let rung = Rung::HandedBack { reason: Reason::new("PY-S-112", message) };
            out.push(Effect::Notify { block, rung });
        }
    }

    /// A height that was over for us goes on after a reorg: its block returns to it if nothing newer of it is on L1.
    fn revive(&mut self, view: &View, out: &mut Vec<Effect>) {
        let returning: Vec<Height> = (self.records.attempts.iter())
            .filter(|(height, attempt)| {
                attempt.stage == Stage::Released
                    && view.heights.get(height).is_some_and(|facts| {
                        let same = facts.ours.as_ref().is_some_and(|ours| Some(ours.commitment) == attempt.commitment);
                        same && facts.we_lead() && !matches!(facts.phase, chain::Phase::Slashed | chain::Phase::Void)
                    })
            })
            .map(|(height, _)| *height)
            .collect();
        for height in returning {
            let Some(block) = self.records.attempts.get(&height).map(Attempt::block) else { continue };
            let Some(position) = self.records.position(block) else { continue };
            if self.records.queue[position].place != Place::Waiting {
                continue;
            }
            self.records.queue[position].place = Place::At { height };
            if let Some(attempt) = self.records.attempts.get_mut(&height) {
                attempt.stage = Stage::Running;
                attempt.over_since = None;
                attempt.notify(Rung::Reorged { height }, out);
            }
        }
    }

    /// Starts an attempt at each height that takes proposals and that a waiting block fits.
    fn open(&mut self, view: &View, out: &mut Vec<Effect>) {
        if self.draining {
            return;
        }
        let mut heights: Vec<Height> = view.heights.keys().copied().collect();
        heights.push(view.next.height);
        for height in heights {
            let Some((start, _)) = proposable(view, height) else { continue };
            let taken = self
                .records
                .attempts
                .get(&height)
                .is_some_and(|attempt| attempt.stage != Stage::Released || attempt.may_be_on_chain());
            let fits = |queued: &Queued| queued.place == Place::Waiting && queued.plan.start == start;
            let Some(position) = (!taken).then(|| self.records.queue.iter().position(fits)).flatten() else { continue };
            let queued = &mut self.records.queue[position];
            let self_only = queued.self_only || asks_nobody(&self.policy);
            if self_only && queued.plan.transfers > self.policy.self_prove_transfers.max(1) {
                let block = queued.plan.id;
                self.start_cut(block, height, out);
                continue;
            }
            queued.place = Place::At { height };
            queued.attempts += 1;
            queued.stale_since = None;
            self.records.attempts_made += 1;
            let attempt = Attempt::new(self.records.attempts_made, height, queued.plan.clone(), self_only, out);
            self.records.attempts.insert(height, attempt);
        }
    }

    fn start_cut(&mut self, block: types::BlockId, height: Height, out: &mut Vec<Effect>) {
        if let Some(position) = self.records.position(block) {
            self.records.queue[position].place = Place::Cutting { height };
            out.push(Effect::Cut { block, first: self.policy.self_prove_transfers.max(1), height });
        }
    }

    /// Hands back blocks that start where nothing leads to any more.
    fn hand_back_stale(&mut self, view: &View, out: &mut Vec<Effect>) {
        let ends: Vec<_> = self.records.queue.iter().map(|queued| queued.plan.end).collect();
        let leads = |start| {
            view.proven_end == start
                || view.next.start == start
                || view.heights.values().any(|facts| !facts.phase.is_final() && facts.start == Some(start))
                || ends.contains(&start)
        };
        for queued in &mut self.records.queue {
            if queued.place != Place::Waiting || leads(queued.plan.start) {
                queued.stale_since = None;
            } else {
                queued.stale_since.get_or_insert(view.number);
            }
        }
        let stale_blocks = self.policy.stale_blocks;
        let stale = |queued: &Queued| queued.stale_since.is_some_and(|since| view.number >= since + stale_blocks);
        for queued in self.records.queue.extract_if(.., |queued| stale(queued)) {
            let message = "no block leads to the state it starts from: the rollup went on without it, or its predecessor was \
                           not handed in; build it on the present state";
            let rung = Rung::HandedBack { reason: Reason::new("PY-S-111", message) };
            out.push(Effect::Notify { block: queued.plan.id, rung });
        }
    }

    fn withdraw(&mut self, view: &View, out: &mut Vec<Effect>) {
        let seen = (view.number, self.policy.missing_blocks);
        for (token, amount) in &view.credits {
            if *amount >= self.policy.withdraw_min.max(1) {
                let slot_act = (Slot::Withdraw(*token), Act::Withdraw { token: *token });
                self.records.withdrawals.send(About::default(), slot_act, None, seen, out);
            }
        }
    }
}
