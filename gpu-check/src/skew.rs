//! Columns and bases with many equal, small or zero entries, which unbalance bucket sums and hide behind uniform ones.

use ark_bn254::{Fr, G1Affine};
use ark_ff::FftField;
use proofyard_kernels::{Backend, KernelError, backend::PointSource, cpu::CpuBackend};

use crate::{
    error::CheckError,
    inputs::{PowerBases, skewed},
    options::Plan,
    report::Part,
    subject::Subject,
    tally::Tally,
};

/// log2 of the sizes: within a block of threads, a few blocks, many, and what makes a device's counters grow.
const SIZES: [u32; 8] = [4, 8, 10, 12, 16, 18, 20, 22];

/// log2 of the largest size at which skewed bases are multiplied on the CPU too.
const BASES_LOG2_MAX: u32 = 16;

/// Checks MSM and NTT.
pub fn check<B: Backend>(subject: &Subject<B>, plan: &Plan, part: &mut Part) -> Result<(), CheckError> {
    let (device, cpu) = (subject.backend.as_ref(), CpuBackend::new());
    let bases = PowerBases::new(1 << plan.max_log2);
    for log2 in plan.sizes(SIZES) {
        eprintln!("  2^{log2}");
        let columns = skewed(1 << log2, u64::from(log2));
        let mut tally = Tally::new("MSM of skewed columns", Some(log2));
        let uploaded = device.upload_bases(bases.first(1 << log2));
        for (name, scalars) in &columns {
            let got = uploaded.clone().and_then(|bases| device.msm(&bases, &[&device.upload(scalars)?]));
            tally.equal(name, got, &vec![bases.expected(scalars)]);
        }
        tally.enter(part);

        let mut tally = Tally::new("transforms of skewed columns, there and back", Some(log2));
        for (name, values) in &columns {
            let there = device.upload(values).and_then(|column| device.evaluate_on_coset(&column, Fr::GENERATOR));
            let back =
                there.and_then(|column| device.download(&device.interpolate_from_coset(&column, Fr::GENERATOR)?));
            tally.equal(name, back, values);
        }
        tally.enter(part);
        if log2 <= BASES_LOG2_MAX {
            skewed_bases(device, &cpu, &bases, &columns, log2, part)?;
        }
    }
    Ok(())
}

/// All columns at once over each set of bases.
fn skewed_bases<B: Backend>(
    device: &B,
    cpu: &CpuBackend,
    bases: &PowerBases,
    columns: &[(&'static str, Vec<Fr>)],
    log2: u32,
    part: &mut Part,
) -> Result<(), CheckError> {
    let mut tally = Tally::new("MSM over skewed bases", Some(log2));
    for (name, points) in bases.skewed(1 << log2) {
        let expected = msms(cpu, points.clone(), columns)?;
        tally.equal(name, msms(device, points, columns), &expected);
    }
    tally.enter(part);
    Ok(())
}

fn msms<B: Backend>(
    backend: &B,
    points: PointSource,
    columns: &[(&'static str, Vec<Fr>)],
) -> Result<Vec<G1Affine>, KernelError> {
    let bases = backend.upload_bases(points)?;
    let columns = columns.iter().map(|(_, values)| backend.upload(values)).collect::<Result<Vec<_>, _>>()?;
    backend.msm(&bases, &columns.iter().collect::<Vec<_>>())
}
