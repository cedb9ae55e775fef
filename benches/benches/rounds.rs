//! One subtree's work on a worker: opening the session and each of the five rounds, 2^14 rows by default.
//!
//! `cargo bench -p proofyard-benches --bench rounds`; `PROOFYARD_BENCH_ROWS_LOG2=16` takes subtrees of 2^16 rows.

use std::{hint::black_box, path::Path};

use criterion::{BatchSize, Criterion, SamplingMode, Throughput};
use proofyard_benches::block::Block;

const ROWS_LOG2: u32 = 14;

fn rounds(criterion: &mut Criterion) {
    let rows_log2 = match std::env::var("PROOFYARD_BENCH_ROWS_LOG2") {
        Ok(text) => text.parse().expect("PROOFYARD_BENCH_ROWS_LOG2 is a number from 12 to 20"),
        Err(_) => ROWS_LOG2,
    };
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("setup");
    let block = Block::open(&dir, rows_log2, 1).expect("a block");
    let proven = block.prove().expect("a proof");
    // The challenges of the last round hold those of all rounds.
    let challenges = proven.aggregators.last().expect("five rounds").challenges();
    let mut group = criterion.benchmark_group(format!("rounds/2^{rows_log2}"));
    group.sample_size(10).sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(1 << rows_log2));
    group.bench_function("session", |bencher| bencher.iter_with_large_drop(|| block.session(0).expect("a session")));
    for round in 1..=5u8 {
        group.bench_function(format!("round {round}"), |bencher| {
            let before = || {
                let mut session = block.session(0).expect("a session");
                if round > 1 {
                    session.run(round - 1, challenges).expect("the rounds before");
                }
                session
            };
            let run = |mut session: proofyard_proof_system::subtree::SubtreeProver<_>| {
                black_box(session.run(round, challenges).expect("the round"));
                session
            };
            bencher.iter_batched(before, run, BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    rounds(&mut criterion);
    criterion.final_summary();
}
