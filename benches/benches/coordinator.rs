//! What the coordinator takes from the last reply of a round to the next challenge, by the number of subtrees, on messages of
//! real subtrees; a line is fitted. Exits with 1 when a block of 64 subtrees takes longer than the limit.
//!
//! `cargo bench -p proofyard-benches --bench coordinator`

use std::{error::Error, process::ExitCode, sync::Arc, time::Instant};

use proofyard_benches::{block::statement, linear_fit::LinearFit};
use proofyard_kernels::{Backend, cpu::CpuBackend};
use proofyard_proof_system::{
    aggregate::GroupAggregator,
    circuit::Circuit,
    key::{AggregationKey, ProvingKey},
    messages::RoundMessage,
    proof::{Group, RootProof},
    srs::insecure::InsecureSetup,
    statement::Statement,
    subtree::{DeviceKey, DeviceRow, SubtreeProver},
    verifier::verify,
};
use proofyard_rollup::{circuit::TransferCircuit, executor, generate};

/// The numbers of subtrees.
const SUBTREES: [usize; 5] = [4, 8, 16, 32, 64];
/// Rows of a subtree: the cost does not depend on them, which a second size shows.
const ROWS_LOG2: [u32; 2] = [12, 13];
/// Subtrees of the second size.
const SUBTREES_OF_SECOND: usize = 16;
/// How often each block is aggregated, all of them in turn, so that what disturbs the machine disturbs all.
const TRIES: usize = 31;
/// The target at 64 subtrees, all rounds of a block.
const LIMIT_MS: f64 = 50.0;

/// A block's messages as they came from the workers, and what the coordinator has before.
struct Recorded {
    key: Arc<AggregationKey>,
    proving: Arc<ProvingKey>,
    statement: Statement,
    inputs: Vec<[proofyard_kernels::Fr; 3]>,
    /// By round and subtree.
    messages: Vec<Vec<Vec<u8>>>,
}

/// Milliseconds, one entry a try.
#[derive(Default)]
struct Figures {
    /// Before the first reply.
    prepare: Vec<f64>,
    rounds: [Vec<f64>; 5],
    /// The five rounds of one block.
    all_rounds: Vec<f64>,
    /// Decoding and checking the replies as they come.
    intake: Vec<f64>,
    verify: Vec<f64>,
}

fn proving_key(circuit: &Arc<Circuit>, key: &AggregationKey) -> Result<ProvingKey, Box<dyn Error>> {
    let backend = CpuBackend::new();
    let mut coefficients: [Vec<_>; 16] = Default::default();
    for (column, values) in coefficients.iter_mut().zip(circuit.fixed.iter().chain(&circuit.permutation)) {
        *column = backend.download(&backend.interpolate(&backend.upload(values)?)?)?;
    }
    Ok(ProvingKey { circuit: circuit.clone(), coefficients, verifying: key.verifying.clone() })
}

/// Proves a block of one transfer a subtree and keeps what the workers sent.
fn record(circuit: &TransferCircuit, setup: &InsecureSetup, subtrees: usize) -> Result<Recorded, Box<dyn Error>> {
    let structure = circuit.structure();
    let executed = executor::execute(&generate::block(subtrees, 7)?)?;
    let runs = executed.split(subtrees, circuit.slots())?;
    let statement = statement(&executed);
    let key = Arc::new(setup.keys(structure, subtrees)?);
    let proving = Arc::new(proving_key(structure, &key)?);
    let inputs: Vec<_> = runs.iter().map(|run| run.start.to_array()).collect();
    let device = Arc::new(DeviceKey::new(Arc::new(CpuBackend::new()), structure)?);
    let mut sessions = Vec::with_capacity(subtrees);
    for (i, run) in runs.iter().enumerate() {
        let (witness, end) = circuit.witness(run.start, &run.traces)?;
        let row = DeviceRow::new(device.backend().as_ref(), &setup.row(structure.rows_log2, subtrees, i)?)?;
        let (start, end) = (run.start.to_array(), end.to_array());
        sessions.push(SubtreeProver::new(device.clone(), Arc::new(row), witness, start, end)?);
    }
    let mut aggregator = GroupAggregator::new(key.clone(), proving.clone(), statement.clone(), inputs.clone())?;
    let mut messages = Vec::with_capacity(5);
    for round in 1..=5 {
        let challenges = aggregator.challenges().clone();
        let mut replies = Vec::with_capacity(subtrees);
        for session in &mut sessions {
            replies.extend(session.run(round, &challenges)?);
        }
        aggregator.absorb(&replies, &mut rand::rng())?;
        messages.push(replies.iter().map(RoundMessage::encode).collect());
    }
    Ok(Recorded { key, proving, statement, inputs, messages })
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn milliseconds<T>(operation: impl FnOnce() -> T) -> (f64, T) {
    let started = Instant::now();
    let result = operation();
    (started.elapsed().as_secs_f64() * 1e3, result)
}

/// Aggregates a block once.
fn measure(recorded: &Recorded, figures: &mut Figures) -> Result<(), Box<dyn Error>> {
    let Recorded { key, proving, statement, inputs, messages } = recorded;
    let new = || GroupAggregator::new(key.clone(), proving.clone(), statement.clone(), inputs.clone());
    let (took, aggregator) = milliseconds(new);
    let mut aggregator = aggregator?;
    figures.prepare.push(took);
    let (mut decoding, mut aggregating) = (0.0, 0.0);
    for (round, (messages, took_by_round)) in (1..).zip(messages.iter().zip(&mut figures.rounds)) {
        let (took, decoded) = milliseconds(|| {
            messages.iter().map(|bytes| RoundMessage::decode(round, bytes)).collect::<Result<Vec<_>, _>>()
        });
        decoding += took;
        let decoded = decoded?;
        let (took, proof) = milliseconds(|| aggregator.absorb(&decoded, &mut rand::rng()));
        aggregating += took;
        took_by_round.push(took);
        if let Some(proof) = proof? {
            let groups = vec![Group { subtrees: inputs.len(), end: statement.end, proof }];
            let (took, verified) = milliseconds(|| verify(&key.verifying, statement, &RootProof { groups }));
            verified?;
            figures.verify.push(took);
        }
    }
    figures.intake.push(decoding);
    figures.all_rounds.push(aggregating);
    Ok(())
}

fn print(rows_log2: u32, subtrees: usize, figures: &Figures) {
    print!("{rows_log2:>6} {subtrees:>8}");
    for round in &figures.rounds {
        print!(" {:>8.2}", median(round));
    }
    let Figures { all_rounds, prepare, intake, verify, .. } = figures;
    let [all_rounds, prepare, intake, verify] = [all_rounds, prepare, intake, verify].map(|values| median(values));
    println!(" {all_rounds:>11.2} {prepare:>9.2} {intake:>8.2} {verify:>8.2}");
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let setup = InsecureSetup::developers(1 << 20);
    let cases =
        SUBTREES.map(|subtrees| (ROWS_LOG2[0], subtrees)).into_iter().chain([(ROWS_LOG2[1], SUBTREES_OF_SECOND)]);
    let mut blocks = Vec::new();
    for (rows_log2, subtrees) in cases {
        let recorded = record(&TransferCircuit::new(rows_log2)?, &setup, subtrees)?;
        blocks.push((rows_log2, subtrees, recorded, Figures::default()));
    }
    for _ in 0..TRIES {
        for (_, _, recorded, figures) in &mut blocks {
            measure(recorded, figures)?;
        }
    }
    println!("milliseconds, medians of {TRIES}; {} threads", rayon::current_num_threads());
    println!("log2 T subtrees  round 1        2        3        4        5  all rounds   prepare   intake   verify");
    let mut points = Vec::with_capacity(SUBTREES.len());
    for (rows_log2, subtrees, _, figures) in &blocks {
        print(*rows_log2, *subtrees, figures);
        if *rows_log2 == ROWS_LOG2[0] {
            points.push((*subtrees as f64, median(&figures.all_rounds)));
        }
    }
    if let Some(LinearFit { intercept, slope, r_squared }) = LinearFit::new(&points) {
        println!("all rounds: {intercept:.2} ms + {slope:.3} ms a subtree, r^2 = {r_squared:.4}");
    }
    let (subtrees, took) = points[points.len() - 1];
    let missed = took > LIMIT_MS;
    let verdict = if missed { "MISSED" } else { "met" };
    println!("all rounds of {subtrees} subtrees: {took:.2} ms, target {LIMIT_MS} ms: {verdict}");
    Ok(if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
