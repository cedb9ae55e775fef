//! Answers of another epoch, to other challenges, from someone else or to no job at all are acknowledged and change nothing.

use crate::bench::{BLOCK, Bench, worker};
use proofyard_coordinator::core::Outcome;
use proofyard_job_schema::{BlockId, Epoch, JobId, TranscriptDigest};

#[test]
fn each_kind_of_stale_answer() {
    let mut bench = Bench::started(&[2], &["a", "b"]);
    let job = bench.take_one("a");
    let ids = [
        JobId { epoch: Epoch(2), ..job.id },
        JobId { block: BlockId([9; 32]), ..job.id },
        JobId { attempt: 77, ..job.id },
        JobId { subtree: proofyard_job_schema::SubtreeIndex(99), ..job.id },
        JobId { round: proofyard_job_schema::Round::LAST, ..job.id },
    ];
    for id in ids {
        let token = bench.answer(&worker("a"), id, Bench::honest(&job, false));
        assert!(bench.acked.contains(&token));
    }
    let token = bench.answer(&worker("b"), job.id, Bench::honest(&job, false));
    assert!(bench.acked.contains(&token), "somebody else's job");
    assert!(bench.alarms().is_empty());
    assert!(bench.jobs.iter().all(|(to, _)| to.as_str() == "b"), "nothing was recorded for a");
    bench.jobs.push((worker("a"), job));
    bench.run_honestly();
    bench.assert_proven();
}

#[test]
fn an_answer_on_other_challenges_is_not_recorded() {
    let mut bench = Bench::started(&[1], &["a"]);
    let (id, job) = bench.take().remove(0);
    let Outcome::Proved { first_round, messages, .. } = Bench::honest(&job, false) else { unreachable!() };
    bench.answer(&id, job.id, Outcome::Proved { transcript: TranscriptDigest([0; 32]), first_round, messages });
    let (_, again) = bench.take().remove(0);
    assert_eq!(again.id.round.get(), 1);
    assert_ne!(again.id.attempt, job.id.attempt);
}

#[test]
fn an_unknown_block_is_acknowledged() {
    let mut bench = Bench::started(&[1], &["a"]);
    bench.run_honestly();
    bench.assert_proven();
    let id = JobId {
        block: BLOCK,
        round: proofyard_job_schema::Round::FIRST,
        subtree: proofyard_job_schema::SubtreeIndex(0),
        epoch: crate::bench::EPOCH,
        attempt: 0,
    };
    let token = bench.answer(&worker("a"), id, Outcome::Malformed { reason: String::new() });
    assert!(bench.acked.contains(&token));
    assert!(bench.alarms().is_empty());
}
