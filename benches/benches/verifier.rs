//! Checking a root proof: in Rust, from its bytes, and by the contract's bytecode in an EVM.
//!
//! `cargo bench -p proofyard-benches --bench verifier`

use std::path::Path;

use criterion::Criterion;
use proofyard_benches::block::Block;
use proofyard_contracts::{KEY_WORDS, evm::Evm};
use proofyard_proof_system::{codec::scalar_bytes, proof::RootProof, verifier};

const ROWS_LOG2: u32 = 12;
const SUBTREES: usize = 4;

fn verify(criterion: &mut Criterion) {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("setup");
    let block = Block::open(&dir, ROWS_LOG2, SUBTREES).expect("a block");
    let (statement, key) = (&block.statement, block.setup.verifying_key());
    let bytes = block.prove().expect("a proof").proof.encode();
    let mut group = criterion.benchmark_group("verifier");
    group.sample_size(20);
    group.bench_function("rust", |bencher| {
        bencher.iter(|| {
            let proof = RootProof::decode(&bytes, statement.end).expect("a proof");
            verifier::verify(&key, statement, &proof).expect("a good proof");
        });
    });

    let encoded = key.encode();
    let mut words = [[0; 32]; KEY_WORDS];
    for (word, chunk) in words.iter_mut().zip(encoded.chunks_exact(32)) {
        word.copy_from_slice(chunk);
    }
    let evm = Evm::deploy(&words, statement.chain_id, statement.contract).expect("the contract");
    let (start, end) =
        (statement.start.map(|value| scalar_bytes(&value)), statement.end.map(|value| scalar_bytes(&value)));
    let beneficiary = statement.beneficiary;
    group.bench_function("contract", |bencher| {
        bencher.iter(|| {
            let outcome = evm.verify_plain(&start, &end, beneficiary, &bytes).expect("a transaction");
            assert!(outcome.accepted());
        });
    });
    // A careful sender calls once more before: what the hints of docs/protocol.md, section 10, cost off the chain.
    group.bench_function("contract, asked for hints first", |bencher| {
        bencher.iter(|| {
            let outcome = evm.verify(&start, &end, beneficiary, &bytes).expect("two transactions");
            assert!(outcome.accepted());
        });
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    verify(&mut criterion);
    criterion.final_summary();
}
