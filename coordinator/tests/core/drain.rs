//! Draining: of a worker, whose jobs go elsewhere without using up a retry, and of the coordinator.

use crate::bench::{BLOCK, Bench, report, worker};
use proofyard_coordinator::core::{Effect, Event, Policy, Report};
use proofyard_job_schema::BlockId;

#[test]
fn a_draining_workers_jobs_move_at_once_and_it_gets_no_more() {
    let mut bench = Bench::started(&[4], &["a", "b"]);
    let jobs = bench.take_of("a");
    let ids = jobs.iter().map(|job| job.id).collect();
    bench.event(Event::Returned { token: 9, worker: worker("a"), jobs: ids });
    assert!(bench.acked.contains(&9));
    bench.event(Event::Heartbeat { worker: worker("a"), report: Report { draining: true, ..report() } });
    bench.run_honestly();
    assert!(bench.jobs.is_empty());
    bench.assert_proven();
}

#[test]
fn handing_back_uses_up_no_retry() {
    let mut bench = Bench::started(&[1], &["a"]);
    for _ in 0..40 {
        let (id, job) = bench.take().remove(0);
        bench.event(Event::Returned { token: 1, worker: id, jobs: vec![job.id] });
        bench.heartbeats(&["a"]);
    }
    bench.run_honestly();
    bench.assert_proven();
}

#[test]
fn a_draining_coordinator_finishes_what_it_has_and_refuses_more() {
    let mut bench = Bench::started(&[2], &["a"]);
    bench.event(Event::Drain);
    bench.event(Event::Submitted { block: BlockId([2; 32]) });
    assert_eq!(bench.failure_code(), Some("PY-C-101"));
    bench.seen.clear();
    bench.run_honestly();
    bench.assert_proven();
    assert!(bench.seen.contains(&Effect::Stopped));
}

#[test]
fn it_gives_up_in_time() {
    let mut bench = Bench::started(&[2], &[]);
    bench.event(Event::Drain);
    bench.pass(Policy::default().drain_ms, &[]);
    assert_eq!(bench.failure_code(), Some("PY-C-113"));
    assert_eq!(bench.seen.iter().filter(|effect| **effect == Effect::Stopped).count(), 1);
}

#[test]
fn a_block_handed_in_twice_is_one_block_and_too_many_are_refused() {
    let policy = Policy { blocks_max: 1, ..Policy::default() };
    let mut bench = Bench::new(policy, &[1]);
    bench.event(Event::Submitted { block: BLOCK });
    bench.event(Event::Submitted { block: BLOCK });
    assert_eq!(bench.failure_code(), None);
    bench.event(Event::Submitted { block: BlockId([2; 32]) });
    assert_eq!(bench.failure_code(), Some("PY-C-102"));
    assert_eq!(bench.state.blocks(), 1);
}

#[test]
fn a_block_that_nobody_proves_fails_at_its_deadline() {
    let policy = Policy { block_deadline_ms: 2_000, ..Policy::default() };
    let mut bench = Bench::new(policy, &[1]);
    bench.event(Event::Submitted { block: BLOCK });
    bench.pass(2_200, &[]);
    assert_eq!(bench.failure_code(), Some("PY-C-112"));
}
