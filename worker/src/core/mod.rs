//! The worker's decisions: `step(state, event, now) -> effects`. No tokio, clock, network or device inside.
//!
//! What always holds:
//! - At most `at_once` jobs are proven at a time, one of a session; the coordinator is told to send at most `capacity`, and a
//!   bounded number is held.
//! - At most `sessions_max` sessions are kept; the one unused for longest goes first. Any may go: it can be rebuilt.
//! - A session goes on only when the job's challenges extend the ones it was computed with; otherwise it is rebuilt.
//! - A command is acknowledged when the reply to it is stored, or when it needs none.
//! - The bus hears "in progress" only when the proving loop has said so: a hung device falls silent.

mod event;
mod jobs;
mod sessions;

use std::collections::VecDeque;

use proofyard_job_schema::{Epoch, Goodbye, Job, JobFailure, JobId, Progress, Reply, WorkerId, WorkerMessage};

pub use self::event::{Effect, Event, Heart, JobError, Millis, Outcome, Start, Token};
use self::sessions::Sessions;

/// Between two heartbeats.
pub const HEARTBEAT_MS: Millis = 300;
/// Between two acknowledgements of progress to the bus.
pub const PROGRESS_MS: Millis = 1_000;
/// Before a message that the bus did not take is sent again.
pub const RESEND_MS: Millis = 500;

// Redelivery (10 s by default) must not hit a job that makes progress.
const _: () = assert!(5 * PROGRESS_MS <= 10_000);

/// What an operator may set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Jobs proven at a time: more than one where a device would wait for a witness or the bus.
    pub at_once: u32,
    /// Jobs held: those being proven, the others waiting.
    pub capacity: u32,
    /// Sessions kept.
    pub sessions_max: u32,
    /// After a request to drain, a running job is handed back after this long.
    pub drain_ms: Millis,
}

impl Default for Limits {
    fn default() -> Self {
        Self { at_once: 1, capacity: 2, sessions_max: 16, drain_ms: 8_000 }
    }
}

/// A job and the delivery it came with.
#[derive(Debug, Clone)]
struct Held {
    token: Option<Token>,
    job: Job,
}

/// A job being proven.
#[derive(Debug, Clone)]
struct Running {
    held: Held,
    cancelled: bool,
    /// When the bus may hear of progress again.
    progress_at: Millis,
}

/// A stored message on its way to the bus.
#[derive(Debug, Clone)]
struct Outgoing {
    number: u64,
    message: WorkerMessage,
    /// Acknowledged when the message is stored.
    acks: Vec<Token>,
    /// Sent and not heard of since; otherwise to be sent again at this time.
    resend_at: Option<Millis>,
}

/// Everything the core knows.
#[derive(Debug, Clone)]
pub struct State {
    id: WorkerId,
    limits: Limits,
    epoch: Epoch,
    queue: VecDeque<Held>,
    running: Vec<Running>,
    sessions: Sessions,
    outgoing: Vec<Outgoing>,
    messages_sent: u64,
    heartbeat_at: Millis,
    draining_since: Option<Millis>,
    goodbye_sent: bool,
    stopped: bool,
}

impl State {
    /// A worker with nothing to do.
    pub fn new(id: WorkerId, limits: Limits) -> Self {
        Self {
            id,
            // More than are at work, so that the one dropped for another is not.
            sessions: Sessions::new(limits.sessions_max.max(limits.at_once).max(1) as usize),
            limits,
            epoch: Epoch::default(),
            queue: VecDeque::new(),
            running: Vec::new(),
            outgoing: Vec::new(),
            messages_sent: 0,
            heartbeat_at: 0,
            draining_since: None,
            goodbye_sent: false,
            stopped: false,
        }
    }

    /// Sends a stored message; the deliveries are acknowledged once it is stored.
    fn publish(&mut self, message: WorkerMessage, acks: Vec<Token>, out: &mut Vec<Effect>) {
        self.messages_sent += 1;
        let number = self.messages_sent;
        out.push(Effect::Publish { number, message: message.clone() });
        self.outgoing.push(Outgoing { number, message, acks, resend_at: None });
    }

    fn published(&mut self, number: u64, stored: bool, now: Millis, out: &mut Vec<Effect>) {
        let Some(at) = self.outgoing.iter().position(|outgoing| outgoing.number == number) else { return };
        if stored {
            let outgoing = self.outgoing.swap_remove(at);
            out.extend(outgoing.acks.into_iter().map(Effect::Ack));
        } else {
            self.outgoing[at].resend_at = Some(now + RESEND_MS);
        }
    }

    fn resend(&mut self, now: Millis, out: &mut Vec<Effect>) {
        for outgoing in &mut self.outgoing {
            if outgoing.resend_at.is_some_and(|at| at <= now) {
                outgoing.resend_at = None;
                out.push(Effect::Publish { number: outgoing.number, message: outgoing.message.clone() });
            }
        }
    }

    fn reply(&mut self, held: Held, messages: Vec<proofyard_job_schema::RoundBytes>, out: &mut Vec<Effect>) {
        self.reply_with(held, messages, Default::default(), out);
    }

    fn reply_with(
        &mut self,
        held: Held,
        messages: Vec<proofyard_job_schema::RoundBytes>,
        figures: proofyard_job_schema::ProvingFigures,
        out: &mut Vec<Effect>,
    ) {
        let Held { token, job } = held;
        let reply = Reply { id: job.id, author: self.id.clone(), transcript: job.transcript, messages, figures };
        self.publish(WorkerMessage::Reply(Box::new(reply)), token.into_iter().collect(), out);
    }

    fn fail(&mut self, held: Held, error: &JobError, out: &mut Vec<Effect>) {
        let failure = JobFailure::new(held.job.id, self.id.clone(), error.disposition, &error.code, &error.text);
        self.publish(WorkerMessage::Failure(Box::new(failure)), held.token.into_iter().collect(), out);
    }

    /// Jobs held, those being proven first.
    fn held_ids(&self) -> Vec<JobId> {
        self.running.iter().map(|running| &running.held).chain(&self.queue).map(|held| held.job.id).collect()
    }

    /// Jobs that are answered, but not stored yet.
    fn unstored_ids(&self) -> impl Iterator<Item = JobId> {
        self.outgoing.iter().filter_map(|outgoing| match &outgoing.message {
            WorkerMessage::Reply(reply) => Some(reply.id),
            WorkerMessage::Failure(failure) => Some(failure.id),
            WorkerMessage::Goodbye(_) | WorkerMessage::Heartbeat(_) | WorkerMessage::Progress(_) => None,
        })
    }

    fn heartbeat(&mut self, now: Millis, out: &mut Vec<Effect>) {
        if now >= self.heartbeat_at && !self.stopped {
            self.heartbeat_at = now + HEARTBEAT_MS;
            out.push(Effect::Heartbeat(Heart {
                sessions: self.sessions.ids(),
                sessions_max: self.limits.sessions_max,
                capacity: self.limits.capacity,
                running: self.held_ids().into_iter().chain(self.unstored_ids()).collect(),
                draining: self.draining_since.is_some(),
            }));
        }
    }

    fn progressed(&mut self, id: JobId, done: u64, total: u64, now: Millis, out: &mut Vec<Effect>) {
        let Some(running) = self.running.iter_mut().find(|running| running.held.job.id == id) else { return };
        if now < running.progress_at {
            return;
        }
        running.progress_at = now + PROGRESS_MS;
        let tokens = [&running.held].into_iter().chain(&self.queue).filter_map(|held| held.token);
        out.extend(tokens.map(Effect::InProgress));
        out.push(Effect::Say(WorkerMessage::Progress(Progress { id, author: self.id.clone(), done, total })));
    }

    /// Gives waiting jobs back and stops taking new ones.
    fn drain(&mut self, now: Millis, out: &mut Vec<Effect>) {
        if self.draining_since.is_some() {
            return;
        }
        self.draining_since = Some(now);
        self.heartbeat_at = now;
        let returned: Vec<Held> = self.queue.drain(..).collect();
        if !returned.is_empty() {
            self.give_back(returned, out);
        }
    }

    fn give_back(&mut self, held: Vec<Held>, out: &mut Vec<Effect>) {
        let returned = held.iter().map(|held| held.job.id).collect();
        let acks = held.iter().filter_map(|held| held.token).collect();
        self.publish(WorkerMessage::Goodbye(Goodbye { worker: self.id.clone(), returned }), acks, out);
    }

    /// While draining: leaves once the running jobs are answered, hands them back when time is up, and says goodbye.
    fn leave(&mut self, now: Millis, out: &mut Vec<Effect>) {
        let Some(since) = self.draining_since else { return };
        if self.stopped {
            return;
        }
        let late = now.saturating_sub(since) >= self.limits.drain_ms;
        if !self.goodbye_sent && (self.running.is_empty() || late) {
            self.goodbye_sent = true;
            let running: Vec<Held> = self.running.drain(..).map(|running| running.held).collect();
            out.extend(running.iter().map(|held| Effect::Cancel(held.job.id)));
            self.give_back(running, out);
        }
        if self.goodbye_sent && (self.outgoing.is_empty() || now.saturating_sub(since) >= self.limits.drain_ms + 1_000)
        {
            self.stopped = true;
            out.push(Effect::Stopped);
        }
    }
}

/// Takes one event at one time and says what to do. Times never go back.
pub fn step(state: &mut State, event: Event, now: Millis) -> Vec<Effect> {
    let mut out = Vec::new();
    match event {
        Event::Command { token, command } => state.command(token, command, now, &mut out),
        Event::Proved { id, outcome } => state.proved(id, outcome, &mut out),
        Event::Progressed { id, done, total } => state.progressed(id, done, total, now, &mut out),
        Event::Published { number, stored } => state.published(number, stored, now, &mut out),
        Event::Tick => {}
        Event::Drain => state.drain(now, &mut out),
    }
    state.start_next(&mut out);
    state.resend(now, &mut out);
    state.leave(now, &mut out);
    state.heartbeat(now, &mut out);
    out
}
