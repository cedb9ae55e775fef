//! Workers as lines.

use proofyard_coordinator_client::{FarmView, WorkerStatus};

use super::columns;

/// Workers heard of within the lease.
pub fn live(view: &FarmView) -> usize {
    view.workers.iter().filter(|worker| worker.live).count()
}

/// The farm's workers for people.
pub fn text(view: &FarmView) -> String {
    if view.workers.is_empty() {
        return "no worker has been heard of".to_owned();
    }
    let headers = ["WORKER", "STATE", "DEVICE", ">JOBS", ">SESSIONS", ">CPU", ">MEMORY", ">PEAK", ">MACHINE"];
    let lines = columns(&headers, view.workers.iter().map(row).collect());
    format!("{lines}\n{} of {} workers live", live(view), view.workers.len())
}

fn row(worker: &WorkerStatus) -> Vec<String> {
    // What a worker last said of its work does not hold any more when it is gone.
    let here = |figure: String| if worker.live { figure } else { "-".to_owned() };
    vec![
        worker.worker.clone(),
        state(worker).to_owned(),
        worker.device.clone(),
        here(format!("{}/{}", worker.jobs, worker.capacity)),
        here(worker.sessions.to_string()),
        here(format!("{} %", worker.cpu_permille / 10)),
        size(worker.rss_bytes),
        size(worker.peak_rss_bytes),
        size(worker.memory_total_bytes),
    ]
}

/// In a word.
pub fn state(worker: &WorkerStatus) -> &'static str {
    match (worker.live, worker.draining) {
        (false, true) => "left",
        (false, false) => "silent",
        (true, true) => "draining",
        (true, false) => "live",
    }
}

/// Bytes as people read them.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_states_are_words() {
        assert_eq!(
            (size(0), size(319_400_000), size(25_200_000_000)),
            ("0 MB".into(), "319 MB".into(), "25.2 GB".into())
        );
        let worker = |live, draining| WorkerStatus {
            heard_ms: 0,
            worker: "a".into(),
            live,
            draining,
            device: "cpu".into(),
            jobs: 1,
            capacity: 2,
            sessions: 3,
            cpu_permille: 505,
            rss_bytes: 0,
            peak_rss_bytes: 0,
            memory_total_bytes: 0,
        };
        assert_eq!(state(&worker(true, false)), "live");
        assert_eq!(state(&worker(true, true)), "draining");
        assert_eq!(state(&worker(false, true)), "left");
        assert_eq!(state(&worker(false, false)), "silent");
        assert_eq!(row(&worker(false, false))[3..6], ["-", "-", "-"]);
        assert_eq!(row(&worker(true, false))[3..6], ["1/2", "3", "50 %"]);
    }
}
