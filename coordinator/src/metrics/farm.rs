//! Blocks, rounds, jobs, workers.

use proofyard_job_schema::{Disposition, Heartbeat, WorkerMessage};
use proofyard_telemetry::metrics::{Bounds, Counter, Counters, Gauge, Gauges, Histogram, Histograms, Label, Registrar};

use crate::{
    board::Board,
    core::{AlarmKind, Failure, Purpose},
    market::Demand,
    timings::RoundTiming,
};

/// Workers shown by name; more are only counted.
const WORKERS_SHOWN_MAX: usize = 256;

const ROUNDS: Label = Label::of("round", &["1", "2", "3", "4", "5"]);

/// Metrics of the farm.
#[derive(Debug, Clone)]
pub struct FarmMetrics {
    blocks: Counters<1>,
    block_seconds: Histogram,
    transfers: Counter,
    in_work: Gauge,
    draining: Gauge,
    proving: Histograms<1>,
    aggregation: Histograms<1>,
    sent: Counters<1>,
    not_sent: Counter,
    replies: Counters<1>,
    replays: Counter,
    failures: Counters<1>,
    returned: Counter,
    lies: Counters<1>,
    own_computations: Counter,
    workers: Gauges<1>,
    workers_lost: Counter,
    worker_jobs: Gauges<1>,
    worker_sessions: Gauges<1>,
    worker_memory: Gauges<1>,
    device_seconds_due: Gauge,
    workers_wanted: Gauge,
}

impl FarmMetrics {
    /// Makes them.
    pub fn new(registrar: &mut Registrar) -> Self {
        let worker = || [Label::named("worker")];
        Self {
            blocks: registrar.counters(
                "proofyard_coordinator_blocks",
                "Blocks that ended: proven and verified, refused for what they are, failed in the farm",
                [Label::of("outcome", &["proven", "refused", "failed"])],
            ),
            block_seconds: registrar.histogram(
                "proofyard_coordinator_block_duration_seconds",
                "Time from a block's intake to its verified proof",
                Bounds::SECONDS,
            ),
            transfers: registrar.counter("proofyard_coordinator_transfers_proven", "Transfers of proven blocks"),
            in_work: registrar.gauge("proofyard_coordinator_blocks_in_work", "Blocks taken and not ended"),
            draining: registrar.gauge("proofyard_coordinator_draining", "1 once the coordinator takes no more blocks"),
            proving: registrar.histograms(
                "proofyard_coordinator_round_proving_seconds",
                "Time from a round's challenges to the last reply of a group",
                [ROUNDS],
                Bounds::SECONDS,
            ),
            aggregation: registrar.histograms(
                "proofyard_coordinator_round_aggregation_seconds",
                "Time from the last reply of a round to the next round's challenges, or to the check of the root proof",
                [ROUNDS],
                Bounds::SECONDS,
            ),
            sent: registrar.counters(
                "proofyard_coordinator_jobs_assigned",
                "Jobs given to workers: the first of its round, a second one beside a straggler, a recomputation for a dispute",
                [Label::of("purpose", &["round", "hedge", "recompute"])],
            ),
            not_sent: registrar.counter("proofyard_coordinator_jobs_not_sent", "Jobs that the bus did not take"),
            replies: registrar.counters(
                "proofyard_coordinator_jobs_answered",
                "Replies to jobs: those whose message counts, and those that change nothing because another was faster or the job is stale, \
                 or that begin a dispute",
                [Label::of("outcome", &["counted", "late"])],
            ),
            replays: registrar.counter(
                "proofyard_coordinator_replays",
                "Replies of a session that had to be rebuilt from its inputs: they repeat earlier rounds",
            ),
            failures: registrar.counters(
                "proofyard_coordinator_jobs_failed",
                "Jobs that workers could not do, by what is to be done about it",
                [Label::of("disposition", &["retry", "retry_elsewhere", "reject", "inputs_missing"])],
            ),
            returned: registrar
                .counter("proofyard_coordinator_jobs_returned", "Jobs that draining workers handed back"),
            lies: registrar.counters(
                "proofyard_coordinator_lies",
                "Workers caught with a message that is not what the protocol prescribes, or that does not decode",
                [Label::of("kind", &["wrong_message", "malformed"])],
            ),
            own_computations: registrar.counter(
                "proofyard_coordinator_own_computations",
                "Disputed subtrees that the coordinator computed itself",
            ),
            workers: registrar.gauges(
                "proofyard_coordinator_workers",
                "Workers that take jobs (live), that finish what they have (draining), and that fell silent within the last hour (silent)",
                [Label::of("state", &["live", "draining", "silent"])],
            ),
            workers_lost: registrar
                .counter("proofyard_coordinator_workers_lost", "Times that a worker fell silent for longer than its lease"),
            worker_jobs: registrar.gauges(
                "proofyard_coordinator_worker_jobs",
                "Jobs that a live worker holds, by its last heartbeat; the first 256 workers by name",
                worker(),
            ),
            worker_sessions: registrar.gauges(
                "proofyard_coordinator_worker_sessions",
                "Sessions that a live worker keeps, by its last heartbeat; the first 256 workers by name",
                worker(),
            ),
            worker_memory: registrar.gauges(
                "proofyard_coordinator_worker_resident_memory_bytes",
                "Resident memory of a live worker, by its last heartbeat; the first 256 workers by name",
                worker(),
            ),
            device_seconds_due: registrar.gauge(
                "proofyard_coordinator_device_seconds_due",
                "Seconds of one device that are left to work for all promised blocks",
            ),
            workers_wanted: registrar.gauge(
                "proofyard_coordinator_workers_wanted",
                "Workers that prove all promised blocks in time; what autoscaling follows",
            ),
        }
    }

    pub(crate) fn assigned(&self, purpose: Purpose) {
        self.sent.inc([match purpose {
            Purpose::Round => "round",
            Purpose::Hedge => "hedge",
            Purpose::Recompute => "recompute",
        }]);
    }

    pub(crate) fn not_sent(&self) {
        self.not_sent.inc();
    }

    /// A worker said something.
    pub(crate) fn heard(&self, message: &WorkerMessage) {
        match message {
            WorkerMessage::Reply(reply) if reply.messages.len() > 1 => self.replays.inc(),
            WorkerMessage::Failure(failure) => self.failures.inc([match failure.disposition {
                Disposition::Retry => "retry",
                Disposition::RetryElsewhere => "retry_elsewhere",
                Disposition::Reject => "reject",
                Disposition::InputsMissing => "inputs_missing",
            }]),
            WorkerMessage::Goodbye(goodbye) => self.returned.add(goodbye.returned.len() as u64),
            WorkerMessage::Reply(_) | WorkerMessage::Heartbeat(_) | WorkerMessage::Progress(_) => {}
        }
    }

    /// The core has judged a reply.
    pub(crate) fn answered(&self, counted: bool) {
        self.replies.inc([if counted { "counted" } else { "late" }]);
    }

    pub(crate) fn caught(&self, kind: AlarmKind) {
        self.lies.inc([match kind {
            AlarmKind::WrongMessage => "wrong_message",
            AlarmKind::Malformed => "malformed",
        }]);
    }

    pub(crate) fn computes(&self) {
        self.own_computations.inc();
    }

    pub(crate) fn worker_lost(&self) {
        self.workers_lost.inc();
    }

    pub(crate) fn round(&self, timing: &RoundTiming) {
        let round = timing.round.to_string();
        self.proving.observe([&round], timing.proving.as_secs_f64());
        self.aggregation.observe([&round], timing.aggregation.as_secs_f64());
    }

    pub(crate) fn proven(&self, seconds: f64, transfers: usize) {
        self.blocks.inc(["proven"]);
        self.block_seconds.observe(seconds);
        self.transfers.add(transfers as u64);
    }

    pub(crate) fn failed(&self, failure: &Failure) {
        self.blocks.inc([if failure.refused { "refused" } else { "failed" }]);
    }

    /// Takes over what the board shows.
    pub fn look(&self, board: &Board, draining: bool) {
        self.in_work.set(board.unfinished() as f64);
        self.draining.set(if draining { 1.0 } else { 0.0 });
        let heartbeats = board.heartbeats();
        let count = |which: &dyn Fn(bool, &Heartbeat) -> bool| {
            heartbeats.iter().filter(|(live, heartbeat)| which(*live, heartbeat)).count() as f64
        };
        self.workers.set(["live"], count(&|live, heartbeat| live && !heartbeat.draining));
        self.workers.set(["draining"], count(&|live, heartbeat| live && heartbeat.draining));
        self.workers.set(["silent"], count(&|live, _| !live));
        for gauges in [&self.worker_jobs, &self.worker_sessions, &self.worker_memory] {
            gauges.clear();
        }
        for (_, heartbeat) in heartbeats.iter().filter(|(live, _)| *live).take(WORKERS_SHOWN_MAX) {
            let name = [heartbeat.worker.as_str()];
            self.worker_jobs.set(name, heartbeat.running.len() as f64);
            self.worker_sessions.set(name, heartbeat.sessions.len() as f64);
            self.worker_memory.set(name, heartbeat.system.process_rss_bytes as f64);
        }
    }

    /// How many workers there should be.
    pub fn wants(&self, demand: Demand) {
        self.device_seconds_due.set(demand.device_ms_due as f64 / 1_000.0);
        self.workers_wanted.set(demand.workers_wanted.into());
    }
}
