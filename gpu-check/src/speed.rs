//! Medians of MSM, NTT and whole subtrees beside their targets and floors.

use std::hint::black_box;

use ark_bn254::Fr;
use ark_ff::FftField;
use proofyard_kernels::{Backend, KernelError};
use proofyard_proof_system::subtree::ProverError;

use crate::{
    circuits::Subtrees,
    error::CheckError,
    farm::Farm,
    floors::Rates,
    inputs::{PowerBases, uniform},
    options::Plan,
    report::Part,
    subject::Subject,
    tally::Tally,
    targets::{BATCH, Task},
    timing::{self, Timing},
};

/// log2 of all sizes.
const SIZES: [u32; 6] = [14, 16, 18, 20, 22, 24];

/// Measures everything within the plan. What the device has no memory for is told and left out.
pub fn measure<B: Backend>(
    subject: &Subject<B>,
    plan: &Plan,
    rates: Option<Rates>,
    part: &mut Part,
) -> Result<(), CheckError> {
    if rates.is_none() {
        part.notes.push("no floors: the part micro has not been run".to_owned());
    }
    let bases = PowerBases::new(1 << plan.max_log2);
    // On what is no GPU, one small size shows that the measurement works.
    let sizes = plan.sizes(if plan.max_log2 < SIZES[0] { vec![plan.max_log2] } else { SIZES.to_vec() });
    for log2 in &sizes {
        let outcome = msm(subject, &bases, *log2, rates, part);
        unless_out_of_memory("MSM", *log2, outcome, part)?;
    }
    drop(bases);
    for log2 in &sizes {
        let outcome = ntt(subject, *log2, rates, part);
        unless_out_of_memory("NTT", *log2, outcome, part)?;
    }
    for log2 in &sizes {
        let outcome = subtree(subject, *log2, rates, part);
        unless_out_of_memory("subtree", *log2, outcome, part)?;
    }
    Ok(())
}

fn unless_out_of_memory(
    what: &str,
    log2: u32,
    outcome: Result<(), CheckError>,
    part: &mut Part,
) -> Result<(), CheckError> {
    match outcome {
        Err(
            CheckError::Kernel(error @ KernelError::OutOfMemory(_))
            | CheckError::Prover(ProverError::Kernel(error @ KernelError::OutOfMemory(_))),
        ) => {
            let mut tally = Tally::new(format!("speed of {what}"), Some(log2));
            tally.case(what, Err(error));
            tally.enter(part);
            Ok(())
        }
        other => other,
    }
}

/// Enters the milliseconds of a task.
fn enter(part: &mut Part, what: &str, task: Task, log2: u32, timing: &Timing, rates: Option<Rates>) {
    let mut figure = timing.figure(what, Some(log2), "ms", |seconds| seconds * 1e3);
    figure.target = task.target(log2);
    figure.floor = rates.map(|rates| rates.floor(task, log2));
    figure.percent_of_floor = figure.floor.map(|floor| 100.0 * floor / figure.median);
    timing::enter(part, figure);
}

/// MSMs of uniform scalars; their results are compared before the clock starts.
fn msm<B: Backend>(
    subject: &Subject<B>,
    bases: &PowerBases,
    log2: u32,
    rates: Option<Rates>,
    part: &mut Part,
) -> Result<(), CheckError> {
    let device = &subject.backend;
    let scalars: Vec<Vec<Fr>> = (0..BATCH as u64).map(|seed| uniform(1 << log2, seed)).collect();
    let uploaded = device.upload_bases(bases.first(1 << log2))?;
    let columns = scalars.iter().map(|values| device.upload(values)).collect::<Result<Vec<_>, _>>()?;
    let columns: Vec<_> = columns.iter().collect();
    let mut tally = Tally::new("the MSMs that are timed", Some(log2));
    let expected: Vec<_> = scalars.iter().map(|values| bases.expected(values)).collect();
    tally.equal("a batch", device.msm(&uploaded, &columns), &expected);
    tally.enter(part);
    for (what, task, count) in [("MSM", Task::Msm, 1), ("MSM, batch of 8", Task::MsmBatch, BATCH)] {
        let timing = timing::whole(|| {
            black_box(device.msm(&uploaded, &columns[..count])?);
            Ok(())
        })?;
        enter(part, what, task, log2, &timing, rates);
    }
    Ok(())
}

/// Transforms onto a coset, as the quotient needs them.
fn ntt<B: Backend>(subject: &Subject<B>, log2: u32, rates: Option<Rates>, part: &mut Part) -> Result<(), CheckError> {
    let device = &subject.backend;
    let values = uniform(1 << log2, 1);
    let column = device.upload(&values)?;
    let mut tally = Tally::new("the transforms that are timed", Some(log2));
    let back = device
        .evaluate_on_coset(&column, Fr::GENERATOR)
        .and_then(|there| device.download(&device.interpolate_from_coset(&there, Fr::GENERATOR)?));
    tally.equal("there and back", back, &values);
    tally.enter(part);
    let start = || {
        black_box(device.evaluate_on_coset(&column, Fr::GENERATOR)?);
        Ok(())
    };
    let timing = timing::started(start, || Ok(subject.wait()?))?;
    enter(part, "NTT", Task::Ntt, log2, &timing, rates);
    Ok(())
}

/// The five rounds of one subtree whose witness is on the device; how long it takes to get there, and what part of that the
/// expansion of its permutations is.
fn subtree<B: Backend>(
    subject: &Subject<B>,
    log2: u32,
    rates: Option<Rates>,
    part: &mut Part,
) -> Result<(), CheckError> {
    eprintln!("  making a subtree of 2^{log2} rows");
    let farm = Farm::new(Subtrees::new(log2, 1)?)?;
    let device = farm.upload(&subject.backend)?;
    let proven = farm.prove(&device)?;
    let mut tally = Tally::new("the subtree that is timed", Some(log2));
    tally.case("the verifier accepts its proof", Ok(farm.is_valid(&proven.proof)));
    tally.enter(part);
    let what = format!("subtree of {}", farm.subtrees.what);
    let timing = timing::prepared(
        || {
            let session = farm.session(&device, 0)?;
            subject.wait()?;
            Ok(session)
        },
        |mut session| {
            black_box(session.run(5, &proven.challenges)?);
            Ok(())
        },
    )?;
    enter(part, &what, Task::Subtree, log2, &timing, rates);
    let timing = timing::prepared(
        || Ok(farm.subtrees.witnesses[0].clone()),
        |witness| {
            farm.session_of(&device, 0, witness)?;
            Ok(subject.wait()?)
        },
    )?;
    timing::enter(part, timing.figure("upload of a witness", Some(log2), "ms", |seconds| seconds * 1e3));
    let timing = timing::prepared(
        || {
            let [a, b, c, d] = farm.subtrees.witnesses[0].columns.each_ref().map(|wire| subject.backend.upload(wire));
            let wires = [a?, b?, c?, d?];
            subject.wait()?;
            Ok(wires)
        },
        |wires| {
            black_box(subject.backend.expand_permutations(wires, farm.subtrees.circuit.permutations())?);
            Ok(subject.wait()?)
        },
    )?;
    timing::enter(part, timing.figure("permutations", Some(log2), "ms", |seconds| seconds * 1e3));
    Ok(())
}
