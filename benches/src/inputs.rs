//! Random inputs of kernels.

use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::{AdditiveGroup, CurveGroup};
use ark_ff::UniformRand;
use ark_std::rand::Rng;

/// Scalars that use all their bits.
pub fn random_scalars(rng: &mut impl Rng, count: usize) -> Vec<Fr> {
    (0..count).map(|_| Fr::rand(rng)).collect()
}

/// Points without a known relation to the generator, as bases of an MSM.
pub fn random_points(rng: &mut impl Rng, count: usize) -> Vec<G1Affine> {
    let step = G1Projective::rand(rng);
    let mut point = G1Projective::rand(rng);
    let points: Vec<G1Projective> = (0..count)
        .map(|_| {
            point = point.double() + step;
            point
        })
        .collect();
    G1Projective::normalize_batch(&points)
}
