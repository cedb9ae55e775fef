//! Prints where the time of a subtree goes, each part beside its floor: the least work it can be done with, at the cost
//! of a unit of work measured in the same run.
//!
//! `cargo run --release -p proofyard-worker --example budget -- [--rows-log2 16] [--subtrees 4] [--transfers 64]`

mod table;
mod timed;

use std::{error::Error, path::PathBuf, sync::Arc, time::Instant};

use ark_bn254::Fr;
use clap::Parser;
use proofyard_kernels::{Backend, ProgramBuilder, Rotation, cpu::CpuBackend};
use proofyard_proof_system::{
    aggregate::GroupAggregator,
    setup::Setup,
    srs::SrsRow,
    statement::Statement,
    subtree::{DeviceKey, DeviceRow, SubtreeProver},
};
use proofyard_rollup::{
    circuit::{TransferCircuit, rows_per_transfer},
    executor, generate,
    subtree_inputs::SubtreeInputs,
};

use table::{Sample, UnitCosts, print};
use timed::{Kind, Timed};

/// Where the time of a subtree goes.
#[derive(Debug, Parser)]
struct Arguments {
    /// log2 of the rows of a subtree.
    #[arg(long, default_value_t = 16)]
    rows_log2: u32,
    /// Subtrees of the block.
    #[arg(long, default_value_t = 4)]
    subtrees: usize,
    /// Transfers of the block.
    #[arg(long, default_value_t = 64)]
    transfers: usize,
    /// The folder of the developers' setup; made when missing.
    #[arg(long, default_value = "target/budget-setup")]
    setup: PathBuf,
    /// Print every kind of operation round by round.
    #[arg(long)]
    rounds: bool,
}

type Cpu = Timed<CpuBackend>;

/// The seconds that a product and an MSM term of full length take on this machine with all its threads.
fn unit_costs(backend: &CpuBackend, row: &SrsRow, rows_log2: u32) -> Result<UnitCosts, Box<dyn Error>> {
    const CHAIN: usize = 128;
    const TRIES: usize = 5;
    let rows = 1usize << rows_log2;
    let mut seed = Fr::from(0x9e37_79b9_7f4a_7c15u64);
    let mut random = || {
        seed = seed * seed + Fr::from(3u64);
        seed
    };
    let scalars: Vec<Fr> = (0..rows).map(|_| random()).collect();
    let column = backend.upload(&scalars)?;
    let builder = ProgramBuilder::default();
    let value = builder.column(0, Rotation::Current);
    let mut product = value.clone();
    for _ in 0..CHAIN {
        product = product * value.clone();
    }
    let program = builder.finish(&product);
    let fastest = |operation: &dyn Fn() -> Result<(), Box<dyn Error>>| -> Result<f64, Box<dyn Error>> {
        let mut best = f64::INFINITY;
        for _ in 0..TRIES {
            let started = Instant::now();
            operation()?;
            best = best.min(started.elapsed().as_secs_f64());
        }
        Ok(best)
    };
    let product = fastest(&|| Ok(backend.run(&program, &[&column], &[]).map(drop)?))? / (CHAIN * rows) as f64;
    let bases = backend.upload_bases(row.monomial.clone())?;
    let msm_term = fastest(&|| Ok(backend.msm(&bases, &[&column]).map(drop)?))? / rows as f64;
    Ok(UnitCosts { product, msm_term })
}

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { rows_log2, subtrees, transfers, setup, rounds } = Arguments::parse();
    let backend = Arc::new(Cpu::new(CpuBackend::new()));
    let circuit = TransferCircuit::new(rows_log2)?;
    let setup = Setup::open_or_create_insecure(&setup, circuit.structure().clone(), subtrees, &|_, _, _| ())?;
    let proving = setup.proving_key()?;
    let started = Instant::now();
    let key = Arc::new(DeviceKey::new(backend.clone(), circuit.structure())?);
    let key_seconds = started.elapsed().as_secs_f64();
    let executed = executor::execute(&generate::block(transfers, 1)?)?;
    let runs = executed.split(subtrees, circuit.slots())?;
    let statement = Statement {
        chain_id: 31_337,
        contract: [0x11; 20],
        beneficiary: [0; 20],
        start: executed.start.to_array(),
        end: executed.end.to_array(),
    };
    let inputs = runs.iter().map(|run| run.start.to_array()).collect();
    let mut aggregator = GroupAggregator::new(setup.aggregation_key(), proving, statement, inputs)?;

    let mut samples = vec![Sample::default(); subtrees];
    let mut sessions = Vec::with_capacity(subtrees);
    backend.take();
    backend.enter(0);
    for (i, (run, sample)) in runs.iter().zip(&mut samples).enumerate() {
        let bytes = run.encode();
        sample.clock("inputs decoded and executed", || SubtreeInputs::decode(&bytes, circuit.slots()))?;
        let (witness, end) = sample.clock("witness", || circuit.witness(run.start, &run.traces))?;
        let row = sample.clock("SRS row mapped and checked", || setup.row(i))?;
        let row = Arc::new(DeviceRow::new(backend.as_ref(), &row)?);
        let started = Instant::now();
        sessions.push(SubtreeProver::new(key.clone(), row, witness, run.start.to_array(), end.to_array())?);
        sample.round(started.elapsed().as_secs_f64(), backend.take());
    }
    let mut proof = None;
    for round in 1..=5u8 {
        backend.enter(round);
        let challenges = aggregator.challenges().clone();
        let mut messages = Vec::with_capacity(subtrees);
        for (session, sample) in sessions.iter_mut().zip(&mut samples) {
            let started = Instant::now();
            messages.extend(session.run(round, &challenges)?);
            sample.round(started.elapsed().as_secs_f64(), backend.take());
        }
        proof = aggregator.absorb(&messages, &mut rand::rng())?;
    }
    let units = unit_costs(&CpuBackend::new(), &setup.row(0)?, rows_log2)?;
    println!(
        "T = 2^{rows_log2}, {transfers} transfers in {subtrees} subtrees of {} slots, {} rows a transfer, {} threads",
        circuit.slots(),
        rows_per_transfer(),
        rayon::current_num_threads()
    );
    println!("key on the device, once a process: {key_seconds:.3} s");
    println!("a product: {:.2} ns; an MSM term of full length: {:.2} us", units.product * 1e9, units.msm_term * 1e6);
    if let Some(point) = proof.map(|proof| proof.wy_shifted) {
        println!("the proof's last point, the same on every machine: {point}");
    }
    print(&samples, &units, rounds);
    Ok(())
}
