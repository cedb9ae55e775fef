//! What a worker shows of its work. The core knows nothing of it: counted is where its effects are carried out.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use proofyard_bus::BusMetrics;
use proofyard_job_schema::{Disposition, Job, Phase, WorkerMessage};
use proofyard_kernels::DeviceMemory;
use proofyard_telemetry::{
    metrics::{Bounds, Counter, Counters, FloatCounter, Gauge, Gauges, Histograms, Label, Registrar},
    operations::{Check, Pulse},
};

use crate::{
    core::{Heart, Outcome, Start},
    figures::peak_rss_bytes,
    sensors::Reading,
};

/// Jobs in a row that failed on this worker alone, from which on it is of no use.
const FAILURES_MAX: u32 = 3;

/// All metrics of a worker.
#[derive(Debug)]
pub struct Metrics {
    /// The core's loop.
    pub pulse: Pulse,
    /// NATS.
    pub bus: BusMetrics,
    failures_in_a_row: AtomicU32,
    info: Gauges<2>,
    jobs: Counters<1>,
    failures: Counters<1>,
    phases: Histograms<1>,
    busy: FloatCounter,
    at_once: Gauge,
    held: Gauge,
    sessions: Gauge,
    rebuilt: Counter,
    draining: Gauge,
    returned: Counter,
    peak_memory: Gauge,
    memory_budget: Gauge,
    memory_available: Gauge,
    temperature: Gauge,
    power: Gauge,
    utilisation: Gauge,
    machine_temperature: Gauge,
}

impl Metrics {
    /// Makes them.
    pub fn new(registrar: &mut Registrar) -> Self {
        let phases = &["inputs", "witness", "round_1", "round_2", "round_3", "round_4", "round_5"];
        Self {
            pulse: Pulse::default(),
            bus: BusMetrics::new(registrar),
            failures_in_a_row: AtomicU32::new(0),
            info: registrar.gauges(
                "proofyard_worker_info",
                "1; the worker's name in its farm and what proves",
                ["worker", "device"].map(Label::named),
            ),
            jobs: registrar.counters(
                "proofyard_worker_jobs",
                "Jobs that ended: proven, failed, stopped because nobody wanted them any more",
                [Label::of("outcome", &["done", "failed", "cancelled"])],
            ),
            failures: registrar.counters(
                "proofyard_worker_job_failures",
                "Jobs that failed, by what the coordinator is asked to do about it",
                [Label::of("disposition", &["retry", "retry_elsewhere", "reject", "inputs_missing"])],
            ),
            phases: registrar.histograms(
                "proofyard_worker_phase_duration_seconds",
                "Time of each phase of a proven job: decoding inputs, expanding the witness, each round",
                [Label::of("phase", phases)],
                Bounds::SECONDS,
            ),
            busy: registrar.float_counter(
                "proofyard_worker_busy_seconds",
                "Time from the start of each job to its end, fetching its inputs included; with several at a time they add up",
            ),
            at_once: registrar.gauge("proofyard_worker_jobs_at_once", "Jobs that the worker proves at a time"),
            held: registrar.gauge("proofyard_worker_jobs_held", "Jobs held, being proven, waiting or not answered yet"),
            sessions: registrar.gauge("proofyard_worker_sessions", "Sessions kept between rounds"),
            rebuilt: registrar.counter(
                "proofyard_worker_sessions_rebuilt",
                "Sessions built from their inputs for a later round than the first",
            ),
            draining: registrar.gauge("proofyard_worker_draining", "1 once the worker takes no more jobs"),
            returned: registrar.counter("proofyard_worker_jobs_returned", "Jobs handed back while draining"),
            peak_memory: registrar.gauge(
                "proofyard_worker_peak_resident_memory_bytes",
                "The most memory that the process had resident; absent where the system does not count it",
            ),
            memory_budget: registrar.gauge(
                "proofyard_device_memory_budget_bytes",
                "Memory of the device that may be used; absent without a device of its own memory",
            ),
            memory_available: registrar.gauge(
                "proofyard_device_memory_available_bytes",
                "Part of the device's memory budget that is not in use; absent without a device of its own memory",
            ),
            temperature: registrar.gauge(
                "proofyard_device_temperature_celsius",
                "Temperature of the GPU, as NVML says; absent without an NVIDIA GPU",
            ),
            power: registrar.gauge(
                "proofyard_device_power_watts",
                "Power that the GPU and its board draw, as NVML says; absent without an NVIDIA GPU",
            ),
            utilisation: registrar.gauge(
                "proofyard_device_utilization_ratio",
                "Part of the last moment in which the GPU ran a kernel, 0 to 1, as NVML says; absent without an NVIDIA GPU",
            ),
            machine_temperature: registrar.gauge(
                "proofyard_machine_temperature_celsius",
                "Temperature of the machine's hottest sensor; absent where the system shows none",
            ),
        }
    }

    pub(crate) fn starts(&self, worker: &str, device: &str, at_once: u32) {
        self.info.set([worker, device], 1.0);
        self.at_once.set(at_once.into());
    }

    pub(crate) fn begins(&self, job: &Job, start: Start) {
        if start == Start::Rebuild && job.id.round.get() > 1 {
            self.rebuilt.inc();
        }
    }

    pub(crate) fn proved(&self, outcome: &Outcome, took: Duration) {
        self.busy.add(took.as_secs_f64());
        match outcome {
            Outcome::Done { figures, .. } => {
                self.jobs.inc(["done"]);
                self.failures_in_a_row.store(0, Ordering::Relaxed);
                for phase in &figures.phases {
                    let name = match phase.phase {
                        Phase::Inputs => "inputs".to_owned(),
                        Phase::Witness => "witness".to_owned(),
                        Phase::Round(round) => format!("round_{round}"),
                    };
                    self.phases.observe([&name], phase.micros as f64 / 1e6);
                }
            }
            Outcome::Cancelled => self.jobs.inc(["cancelled"]),
            Outcome::Failed(error) => {
                self.jobs.inc(["failed"]);
                self.failures.inc([match error.disposition {
                    Disposition::Retry => "retry",
                    Disposition::RetryElsewhere => "retry_elsewhere",
                    Disposition::Reject => "reject",
                    Disposition::InputsMissing => "inputs_missing",
                }]);
                if error.disposition == Disposition::RetryElsewhere {
                    self.failures_in_a_row.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    pub(crate) fn says(&self, message: &WorkerMessage) {
        if let WorkerMessage::Goodbye(goodbye) = message {
            self.returned.add(goodbye.returned.len() as u64);
        }
    }

    pub(crate) fn heart(&self, heart: &Heart) {
        self.held.set(heart.running.len() as f64);
        self.sessions.set(heart.sessions.len() as f64);
        self.draining.set(if heart.draining { 1.0 } else { 0.0 });
    }

    /// Takes over what device and machine say of themselves.
    pub(crate) fn look(&self, memory: Option<DeviceMemory>, reading: &Reading) {
        self.peak_memory.put(peak_rss_bytes().map(|bytes| bytes as f64));
        self.memory_budget.put(memory.map(|memory| memory.budget as f64));
        self.memory_available.put(memory.map(|memory| memory.available as f64));
        self.temperature.put(reading.device_celsius);
        self.power.put(reading.device_watts);
        self.utilisation.put(reading.device_utilisation);
        self.machine_temperature.put(reading.machine_celsius);
    }

    /// Whether the device proves: jobs that only fail here say that it does not.
    pub(crate) fn device_check(&self, name: &str) -> Check {
        let failures = self.failures_in_a_row.load(Ordering::Relaxed);
        let ok = failures < FAILURES_MAX;
        let detail = if ok { name.to_owned() } else { format!("{name}: {failures} jobs in a row failed on it") };
        Check::new("device", ok, detail)
    }
}

impl Default for Metrics {
    /// Metrics that nobody reads, as of a worker inside another program.
    fn default() -> Self {
        Self::new(&mut Registrar::new("worker"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::JobError;

    fn failed(disposition: Disposition) -> Outcome {
        Outcome::Failed(JobError { disposition, code: "PY-W-013".to_owned(), text: "broken".to_owned() })
    }

    #[test]
    fn a_device_on_which_jobs_only_fail_is_not_ready_until_one_succeeds() {
        let metrics = Metrics::default();
        let tell = |outcome: &Outcome| metrics.proved(outcome, Duration::ZERO);
        for _ in 0..10 {
            tell(&failed(Disposition::Reject));
            tell(&failed(Disposition::InputsMissing));
        }
        assert!(metrics.device_check("cuda").ok, "the jobs are at fault");
        (0..3).for_each(|_| tell(&failed(Disposition::RetryElsewhere)));
        let check = metrics.device_check("cuda");
        assert!(!check.ok && check.detail.contains("3 jobs"), "{check:?}");
        tell(&Outcome::Done { messages: Vec::new(), figures: Default::default() });
        assert!(metrics.device_check("cuda").ok);
    }
}
