//! Polynomials in Y: the batons, and the identity over Y at X = zeta divided by Z_K.

use ark_bn254::{Fr, G1Affine};
use ark_ff::{AdditiveGroup, FftField, Field, Zero};
use proofyard_kernels::{Backend, KernelError, cpu::CpuBackend};
use rayon::prelude::*;

use super::{AggregateError, GroupAggregator, Subtree, points::msm};
use crate::{
    domain::Domain,
    gates::{FIXED_COLUMNS, RowChallenges, RowValues, row_identity},
    key::AggregationKey,
    linearisation::ZeroDenominator,
};

/// The coset's order over M: Q has at most 4M - 4 coefficients.
const EXTENSION: usize = 4;

/// What the batons give before a message is there.
#[derive(Debug)]
pub(super) struct Batons {
    /// Coefficients of S_k.
    pub(super) coefficients: [Vec<Fr>; 3],
    /// `[S_k]`.
    pub(super) points: [G1Affine; 3],
}

impl Batons {
    pub(super) fn new(key: &AggregationKey, inputs: &[[Fr; 3]]) -> Result<Self, KernelError> {
        let values = |k: usize| inputs.iter().map(move |baton| baton[k]);
        let mut batons = Self { coefficients: Default::default(), points: [G1Affine::default(); 3] };
        for (k, coefficients) in batons.coefficients.iter_mut().enumerate() {
            *coefficients = interpolate(values(k))?;
        }
        let commit = |k: usize| msm(key.units.iter().zip(&values(k).collect::<Vec<Fr>>()));
        for (point, sum) in batons.points.iter_mut().zip((0..3).into_par_iter().map(commit).collect::<Vec<_>>()) {
            *point = sum?;
        }
        Ok(batons)
    }
}

/// Coefficients in Y of the polynomial with these values on K.
pub(super) fn interpolate(values: impl Iterator<Item = Fr>) -> Result<Vec<Fr>, KernelError> {
    let backend = CpuBackend::new();
    backend.download(&backend.interpolate(&backend.upload_owned(values.collect())?)?)
}

pub(super) fn horner(coefficients: &[Fr], point: Fr) -> Fr {
    coefficients.iter().rev().fold(Fr::ZERO, |value, coefficient| value * point + coefficient)
}

/// `(f(Y) - f(point)) / (Y - point)` and `f(point)`.
pub(super) fn divide(coefficients: &[Fr], point: Fr) -> (Vec<Fr>, Fr) {
    let mut carry = Fr::ZERO;
    let mut quotient = vec![Fr::ZERO; coefficients.len().saturating_sub(1)];
    for (index, coefficient) in coefficients.iter().enumerate().rev() {
        carry = carry * point + coefficient;
        if index > 0 {
            quotient[index - 1] = carry;
        }
    }
    (quotient, carry)
}

/// The identity over Y at X = zeta.
pub(super) struct InY<'a> {
    group: &'a GroupAggregator,
    challenges: &'a RowChallenges<Fr>,
    zeta: Fr,
    fixed: &'a [Fr; FIXED_COLUMNS],
    /// Coefficients in Y: w (4), w' (4), z, z', t.
    columns: Vec<Vec<Fr>>,
    /// `L_0 .. L_5` at zeta.
    lagrange: [Fr; 6],
}

impl<'a> InY<'a> {
    pub(super) fn new(
        group: &'a GroupAggregator,
        challenges: &'a RowChallenges<Fr>,
        zeta: Fr,
        fixed: &'a [Fr; FIXED_COLUMNS],
        lagrange: [Fr; 6],
    ) -> Result<Self, AggregateError> {
        let value = |subtree: &Subtree, index: usize| {
            let openings = &subtree.openings;
            match index {
                0..4 => openings.at_zeta[index],
                4..8 => openings.at_next[index - 4],
                8 => openings.z,
                9 => openings.z_next,
                _ => openings.t,
            }
        };
        let column = |index: usize| interpolate(group.messages.iter().map(|subtree| value(subtree, index)));
        let columns = (0..11).into_par_iter().map(column).collect::<Result<_, _>>()?;
        Ok(Self { group, challenges, zeta, fixed, columns, lagrange })
    }

    /// Coefficients in Y: w (4), w' (4), z, z', t.
    pub(super) fn into_columns(self) -> Vec<Vec<Fr>> {
        self.columns
    }

    /// Coefficients of `Q`: the identity divided by Z_K, on a coset of order 4M.
    pub(super) fn quotient(&self, mu: Fr) -> Result<Vec<Fr>, AggregateError> {
        let backend = CpuBackend::new();
        let group = self.group;
        let subtrees = group.subtrees.size();
        let extended = EXTENSION * subtrees;
        let shift = <Fr as FftField>::GENERATOR;
        let on_coset = |coefficients: &Vec<Fr>| -> Result<Vec<Fr>, KernelError> {
            let mut padded = coefficients.clone();
            padded.resize(extended, Fr::ZERO);
            backend.download(&backend.evaluate_on_coset(&backend.upload_owned(padded)?, shift)?)
        };
        let columns = self.columns.par_iter().map(on_coset).collect::<Result<Vec<_>, _>>()?;
        let batons = group.batons.coefficients.iter().map(on_coset).collect::<Result<Vec<_>, _>>()?;
        let indicator = |i: usize| on_coset(&interpolate((0..subtrees).map(|j| Fr::from(u64::from(i == j))))?);
        let (first, last) = (indicator(0)?, indicator(subtrees - 1)?);
        // Z_K takes as many values on the coset as it is larger than K.
        let domain = Domain::of_size(extended).ok_or(ZeroDenominator)?;
        let mut inverses = [Fr::ZERO; EXTENSION];
        for (j, inverse) in inverses.iter_mut().enumerate() {
            let point = shift * domain.generator.pow([j as u64]);
            *inverse = group.subtrees.vanishing_at(point).inverse().ok_or(ZeroDenominator)?;
        }
        let vanishing_row = group.rows.vanishing_at(self.zeta);
        let value = |j: usize| {
            let mut pi = Fr::ZERO;
            let mut boundary = Fr::ZERO;
            let mut weight = mu;
            for (k, baton) in batons.iter().enumerate() {
                // S(gY) is EXTENSION places on, as that many steps of the coset multiply by g.
                let next = baton[(j + EXTENSION) % extended];
                let out = next + (group.statement.end[k] - group.statement.start[k]) * last[j];
                pi -= self.lagrange[k] * baton[j] + self.lagrange[3 + k] * out;
                boundary += weight * first[j] * (baton[j] - group.statement.start[k]);
                weight *= mu;
            }
            let row = RowValues {
                w: std::array::from_fn(|c| columns[c][j]),
                w_next: std::array::from_fn(|c| columns[4 + c][j]),
                z: columns[8][j],
                z_next: columns[9][j],
                fixed: *self.fixed,
            };
            let identity = row_identity(&|x| x, &row, self.challenges, self.zeta, self.lagrange[0], pi);
            (identity - vanishing_row * columns[10][j] + boundary) * inverses[j % EXTENSION]
        };
        let values: Vec<Fr> = (0..extended).into_par_iter().map(value).collect();
        let mut quotient = backend.download(&backend.interpolate_from_coset(&backend.upload_owned(values)?, shift)?)?;
        while quotient.last().is_some_and(Fr::is_zero) {
            quotient.pop();
        }
        // deg Q <= 5(M-1) - M, so at most 4M - 4 coefficients, none for M = 1: four entries stay free, and fill when the
        // division has a remainder.
        if quotient.len() > 4 * subtrees - 4 {
            return Err(AggregateError::Remainder);
        }
        Ok(quotient)
    }
}
