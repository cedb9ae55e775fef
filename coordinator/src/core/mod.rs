//! The coordinator's decisions: `step(state, event, now) -> effects`, and nothing else.
//!
//! Nothing in here knows of tokio, a clock, the network or a disk. Messages are bytes, proofs are bytes, deliveries are tokens.
//! The same events at the same times give the same effects, so that a failure replays.
//!
//! What always holds:
//! - A round is aggregated only when every subtree of the group has a recorded message made on this round's challenges.
//! - A recorded message is replaced only by a settled dispute; later rounds are then forgotten and done again.
//! - A worker's word alone never convicts another worker: two independent authors agree, or the coordinator computes itself.
//! - Every delivered message is acknowledged, whatever it says.
//! - No proof leaves before the coordinator has verified it.

mod blocks;
mod dispatch;
pub mod dispute;
mod disputes;
mod effect;
mod event;
mod group;
pub mod policy;
mod replies;
mod workers;

use std::collections::BTreeMap;

use proofyard_job_schema::{BlockId, Epoch, WorkerId};

use self::{blocks::Block, workers::Workers};
pub use self::{
    effect::{AlarmKind, Effect, Progress},
    event::{Aggregation, Answer, Drawn, Event, Failure, GroupPlan, Outcome, Plan, Token},
    group::Purpose,
    policy::{Millis, Policy},
    workers::Report,
};

/// Everything the core knows.
#[derive(Debug, Clone)]
pub struct State {
    policy: Policy,
    epoch: Epoch,
    workers: Workers,
    blocks: BTreeMap<BlockId, Block>,
    /// Blocks in the order they came; older ones get workers first.
    order: Vec<BlockId>,
    draining_since: Option<Millis>,
    stopped: bool,
}

impl State {
    /// A coordinator that knows of no worker and no block.
    pub fn new(policy: Policy, epoch: Epoch) -> Self {
        Self {
            policy,
            epoch,
            workers: Workers::default(),
            blocks: BTreeMap::new(),
            order: Vec::new(),
            draining_since: None,
            stopped: false,
        }
    }

    /// Blocks accepted and unfinished.
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Workers heard of lately.
    pub fn live_workers(&self) -> usize {
        self.workers.live()
    }

    /// A worker is gone, dead or reborn: its jobs go to others, its sessions are forgotten.
    fn forget_worker(&mut self, worker: &WorkerId) {
        for block in self.blocks.values_mut() {
            for slot in block.groups_mut().iter_mut().flat_map(|group| &mut group.slots) {
                slot.close(worker);
                if slot.holder.as_ref() == Some(worker) {
                    slot.holder = None;
                }
            }
        }
    }
}

/// Takes one event at one time and says what to do. Times never go back.
pub fn step(state: &mut State, event: Event, now: Millis) -> Vec<Effect> {
    let mut out = Vec::new();
    match event {
        Event::Submitted { block } => state.submitted(block, now, &mut out),
        Event::Executed { block, plan } => state.executed(block, plan, &mut out),
        Event::Refused { block, failure } => state.fail(block, failure, &mut out),
        Event::Uploaded { block } => state.uploaded(block, now, &mut out),
        Event::UploadFailed { block, reason } => {
            state.upload_failed(block, &reason, &mut out);
        }
        Event::Answered { token, answer } => {
            out.push(Effect::Ack(token));
            state.answered(answer, now, &mut out);
        }
        Event::Returned { token, worker, jobs } => {
            out.push(Effect::Ack(token));
            state.returned(&worker, &jobs);
        }
        Event::SendFailed { id } => state.send_failed(id, now),
        Event::Heartbeat { worker, report } => {
            state.reconcile(&worker, report.jobs.as_deref(), now);
            if state.workers.heartbeat(&worker, report, now) {
                state.forget_worker(&worker);
            }
        }
        Event::Aggregated { block, group, run, outcome } => state.aggregated(block, group, run, outcome, now, &mut out),
        Event::ComputedLocally { block, subtree, run, messages } => {
            state.computed_locally(block, subtree, run, messages, &mut out);
        }
        Event::Verified { block, proof } => state.verified(block, proof, &mut out),
        Event::Tick => {}
        Event::Drain => {
            state.draining_since.get_or_insert(now);
        }
    }
    state.advance(now, &mut out);
    out
}
