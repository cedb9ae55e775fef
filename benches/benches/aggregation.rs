//! What the coordinator computes from the last reply of a round to the next challenges, for blocks of 4, 16 and 64 subtrees:
//! each round, and all five rounds of a block. Decoding replies is intake; `codec` measures it.
//!
//! `cargo bench -p proofyard-benches --bench aggregation`

use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput};
use proofyard_benches::block::{Block, Proven};
use proofyard_proof_system::{aggregate::GroupAggregator, messages::RoundMessage};

/// The fewest rows that hold a transfer: aggregation never sees rows.
const ROWS_LOG2: u32 = 12;

/// Takes in a round; the next round's challenges, encoded for its jobs, or the group's proof.
fn absorb(aggregator: &mut GroupAggregator, messages: &[RoundMessage]) -> Vec<u8> {
    match aggregator.absorb(messages, &mut rand::rng()).expect("good messages") {
        Some(proof) => proof.encode(),
        None => aggregator.challenges().encode(),
    }
}

fn aggregation(criterion: &mut Criterion) {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("setup");
    for subtrees in [4, 16, 64] {
        let block = Block::open(&dir, ROWS_LOG2, subtrees).expect("a block");
        let Proven { messages, aggregators, .. } = block.prove().expect("a proof");
        let mut group = criterion.benchmark_group(format!("aggregation/{subtrees} subtrees"));
        group.sample_size(20).throughput(Throughput::Elements(subtrees as u64));
        for (index, (messages, before)) in messages.iter().zip(&aggregators).enumerate() {
            group.bench_function(format!("round {}", index + 1), |bencher| {
                let start = || before.clone();
                bencher.iter_batched(start, |mut next| (absorb(&mut next, messages), next), BatchSize::SmallInput);
            });
        }
        group.bench_function("all rounds", |bencher| {
            let start = || aggregators[0].clone();
            let all = |mut aggregator: GroupAggregator| {
                let drawn: Vec<_> = messages.iter().map(|messages| absorb(&mut aggregator, messages)).collect();
                (drawn, aggregator)
            };
            bencher.iter_batched(start, all, BatchSize::SmallInput);
        });
        group.finish();
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    aggregation(&mut criterion);
    criterion.final_summary();
}
