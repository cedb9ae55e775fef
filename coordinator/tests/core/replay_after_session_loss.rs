//! A rebuilt session sends the earlier rounds' messages too; they are compared with what is recorded.

use crate::bench::{Bench, worker};

#[test]
fn equal_replays_are_taken() {
    let mut bench = Bench::started(&[4], &["a", "b"]);
    bench.run_until(4);
    for (id, job) in bench.take() {
        bench.answer(&id, job.id, Bench::honest(&job, true));
    }
    bench.run_honestly();
    bench.assert_proven();
    assert!(bench.alarms().is_empty());
}

#[test]
fn a_replay_that_differs_names_the_replayer_when_the_record_was_right() {
    let mut bench = Bench::started(&[4], &["a", "b", "c"]);
    bench.run_until(4);
    let job = bench.take_one("a");
    // `a` computed rounds 1 to 3 of it, so a replacement has to speak: kill `a`, let the replacement lie about round 2.
    bench.pass(1_700, &["b", "c"]);
    let jobs = bench.take();
    let (replacement, moved) = jobs
        .iter()
        .find(|(to, other)| other.id.subtree == job.id.subtree && to.as_str() != "a")
        .expect("moved")
        .clone();
    bench.jobs = jobs.into_iter().filter(|(_, other)| other.id != moved.id).collect();
    bench.lie(&replacement, &moved, true, 2);
    bench.run_honestly();
    assert_eq!(bench.alarms(), vec![(replacement.to_string(), 2)]);
    bench.assert_proven();
}

#[test]
fn a_replay_that_differs_names_the_recorded_author_when_the_record_was_wrong() {
    let mut bench = Bench::started(&[4], &["a", "b", "c"]);
    bench.run_until(2);
    let job = bench.take_one("a");
    bench.lie(&worker("a"), &job, false, 2);
    bench.run_until(3);
    bench.take_of("a");
    bench.pass(1_700, &["b", "c"]);
    for (id, job) in bench.take() {
        bench.answer(&id, job.id, Bench::honest(&job, true));
    }
    bench.run_honestly();
    assert_eq!(bench.alarms(), vec![("a".to_owned(), 2)]);
    bench.assert_proven();
}
