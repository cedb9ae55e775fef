//! Is a file really a list of powers of two independent secrets?

use std::collections::HashMap;

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup, pairing::Pairing};
use ark_ff::{PrimeField, Zero};
use proofyard_kernels::{AffinePoint, Backend, backend::PointSource, cpu::CpuBackend};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::{Progress, SetupError, Srs, shared, to_points};

/// Sums of neighbouring powers under the same random weights: `later` must be `earlier` times the secret.
struct Ratio {
    earlier: G1Projective,
    later: G1Projective,
}

impl Ratio {
    fn of(points: &PointSource, weights: &[Fr]) -> Result<Self, SetupError> {
        let backend = CpuBackend::new();
        let bases = backend.upload_bases(points.clone())?;
        let shifted: Vec<Fr> = std::iter::once(Fr::zero()).chain(weights.iter().copied()).collect();
        let sums = backend.msm(&bases, &[&backend.upload(weights)?, &backend.upload(&shifted)?])?;
        Ok(Self { earlier: sums[0].into(), later: sums[1].into() })
    }

    fn holds(&self, secret: G2Affine) -> bool {
        let left = [self.later.into_affine(), (-self.earlier).into_affine()];
        Bn254::multi_pairing(left, [G2Affine::generator(), secret]).is_zero()
    }
}

impl Srs {
    /// Checks that every point is on the curve, that row i is `[ty^i tx^j]`, that the powers of ty are powers of ty,
    /// that G2 belongs to them, and that the secrets are not tied: no `[ty^k]` of the file equals any `[ty^i tx^j]` with
    /// j from 1 to T - 1, nor `[tx^T]`.
    ///
    /// The ratio checks weigh the points with 128-bit numbers drawn from the file's digest, which binds all of them.
    pub fn check(&self, progress: Progress<'_>) -> Result<(), SetupError> {
        let inconsistent = |what: String| SetupError::Inconsistent { what };
        for (what, point) in [("[tx]", self.tx), ("[ty]", self.ty)] {
            if point.is_zero() {
                return Err(inconsistent(format!("{what} of G2 is infinity")));
            }
        }
        let y_powers = shared(to_points(&self.y_powers));
        on_curve(&y_powers, "the powers of ty")?;
        if self.y_powers[0] != G1Affine::generator() {
            return Err(inconsistent("[ty^0] is not the generator".into()));
        }
        let seed = self.digest();
        if !Ratio::of(&y_powers, &weights(&seed, u32::MAX, self.y_powers.len() - 1))?.holds(self.ty) {
            return Err(inconsistent("the powers of ty are not powers of G2 [ty]".into()));
        }
        let known: HashMap<[u64; 4], usize> = (*y_powers).as_ref().iter().map(|point| point.x).zip(0..).collect();
        let tied = |point: &AffinePoint| {
            let power = *known.get(&point.x)?;
            (AffinePoint::from(&self.y_powers[power]) == *point).then_some(power)
        };
        let mut ratio = Ratio { earlier: G1Projective::zero(), later: G1Projective::zero() };
        for i in 0..self.max_subtrees() {
            progress("checking the SRS", i as u64, self.max_subtrees() as u64);
            let row = self.monomials(i)?;
            let points = (*row).as_ref();
            on_curve(&row, "the monomials")?;
            if points[0] != AffinePoint::from(&self.y_powers[i]) {
                return Err(inconsistent(format!("[ty^{i} tx^0] is not [ty^{i}]")));
            }
            let found = points.par_iter().enumerate().skip(1).find_map_first(|(j, point)| Some((j, tied(point)?)));
            if let Some((x_power, y_power)) = found {
                return Err(SetupError::TiedSecrets { y_power, row: i, x_power });
            }
            let next = Ratio::of(&row, &weights(&seed, i as u32, points.len() - 1))?;
            ratio.earlier += next.earlier;
            ratio.later += next.later;
        }
        if !ratio.holds(self.tx) {
            return Err(inconsistent("the monomials are not powers of G2 [tx]".into()));
        }
        self.check_power_beyond_file()?;
        progress("checking the SRS", self.max_subtrees() as u64, self.max_subtrees() as u64);
        Ok(())
    }

    /// `[tx^T]` is not in the file, but `e([tx^(T-1)], [tx])` tells whether a power of ty equals it. With `ty = tx^T`
    /// all points of the file would differ from each other and yet be the powers of one secret.
    fn check_power_beyond_file(&self) -> Result<(), SetupError> {
        let first = self.monomials(0)?;
        let points = (*first).as_ref();
        let target = Bn254::pairing(G1Affine::from(&points[points.len() - 1]), self.tx);
        let tied =
            self.y_powers.par_iter().position_first(|power| Bn254::pairing(power, G2Affine::generator()) == target);
        match tied {
            Some(y_power) => Err(SetupError::TiedSecrets { y_power, row: 0, x_power: points.len() }),
            None => Ok(()),
        }
    }
}

/// Coordinates reduced and on the curve (the cofactor of G1 is 1); infinity is no power of a non-zero secret.
fn on_curve(points: &PointSource, what: &str) -> Result<(), SetupError> {
    let bad = (**points).as_ref().par_iter().position_first(|point| {
        let reduced = [point.x, point.y].iter().all(|limbs| ark_ff::BigInt(*limbs) < ark_bn254::Fq::MODULUS);
        point.is_infinity() || !reduced || !G1Affine::from(point).is_on_curve()
    });
    match bad {
        Some(index) => Err(SetupError::Inconsistent { what: format!("point {index} of {what} is not on the curve") }),
        None => Ok(()),
    }
}

/// 128-bit weights from a seed.
fn weights(seed: &[u8; 32], row: u32, count: usize) -> Vec<Fr> {
    let prefix =
        Sha256::new().chain_update(b"proofyard/srs-check/v1").chain_update(seed).chain_update(row.to_le_bytes());
    (0..count as u64)
        .into_par_iter()
        .map(|index| Fr::from_le_bytes_mod_order(&prefix.clone().chain_update(index.to_le_bytes()).finalize()[..16]))
        .collect()
}
