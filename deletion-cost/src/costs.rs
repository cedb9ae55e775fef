//! What a worker's pod costs. Pure.
//!
//! | worker | cost |
//! | --- | --- |
//! | draining, or silent | -1 000 |
//! | idle | 0, and 1 for each session it keeps |
//! | at work | 1 000 for each job it holds besides |
//!
//! A pod whose worker the coordinator has not heard of yet costs nothing: nothing is lost with it. Costs are bounded, so that they
//! never leave the 32 bits that Kubernetes reads.

use std::collections::BTreeMap;

use proofyard_coordinator_client::WorkerStatus;

/// Of a worker that leaves, or that nobody hears of.
const GONE: i32 = -1_000;
/// Of each job.
const JOB: i32 = 1_000;
/// Jobs and sessions that are counted at most.
const COUNTED_MAX: u32 = 999;

/// A worker's pod. The worker is named as its pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// The cost in its annotation, if there is one that can be read.
    pub cost: Option<i32>,
}

/// What it costs to delete a worker's pod.
pub fn cost(worker: &WorkerStatus) -> i32 {
    if !worker.live || worker.draining {
        return GONE;
    }
    // At most 999: both fit.
    let counted = |count: u32| count.min(COUNTED_MAX) as i32;
    JOB * counted(worker.jobs) + counted(worker.sessions)
}

/// The pods whose annotation is to be changed, and to what. A pod without an annotation costs 0 already.
pub fn changes(pods: &[Pod], workers: &[WorkerStatus]) -> Vec<Pod> {
    let by_name: BTreeMap<&str, &WorkerStatus> = workers.iter().map(|worker| (&*worker.worker, worker)).collect();
    let wanted = |pod: &Pod| by_name.get(&*pod.name).map_or(0, |worker| cost(worker));
    let changed = pods.iter().filter(|pod| pod.cost.unwrap_or(0) != wanted(pod));
    changed.map(|pod| Pod { name: pod.name.clone(), cost: Some(wanted(pod)) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(name: &str, jobs: u32, sessions: u32) -> WorkerStatus {
        WorkerStatus {
            worker: name.to_owned(),
            live: true,
            heard_ms: 0,
            draining: false,
            device: "cpu".to_owned(),
            jobs,
            capacity: 2,
            sessions,
            cpu_permille: 0,
            rss_bytes: 0,
            peak_rss_bytes: 0,
            memory_total_bytes: 0,
        }
    }

    fn pod(name: &str, cost: Option<i32>) -> Pod {
        Pod { name: name.to_owned(), cost }
    }

    #[test]
    fn whoever_is_busier_costs_more_and_whoever_leaves_costs_least() {
        let leaving = WorkerStatus { draining: true, ..worker("leaving", 2, 9) };
        let silent = WorkerStatus { live: false, ..worker("silent", 2, 9) };
        let (idle, warm) = (worker("idle", 0, 0), worker("warm", 0, 2_000_000));
        let (busy, busier) = (worker("busy", 1, 0), worker("busier", u32::MAX, u32::MAX));
        let costs: Vec<i32> = [&leaving, &idle, &warm, &busy, &busier].into_iter().map(cost).collect();
        assert!(costs.is_sorted_by(|less, more| less < more), "{costs:?}");
        assert_eq!(cost(&silent), cost(&leaving));
    }

    #[test]
    fn only_what_differs_is_written() {
        let workers = [worker("a", 1, 0), worker("b", 0, 0), worker("c", 0, 3)];
        let pods = [pod("a", Some(1_000)), pod("b", None), pod("c", None), pod("new", Some(1_000)), pod("d", None)];
        assert_eq!(changes(&pods, &workers), [pod("c", Some(3)), pod("new", Some(0))]);
        assert_eq!(changes(&pods, &[]), [pod("a", Some(0)), pod("new", Some(0))]);
        assert_eq!(changes(&[], &workers), []);
    }
}
