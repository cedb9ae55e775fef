//! Everything that is encoded or decoded on a block's way: jobs and replies, the messages inside, proofs, subtree inputs, SRS rows.
//!
//! `cargo bench -p proofyard-benches --bench codec`

use std::{hint::black_box, path::Path};

use criterion::{Criterion, Throughput};
use proofyard_benches::block::{Block, Proven};
use proofyard_job_schema::{
    BlobDigest, BlockId, CircuitDigest, Epoch, Job, JobId, ProvingFigures, Reply, Round, RoundBytes, SubtreeIndex,
    TranscriptDigest, WorkerCommand, WorkerId, WorkerMessage,
    codec::{decode, encode},
};
use proofyard_proof_system::{messages::RoundMessage, proof::RootProof};
use proofyard_rollup::subtree_inputs::SubtreeInputs;

/// Subtrees of 2^14 rows, so that the SRS row and the inputs are of a real size.
const ROWS_LOG2: u32 = 14;
const SUBTREES: usize = 4;

/// Encoding and decoding one kind of message, by its bytes.
fn both<T>(criterion: &mut Criterion, name: &str, value: &T, write: impl Fn(&T) -> Vec<u8>, read: impl Fn(&[u8]) -> T) {
    let bytes = write(value);
    let mut group = criterion.benchmark_group(format!("codec/{name}"));
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("encode", |bencher| bencher.iter(|| write(black_box(value))));
    group.bench_function("decode", |bencher| bencher.iter(|| read(black_box(&bytes))));
    group.finish();
}

fn envelopes(criterion: &mut Criterion, proven: &Proven) {
    let id =
        JobId { block: BlockId([1; 32]), round: Round::LAST, subtree: SubtreeIndex(1), epoch: Epoch(1), attempt: 1 };
    let transcript = TranscriptDigest([2; 32]);
    let job = WorkerCommand::Assign(Box::new(Job {
        id,
        group: 0,
        position: 1,
        subtrees: SUBTREES as u32,
        rows_log2: ROWS_LOG2,
        circuit: CircuitDigest([3; 32]),
        inputs: BlobDigest([4; 32]),
        challenges: proven.aggregators[4].challenges().encode(),
        transcript,
        deadline_ms: 60_000,
        fresh: false,
    }));
    let write = |job: &WorkerCommand| encode(job).expect("within its cap");
    both(criterion, "job", &job, write, |bytes| decode(bytes).expect("a job"));
    // The longest: that of a rebuilt session.
    let messages = Round::ALL.into_iter().zip(&proven.messages);
    let messages = messages.map(|(round, messages)| RoundBytes { round, bytes: messages[1].encode() }).collect();
    let author = WorkerId::new("worker").expect("a name");
    let figures = ProvingFigures::default();
    let reply = WorkerMessage::Reply(Box::new(Reply { id, author, transcript, messages, figures }));
    let write = |reply: &WorkerMessage| encode(reply).expect("within its cap");
    both(criterion, "reply of all rounds", &reply, write, |bytes| decode(bytes).expect("a reply"));
}

fn proofs(criterion: &mut Criterion, block: &Block, proven: &Proven) {
    for (round, messages) in (1..).zip(&proven.messages) {
        let read = |bytes: &[u8]| RoundMessage::decode(round, bytes).expect("a message");
        both(criterion, &format!("message of round {round}"), &messages[0], RoundMessage::encode, read);
    }
    let end = block.statement.end;
    let read = |bytes: &[u8]| RootProof::decode(bytes, end).expect("a proof");
    both(criterion, "root proof", &proven.proof, RootProof::encode, read);
}

fn stored(criterion: &mut Criterion, block: &Block) {
    let slots = block.circuit.slots();
    // Decoding executes the transfers with every check.
    let read = |bytes: &[u8]| SubtreeInputs::decode(bytes, slots).expect("inputs");
    both(criterion, "subtree inputs", &block.runs[0], SubtreeInputs::encode, read);
    let mut group = criterion.benchmark_group(format!("codec/srs row of 2^{ROWS_LOG2}"));
    group.sample_size(20);
    // Mapped, its digests checked.
    group.bench_function("open", |bencher| bencher.iter(|| block.setup.row(1).expect("a row")));
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("setup");
    let block = Block::open(&dir, ROWS_LOG2, SUBTREES).expect("a block");
    let proven = block.prove().expect("a proof");
    envelopes(&mut criterion, &proven);
    proofs(&mut criterion, &block, &proven);
    stored(&mut criterion, &block);
    criterion.final_summary();
}
