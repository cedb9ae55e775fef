//! The real core in a small random world: workers that die, come back, stall, fail, lie, answer twice, lose their sessions;
//! messages that arrive late or not at all. Virtual time, one seed a world: a failure names its seed and replays.
//!
//! Checked in every world: the block finishes; its proof is byte for byte the one of an undisturbed farm; nobody honest is
//! ever accused; everything delivered is acknowledged.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use crate::bench::{Aggregator, EPOCH, honest_proof, message, plan, report, worker};
use proofyard_coordinator::core::{Answer, Effect, Event, Millis, Outcome, Policy, Report, State, step};
use proofyard_job_schema::{BlockId, Disposition, Job, JobId, WorkerId};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// Worlds of the standing test.
const WORLDS: u64 = 1_000;
/// No world may take longer.
const PATIENCE_MS: Millis = 1_200_000;

/// What happens at some time; ties are broken by the order of scheduling.
enum Happening {
    Event(Event),
    Heartbeat(usize),
    Tick,
    Die(usize),
    Revive(usize),
}

struct Worker {
    id: WorkerId,
    alive: bool,
    instance: u64,
    /// When it is through with the jobs it has.
    busy_until: Millis,
    /// Jobs held, each until it is answered.
    held: BTreeMap<JobId, Millis>,
    /// Round last answered by subtree, on which challenges.
    sessions: BTreeMap<u32, (u8, Vec<u8>)>,
    liar: bool,
    slowness: u64,
}

struct World {
    rng: ChaCha8Rng,
    state: State,
    now: Millis,
    groups: Vec<u32>,
    block: BlockId,
    aggregator: Aggregator,
    workers: Vec<Worker>,
    agenda: BinaryHeap<Reverse<(Millis, u64)>>,
    happenings: BTreeMap<u64, Happening>,
    scheduled: u64,
    delivered: BTreeSet<u64>,
    acked: BTreeSet<u64>,
    proof: Option<Vec<u8>>,
    accused: Vec<WorkerId>,
    failure: Option<String>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let groups = match rng.next_u32() % 4 {
            0 => vec![1],
            1 => vec![4],
            2 => vec![8],
            _ => vec![4, 4],
        };
        let count = 1 + rng.next_u32() as usize % 5;
        let liars = rng.next_u32() as usize % 2;
        let workers = (0..count)
            .map(|index| Worker {
                id: worker(&format!("w{index}")),
                alive: true,
                instance: 1,
                busy_until: 0,
                held: BTreeMap::new(),
                sessions: BTreeMap::new(),
                // The last one stays honest, so that there is somebody to finish.
                liar: index < liars && index + 1 < count,
                slowness: if rng.next_u32().is_multiple_of(5) { 8 } else { 1 },
            })
            .collect();
        let policy = Policy { liar_cool_down_ms: 60_000, ..Policy::default() };
        let block = BlockId([seed as u8; 32]);
        Self {
            state: State::new(policy, EPOCH),
            rng,
            now: 0,
            groups,
            block,
            aggregator: Aggregator::default(),
            workers,
            agenda: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            scheduled: 0,
            delivered: BTreeSet::new(),
            acked: BTreeSet::new(),
            proof: None,
            accused: Vec::new(),
            failure: None,
        }
    }

    fn chance(&mut self, one_in: u32) -> bool {
        self.rng.next_u32().is_multiple_of(one_in)
    }

    fn schedule(&mut self, at: Millis, happening: Happening) {
        self.scheduled += 1;
        self.happenings.insert(self.scheduled, happening);
        self.agenda.push(Reverse((at, self.scheduled)));
    }

    fn run(&mut self) {
        for index in 0..self.workers.len() {
            let phase = u64::from(self.rng.next_u32() % 300);
            self.schedule(phase, Happening::Heartbeat(index));
            if self.chance(3) {
                let at = u64::from(self.rng.next_u32() % 20_000);
                self.schedule(at, Happening::Die(index));
            }
        }
        self.schedule(100, Happening::Tick);
        self.schedule(5, Happening::Event(Event::Submitted { block: self.block }));
        while self.proof.is_none() && self.failure.is_none() && self.now < PATIENCE_MS {
            let Some(Reverse((at, number))) = self.agenda.pop() else { break };
            self.now = at;
            match self.happenings.remove(&number).expect("scheduled") {
                Happening::Event(event) => self.event(event),
                Happening::Tick => {
                    self.schedule(self.now + 100, Happening::Tick);
                    self.event(Event::Tick);
                }
                Happening::Heartbeat(index) => {
                    self.schedule(self.now + 300, Happening::Heartbeat(index));
                    let lost = self.chance(50);
                    let worker = &self.workers[index];
                    if worker.alive && !lost {
                        let held = worker.held.iter().filter(|(_, until)| **until > self.now);
                        let jobs = Some(held.map(|(id, _)| *id).collect());
                        let report = Report { instance: worker.instance, jobs, ..report() };
                        let worker = worker.id.clone();
                        self.event(Event::Heartbeat { worker, report });
                    }
                }
                Happening::Die(index) => {
                    self.workers[index].alive = false;
                    let after = 500 + u64::from(self.rng.next_u32() % 20_000);
                    self.schedule(self.now + after, Happening::Revive(index));
                }
                Happening::Revive(index) => {
                    let worker = &mut self.workers[index];
                    worker.alive = true;
                    worker.instance += 1;
                    worker.busy_until = self.now;
                    worker.sessions.clear();
                    worker.held.clear();
                }
            }
        }
    }

    fn event(&mut self, event: Event) {
        if let Event::Answered { token, .. } | Event::Returned { token, .. } = &event {
            self.delivered.insert(*token);
        }
        for effect in step(&mut self.state, event, self.now) {
            match effect {
                Effect::Execute { block } => {
                    let plan = plan(block, &self.groups);
                    self.schedule(self.now + 50, Happening::Event(Event::Executed { block, plan }));
                }
                Effect::Upload { block } => self.schedule(self.now + 20, Happening::Event(Event::Uploaded { block })),
                Effect::Send { worker, job, .. } => self.receive(&worker, *job),
                Effect::Ack(token) => {
                    self.acked.insert(token);
                }
                Effect::Aggregate { block, group, run, round, messages } => {
                    let first = self.groups[..group].iter().sum();
                    let outcome = self.aggregator.absorb(block, group, first, round, messages);
                    let event = Event::Aggregated { block, group, run, outcome };
                    self.schedule(self.now + 10, Happening::Event(event));
                }
                Effect::ComputeLocally { run, job } => {
                    let id = job.id;
                    let own = |at| message(id.block, id.subtree.0, at, &job.challenges);
                    let messages = Ok((1..=id.round.get()).map(own).collect());
                    let event = Event::ComputedLocally { block: id.block, subtree: id.subtree.0, run, messages };
                    self.schedule(self.now + 2_000, Happening::Event(event));
                }
                Effect::Verify { block, groups } => {
                    let event = Event::Verified { block, proof: Ok(groups.concat()) };
                    self.schedule(self.now + 10, Happening::Event(event));
                }
                Effect::Alarm { worker, .. } => self.accused.push(worker),
                Effect::Finished { proof, .. } => self.proof = Some(proof),
                Effect::Failed { failure, .. } => self.failure = Some(format!("{failure:?}")),
                Effect::Cancel { .. }
                | Effect::Release { .. }
                | Effect::WorkerLost { .. }
                | Effect::Progress(_)
                | Effect::Stopped => {}
            }
        }
    }

    /// A worker gets a job, proves it after the one before, and answers one way or another.
    fn receive(&mut self, to: &WorkerId, job: Job) {
        if self.chance(100) {
            self.schedule(self.now + 5, Happening::Event(Event::SendFailed { id: job.id }));
            return;
        }
        let Some(index) = self.workers.iter().position(|worker| worker.id == *to) else { return };
        let (lost, stall, fails, forgets, twice) =
            (self.chance(200), self.chance(60), self.chance(40), self.chance(20), self.chance(20));
        let (lies, jitter) = (self.chance(3), u64::from(self.rng.next_u32() % 300));
        let worker = &mut self.workers[index];
        if !worker.alive || lost {
            // Its lease or, should it live, its heartbeats without the job take care of it.
            return;
        }
        if forgets {
            worker.sessions.clear();
        }
        let (subtree, round) = (job.id.subtree.0, job.id.round.get());
        let done = match worker.sessions.get(&subtree) {
            Some((done, on)) if !job.fresh && *done < round && job.challenges.starts_with(on) => *done,
            _ => 0,
        };
        let work = (200 * u64::from(round - done) + jitter) * worker.slowness + if stall { 5_000 } else { 0 };
        worker.busy_until = worker.busy_until.max(self.now) + work;
        let at = worker.busy_until + 5;
        worker.held.insert(job.id, at);
        let outcome = if fails {
            worker.sessions.remove(&subtree);
            Outcome::Failed { disposition: Disposition::RetryElsewhere, reason: "[PY-W-000] world".to_owned() }
        } else {
            worker.sessions.insert(subtree, (round, job.challenges.clone()));
            let mut messages: Vec<_> =
                (done + 1..=round).map(|at| message(job.id.block, subtree, at, &job.challenges)).collect();
            if worker.liar && lies {
                let wrong = jitter as usize % messages.len();
                messages[wrong].push(b'!');
            }
            Outcome::Proved { transcript: job.transcript, first_round: done + 1, messages }
        };
        let answer = Answer { id: job.id, worker: to.clone(), outcome };
        for delay in [0, 700].into_iter().take(1 + usize::from(twice)) {
            self.scheduled += 1;
            let event = Event::Answered { token: self.scheduled, answer: answer.clone() };
            self.schedule(at + delay, Happening::Event(event));
        }
    }

    fn check(&self, seed: u64) {
        assert_eq!(self.failure, None, "seed {seed}: the block failed");
        assert!(self.proof.is_some(), "seed {seed}: not finished at {} ms", self.now);
        let expected = honest_proof(self.block, &self.groups);
        assert_eq!(self.proof.as_deref(), Some(expected.as_slice()), "seed {seed}: another proof");
        assert_eq!(self.delivered, self.acked, "seed {seed}: every delivery is acknowledged, once");
        for accused in &self.accused {
            let liar = self.workers.iter().any(|worker| worker.id == *accused && worker.liar);
            assert!(liar, "seed {seed}: honest {accused} was accused");
        }
    }
}

#[test]
fn every_block_finishes_with_the_honest_proof_and_nobody_honest_is_accused() {
    let mut accused = 0;
    for seed in 0..WORLDS {
        let mut world = World::new(seed);
        world.run();
        world.check(seed);
        accused += usize::from(!world.accused.is_empty());
    }
    assert!(accused > WORLDS as usize / 20, "the worlds have liars: {accused} were caught");
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let run = |seed| {
        let mut world = World::new(seed);
        world.run();
        (world.now, world.scheduled, world.accused)
    };
    for seed in [1, 17, 400] {
        assert_eq!(run(seed), run(seed));
    }
}
