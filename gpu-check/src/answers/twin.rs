//! A backend beside the CPU backend. What the CPU cannot do either ends the check; what only the device cannot is a finding.

use ark_bn254::Fr;
use ark_ff::{FftField, One, Zero};
use proofyard_kernels::{
    Backend, KernelError, Program, ProgramBuilder, Rotation,
    cpu::CpuBackend,
    poseidon2::{PERMUTATION_ROWS, WIDTH},
};
use proofyard_proof_system::gates::{
    FIXED_COLUMNS, RowChallenges, WIRES, permutation_numerator_program, permutation_uniforms, quotient_program,
    quotient_uniforms,
};

use crate::{
    error::CheckError,
    inputs::{PowerBases, edges, rng, scalar, uniform},
    report::Part,
    tally::Tally,
};

/// Columns of a check: uniform ones, and edges.
fn columns(log2: u32) -> [(&'static str, Vec<Fr>); 2] {
    let (size, seed) = (1 << log2, u64::from(log2));
    [("uniform", uniform(size, seed)), ("edges", edges(size, seed))]
}

/// What the device computes from an uploaded column, downloaded.
fn column<B: Backend>(
    device: &B,
    values: &[Fr],
    compute: impl FnOnce(&B::Column) -> Result<B::Column, KernelError>,
) -> Result<Vec<Fr>, KernelError> {
    device.download(&compute(&device.upload(values)?)?)
}

/// Copies and transforms over H and two cosets.
pub fn transforms<B: Backend>(device: &B, cpu: &CpuBackend, log2: u32, part: &mut Part) -> Result<(), CheckError> {
    let random = scalar(&mut rng(u64::from(log2)));
    let mut copies = Tally::new("upload, download", Some(log2));
    let mut transforms = Tally::new("transforms, beside the CPU", Some(log2));
    for (name, values) in columns(log2) {
        copies.equal(name, device.upload(&values).and_then(|column| device.download(&column)), &values);
        let expected = column(cpu, &values, |column| cpu.interpolate(column))?;
        transforms.equal(name, column(device, &values, |column| device.interpolate(column)), &expected);
        for shift in [Fr::one(), Fr::GENERATOR, random] {
            let expected = column(cpu, &values, |column| cpu.evaluate_on_coset(column, shift))?;
            let got = column(device, &values, |column| device.evaluate_on_coset(column, shift));
            transforms.equal(&format!("{name} onto a coset"), got, &expected);
            let expected = column(cpu, &values, |column| cpu.interpolate_from_coset(column, shift))?;
            let got = column(device, &values, |column| device.interpolate_from_coset(column, shift));
            transforms.equal(&format!("{name} from a coset"), got, &expected);
        }
    }
    copies.enter(part);
    transforms.enter(part);
    Ok(())
}

/// MSMs of several columns at once, a shorter one among them.
pub fn msm<B: Backend>(
    device: &B,
    cpu: &CpuBackend,
    bases: &PowerBases,
    log2: u32,
    part: &mut Part,
) -> Result<(), CheckError> {
    let mut tally = Tally::new("MSM, beside the CPU", Some(log2));
    let [(_, uniform), (_, edges)] = columns(log2);
    let scalars = [&uniform[..], &edges[..], &uniform[..uniform.len() / 2]];
    let expected = msms(cpu, bases, 1 << log2, &scalars)?;
    tally.equal("a batch", msms(device, bases, 1 << log2, &scalars), &expected);
    tally.equal("one", msms(device, bases, 1 << log2, &scalars[1..2]), &expected[1..2].to_vec());
    tally.enter(part);
    Ok(())
}

fn msms<B: Backend>(
    backend: &B,
    bases: &PowerBases,
    size: usize,
    scalars: &[&[Fr]],
) -> Result<Vec<ark_bn254::G1Affine>, KernelError> {
    let bases = backend.upload_bases(bases.first(size))?;
    let columns = scalars.iter().map(|scalars| backend.upload(scalars)).collect::<Result<Vec<_>, _>>()?;
    backend.msm(&bases, &columns.iter().collect::<Vec<_>>())
}

/// Evaluation, division by `X - point`, and a sum of columns of three lengths.
pub fn polynomials<B: Backend>(device: &B, cpu: &CpuBackend, log2: u32, part: &mut Part) -> Result<(), CheckError> {
    let mut tally = Tally::new("evaluation, division, sums", Some(log2));
    let random = scalar(&mut rng(u64::from(log2)));
    for (name, values) in columns(log2) {
        let theirs = cpu.upload(&values)?;
        for point in [Fr::zero(), Fr::one(), random] {
            let value = cpu.evaluate(&theirs, point)?;
            let got = device.upload(&values).and_then(|column| device.evaluate(&column, point));
            tally.equal(&format!("{name}, evaluated"), got, &value);
            let expected = (cpu.download(&cpu.divide_by_linear(&theirs, point)?.0)?, value);
            let got = device.upload(&values).and_then(|column| {
                let (quotient, value) = device.divide_by_linear(&column, point)?;
                Ok((device.download(&quotient)?, value))
            });
            tally.equal(&format!("{name}, divided"), got, &expected);
        }
        let lengths = [values.len(), values.len() / 2, values.len().saturating_sub(1)];
        let expected = sum(cpu, &values, lengths, random)?;
        tally.equal(&format!("{name}, a sum"), sum(device, &values, lengths, random), &expected);
    }
    tally.enter(part);
    Ok(())
}

fn sum<B: Backend>(backend: &B, values: &[Fr], lengths: [usize; 3], weight: Fr) -> Result<Vec<Fr>, KernelError> {
    let columns = lengths.map(|length| backend.upload(&values[..length]));
    let [a, b, c] = columns;
    let terms = [(weight, &a?), (-Fr::one(), &b?), (Fr::one(), &c?)];
    backend.download(&backend.linear_combination(&terms)?)
}

/// Grand products, and that a zero among the denominators is refused.
pub fn products<B: Backend>(device: &B, cpu: &CpuBackend, log2: u32, part: &mut Part) -> Result<(), CheckError> {
    let mut tally = Tally::new("grand products", Some(log2));
    let [(_, uniform), (_, edges)] = columns(log2);
    for (name, numerators) in [("uniform", &uniform), ("edges", &edges)] {
        let expected = product(cpu, numerators, &uniform)?;
        tally.equal(name, product(device, numerators, &uniform), &expected);
    }
    let mut denominators = uniform.clone();
    denominators[uniform.len() / 2] = Fr::zero();
    let refused = match product(device, &uniform, &denominators) {
        Err(KernelError::ZeroDenominator(_)) => Ok(true),
        other => other.map(|_| false),
    };
    tally.case("a zero among the denominators", refused);
    tally.enter(part);
    Ok(())
}

fn product<B: Backend>(backend: &B, numerators: &[Fr], denominators: &[Fr]) -> Result<(Vec<Fr>, Fr), KernelError> {
    let (z, all) = backend.grand_product(&backend.upload(numerators)?, &backend.upload(denominators)?)?;
    Ok((backend.download(&z)?, all))
}

/// The quotient's program, that of the permutation's numerators, and one with every kind of operand.
pub fn programs<B: Backend>(device: &B, cpu: &CpuBackend, log2: u32, part: &mut Part) -> Result<(), CheckError> {
    let mut tally = Tally::new("pointwise programs", Some(log2));
    let [(_, uniform), (_, edges)] = columns(log2);
    let mut rng = rng(u64::from(log2));
    let [beta, gamma, alpha, shift] = std::array::from_fn(|_| scalar(&mut rng));
    let challenges = RowChallenges::new(beta, gamma, alpha);
    let cases = [
        ("quotient", quotient_program(), 2 * WIRES + 2 + FIXED_COLUMNS, quotient_uniforms(&challenges, shift)),
        ("permutation", permutation_numerator_program(), WIRES + 1, permutation_uniforms(beta, gamma)),
        ("all operands", every_operand(), 2, vec![gamma]),
    ];
    for (name, program, columns, uniforms) in &cases {
        let expected = run(cpu, program, [&uniform, &edges], *columns, uniforms)?;
        tally.equal(name, run(device, program, [&uniform, &edges], *columns, uniforms), &expected);
    }
    tally.enter(part);
    Ok(())
}

fn every_operand() -> Program {
    let builder = ProgramBuilder::default();
    let (now, next) = (builder.column(0, Rotation::Current), builder.column(1, Rotation::Next));
    let constant = builder.constant(-Fr::from(5u64));
    let sum = now.clone() * next.clone() + constant * builder.uniform(0);
    builder.finish(&(sum.clone() * sum - now * next))
}

/// Runs a program on the given columns in turns.
pub fn run<B: Backend>(
    backend: &B,
    program: &Program,
    values: [&[Fr]; 2],
    columns: usize,
    uniforms: &[Fr],
) -> Result<Vec<Fr>, KernelError> {
    let [first, second] = values.map(|values| backend.upload(values));
    let (first, second) = (first?, second?);
    let columns: Vec<_> = [&first, &second].into_iter().cycle().take(columns).collect();
    backend.download(&backend.run(program, &columns, uniforms)?)
}

/// Permutations of uniform states and of edges, as many as there is room for.
pub fn poseidon2<B: Backend>(device: &B, cpu: &CpuBackend, log2: u32, part: &mut Part) -> Result<(), CheckError> {
    let mut tally = Tally::new("Poseidon2 permutations", Some(log2));
    for (name, values) in columns(log2) {
        let expected = permutations(cpu, &values)?;
        tally.equal(name, permutations(device, &values), &expected);
    }
    tally.enter(part);
    Ok(())
}

/// All rows of four wires, which hold the values in four orders, after every permutation that fits is expanded; rows beside them
/// keep what they had.
pub fn permutations<B: Backend>(backend: &B, values: &[Fr]) -> Result<Vec<Fr>, KernelError> {
    let upload = |wire: usize| {
        let mut rotated = values.to_vec();
        rotated.rotate_left(wire * values.len() / WIDTH);
        backend.upload_owned(rotated)
    };
    let wires = [upload(0)?, upload(1)?, upload(2)?, upload(3)?];
    let distance = PERMUTATION_ROWS + 1;
    let first_rows: Vec<u32> = (0..(values.len() + 1) / distance).map(|index| (index * distance) as u32).collect();
    let wires = backend.expand_permutations(wires, &first_rows)?;
    let mut all = Vec::with_capacity(WIDTH * values.len());
    for wire in &wires {
        all.extend(backend.download(wire)?);
    }
    Ok(all)
}
