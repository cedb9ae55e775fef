//! A wrong message of any round is traced to its author, replaced, and the proof is the one of an honest farm.

use crate::bench::{BLOCK, Bench, worker};
use proofyard_coordinator::core::{Aggregation, Event};

/// Plays a block in which `a` lies once in the given round about its first subtree of that round.
fn with_a_lie(workers: &[&str], round: u8) -> Bench {
    let mut bench = Bench::started(&[4], workers);
    bench.run_until(round);
    let job = bench.take_one("a");
    bench.lie(&worker("a"), &job, false, round);
    bench.run_honestly();
    bench
}

#[test]
fn in_each_round_with_three_workers() {
    for round in 1..=5 {
        let bench = with_a_lie(&["a", "b", "c"], round);
        assert_eq!(bench.alarms(), vec![("a".to_owned(), round)]);
        bench.assert_proven();
    }
}

#[test]
fn in_each_round_with_two_workers_the_coordinator_settles_it() {
    for round in 1..=5 {
        let bench = with_a_lie(&["a", "b"], round);
        assert_eq!(bench.alarms(), vec![("a".to_owned(), round)]);
        bench.assert_proven();
    }
}

#[test]
fn a_lone_liar_is_named_and_the_block_waits_for_an_honest_worker() {
    for round in 1..=5 {
        let mut bench = with_a_lie(&["a"], round);
        assert_eq!(bench.alarms(), vec![("a".to_owned(), round)]);
        if bench.proof().is_none() {
            bench.heartbeats(&["b"]);
            bench.run_honestly();
        }
        bench.assert_proven();
    }
}

#[test]
fn a_replacement_that_lies_takes_the_blame_and_not_its_victim() {
    let mut bench = Bench::started(&[4], &["a", "b", "c"]);
    bench.run_until(3);
    let job = bench.take_one("a");
    bench.lie(&worker("a"), &job, false, 3);
    // Play on honestly until the dispute's recomputation is asked for, then lie in it about round 1.
    loop {
        let jobs = bench.take();
        assert!(!jobs.is_empty(), "a recomputation is asked for");
        let fresh = jobs.iter().position(|(_, job)| job.fresh);
        if let Some(at) = fresh {
            let (liar, job) = jobs[at].clone();
            bench.jobs = jobs.into_iter().filter(|(_, other)| !other.fresh).collect();
            bench.lie(&liar, &job, true, 1);
            bench.run_honestly();
            let mut expected = vec![("a".to_owned(), 3), (liar.to_string(), 1)];
            let mut named = bench.alarms();
            expected.sort();
            named.sort();
            assert_eq!(named, expected);
            break;
        }
        for (id, job) in jobs {
            bench.reply(&id, &job);
        }
    }
    bench.pass(600_000, &["a", "b", "c"]);
    bench.run_honestly();
    bench.assert_proven();
}

#[test]
fn a_message_that_does_not_decode_is_an_alarm_at_once() {
    let mut bench = Bench::started(&[2], &["a", "b"]);
    let job = bench.take_one("a");
    let malformed = proofyard_coordinator::core::Outcome::Malformed { reason: "point off the curve".to_owned() };
    bench.answer(&worker("a"), job.id, malformed);
    assert_eq!(bench.alarms(), vec![("a".to_owned(), 1)]);
    bench.run_honestly();
    bench.assert_proven();
}

#[test]
fn an_aggregator_that_blames_the_honest_fails_the_block_and_nobody_else() {
    let mut bench = Bench::started(&[2], &["a", "b", "c"]);
    bench.run_until(4);
    // Replace the honest aggregation of round 4 by one that blames subtree 0, whatever is recomputed.
    let jobs = bench.take();
    let mut effects = Vec::new();
    for (id, job) in jobs {
        let answer =
            proofyard_coordinator::core::Answer { id: job.id, worker: id, outcome: Bench::honest(&job, false) };
        let event = Event::Answered { token: 0, answer };
        effects.extend(proofyard_coordinator::core::step(&mut bench.state, event, bench.now));
    }
    let run = effects.iter().find_map(|effect| match effect {
        proofyard_coordinator::core::Effect::Aggregate { run, .. } => Some(*run),
        _ => None,
    });
    let run = run.expect("round 4 is aggregated");
    bench.event(Event::Aggregated { block: BLOCK, group: 0, run, outcome: Aggregation::Faulty(vec![0]) });
    bench.run_honestly();
    assert_eq!(bench.failure_code(), Some("PY-C-111"));
    assert!(bench.alarms().is_empty());
}
