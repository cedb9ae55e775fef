//! Commands, and the jobs being proven.

use std::collections::VecDeque;

use proofyard_job_schema::{BlockId, Disposition, Epoch, JOBS_LISTED_MAX, JobId, SessionId, WorkerCommand};

use super::{Effect, Held, JobError, Millis, Outcome, Running, Start, State, Token, sessions::Fit};

impl State {
    pub(super) fn command(&mut self, token: Option<Token>, command: WorkerCommand, now: Millis, out: &mut Vec<Effect>) {
        match command {
            WorkerCommand::Assign(job) => self.assign(Held { token, job: *job }, out),
            WorkerCommand::Cancel(id) => {
                out.extend(token.map(Effect::Ack));
                self.cancel(|held| *held == id, out);
            }
            WorkerCommand::DropBlock(block) => {
                out.extend(token.map(Effect::Ack));
                self.drop_block(block, out);
            }
            WorkerCommand::Drain => {
                out.extend(token.map(Effect::Ack));
                self.drain(now, out);
            }
        }
    }

    fn assign(&mut self, held: Held, out: &mut Vec<Effect>) {
        let id = held.job.id;
        if self.draining_since.is_some() {
            self.give_back(vec![held], out);
            return;
        }
        if id.epoch < self.epoch || self.held_ids().contains(&id) {
            // A leader that was replaced, or a delivery that came twice.
            out.extend(held.token.map(Effect::Ack));
            return;
        }
        if id.epoch > self.epoch {
            self.fence(id.epoch, out);
        }
        // A newer job of the same subtree makes an older one pointless.
        self.cancel(|other| other.session() == id.session() && other.attempt < id.attempt, out);
        // Beyond `capacity` a few may come while cancellations are under way; without bound they may not.
        if self.queue.len() >= JOBS_LISTED_MAX {
            let error = JobError {
                disposition: Disposition::Retry,
                code: "PY-W-101".to_owned(),
                text: format!("{JOBS_LISTED_MAX} jobs are held already; send fewer at once"),
            };
            self.fail(held, &error, out);
            return;
        }
        self.queue.push_back(held);
    }

    /// A new leader: jobs of the old one are dropped, sessions stay.
    fn fence(&mut self, epoch: Epoch, out: &mut Vec<Effect>) {
        self.epoch = epoch;
        self.cancel(|other| other.epoch < epoch, out);
    }

    fn cancel(&mut self, which: impl Fn(&JobId) -> bool, out: &mut Vec<Effect>) {
        let (gone, kept): (VecDeque<_>, _) =
            std::mem::take(&mut self.queue).into_iter().partition(|held| which(&held.job.id));
        self.queue = kept;
        out.extend(gone.into_iter().filter_map(|held| held.token).map(Effect::Ack));
        for running in self.running.iter_mut().filter(|running| which(&running.held.job.id) && !running.cancelled) {
            running.cancelled = true;
            out.push(Effect::Cancel(running.held.job.id));
        }
    }

    fn drop_block(&mut self, block: BlockId, out: &mut Vec<Effect>) {
        self.cancel(|id| id.block == block, out);
        out.extend(self.sessions.forget_block(block).into_iter().map(Effect::DropSession));
    }

    /// Starts waiting jobs while fewer than `at_once` are being proven; a job whose session is at work waits for it.
    pub(super) fn start_next(&mut self, out: &mut Vec<Effect>) {
        while self.running.len() < self.limits.at_once.max(1) as usize {
            let at_work =
                |held: &Held| self.running.iter().any(|running| running.held.job.id.session() == held.job.id.session());
            let Some(position) = self.queue.iter().position(|held| !at_work(held)) else { return };
            let Some(held) = self.queue.remove(position) else { return };
            let start = match self.sessions.fit(&held.job) {
                Fit::Answered(message) => {
                    self.reply(held, vec![message], out);
                    continue;
                }
                Fit::Continue => {
                    self.sessions.touch(held.job.id.session());
                    Start::Continue
                }
                Fit::Rebuild => {
                    out.extend(self.sessions.make_room(held.job.id.session()).into_iter().map(Effect::DropSession));
                    Start::Rebuild
                }
            };
            out.push(Effect::Prove { job: Box::new(held.job.clone()), start });
            self.running.push(Running { held, cancelled: false, progress_at: 0 });
        }
    }

    pub(super) fn proved(&mut self, id: JobId, outcome: Outcome, out: &mut Vec<Effect>) {
        let session = id.session();
        let Some(position) = self.running.iter().position(|running| running.held.job.id == id) else {
            // Handed back already: nobody waits for it.
            return;
        };
        let Running { held, cancelled, .. } = self.running.remove(position);
        match outcome {
            Outcome::Done { messages, figures } => {
                self.sessions.done(&held.job, &messages);
                if cancelled {
                    out.extend(held.token.map(Effect::Ack));
                } else {
                    self.reply_with(held, messages, figures, out);
                }
            }
            Outcome::Failed(error) => {
                self.forget_session(session, out);
                self.fail(held, &error, out);
            }
            Outcome::Cancelled => {
                self.forget_session(session, out);
                out.extend(held.token.map(Effect::Ack));
            }
        }
    }

    fn forget_session(&mut self, session: SessionId, out: &mut Vec<Effect>) {
        self.sessions.forget(session);
        out.push(Effect::DropSession(session));
    }
}
