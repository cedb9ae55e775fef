//! The workers' openings of round 5, checked all together.

use std::ops::Range;

use ark_bn254::{Bn254, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup, pairing::Pairing};
use ark_ff::Zero;
use proofyard_kernels::KernelError;
use rand::RngCore;

use super::{GroupAggregator, points::msm};
use crate::linearisation::RowWeights;

/// `e(left, [1]) = e(right, [tx])` for both openings of every subtree, weighted with fresh private randomness.
///
/// All subtrees' commitments go into one MSM: what weighs a column is the same in each, but weights that are combined with
/// the random ones first make one long sum, which costs less a term than many short ones.
pub(super) struct OpeningCheck<'a> {
    group: &'a GroupAggregator,
    weights: &'a RowWeights,
    /// `F_i(zeta)` and `N_i(w zeta)`.
    values: &'a [[Fr; 2]],
    /// `WX1_i` and `WX2_i`.
    openings: &'a [[G1Affine; 2]],
    /// zeta and w zeta.
    points: [Fr; 2],
    /// 128 bits for either opening of each subtree.
    random: Vec<[Fr; 2]>,
}

impl<'a> OpeningCheck<'a> {
    pub(super) fn new(
        group: &'a GroupAggregator,
        weights: &'a RowWeights,
        zeta: Fr,
        values: &'a [[Fr; 2]],
        openings: &'a [[G1Affine; 2]],
        random: &mut dyn RngCore,
    ) -> Self {
        let mut draw = || Fr::from(u128::from(random.next_u64()) << 64 | u128::from(random.next_u64()));
        let random = openings.iter().map(|_| [draw(), draw()]).collect();
        Self { group, weights, values, openings, points: [zeta, group.rows.generator * zeta], random }
    }

    /// The subtrees whose openings are wrong; one pairing equation when there are none.
    pub(super) fn faulty(&self) -> Result<Vec<usize>, KernelError> {
        let mut faulty = Vec::new();
        self.bisect(0..self.openings.len(), &mut faulty)?;
        Ok(faulty)
    }

    fn bisect(&self, subtrees: Range<usize>, faulty: &mut Vec<usize>) -> Result<(), KernelError> {
        if self.holds(subtrees.clone())? {
            return Ok(());
        }
        if subtrees.len() == 1 {
            faulty.push(subtrees.start);
            return Ok(());
        }
        let middle = subtrees.start + subtrees.len() / 2;
        self.bisect(subtrees.start..middle, faulty)?;
        self.bisect(middle..subtrees.end, faulty)
    }

    /// Whether the equation holds for these subtrees together.
    fn holds(&self, subtrees: Range<usize>) -> Result<bool, KernelError> {
        let commitments = self.commitments(subtrees.clone());
        let witnesses = |which: usize| {
            let witness = |i: usize| (&self.openings[i][which], &self.random[i][which]);
            msm(subtrees.clone().map(witness))
        };
        let (commitments, (first, second)) = rayon::join(
            || msm(commitments.iter().map(|(point, scalar)| (*point, scalar))),
            || rayon::join(|| witnesses(0), || witnesses(1)),
        );
        let (first, second) = (first?, second?);
        let left = first * self.points[0] + second * self.points[1] + commitments?;
        let points = [left.into_affine(), (-(first + second)).into_affine()];
        Ok(Bn254::multi_pairing(points, [G2Affine::generator(), self.group.key.verifying.tx]).is_zero())
    }

    /// `rho_1 (F_i - F_i(zeta) R_i) + rho_2 (N_i - N_i(w zeta) R_i)` of these subtrees, term by term.
    fn commitments(&self, subtrees: Range<usize>) -> Vec<(&G1Affine, Fr)> {
        let Self { weights, group, .. } = self;
        let mut terms = Vec::new();
        for i in subtrees {
            let subtree = &group.messages[i];
            let ([rho1, rho2], [first, second]) = (self.random[i], self.values[i]);
            let both = rho1 + rho2;
            terms.extend(subtree.wires.iter().zip(weights.wires.map(|weight| weight * both)));
            terms.push((&subtree.z, rho1 * weights.z + rho2));
            terms.extend(subtree.chunks.iter().zip(weights.chunks.map(|weight| weight * rho1)));
            terms.extend(group.key.fixed_rows[i].iter().zip(weights.fixed.map(|weight| weight * rho1)));
            terms.push((&group.key.units[i], -(rho1 * first + rho2 * second)));
        }
        terms
    }
}
