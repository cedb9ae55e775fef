//! Which sessions are kept and how far they are.

use proofyard_job_schema::{BlockId, Job, RoundBytes, SessionId};

/// A session: what it answered and on which challenges.
#[derive(Debug, Clone)]
struct Session {
    id: SessionId,
    /// Challenges of the last round done; the encoding of later ones begins with it.
    challenges: Vec<u8>,
    /// Messages of rounds 1.. in order.
    messages: Vec<RoundBytes>,
}

/// What a session can do for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit {
    /// It has done the round already, on the same challenges.
    Answered(RoundBytes),
    /// It can go on.
    Continue,
    /// There is none, or it was computed on other challenges.
    Rebuild,
}

/// Sessions, the one used last at the end.
#[derive(Debug, Clone)]
pub(super) struct Sessions {
    max: usize,
    kept: Vec<Session>,
}

impl Sessions {
    pub fn new(max: usize) -> Self {
        Self { max, kept: Vec::new() }
    }

    pub fn ids(&self) -> Vec<SessionId> {
        self.kept.iter().map(|session| session.id).collect()
    }

    /// What can be done for a job.
    pub fn fit(&self, job: &Job) -> Fit {
        let Some(session) = self.kept.iter().find(|session| session.id == job.id.session()) else {
            return Fit::Rebuild;
        };
        let round = job.id.round;
        if job.fresh {
            return Fit::Rebuild;
        }
        match session.messages.get(round.index()) {
            Some(message) if session.challenges.starts_with(&job.challenges) => Fit::Answered(message.clone()),
            None if job.challenges.starts_with(&session.challenges) => Fit::Continue,
            Some(_) | None => Fit::Rebuild,
        }
    }

    /// Notes that a job goes on with a session: it is not the next to be dropped.
    pub fn touch(&mut self, id: SessionId) {
        if let Some(at) = self.kept.iter().position(|session| session.id == id) {
            let session = self.kept.remove(at);
            self.kept.push(session);
        }
    }

    /// Makes room for the session of a job to be built anew; those to be dropped, its own old one included.
    pub fn make_room(&mut self, id: SessionId) -> Vec<SessionId> {
        let mut dropped: Vec<SessionId> = Vec::new();
        if let Some(at) = self.kept.iter().position(|session| session.id == id) {
            dropped.push(self.kept.remove(at).id);
        }
        while self.kept.len() >= self.max {
            dropped.push(self.kept.remove(0).id);
        }
        dropped
    }

    /// Notes what a job's proof has answered; a continued session gets one message more, a rebuilt one all of them.
    pub fn done(&mut self, job: &Job, messages: &[RoundBytes]) {
        let id = job.id.session();
        let before = self.kept.iter().position(|session| session.id == id).map(|at| self.kept.remove(at).messages);
        let kept = before.unwrap_or_default();
        let first = messages.first().map_or(0, |message| message.round.index());
        let messages = kept.into_iter().take(first).chain(messages.iter().cloned()).collect();
        self.kept.push(Session { id, challenges: job.challenges.clone(), messages });
    }

    /// Forgets a session whose proof failed half-way.
    pub fn forget(&mut self, id: SessionId) {
        self.kept.retain(|session| session.id != id);
    }

    /// Forgets all sessions of a block.
    pub fn forget_block(&mut self, block: BlockId) -> Vec<SessionId> {
        let (gone, kept) = std::mem::take(&mut self.kept).into_iter().partition(|session| session.id.block == block);
        self.kept = kept;
        gone.into_iter().map(|session: Session| session.id).collect()
    }
}
