//! The worker's core by event sequences.

use proofyard_job_schema::{
    BlobDigest, BlockId, CircuitDigest, Disposition, Epoch, Job, JobId, ProvingFigures, Round, RoundBytes,
    SubtreeIndex, TranscriptDigest, WorkerCommand, WorkerId, WorkerMessage,
};
use proofyard_worker::core::{Effect, Event, JobError, Limits, Millis, Outcome, Start, State, step};

struct Bench {
    state: State,
    now: Millis,
    proving: Vec<(Job, Start)>,
    sent: Vec<WorkerMessage>,
    unsent: Vec<(u64, WorkerMessage)>,
    seen: Vec<Effect>,
    /// Whether the bus stores messages at once.
    online: bool,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        let id = WorkerId::new("w").expect("a name");
        Self {
            state: State::new(id, limits),
            now: 0,
            proving: Vec::new(),
            sent: Vec::new(),
            unsent: Vec::new(),
            seen: Vec::new(),
            online: true,
        }
    }

    fn event(&mut self, event: Event) {
        for effect in step(&mut self.state, event, self.now) {
            match effect {
                Effect::Prove { job, start } => self.proving.push((*job, start)),
                Effect::Publish { number, message } if self.online => {
                    self.sent.push(message);
                    self.event(Event::Published { number, stored: true });
                }
                Effect::Publish { number, message } => self.unsent.push((number, message)),
                other => self.seen.push(other),
            }
        }
    }

    fn assign(&mut self, token: u64, job: Job) {
        let command = WorkerCommand::Assign(Box::new(job));
        self.event(Event::Command { token: Some(token), command });
    }

    /// Ends the running proof honestly: one message when continued, all when rebuilt.
    fn done(&mut self) {
        let (job, start) = self.proving.remove(0);
        let first = match start {
            Start::Continue => job.id.round.get(),
            Start::Rebuild => 1,
        };
        let messages = (first..=job.id.round.get()).map(|round| message(&job, round)).collect();
        let outcome = Outcome::Done { messages, figures: ProvingFigures::default() };
        self.event(Event::Proved { id: job.id, outcome });
    }

    fn pass(&mut self, millis: Millis) {
        for _ in 0..millis / 100 {
            self.now += 100;
            self.event(Event::Tick);
        }
    }

    fn acked(&self, token: u64) -> bool {
        self.seen.contains(&Effect::Ack(token))
    }

    fn replies(&self) -> Vec<(JobId, usize)> {
        self.sent
            .iter()
            .filter_map(|message| match message {
                WorkerMessage::Reply(reply) => Some((reply.id, reply.messages.len())),
                _ => None,
            })
            .collect()
    }

    fn returned(&self) -> Vec<JobId> {
        self.sent
            .iter()
            .filter_map(|message| match message {
                WorkerMessage::Goodbye(goodbye) => Some(goodbye.returned.clone()),
                _ => None,
            })
            .flatten()
            .collect()
    }
}

fn message(job: &Job, round: u8) -> RoundBytes {
    RoundBytes { round: Round::new(round).expect("a round"), bytes: vec![round, job.id.subtree.0 as u8] }
}

/// A job whose challenges are `draws` once for each round before it.
fn job_on(subtree: u32, round: u8, attempt: u32, draw: u8) -> Job {
    Job {
        id: JobId {
            block: BlockId([1; 32]),
            round: Round::new(round).expect("a round"),
            subtree: SubtreeIndex(subtree),
            epoch: Epoch(1),
            attempt,
        },
        group: 0,
        position: subtree,
        subtrees: 4,
        rows_log2: 12,
        circuit: CircuitDigest([0; 32]),
        inputs: BlobDigest([0; 32]),
        challenges: vec![draw; usize::from(round - 1) * 4],
        transcript: TranscriptDigest([draw; 32]),
        deadline_ms: 1_000,
        fresh: false,
    }
}

fn job(subtree: u32, round: u8) -> Job {
    job_on(subtree, round, u32::from(round), 7)
}

#[test]
fn a_session_goes_on_from_round_to_round() {
    let mut bench = Bench::new(Limits::default());
    for round in 1..=5 {
        bench.assign(round.into(), job(0, round));
        let expected = if round == 1 { Start::Rebuild } else { Start::Continue };
        assert_eq!(bench.proving[0].1, expected);
        assert!(!bench.acked(round.into()), "not before the reply is stored");
        bench.done();
        assert!(bench.acked(round.into()));
    }
    assert_eq!(bench.replies().iter().map(|(_, messages)| *messages).collect::<Vec<_>>(), vec![1; 5]);
}

#[test]
fn one_job_is_proven_at_a_time_in_order() {
    let mut bench = Bench::new(Limits::default());
    for subtree in 0..3 {
        bench.assign(subtree.into(), job(subtree, 1));
    }
    assert_eq!(bench.proving.len(), 1);
    for subtree in 0..3 {
        assert_eq!(bench.proving[0].0.id.subtree.0, subtree);
        bench.done();
    }
    assert_eq!(bench.replies().len(), 3);
}

#[test]
fn the_session_unused_for_longest_goes_and_is_rebuilt_when_needed() {
    let mut bench = Bench::new(Limits { sessions_max: 2, ..Limits::default() });
    for subtree in 0..3 {
        bench.assign(subtree.into(), job(subtree, 1));
        bench.done();
    }
    assert!(bench.seen.contains(&Effect::DropSession(job(0, 1).id.session())));
    bench.assign(10, job(2, 2));
    assert_eq!(bench.proving[0].1, Start::Continue);
    bench.done();
    bench.assign(11, job(0, 2));
    assert_eq!(bench.proving[0].1, Start::Rebuild);
    bench.done();
    assert_eq!(bench.replies().last(), Some(&(job(0, 2).id, 2)), "a rebuilt session sends every round");
}

#[test]
fn other_challenges_or_a_fresh_job_rebuild() {
    let mut bench = Bench::new(Limits::default());
    for round in 1..=3 {
        bench.assign(round.into(), job(0, round));
        bench.done();
    }
    bench.assign(4, job_on(0, 3, 10, 9));
    assert_eq!(bench.proving[0].1, Start::Rebuild, "round 3 again on other challenges");
    bench.done();
    bench.assign(5, Job { fresh: true, ..job_on(0, 4, 11, 9) });
    assert_eq!(bench.proving[0].1, Start::Rebuild, "fresh");
    bench.done();
    bench.assign(6, job_on(0, 5, 12, 9));
    assert_eq!(bench.proving[0].1, Start::Continue);
}

#[test]
fn a_round_asked_for_again_is_answered_without_proving() {
    let mut bench = Bench::new(Limits::default());
    for round in 1..=3 {
        bench.assign(round.into(), job(0, round));
        bench.done();
    }
    bench.assign(9, job_on(0, 2, 20, 7));
    assert!(bench.proving.is_empty());
    assert!(bench.acked(9));
    assert_eq!(bench.replies().last(), Some(&(job_on(0, 2, 20, 7).id, 1)));
}

#[test]
fn an_older_epoch_and_a_second_delivery_are_ignored() {
    let mut bench = Bench::new(Limits::default());
    bench.assign(1, job(0, 1));
    bench.assign(2, job(0, 1));
    assert!(bench.acked(2) && !bench.acked(1));
    let mut old = job(1, 1);
    old.id.epoch = Epoch(0);
    bench.assign(3, old);
    assert!(bench.acked(3));
    let mut new = job(2, 1);
    new.id.epoch = Epoch(2);
    bench.assign(4, new);
    assert!(bench.seen.contains(&Effect::Cancel(job(0, 1).id)), "the old leader's job is stopped");
}

#[test]
fn a_failure_is_reported_with_its_disposition_and_the_session_goes() {
    let mut bench = Bench::new(Limits::default());
    bench.assign(1, job(0, 1));
    let (job, _) = bench.proving.remove(0);
    let error = JobError { disposition: Disposition::Reject, code: "PY-X-001".into(), text: "broken".into() };
    bench.event(Event::Proved { id: job.id, outcome: Outcome::Failed(error) });
    assert!(matches!(&bench.sent[0], WorkerMessage::Failure(failure)
        if failure.disposition == Disposition::Reject && failure.code == "PY-X-001"));
    assert!(bench.acked(1));
    assert!(bench.seen.contains(&Effect::DropSession(job.id.session())));
}

#[test]
fn a_cancelled_job_is_stopped_and_not_replied_to() {
    let mut bench = Bench::new(Limits::default());
    bench.assign(1, job(0, 1));
    bench.assign(2, job(1, 1));
    for (token, subtree) in [(3, 0), (4, 1)] {
        bench.event(Event::Command { token: Some(token), command: WorkerCommand::Cancel(job(subtree, 1).id) });
    }
    assert!(bench.acked(2), "it had not begun");
    assert!(bench.seen.contains(&Effect::Cancel(job(0, 1).id)));
    bench.event(Event::Proved { id: job(0, 1).id, outcome: Outcome::Cancelled });
    assert!(bench.acked(1));
    assert!(bench.sent.is_empty());
}

#[test]
fn a_finished_blocks_sessions_go() {
    let mut bench = Bench::new(Limits::default());
    bench.assign(1, job(0, 1));
    bench.done();
    bench.event(Event::Command { token: Some(2), command: WorkerCommand::DropBlock(BlockId([1; 32])) });
    assert!(bench.acked(2));
    assert!(bench.seen.contains(&Effect::DropSession(job(0, 1).id.session())));
}

#[test]
fn a_reply_that_the_bus_did_not_take_is_sent_again_before_the_job_is_acknowledged() {
    let mut bench = Bench::new(Limits::default());
    bench.online = false;
    bench.assign(1, job(0, 1));
    bench.done();
    let (number, _) = bench.unsent.remove(0);
    bench.event(Event::Published { number, stored: false });
    assert!(!bench.acked(1));
    bench.online = true;
    bench.pass(1_000);
    assert_eq!(bench.replies().len(), 1);
    assert!(bench.acked(1));
}

#[test]
fn as_many_jobs_run_as_there_are_provers_but_one_of_a_session() {
    let mut bench = Bench::new(Limits { at_once: 2, sessions_max: 2, ..Limits::default() });
    let running = |bench: &Bench| bench.proving.iter().map(|(job, _)| job.id.subtree.0).collect::<Vec<_>>();
    bench.assign(1, job(0, 1));
    bench.assign(2, job_on(0, 1, 2, 7));
    bench.assign(3, job(1, 1));
    bench.assign(4, job(2, 1));
    // The second job of subtree 0 makes the first pointless, and waits until it has stopped.
    assert_eq!(running(&bench), [0, 1]);
    assert!(bench.seen.contains(&Effect::Cancel(job(0, 1).id)));
    let (stopped, _) = bench.proving.remove(0);
    bench.event(Event::Proved { id: stopped.id, outcome: Outcome::Cancelled });
    assert_eq!(running(&bench), [1, 0]);
    bench.done();
    assert_eq!(running(&bench), [0, 2]);
    bench.done();
    bench.done();
    assert_eq!(bench.replies().len(), 3);
    // A session at work is not the one that is dropped for a third.
    bench.assign(5, job(0, 2));
    bench.seen.clear();
    bench.assign(6, job(3, 1));
    let dropped = |subtree| Effect::DropSession(job(subtree, 1).id.session());
    assert!(bench.seen.contains(&dropped(2)) && !bench.seen.contains(&dropped(0)), "{:?}", bench.seen);
}

#[test]
fn progress_comes_from_the_proving_loop_only() {
    let mut bench = Bench::new(Limits::default());
    bench.assign(1, job(0, 1));
    bench.assign(2, job(1, 1));
    bench.pass(5_000);
    assert!(!bench.seen.iter().any(|effect| matches!(effect, Effect::InProgress(_))), "a hung device is silent");
    bench.event(Event::Progressed { id: job(0, 1).id, done: 1, total: 2 });
    for token in [1, 2] {
        assert!(bench.seen.contains(&Effect::InProgress(token)), "waiting jobs are not redelivered either");
    }
    bench.seen.clear();
    bench.event(Event::Progressed { id: job(0, 1).id, done: 1, total: 2 });
    assert!(!bench.seen.iter().any(|effect| matches!(effect, Effect::InProgress(_))), "not too often");
}

#[test]
fn heartbeats_come_while_a_job_runs_and_say_what_is_held() {
    let mut bench = Bench::new(Limits::default());
    bench.assign(1, job(0, 1));
    bench.pass(3_000);
    let hearts: Vec<_> = bench
        .seen
        .iter()
        .filter_map(|effect| match effect {
            Effect::Heartbeat(heart) => Some(heart),
            _ => None,
        })
        .collect();
    assert!((10..=12).contains(&hearts.len()), "{} in three seconds", hearts.len());
    assert!(hearts.last().is_some_and(|heart| heart.running == vec![job(0, 1).id]));
}

#[test]
fn draining_hands_waiting_jobs_back_at_once_and_finishes_the_running_one() {
    let mut bench = Bench::new(Limits::default());
    bench.assign(1, job(0, 1));
    bench.assign(2, job(1, 1));
    bench.event(Event::Drain);
    assert_eq!(bench.returned(), vec![job(1, 1).id]);
    assert!(bench.acked(2));
    bench.assign(3, job(2, 1));
    assert_eq!(bench.returned().last(), Some(&job(2, 1).id), "nothing new is taken");
    bench.done();
    assert_eq!(bench.replies(), vec![(job(0, 1).id, 1)]);
    assert!(bench.seen.contains(&Effect::Stopped));
}

#[test]
fn a_running_job_is_handed_back_when_time_is_up() {
    let limits = Limits::default();
    let mut bench = Bench::new(limits.clone());
    bench.assign(1, job(0, 1));
    bench.event(Event::Drain);
    bench.pass(limits.drain_ms - 100);
    assert!(!bench.seen.contains(&Effect::Stopped));
    bench.pass(100);
    assert_eq!(bench.returned(), vec![job(0, 1).id]);
    assert!(bench.seen.contains(&Effect::Stopped));
    assert!(bench.now <= 10_000);
}

#[test]
fn a_dead_bus_does_not_keep_a_draining_worker() {
    let limits = Limits::default();
    let mut bench = Bench::new(limits.clone());
    bench.online = false;
    bench.event(Event::Drain);
    bench.pass(10_000);
    assert_eq!(bench.seen.iter().filter(|effect| **effect == Effect::Stopped).count(), 1);
}
