//! After 75 % of a round's answers, a job that takes far longer than the others goes to a second worker.

use crate::bench::{Bench, worker};

/// Three of four answered after 400 ms each; `d` sits on the fourth.
fn nearly_complete() -> (Bench, proofyard_job_schema::Job) {
    let mut bench = Bench::started(&[4], &["a", "b", "c", "d"]);
    let slow = bench.take_of("d").remove(0);
    bench.pass(400, &["a", "b", "c", "d"]);
    for (id, job) in bench.take() {
        bench.reply(&id, &job);
    }
    (bench, slow)
}

#[test]
fn the_first_valid_reply_wins_and_an_equal_duplicate_is_welcome() {
    let (mut bench, slow) = nearly_complete();
    bench.pass(200, &["a", "b", "c", "d"]);
    assert!(bench.take().is_empty(), "600 ms is not yet 1.5 times the median");
    bench.pass(100, &["a", "b", "c", "d"]);
    let hedges = bench.take();
    assert_eq!(hedges.len(), 1);
    assert_eq!(hedges[0].1.id.subtree, slow.id.subtree);
    assert_ne!(hedges[0].0.as_str(), "d");
    assert_ne!(hedges[0].1.id.attempt, slow.id.attempt);
    bench.reply(&hedges[0].0, &hedges[0].1);
    let next: Vec<_> = bench.jobs.iter().map(|(_, job)| (job.id.subtree.0, job.id.round.get())).collect();
    assert_eq!(next, [(0, 2), (1, 2), (2, 2), (3, 2)], "round 2 has begun and waits for nobody");
    let token = bench.reply(&worker("d"), &slow);
    assert!(bench.acked.contains(&token));
    bench.run_honestly();
    bench.assert_proven();
    assert!(bench.alarms().is_empty());
}

#[test]
fn only_one_hedge_is_sent() {
    let (mut bench, _) = nearly_complete();
    bench.pass(1_400, &["a", "b", "c", "d"]);
    assert_eq!(bench.take().len(), 1);
    bench.pass(300, &["a", "b", "c", "d"]);
    assert!(bench.take().is_empty());
}

#[test]
fn nothing_is_hedged_before_three_quarters_have_answered() {
    let mut bench = Bench::started(&[4], &["a", "b", "c", "d"]);
    bench.take_of("d");
    bench.take_of("c");
    bench.pass(400, &["a", "b", "c", "d"]);
    for (id, job) in bench.take() {
        bench.reply(&id, &job);
    }
    bench.pass(3_000, &["a", "b", "c", "d"]);
    assert!(bench.take().is_empty());
}

#[test]
fn jobs_queued_behind_one_another_are_no_stragglers() {
    let mut bench = Bench::started(&[4], &["a", "b"]);
    let (of_a, of_b) = (bench.take_of("a"), bench.take_of("b"));
    assert_eq!((of_a.len(), of_b.len()), (2, 2));
    bench.pass(1_000, &["a", "b"]);
    bench.reply(&worker("a"), &of_a[0]);
    bench.reply(&worker("b"), &of_b[0]);
    bench.pass(1_000, &["a", "b"]);
    bench.reply(&worker("a"), &of_a[1]);
    bench.pass(300, &["a", "b"]);
    assert!(bench.take().is_empty(), "b is at its second job for 1.3 s, which is not 1.5 times the median");
}
