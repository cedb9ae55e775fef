//! A stand-in for the proof system and a hand-driven bench around the real core.
//!
//! The stand-in keeps what matters to the core: a message is a function of (round, subtree, challenges so far), challenges are
//! drawn from all messages of a round, and a wrong message of rounds 1 to 4 shows up in round 4, one of round 5 in round 5.

use std::collections::BTreeMap;

use proofyard_coordinator::core::{
    Aggregation, Answer, Drawn, Effect, Event, GroupPlan, Millis, Outcome, Plan, Policy, Report, State, Token, step,
};
use proofyard_job_schema::{
    BlobDigest, BlockId, CircuitDigest, Disposition, Epoch, Job, JobId, TranscriptDigest, WorkerId,
};

/// Bytes of challenges that each round adds.
const DRAW: usize = 8;

/// FNV-1a, to draw challenges.
fn hash(bytes: &[u8]) -> [u8; DRAW] {
    let mix = |state: u64, byte: &u8| (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix).to_be_bytes()
}

/// The honest message of a round; `challenges` may serve a later round.
pub fn message(block: BlockId, subtree: u32, round: u8, challenges: &[u8]) -> Vec<u8> {
    let known = &challenges[..DRAW * usize::from(round - 1)];
    format!("{} {subtree} {round} {:?}", block.0[0], hash(known)).into_bytes()
}

/// What names the challenges of a round.
fn drawn(block: BlockId, group: usize, challenges: Vec<u8>) -> Drawn {
    let mut digest = [0; 32];
    digest[..DRAW].copy_from_slice(&hash(&challenges));
    digest[8] = challenges.len() as u8;
    digest[9] = group as u8;
    digest[10] = block.0[0];
    Drawn { challenges, transcript: TranscriptDigest(digest) }
}

/// A cut of a block into groups of subtrees.
pub fn plan(block: BlockId, groups: &[u32]) -> Plan {
    let group = |(index, &subtrees): (usize, &u32)| GroupPlan {
        inputs: (0..subtrees).map(|i| BlobDigest([i as u8; 32])).collect(),
        first: drawn(block, index, Vec::new()),
    };
    Plan { rows_log2: 12, circuit: CircuitDigest([7; 32]), groups: groups.iter().enumerate().map(group).collect() }
}

/// The stand-in for aggregation: remembers what it absorbed, round by round, for each group.
#[derive(Default)]
pub struct Aggregator(BTreeMap<(BlockId, usize), Vec<Vec<Vec<u8>>>>);

impl Aggregator {
    /// Absorbs a round on top of what was absorbed before it.
    pub fn absorb(
        &mut self,
        block: BlockId,
        group: usize,
        first: u32,
        round: u8,
        messages: Vec<Vec<u8>>,
    ) -> Aggregation {
        let history = self.0.entry((block, group)).or_default();
        history.truncate(usize::from(round) - 1);
        assert_eq!(history.len() + 1, usize::from(round), "a round is absorbed after all earlier ones");
        history.push(messages);
        let mut challenges = Vec::new();
        let mut faulty = Vec::new();
        for (messages, at) in history.iter().zip(1u8..) {
            for (position, message_in) in messages.iter().enumerate() {
                let wrong = *message_in != message(block, first + position as u32, at, &challenges);
                if wrong && (round == 4 || (round == 5 && at == 5)) && !faulty.contains(&(position as u32)) {
                    faulty.push(position as u32);
                }
            }
            challenges.extend(hash(&messages.concat()));
        }
        if !faulty.is_empty() {
            faulty.sort_unstable();
            history.pop();
            return Aggregation::Faulty(faulty);
        }
        if round < 5 { Aggregation::Next(drawn(block, group, challenges)) } else { Aggregation::Done(challenges) }
    }
}

/// The proof that an undisturbed farm makes.
pub fn honest_proof(block: BlockId, groups: &[u32]) -> Vec<u8> {
    let mut proof = Vec::new();
    let mut first = 0;
    for &subtrees in groups {
        let mut challenges = Vec::new();
        for round in 1..=5 {
            let messages: Vec<_> = (first..first + subtrees).map(|i| message(block, i, round, &challenges)).collect();
            challenges.extend(hash(&messages.concat()));
        }
        proof.extend(challenges);
        first += subtrees;
    }
    proof
}

pub fn worker(name: &str) -> WorkerId {
    WorkerId::new(name).expect("a valid worker id")
}

pub fn report() -> Report {
    Report { instance: 1, capacity: 2, sessions_max: 64, draining: false, jobs: None }
}

pub const BLOCK: BlockId = BlockId([1; 32]);
pub const EPOCH: Epoch = Epoch(3);

/// The real core, one block, and a clock moved by hand. Executing, uploading, aggregating and verifying happen at once;
/// jobs are answered by the test.
pub struct Bench {
    pub state: State,
    pub now: Millis,
    pub groups: Vec<u32>,
    aggregator: Aggregator,
    tokens: Token,
    /// Jobs sent and not yet taken by the test.
    pub jobs: Vec<(WorkerId, Job)>,
    /// Own computations asked for and not yet done.
    pub local: Vec<(u32, Job)>,
    /// Times the inputs were put into the blob store.
    pub uploads: usize,
    /// Everything else, in order.
    pub seen: Vec<Effect>,
    /// Tokens acknowledged.
    pub acked: Vec<Token>,
}

impl Bench {
    pub fn new(policy: Policy, groups: &[u32]) -> Self {
        Self {
            state: State::new(policy, EPOCH),
            now: 1_000,
            groups: groups.to_vec(),
            aggregator: Aggregator::default(),
            tokens: 0,
            jobs: Vec::new(),
            local: Vec::new(),
            uploads: 0,
            seen: Vec::new(),
            acked: Vec::new(),
        }
    }

    /// A bench with live workers and the block handed in.
    pub fn started(groups: &[u32], workers: &[&str]) -> Self {
        let mut bench = Self::new(Policy::default(), groups);
        bench.heartbeats(workers);
        bench.event(Event::Submitted { block: BLOCK });
        bench
    }

    pub fn event(&mut self, event: Event) {
        let effects = step(&mut self.state, event, self.now);
        for effect in effects {
            match effect {
                Effect::Execute { block } => {
                    let plan = plan(block, &self.groups);
                    self.event(Event::Executed { block, plan });
                }
                Effect::Upload { block } => {
                    self.uploads += 1;
                    self.event(Event::Uploaded { block });
                }
                Effect::Send { worker, job, .. } => self.jobs.push((worker, *job)),
                Effect::ComputeLocally { run, job } => self.local.push((run, *job)),
                Effect::Ack(token) => self.acked.push(token),
                Effect::Aggregate { block, group, run, round, messages } => {
                    let first = self.groups[..group].iter().sum();
                    let outcome = self.aggregator.absorb(block, group, first, round, messages);
                    self.event(Event::Aggregated { block, group, run, outcome });
                }
                Effect::Verify { block, groups } => {
                    self.event(Event::Verified { block, proof: Ok(groups.concat()) });
                }
                other => self.seen.push(other),
            }
        }
    }

    pub fn heartbeats(&mut self, workers: &[&str]) {
        for name in workers {
            self.event(Event::Heartbeat { worker: worker(name), report: report() });
        }
    }

    /// Lets time pass in ticks; the named workers keep reporting.
    pub fn pass(&mut self, millis: Millis, alive: &[&str]) {
        for _ in 0..millis.div_ceil(100) {
            self.now += 100;
            self.heartbeats(alive);
            self.event(Event::Tick);
        }
    }

    /// Takes the jobs sent so far.
    pub fn take(&mut self) -> Vec<(WorkerId, Job)> {
        std::mem::take(&mut self.jobs)
    }

    /// Takes the jobs sent so far to one worker; the others stay.
    pub fn take_of(&mut self, name: &str) -> Vec<Job> {
        let (of, rest) = std::mem::take(&mut self.jobs).into_iter().partition(|(to, _)| to.as_str() == name);
        self.jobs = rest;
        of.into_iter().map(|(_, job): (WorkerId, Job)| job).collect()
    }

    /// Takes the first job sent to one worker; all others stay.
    pub fn take_one(&mut self, name: &str) -> Job {
        let at = self.jobs.iter().position(|(to, _)| to.as_str() == name).expect("the worker has a job");
        self.jobs.remove(at).1
    }

    pub fn answer(&mut self, worker: &WorkerId, id: JobId, outcome: Outcome) -> Token {
        self.tokens += 1;
        let token = self.tokens;
        self.event(Event::Answered { token, answer: Answer { id, worker: worker.clone(), outcome } });
        token
    }

    /// The honest outcome of a job; rebuilt sessions send all rounds.
    pub fn honest(job: &Job, rebuilt: bool) -> Outcome {
        let round = job.id.round.get();
        let first_round = if rebuilt || job.fresh { 1 } else { round };
        let messages =
            (first_round..=round).map(|at| message(job.id.block, job.id.subtree.0, at, &job.challenges)).collect();
        Outcome::Proved { transcript: job.transcript, first_round, messages }
    }

    pub fn reply(&mut self, worker: &WorkerId, job: &Job) -> Token {
        self.answer(worker, job.id, Self::honest(job, false))
    }

    /// An answer whose message of one round is wrong.
    pub fn lie(&mut self, worker: &WorkerId, job: &Job, rebuilt: bool, wrong_round: u8) -> Token {
        let Outcome::Proved { transcript, first_round, mut messages } = Self::honest(job, rebuilt) else {
            unreachable!()
        };
        messages[usize::from(wrong_round - first_round)].push(b'!');
        self.answer(worker, job.id, Outcome::Proved { transcript, first_round, messages })
    }

    pub fn fail(&mut self, worker: &WorkerId, job: &Job, disposition: Disposition) -> Token {
        self.answer(worker, job.id, Outcome::Failed { disposition, reason: "[PY-W-000] test".to_owned() })
    }

    /// Does the own computations asked for.
    pub fn compute_locally(&mut self) -> usize {
        let local = std::mem::take(&mut self.local);
        let count = local.len();
        for (run, job) in local {
            let round = job.id.round.get();
            let messages = (1..=round).map(|at| message(job.id.block, job.id.subtree.0, at, &job.challenges)).collect();
            let (block, subtree) = (job.id.block, job.id.subtree.0);
            self.event(Event::ComputedLocally { block, subtree, run, messages: Ok(messages) });
        }
        count
    }

    /// Answers every job honestly until nothing is left to answer.
    pub fn run_honestly(&mut self) {
        loop {
            let jobs = self.take();
            if jobs.is_empty() && self.compute_locally() == 0 {
                return;
            }
            for (worker, job) in jobs {
                self.now += 10;
                self.reply(&worker, &job);
            }
        }
    }

    /// Brings the block to a round with honest answers; that round's jobs are not answered.
    pub fn run_until(&mut self, round: u8) {
        loop {
            let (at, before): (Vec<_>, Vec<_>) =
                self.take().into_iter().partition(|(_, job)| job.id.round.get() >= round);
            self.jobs = at;
            if before.is_empty() {
                return;
            }
            for (worker, job) in before {
                self.now += 10;
                self.reply(&worker, &job);
            }
        }
    }

    pub fn proof(&self) -> Option<&[u8]> {
        self.seen.iter().find_map(|effect| match effect {
            Effect::Finished { proof, .. } => Some(proof.as_slice()),
            _ => None,
        })
    }

    pub fn failure_code(&self) -> Option<&str> {
        self.seen.iter().find_map(|effect| match effect {
            Effect::Failed { failure, .. } => Some(failure.code.as_str()),
            _ => None,
        })
    }

    /// Who was caught, with the round.
    pub fn alarms(&self) -> Vec<(String, u8)> {
        self.seen
            .iter()
            .filter_map(|effect| match effect {
                Effect::Alarm { worker, round, .. } => Some((worker.to_string(), *round)),
                _ => None,
            })
            .collect()
    }

    /// The block is finished with the proof of an undisturbed farm.
    pub fn assert_proven(&self) {
        assert_eq!(self.failure_code(), None);
        assert_eq!(self.proof(), Some(honest_proof(BLOCK, &self.groups).as_slice()));
    }
}
