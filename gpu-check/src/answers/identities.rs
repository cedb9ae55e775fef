//! MSM and NTT without a second implementation of either.

use ark_bn254::Fr;
use ark_ff::{FftField, Field, One, Zero, batch_inversion};
use proofyard_kernels::{Backend, KernelError};
use proofyard_proof_system::domain::Domain;
use rayon::prelude::*;

use crate::{
    error::CheckError,
    inputs::{PowerBases, edges, evaluate, rng, scalar, uniform},
    report::Part,
    tally::Tally,
};

/// Values of a task of a thread.
const CHUNK: usize = 1 << 12;

/// An MSM over powers of tau is an evaluation at tau.
pub fn msm<B: Backend>(device: &B, bases: &PowerBases, log2: u32, part: &mut Part) -> Result<(), CheckError> {
    let (size, seed) = (1 << log2, 0x1000 + u64::from(log2));
    let mut tally = Tally::new("MSM, by the value at tau", Some(log2));
    for (name, scalars) in [("uniform", uniform(size, seed)), ("edges", edges(size, seed))] {
        let got = device.upload_bases(bases.first(size)).and_then(|bases| {
            let sums = device.msm(&bases, &[&device.upload(&scalars)?])?;
            sums.first().copied().ok_or_else(|| KernelError::Device("an MSM without a result".to_owned()))
        });
        tally.equal(name, got, &bases.expected(&scalars));
    }
    tally.enter(part);
    Ok(())
}

/// A transform onto a coset by the polynomial's value at a random point, which all its values go into; the way back by the
/// coefficients; and both as linear maps.
pub fn transforms<B: Backend>(device: &B, log2: u32, part: &mut Part) -> Result<(), CheckError> {
    let (size, seed) = (1 << log2, 0x2000 + u64::from(log2));
    let mut rng = rng(seed);
    let (point, weight) = (scalar(&mut rng), scalar(&mut rng));
    let (f, g) = (uniform(size, seed), edges(size, seed));
    let mut tally = Tally::new("transforms, by a random point, there and back, linear", Some(log2));
    for shift in [Fr::one(), Fr::GENERATOR] {
        let onto = |values: &[Fr]| device.evaluate_on_coset(&device.upload(values)?, shift);
        let values = onto(&f).and_then(|column| device.download(&column));
        tally.equal(
            "value at a point",
            values.map(|values| interpolated(&values, shift, log2, point)),
            &Some(evaluate(&f, point)),
        );
        let back = onto(&f).and_then(|column| device.download(&device.interpolate_from_coset(&column, shift)?));
        tally.equal("there and back", back, &f);
        let sums = || {
            let (f_column, g_column) = (device.upload(&f)?, device.upload(&g)?);
            let first = device.linear_combination(&[(Fr::one(), &f_column), (weight, &g_column)])?;
            let first = device.download(&device.evaluate_on_coset(&first, shift)?)?;
            let second = device.linear_combination(&[(Fr::one(), &onto(&f)?), (weight, &onto(&g)?)])?;
            Ok(first == device.download(&second)?)
        };
        tally.case("linear", sums());
    }
    tally.enter(part);
    Ok(())
}

/// The value at `point` of the polynomial with these values on `shift H`: `(point^n - shift^n) / (n shift^n)` times the sum of
/// `v_i x_i / (point - x_i)`. None if the point lies on the coset.
fn interpolated(values: &[Fr], shift: Fr, log2: u32, point: Fr) -> Option<Fr> {
    let domain = Domain::new(log2)?;
    let chunk_sum = |(index, chunk): (usize, &[Fr])| {
        let mut x = shift * domain.generator.pow([(index * CHUNK) as u64]);
        let mut points = Vec::with_capacity(chunk.len());
        for _ in chunk {
            points.push(x);
            x *= domain.generator;
        }
        let mut weights: Vec<Fr> = points.iter().map(|x| point - x).collect();
        batch_inversion(&mut weights);
        chunk.iter().zip(points).zip(weights).map(|((value, x), weight)| *value * x * weight).sum::<Fr>()
    };
    let sum: Fr = values.par_chunks(CHUNK).enumerate().map(chunk_sum).sum();
    let size = Fr::from(values.len() as u64);
    let vanishing = shift.pow([values.len() as u64]);
    let numerator = point.pow([values.len() as u64]) - vanishing;
    (!numerator.is_zero()).then_some(())?;
    Some(sum * numerator * (size * vanishing).inverse()?)
}

#[cfg(test)]
mod tests {
    use proofyard_kernels::cpu::CpuBackend;

    use super::*;

    #[test]
    fn all_values_go_into_the_value_at_a_point() {
        let cpu = CpuBackend::new();
        for log2 in [0, 1, 13] {
            let f = uniform(1 << log2, 1);
            let column = cpu.evaluate_on_coset(&cpu.upload(&f).unwrap(), Fr::GENERATOR).unwrap();
            let mut values = cpu.download(&column).unwrap();
            let point = scalar(&mut rng(2));
            assert_eq!(interpolated(&values, Fr::GENERATOR, log2, point), Some(evaluate(&f, point)));
            *values.last_mut().unwrap() += Fr::one();
            assert_ne!(interpolated(&values, Fr::GENERATOR, log2, point), Some(evaluate(&f, point)));
        }
        assert_eq!(interpolated(&[Fr::one()], Fr::GENERATOR, 0, Fr::GENERATOR), None);
    }
}
