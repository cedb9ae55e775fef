//! Committed digests of results: they tell a device that is wrong from a machine whose CPU backend is wrong in the same way.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use ark_ff::FftField;
use proofyard_kernels::{Backend, KernelError, cpu::CpuBackend};
use proofyard_proof_system::{
    codec,
    gates::{FIXED_COLUMNS, RowChallenges, WIRES, quotient_program, quotient_uniforms},
};
use sha2::{Digest, Sha256};

use super::twin;
use crate::{
    error::CheckError,
    inputs::{PowerBases, edges, rng, scalar, uniform},
    options::Plan,
    report::Part,
    tally::Tally,
};

const FILE: &str = include_str!("../../../testdata/gpu-known-answers.json");

/// log2 of the sizes in the file.
const SIZES: [u32; 7] = [4, 6, 8, 10, 12, 14, 16];

/// Digests by log2 of the size and operation.
type Known = BTreeMap<u32, BTreeMap<String, String>>;

/// An operation that gives a digest.
type Operation<'a> = (&'static str, Box<dyn Fn() -> Result<String, KernelError> + 'a>);

/// Checks against the file.
pub fn check<B: Backend>(device: &B, bases: &PowerBases, plan: &Plan, part: &mut Part) -> Result<(), CheckError> {
    let known: Known = serde_json::from_str(FILE).map_err(|error| CheckError::KnownAnswers(error.to_string()))?;
    for log2 in plan.sizes(SIZES) {
        let mut tally = Tally::new("known answers", Some(log2));
        let inputs = Inputs::new(log2);
        for (name, operation) in operations(device, bases, &inputs) {
            let expected = known.get(&log2).and_then(|operations| operations.get(name));
            let expected = expected.ok_or_else(|| CheckError::KnownAnswers(format!("no {name} of 2^{log2}")))?;
            tally.equal(name, operation(), expected);
        }
        tally.enter(part);
    }
    Ok(())
}

/// The file's text.
pub fn print(cpu: &CpuBackend) -> Result<String, CheckError> {
    let bases = PowerBases::new(1 << SIZES[SIZES.len() - 1]);
    let mut known = Known::new();
    for log2 in SIZES {
        let inputs = Inputs::new(log2);
        let digests = operations(cpu, &bases, &inputs)
            .into_iter()
            .map(|(name, operation)| Ok((name.to_owned(), operation()?)))
            .collect::<Result<_, KernelError>>()?;
        known.insert(log2, digests);
    }
    serde_json::to_string_pretty(&known).map_err(|error| CheckError::KnownAnswers(error.to_string()))
}

struct Inputs {
    uniform: Vec<Fr>,
    edges: Vec<Fr>,
    challenges: [Fr; 4],
}

impl Inputs {
    fn new(log2: u32) -> Self {
        let (size, seed) = (1 << log2, 0x3000 + u64::from(log2));
        let mut rng = rng(seed);
        let challenges = std::array::from_fn(|_| scalar(&mut rng));
        Self { uniform: uniform(size, seed), edges: edges(size, seed), challenges }
    }
}

fn operations<'a, B: Backend>(device: &'a B, bases: &'a PowerBases, inputs: &'a Inputs) -> Vec<Operation<'a>> {
    let Inputs { uniform, edges, challenges: [beta, gamma, alpha, shift] } = inputs;
    let download = |column: &B::Column| Ok(digest(&device.download(column)?, &[]));
    vec![
        (
            "msm",
            Box::new(move || {
                let bases = device.upload_bases(bases.first(uniform.len()))?;
                let sums = device.msm(&bases, &[&device.upload(uniform)?, &device.upload(edges)?])?;
                Ok(digest(&[], &sums))
            }),
        ),
        ("interpolate", Box::new(move || download(&device.interpolate(&device.upload(edges)?)?))),
        (
            "evaluate_on_coset",
            Box::new(move || download(&device.evaluate_on_coset(&device.upload(uniform)?, Fr::GENERATOR)?)),
        ),
        (
            "grand_product",
            Box::new(move || {
                let (z, all) = device.grand_product(&device.upload(uniform)?, &device.upload(uniform)?)?;
                let mut values = device.download(&z)?;
                values.push(all);
                let (z, all) = device.grand_product(&device.upload(edges)?, &device.upload(uniform)?)?;
                values.extend(device.download(&z)?);
                values.push(all);
                Ok(digest(&values, &[]))
            }),
        ),
        (
            "divide_by_linear",
            Box::new(move || {
                let (quotient, value) = device.divide_by_linear(&device.upload(edges)?, *alpha)?;
                let mut values = device.download(&quotient)?;
                values.push(value);
                Ok(digest(&values, &[]))
            }),
        ),
        (
            "quotient_program",
            Box::new(move || {
                let uniforms = quotient_uniforms(&RowChallenges::new(*beta, *gamma, *alpha), *shift);
                let columns = 2 * WIRES + 2 + FIXED_COLUMNS;
                let values = twin::run(device, &quotient_program(), [uniform, edges], columns, &uniforms)?;
                Ok(digest(&values, &[]))
            }),
        ),
        (
            "expand_permutations",
            Box::new(move || {
                let values = [twin::permutations(device, uniform)?, twin::permutations(device, edges)?];
                Ok(digest(&values.concat(), &[]))
            }),
        ),
    ]
}

/// SHA-256 of values and points, each as the proof system encodes it.
fn digest(values: &[Fr], points: &[ark_bn254::G1Affine]) -> String {
    let mut hash = Sha256::new();
    values.iter().for_each(|value| hash.update(codec::scalar_bytes(value)));
    points.iter().for_each(|point| hash.update(codec::point_bytes(point)));
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_what_the_cpu_computes() {
        assert_eq!(print(&CpuBackend::new()).unwrap() + "\n", FILE);
    }
}
