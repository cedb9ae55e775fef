//! Small questions with known answers: a library of another layout or meaning is found before it is trusted.

use std::sync::Arc;

use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, Field};
use proofyard_kernels::{AffinePoint, Backend, KernelError, cpu::CpuBackend};

use crate::{backend::IcicleBackend, error::OpenError};

/// Terms of the MSM and elements of the transforms.
const SIZE: usize = 1 << 6;

/// Compares an MSM and the three transforms with the CPU's.
pub(crate) fn run(icicle: &IcicleBackend, cpu: &CpuBackend) -> Result<(), OpenError> {
    let questions = Questions::new();
    compare("MSM", questions.msm(icicle), questions.msm(cpu))?;
    compare("inverse NTT", questions.interpolate(icicle), questions.interpolate(cpu))?;
    compare("NTT over a coset", questions.evaluate_on_coset(icicle), questions.evaluate_on_coset(cpu))?;
    let inverse = (questions.interpolate_from_coset(icicle), questions.interpolate_from_coset(cpu));
    compare("inverse NTT over a coset", inverse.0, inverse.1)
}

fn compare<T: PartialEq>(
    what: &'static str,
    got: Result<T, KernelError>,
    expected: Result<T, KernelError>,
) -> Result<(), OpenError> {
    match (got, expected) {
        (Ok(got), Ok(expected)) if got == expected => Ok(()),
        (Ok(_), Ok(_)) => Err(OpenError::WrongAnswer { what }),
        (Err(error), _) | (_, Err(error)) => Err(OpenError::CheckFailed { what, error }),
    }
}

struct Questions {
    points: Arc<Vec<AffinePoint>>,
    values: Vec<Fr>,
    shift: Fr,
}

impl Questions {
    fn new() -> Self {
        let mut point = G1Projective::from(G1Affine::generator());
        let points: Vec<G1Projective> = (0..SIZE).map(|_| *point.double_in_place()).collect();
        let points = G1Projective::normalize_batch(&points).iter().map(AffinePoint::from).collect();
        // Zero, small, long and negative values.
        let values = (0..SIZE as u64).map(|i| Fr::from(i).pow([1 + i % 47]) - Fr::from(i % 3)).collect();
        Self { points: Arc::new(points), values, shift: Fr::from(7u64) }
    }

    fn msm<B: Backend>(&self, backend: &B) -> Result<Vec<G1Affine>, KernelError> {
        backend.msm(&backend.upload_bases(self.points.clone())?, &[&backend.upload(&self.values)?])
    }

    fn interpolate<B: Backend>(&self, backend: &B) -> Result<Vec<Fr>, KernelError> {
        backend.download(&backend.interpolate(&backend.upload(&self.values)?)?)
    }

    fn evaluate_on_coset<B: Backend>(&self, backend: &B) -> Result<Vec<Fr>, KernelError> {
        backend.download(&backend.evaluate_on_coset(&backend.upload(&self.values)?, self.shift)?)
    }

    fn interpolate_from_coset<B: Backend>(&self, backend: &B) -> Result<Vec<Fr>, KernelError> {
        backend.download(&backend.interpolate_from_coset(&backend.upload(&self.values)?, self.shift)?)
    }
}
