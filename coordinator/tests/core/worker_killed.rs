//! A worker that falls silent in any round is noticed after its lease and its jobs go to others at once.

use crate::bench::{BLOCK, Bench, report, worker};
use proofyard_coordinator::core::{Effect, Event, Policy, Report, policy};

#[test]
fn in_each_round_its_jobs_move_and_the_proof_is_the_same() {
    for round in 1..=5 {
        let mut bench = Bench::started(&[4], &["a", "b", "c"]);
        bench.run_until(round);
        let lost = bench.take_of("a");
        assert!(!lost.is_empty(), "round {round}: a has jobs");
        let killed_at = bench.now;
        while !bench.seen.iter().any(|effect| matches!(effect, Effect::WorkerLost { .. })) {
            bench.pass(100, &["b", "c"]);
        }
        let noticed = bench.now - killed_at;
        assert!(noticed <= 2_000, "round {round}: noticed after {noticed} ms");
        let moved: Vec<_> = bench.take();
        for job in &lost {
            assert!(
                moved.iter().any(|(to, other)| other.id.subtree == job.id.subtree && to.as_str() != "a"),
                "round {round}: subtree {} moved in the same step",
                job.id.subtree
            );
        }
        bench.jobs = moved;
        bench.run_honestly();
        bench.assert_proven();
        assert!(bench.alarms().is_empty(), "dying is no lie");
    }
}

#[test]
fn a_late_answer_of_the_dead_still_counts() {
    let mut bench = Bench::started(&[2], &["a", "b"]);
    let lost = bench.take_of("a");
    bench.pass(policy::LEASE_MS + 200, &["b"]);
    let token = bench.reply(&worker("a"), &lost[0]);
    assert!(bench.acked.contains(&token));
    bench.run_honestly();
    bench.assert_proven();
}

#[test]
fn a_worker_that_comes_back_gets_work_again() {
    let mut bench = Bench::started(&[4], &["a"]);
    let lost = bench.take();
    assert!(!lost.is_empty());
    bench.pass(policy::LEASE_MS + 200, &[]);
    assert!(bench.take().is_empty(), "nobody is there");
    bench.heartbeats(&["a"]);
    bench.run_honestly();
    bench.assert_proven();
}

#[test]
fn a_restart_within_the_lease_is_noticed_by_its_instance() {
    let mut bench = Bench::new(Policy::default(), &[2]);
    bench.heartbeats(&["a"]);
    bench.event(Event::Submitted { block: BLOCK });
    assert_eq!(bench.take().len(), 2);
    bench.event(Event::Heartbeat { worker: worker("a"), report: Report { instance: 2, ..report() } });
    assert_eq!(bench.take().len(), 2, "its jobs are sent again at once");
}

#[test]
fn a_job_lost_on_the_way_to_a_live_worker_is_sent_again() {
    let mut bench = Bench::started(&[1], &["a"]);
    let (id, lost) = bench.take().remove(0);
    let holding = |bench: &mut Bench, jobs: Vec<_>| {
        bench.event(Event::Heartbeat { worker: worker("a"), report: Report { jobs: Some(jobs), ..report() } });
    };
    for _ in 0..20 {
        bench.now += 300;
        holding(&mut bench, vec![lost.id]);
    }
    assert!(bench.take().is_empty(), "it holds the job");
    holding(&mut bench, Vec::new());
    let (_, again) = bench.take().remove(0);
    assert_eq!(again.id.subtree, lost.id.subtree);
    bench.now += 300;
    holding(&mut bench, Vec::new());
    assert!(bench.take().is_empty(), "the new one may be on its way");
    bench.reply(&id, &lost);
    bench.run_honestly();
    bench.assert_proven();
}
