//! Scalars and points, the same on every machine.

use std::sync::Arc;

use ark_bn254::{Fr, G1Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, One, PrimeField, Zero};
use proofyard_kernels::{AffinePoint, backend::PointSource};
use proofyard_proof_system::fixed_base::FixedBase;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Values of a task of a thread.
const CHUNK: usize = 1 << 12;

/// Numbers that follow from a seed.
pub fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// A uniform field element.
pub fn scalar(rng: &mut ChaCha8Rng) -> Fr {
    Fr::from_le_bytes_mod_order(&rng.random::<[u8; 48]>())
}

/// Values by a rule, in parallel; a chunk has numbers of its own.
fn values(size: usize, seed: u64, rule: impl Fn(&mut ChaCha8Rng) -> Fr + Sync) -> Vec<Fr> {
    let mut values = vec![Fr::zero(); size];
    values.par_chunks_mut(CHUNK).enumerate().for_each(|(index, chunk)| {
        let mut rng = rng(seed);
        rng.set_stream(index as u64 + 1);
        chunk.iter_mut().for_each(|value| *value = rule(&mut rng));
    });
    values
}

/// Uniform field elements.
pub fn uniform(size: usize, seed: u64) -> Vec<Fr> {
    values(size, seed, scalar)
}

/// 0, 1, r - 1 and other values at which carries and comparisons turn, in any order.
pub fn edges(size: usize, seed: u64) -> Vec<Fr> {
    let minus_one = -Fr::one();
    let edges = [
        Fr::zero(),
        Fr::one(),
        minus_one,
        -Fr::from(2u64),
        minus_one / Fr::from(2u64),
        Fr::from(u64::MAX),
        Fr::from(u128::MAX),
        Fr::from(1u64 << 32),
    ];
    values(size, seed, |rng| edges[rng.random_range(0..edges.len())])
}

/// Columns that are anything but uniform, each with its name.
pub fn skewed(size: usize, seed: u64) -> Vec<(&'static str, Vec<Fr>)> {
    let one_value = scalar(&mut rng(seed));
    let mut single = vec![Fr::zero(); size];
    if let Some(last) = single.last_mut() {
        *last = one_value;
    }
    vec![
        ("zeros", vec![Fr::zero(); size]),
        ("ones", vec![Fr::one(); size]),
        ("r - 1", vec![-Fr::one(); size]),
        ("one value", vec![one_value; size]),
        ("all zero but the last", single),
        ("99 % zeros", values(size, seed, |rng| if rng.random_ratio(1, 100) { scalar(rng) } else { Fr::zero() })),
        ("bits", values(size, seed, |rng| Fr::from(u64::from(rng.random::<bool>())))),
        ("bytes", values(size, seed, |rng| Fr::from(u64::from(rng.random::<u8>())))),
        ("64 bits", values(size, seed, |rng| Fr::from(rng.random::<u64>()))),
        ("small negatives", values(size, seed, |rng| -Fr::from(u64::from(rng.random::<u16>())))),
        ("powers of two", values(size, seed, |rng| Fr::from(2u64).pow([rng.random_range(0..254u64)]))),
        ("edges", edges(size, seed)),
    ]
}

/// `1, base, base^2, ...`.
pub fn powers(base: Fr, size: usize) -> Vec<Fr> {
    let mut powers = vec![Fr::zero(); size];
    powers.par_chunks_mut(CHUNK).enumerate().for_each(|(index, chunk)| {
        let mut power = base.pow([(index * CHUNK) as u64]);
        for value in chunk {
            *value = power;
            power *= base;
        }
    });
    powers
}

/// `f(point)` from coefficients, by Horner's rule in each chunk.
pub fn evaluate(coefficients: &[Fr], point: Fr) -> Fr {
    let chunk_value = |(index, chunk): (usize, &[Fr])| {
        let value = chunk.iter().rev().fold(Fr::zero(), |value, coefficient| value * point + coefficient);
        value * point.pow([(index * CHUNK) as u64])
    };
    coefficients.par_chunks(CHUNK).enumerate().map(chunk_value).sum()
}

/// The bases `[tau^i] G`: an MSM of f's coefficients over them is `[f(tau)] G`, however many there are.
pub struct PowerBases {
    tau: Fr,
    points: Arc<Vec<AffinePoint>>,
}

/// The first of many points.
struct Prefix(Arc<Vec<AffinePoint>>, usize);

impl AsRef<[AffinePoint]> for Prefix {
    fn as_ref(&self) -> &[AffinePoint] {
        &self.0[..self.1]
    }
}

impl PowerBases {
    /// As many as the largest MSM needs.
    pub fn new(size: usize) -> Self {
        let tau = scalar(&mut rng(0x7a75));
        let points = FixedBase::new(size).multiply(&powers(tau, size));
        Self { tau, points: Arc::new(points.par_iter().map(AffinePoint::from).collect()) }
    }

    /// The first of them; all when there are fewer.
    pub fn first(&self, size: usize) -> PointSource {
        Arc::new(Prefix(self.points.clone(), size.min(self.points.len())))
    }

    /// What the MSM of these scalars is.
    pub fn expected(&self, scalars: &[Fr]) -> G1Affine {
        (G1Affine::generator() * evaluate(scalars, self.tau)).into_affine()
    }

    /// Sets of bases that stress the addition of points, each with its name.
    pub fn skewed(&self, size: usize) -> Vec<(&'static str, PointSource)> {
        let points = &self.points[..size];
        let p = G1Affine::from(&points[0]);
        let (p, minus_p) = (points[0], AffinePoint::from(&-p));
        let infinity = AffinePoint::default();
        let each =
            |rule: &dyn Fn(usize) -> AffinePoint| -> PointSource { Arc::new((0..size).map(rule).collect::<Vec<_>>()) };
        vec![
            ("one point", each(&|_| p)),
            ("P and -P", each(&|i| if i % 2 == 0 { p } else { minus_p })),
            ("some at infinity", each(&|i| if i % 3 == 0 { infinity } else { points[i] })),
            ("all at infinity", each(&|_| infinity)),
            ("three points", each(&|i| points[i % 3 % size])),
        ]
    }
}

#[cfg(test)]
mod tests {
    use proofyard_kernels::{Backend, cpu::CpuBackend};

    use super::*;

    #[test]
    fn chunks_make_no_difference() {
        let coefficients = uniform(3 * CHUNK + 5, 1);
        let point = scalar(&mut rng(2));
        let expected = coefficients.iter().rev().fold(Fr::zero(), |value, coefficient| value * point + coefficient);
        assert_eq!(evaluate(&coefficients, point), expected);
        let powers = powers(point, CHUNK + 2);
        assert_eq!(powers[CHUNK + 1], point.pow([CHUNK as u64 + 1]));
        assert!(uniform(2 * CHUNK, 1)[..] == coefficients[..2 * CHUNK]);
    }

    #[test]
    fn an_msm_over_powers_is_an_evaluation() {
        let (bases, cpu) = (PowerBases::new(300), CpuBackend::new());
        let scalars = edges(300, 3);
        let column = cpu.upload(&scalars).unwrap();
        let sums = cpu.msm(&cpu.upload_bases(bases.first(300)).unwrap(), &[&column]).unwrap();
        assert_eq!(sums[0], bases.expected(&scalars));
    }
}
