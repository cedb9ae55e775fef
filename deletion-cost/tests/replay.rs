//! A day of blocks, second by second: the coordinator's wish for workers, KEDA and the HorizontalPodAutoscaler as the component
//! `autoscaling` sets them, pods that start late, spot machines that are taken away, and deletion costs. What decides is the real code:
//! `market::demand` and `costs`; the rest is the cluster, reduced to what its documentation promises.

use std::collections::{BTreeMap, VecDeque};

use proofyard_coordinator::market::{Promise, Scaling, demand};
use proofyard_coordinator_client::WorkerStatus;
use proofyard_deletion_cost::costs::{Pod, changes};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const DAY: u64 = 86_400;
const SUBTREES: u32 = 4;
/// Seconds of a worker for a subtree: median, and what the market reckons with (99th percentile).
const TURN: (u64, u64) = (40, 60);
/// Seconds from acceptance to the deadline: 100 L1 blocks.
const WINDOW: u64 = 1_200;
/// Seconds from the wish for a pod to its first job, at most.
const START: u64 = 180;
/// Seconds from a change to what the autoscaler sees of it: scraping and polling.
const LAG: u64 = 25;
/// As in the component `autoscaling`.
const FLOOR: u32 = 4;
const MOST: u32 = 68;
const DOWN_WINDOW: u64 = 900;
const SYNC: u64 = 15;
/// Between two looks of the deletion costs.
const COSTS: u64 = 2;

/// How the number of workers is chosen, and who goes.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    /// As deployed.
    Deployed,
    /// As deployed, but nobody writes deletion costs.
    WithoutCosts,
    /// As many as there are jobs that wait, at once.
    PendingJobs,
}

struct Block {
    due: u64,
    /// Seconds of work left of each subtree; those in work are kept by their worker.
    waiting: VecDeque<u64>,
    unfinished: u32,
}

struct Worker {
    name: String,
    ready_at: u64,
    spot: bool,
    /// Block and seconds left, and what the whole subtree takes.
    job: Option<(u64, u64, u64)>,
    /// In the annotation.
    cost: Option<i32>,
}

#[derive(Debug, Default)]
struct Outcome {
    blocks: u32,
    missed: u32,
    /// Workers that scaling took away in the middle of a job.
    busy_killed: u32,
    /// The same where nobody could know: its job began since the costs were written last, or every other was busy, too: then the
    /// coordinator wants them all, which the autoscaler learns some seconds later. Draining hands such a job back at once.
    unseen: u32,
    scaled_down: u32,
    reclaimed: u32,
    most: usize,
    worker_seconds: u64,
}

/// Blocks a minute: few at night, nine in the evening.
fn rate(second: u64) -> f64 {
    let hour = second as f64 / 3_600.0;
    0.3 + 9.0 * (-((hour - 19.0) / 3.5).powi(2)).exp()
}

fn status(worker: &Worker) -> WorkerStatus {
    WorkerStatus {
        worker: worker.name.clone(),
        live: true,
        heard_ms: 0,
        draining: false,
        device: "cuda".to_owned(),
        jobs: u32::from(worker.job.is_some()),
        capacity: 2,
        sessions: 0,
        cpu_permille: 0,
        rss_bytes: 0,
        peak_rss_bytes: 0,
        memory_total_bytes: 0,
    }
}

struct Day {
    rule: Rule,
    random: ChaCha8Rng,
    now: u64,
    blocks: BTreeMap<u64, Block>,
    workers: Vec<Worker>,
    named: u64,
    /// What was wished for, by time.
    wishes: VecDeque<(u64, u32)>,
    /// Recommendations of the autoscaler, by time.
    recommended: VecDeque<(u64, u32)>,
    /// When it took pods away.
    taken: VecDeque<u64>,
    outcome: Outcome,
}

impl Day {
    fn play(rule: Rule, seed: u64) -> Outcome {
        let mut day = Self {
            rule,
            random: ChaCha8Rng::seed_from_u64(seed),
            now: 0,
            blocks: BTreeMap::new(),
            workers: Vec::new(),
            named: 0,
            wishes: VecDeque::new(),
            recommended: VecDeque::new(),
            taken: VecDeque::new(),
            outcome: Outcome::default(),
        };
        (0..FLOOR).for_each(|_| day.start(false, 0));
        // Blocks end with the day; their windows may close after it.
        while day.now < DAY + WINDOW {
            day.second();
            day.now += 1;
        }
        assert!(day.blocks.is_empty(), "every window has closed");
        day.outcome
    }

    fn second(&mut self) {
        self.arrive();
        self.reclaim();
        self.prove();
        let wish = self.wish();
        self.wishes.push_back((self.now, wish));
        if self.now.is_multiple_of(COSTS) && self.rule == Rule::Deployed {
            self.write_costs();
        }
        if self.now.is_multiple_of(SYNC) {
            self.scale();
        }
        self.outcome.most = self.outcome.most.max(self.workers.len());
        self.outcome.worker_seconds += self.workers.len() as u64;
    }

    fn arrive(&mut self) {
        let burst = self.now < DAY && self.now.is_multiple_of(4 * 3_600) && self.now > 0;
        let usual = self.now < DAY && self.random.random_bool(rate(self.now) / 60.0);
        for _ in 0..if burst { 60 } else { u64::from(usual) } {
            self.outcome.blocks += 1;
            let waiting = (0..SUBTREES).map(|_| self.turn()).collect();
            let id = u64::from(self.outcome.blocks);
            self.blocks.insert(id, Block { due: self.now + WINDOW, waiting, unfinished: SUBTREES });
        }
        let (now, outcome) = (self.now, &mut self.outcome);
        self.blocks.retain(|_, block| {
            outcome.missed += u32::from(block.due <= now);
            block.due > now
        });
    }

    /// One in a hundred takes half as long again, or more.
    fn turn(&mut self) -> u64 {
        let spread = self.random.random_range(0.85..1.15);
        let slow = if self.random.random_bool(0.01) { 1.6 } else { 1.0 };
        (TURN.0 as f64 * spread * slow) as u64
    }

    fn start(&mut self, spot: bool, after: u64) {
        self.named += 1;
        let name = format!("worker-{}", self.named);
        self.workers.push(Worker { name, ready_at: self.now + after, spot, job: None, cost: None });
    }

    /// Three spot machines in a hundred are taken away each hour, whatever they do.
    fn reclaim(&mut self) {
        let random = &mut self.random;
        let (gone, staying): (Vec<_>, Vec<_>) =
            self.workers.drain(..).partition(|worker| worker.spot && random.random_bool(0.03 / 3_600.0));
        self.workers = staying;
        self.outcome.reclaimed += gone.len() as u32;
        for worker in gone {
            self.hand_back(&worker);
            // Its ReplicaSet makes another.
            let after = self.random.random_range(60..=START);
            self.start(true, after);
        }
    }

    /// The session is lost with the worker: its subtree begins anew.
    fn hand_back(&mut self, worker: &Worker) {
        if let Some((id, _, whole)) = worker.job
            && let Some(block) = self.blocks.get_mut(&id)
        {
            block.waiting.push_front(whole);
        }
    }

    fn prove(&mut self) {
        for worker in self.workers.iter_mut().filter(|worker| worker.ready_at <= self.now) {
            if let Some((id, left, _)) = &mut worker.job {
                *left = left.saturating_sub(1);
                if *left > 0 && self.blocks.contains_key(id) {
                    continue;
                }
                if let Some(block) = self.blocks.get_mut(id) {
                    block.unfinished -= 1;
                    if block.unfinished == 0 {
                        self.blocks.remove(&id.clone());
                    }
                }
                worker.job = None;
            }
            // Earliest deadline first.
            let next = self.blocks.iter_mut().filter(|(_, block)| !block.waiting.is_empty());
            if let Some((id, block)) = next.min_by_key(|(_, block)| block.due)
                && let Some(whole) = block.waiting.pop_front()
            {
                worker.job = Some((*id, whole, whole));
            }
        }
    }

    /// What the coordinator's metric says now.
    fn wish(&self) -> u32 {
        if self.rule == Rule::PendingJobs {
            return self.blocks.values().map(|block| block.waiting.len() as u32).sum::<u32>().clamp(FLOOR, MOST);
        }
        let promises: Vec<Promise> = self
            .blocks
            .values()
            .map(|block| Promise {
                work_ms: u64::from(block.unfinished) * TURN.1 * 1_000,
                subtrees: SUBTREES,
                due_ms: (block.due as i64 - self.now as i64) * 1_000,
            })
            .collect();
        let scaling = Scaling { floor: FLOOR, most: MOST, headroom_percent: 25, start_ms: START * 1_000 };
        let busy = self.workers.iter().filter(|worker| worker.job.is_some()).count() as u32;
        demand(&promises, busy, &scaling).workers_wanted
    }

    fn write_costs(&mut self) {
        let ready = self.workers.iter().filter(|worker| worker.ready_at <= self.now);
        let statuses: Vec<WorkerStatus> = ready.map(status).collect();
        let pods: Vec<Pod> =
            self.workers.iter().map(|worker| Pod { name: worker.name.clone(), cost: worker.cost }).collect();
        for change in changes(&pods, &statuses) {
            if let Some(worker) = self.workers.iter_mut().find(|worker| worker.name == change.name) {
                worker.cost = change.cost;
            }
        }
    }

    fn scale(&mut self) {
        while self.wishes.front().is_some_and(|(at, _)| at + LAG < self.now) {
            self.wishes.pop_front();
        }
        let Some((_, wanted)) = self.wishes.front().copied() else { return };
        let spot = self.workers.iter().filter(|worker| worker.spot).count() as u32;
        let wanted = wanted - FLOOR;
        let (window, at_most) = match self.rule {
            Rule::Deployed | Rule::WithoutCosts => (DOWN_WINDOW, 2),
            Rule::PendingJobs => (0, u32::MAX),
        };
        self.recommended.push_back((self.now, wanted));
        while self.recommended.front().is_some_and(|(at, _)| at + window < self.now) {
            self.recommended.pop_front();
        }
        if wanted > spot {
            // The larger of twice as many and eight more, every 15 s.
            let most = (2 * spot).max(spot + 8);
            for _ in spot..wanted.min(most) {
                let after = self.random.random_range(60..=START);
                self.start(true, after);
            }
            return;
        }
        let lowest = self.recommended.iter().map(|(_, wanted)| *wanted).max().unwrap_or(wanted);
        while self.taken.front().is_some_and(|at| at + 60 <= self.now) {
            self.taken.pop_front();
        }
        let allowed = at_most.saturating_sub(self.taken.len() as u32);
        for _ in 0..spot.saturating_sub(lowest).min(allowed) {
            self.take_away();
        }
    }

    /// As a ReplicaSet chooses: pods that are not ready, then the lowest cost, then the newest.
    fn take_away(&mut self) {
        let now = self.now;
        let key = |worker: &Worker| (worker.ready_at <= now, worker.cost.unwrap_or(0), u64::MAX - worker.ready_at);
        let spot = self.workers.iter().enumerate().filter(|(_, worker)| worker.spot);
        let Some(index) = spot.min_by_key(|(_, worker)| key(worker)).map(|(index, _)| index) else { return };
        let worker = self.workers.remove(index);
        self.taken.push_back(now);
        self.outcome.scaled_down += 1;
        if let Some((_, left, whole)) = worker.job {
            let all_busy = self.workers.iter().all(|other| other.job.is_some() || other.ready_at > now);
            match whole - left <= COSTS || all_busy {
                true => self.outcome.unseen += 1,
                false => self.outcome.busy_killed += 1,
            }
        }
        self.hand_back(&worker);
    }
}

#[test]
fn a_day_of_blocks_no_busy_worker_is_taken_away_and_no_window_is_missed() {
    for seed in 0..5 {
        let outcome = Day::play(Rule::Deployed, seed);
        println!("seed {seed}: {outcome:?}");
        assert!(outcome.blocks > 3_000 && outcome.reclaimed > 0 && outcome.scaled_down > 50, "a day worth the name");
        assert_eq!((outcome.missed, outcome.busy_killed), (0, 0), "seed {seed}");
        // Two workers go in a minute at most, and five times a day a burst comes that the autoscaler does not see for some seconds.
        assert!(outcome.unseen <= 2 * 5, "seed {seed}");
        // Less than half of what the same peak would cost all day.
        assert!(2 * outcome.worker_seconds < outcome.most as u64 * DAY, "seed {seed}");
    }
}

#[test]
fn the_replay_would_show_it() {
    let without: u32 = (0..5).map(|seed| Day::play(Rule::WithoutCosts, seed).busy_killed).sum();
    assert!(without > 0, "without deletion costs busy workers are taken away");
    let pending: u32 = (0..5).map(|seed| Day::play(Rule::PendingJobs, seed).busy_killed).sum();
    assert!(pending > without, "scaling on waiting jobs takes far more of them away");
}
