//! A late duplicate that is not byte-identical is an alarm, whoever of the two was wrong.

use crate::bench::{Bench, worker};
use proofyard_job_schema::Job;

/// Round 1 of four subtrees: `d` is slow with its one and another worker is asked for it too.
fn hedged() -> (Bench, Job, (proofyard_job_schema::WorkerId, Job)) {
    let mut bench = Bench::started(&[4], &["a", "b", "c", "d"]);
    let slow = bench.take_of("d").remove(0);
    bench.pass(400, &["a", "b", "c", "d"]);
    for (id, job) in bench.take() {
        bench.reply(&id, &job);
    }
    bench.pass(700, &["a", "b", "c", "d"]);
    let hedge = bench.take().remove(0);
    (bench, slow, hedge)
}

#[test]
fn a_wrong_late_duplicate_convicts_its_sender() {
    let (mut bench, slow, (hedger, hedge)) = hedged();
    bench.reply(&hedger, &hedge);
    bench.lie(&worker("d"), &slow, false, 1);
    bench.run_honestly();
    assert_eq!(bench.alarms(), vec![("d".to_owned(), 1)]);
    bench.assert_proven();
}

#[test]
fn a_right_late_duplicate_convicts_the_winner() {
    let (mut bench, slow, (hedger, hedge)) = hedged();
    bench.lie(&hedger, &hedge, false, 1);
    bench.reply(&worker("d"), &slow);
    bench.run_honestly();
    assert_eq!(bench.alarms(), vec![(hedger.to_string(), 1)]);
    bench.assert_proven();
}
