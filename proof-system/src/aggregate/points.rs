//! Sums of points.

use std::sync::Arc;

use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::{CurveGroup, VariableBaseMSM};
use proofyard_kernels::{AffinePoint, Backend, KernelError, cpu::CpuBackend};

/// Terms below which the backend's batches are too short to pay for their inversions.
const BACKEND_MIN: usize = 128;

/// The sum of points.
pub(super) fn sum(points: impl Iterator<Item = G1Affine>) -> G1Affine {
    points.map(G1Projective::from).sum::<G1Projective>().into_affine()
}

/// `sum_i scalar_i point_i`; long sums on all threads.
pub(super) fn msm<'a>(terms: impl Iterator<Item = (&'a G1Affine, &'a Fr)>) -> Result<G1Affine, KernelError> {
    let (points, scalars): (Vec<G1Affine>, Vec<Fr>) = terms.map(|(point, scalar)| (*point, *scalar)).unzip();
    if points.len() < BACKEND_MIN {
        return Ok(G1Projective::msm_unchecked(&points, &scalars).into_affine());
    }
    let backend = CpuBackend::new();
    let points: Vec<AffinePoint> = points.iter().map(AffinePoint::from).collect();
    let sums = backend.msm(&backend.upload_bases(Arc::new(points))?, &[&backend.upload_owned(scalars)?])?;
    Ok(sums[0])
}
