//! Any number of subtrees completes with one worker, which never holds more jobs than it takes.

use crate::bench::{BLOCK, Bench, worker};
use proofyard_coordinator::core::Event;
use proofyard_job_schema::Disposition;

#[test]
fn sixty_four_subtrees_in_groups_with_one_worker() {
    for groups in [&[64][..], &[1], &[16, 4, 1]] {
        let mut bench = Bench::started(groups, &["only"]);
        loop {
            let jobs = bench.take();
            if jobs.is_empty() {
                break;
            }
            assert!(jobs.len() <= 2, "never more than its capacity");
            for (id, job) in jobs {
                bench.reply(&id, &job);
                assert!(bench.jobs.len() <= 2);
            }
        }
        bench.assert_proven();
    }
}

#[test]
fn a_failing_only_worker_is_tried_again_after_a_pause() {
    let mut bench = Bench::started(&[1], &["only"]);
    for _ in 0..3 {
        let (id, job) = bench.take().remove(0);
        bench.fail(&id, &job, Disposition::RetryElsewhere);
        assert!(bench.take().is_empty(), "not at once");
        bench.pass(4_000, &["only"]);
        assert_eq!(bench.jobs.len(), 1);
    }
    bench.run_honestly();
    bench.assert_proven();
}

#[test]
fn a_failing_worker_does_not_get_the_same_job_while_another_is_there() {
    let mut bench = Bench::started(&[2], &["a", "b"]);
    let job = bench.take_one("a");
    bench.fail(&worker("a"), &job, Disposition::RetryElsewhere);
    let again: Vec<_> = bench.take();
    assert!(again.iter().any(|(to, other)| other.id.subtree == job.id.subtree && to.as_str() == "b"));
    bench.jobs = again;
    bench.run_honestly();
    bench.assert_proven();
}

#[test]
fn a_job_that_two_workers_call_wrong_fails_the_block_with_their_reason() {
    let mut bench = Bench::started(&[1], &["a", "b"]);
    for _ in 0..2 {
        let (id, job) = bench.take().remove(0);
        bench.fail(&id, &job, Disposition::Reject);
    }
    assert_eq!(bench.failure_code(), Some("PY-C-107"));
}

#[test]
fn endless_failures_end_the_block() {
    let mut bench = Bench::started(&[1], &["only"]);
    for _ in 0..40 {
        for (id, job) in bench.take() {
            bench.fail(&id, &job, Disposition::Retry);
        }
        bench.pass(4_000, &["only"]);
    }
    assert_eq!(bench.failure_code(), Some("PY-C-108"));
}

#[test]
fn inputs_that_got_lost_are_stored_again() {
    let mut bench = Bench::started(&[2], &["only"]);
    assert_eq!(bench.uploads, 1);
    let jobs = bench.take();
    bench.fail(&jobs[0].0, &jobs[0].1, Disposition::InputsMissing);
    assert_eq!(bench.uploads, 2);
    bench.reply(&jobs[1].0, &jobs[1].1);
    // The store being away as well ends nothing: whoever still misses the inputs says so again.
    bench.event(Event::UploadFailed { block: BLOCK, reason: "away".to_owned() });
    bench.pass(4_000, &["only"]);
    bench.run_honestly();
    bench.assert_proven();
}
