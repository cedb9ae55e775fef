//! The linearised row identity of docs/protocol.md, section 8.
//!
//! Once the claims are substituted, the identity is affine in the columns that are not claimed (q1..q4, qm, pl, pi, pr, s4, z),
//! so the scalar of such a column is the identity with that column at 1 and the others at 0, minus the identity with all
//! of them at 0. One formula, [`row_identity`], therefore serves prover, coordinator and verifier.

use ark_bn254::Fr;
use ark_ff::{Field, One, Zero};

use crate::{
    domain::Domain,
    gates::{FIXED_COLUMNS, RowChallenges, RowValues, row_identity},
    proof::CLAIM_COUNT,
    statement::Statement,
};

/// Chunks the quotient is cut into: its degree is below 5T.
pub const QUOTIENT_CHUNKS: usize = 5;

/// Fixed columns that are claimed at zeta, in the order of their claims after `z'`: p0, fb, k, l.
const CLAIMED_SELECTORS: [usize; 4] = [5, 9, 10, 11];
/// The permutation columns s1, s2, s3; s4 is linearised.
const CLAIMED_PERMUTATIONS: [usize; 3] = [12, 13, 14];
/// Fixed columns that enter linearly.
const LINEAR_COLUMNS: [usize; 9] = [0, 1, 2, 3, 4, 6, 7, 8, 15];

/// A Lagrange denominator that is zero: the challenge hit the domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("[PY-P-010] a challenge lies in the evaluation domain, so a Lagrange denominator is zero")]
pub struct ZeroDenominator;

/// The claimed values at (zeta, eta), in proof order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims(pub [Fr; CLAIM_COUNT]);

impl Claims {
    /// Assembles the claims.
    pub fn new(w: [Fr; 4], w_next: [Fr; 4], fixed: &[Fr; FIXED_COLUMNS], z_next: Fr, baton: Fr) -> Self {
        let mut claims = [Fr::zero(); CLAIM_COUNT];
        claims[..4].copy_from_slice(&w);
        claims[4..8].copy_from_slice(&w_next);
        for (claim, column) in claims[8..11].iter_mut().zip(CLAIMED_PERMUTATIONS) {
            *claim = fixed[column];
        }
        claims[11] = z_next;
        for (claim, column) in claims[12..16].iter_mut().zip(CLAIMED_SELECTORS) {
            *claim = fixed[column];
        }
        claims[16] = baton;
        Self(claims)
    }

    fn wires(&self) -> [Fr; 4] {
        [self.0[0], self.0[1], self.0[2], self.0[3]]
    }

    fn wires_next(&self) -> [Fr; 4] {
        [self.0[4], self.0[5], self.0[6], self.0[7]]
    }

    /// `z(w zeta, eta)`.
    pub fn z_next(&self) -> Fr {
        self.0[11]
    }

    /// `sum_k L_{3+k}(zeta) S_k(g eta)`.
    pub fn baton(&self) -> Fr {
        self.0[16]
    }

    /// The claims as a row, every linear column zero.
    fn row(&self) -> RowValues<Fr> {
        let mut fixed = [Fr::zero(); FIXED_COLUMNS];
        for (value, column) in self.0[8..11].iter().zip(CLAIMED_PERMUTATIONS) {
            fixed[column] = *value;
        }
        for (value, column) in self.0[12..16].iter().zip(CLAIMED_SELECTORS) {
            fixed[column] = *value;
        }
        RowValues { w: self.wires(), w_next: self.wires_next(), z: Fr::zero(), z_next: self.z_next(), fixed }
    }
}

/// Scalars of the openings at X = zeta (E1) and X = w zeta (E2) that a worker can compute: they weigh polynomials of its own.
#[derive(Debug, Clone)]
pub struct RowWeights {
    /// E1: wires, `v^c`; also the wires' scalars in E2.
    pub wires: [Fr; 4],
    /// E1: the 16 fixed columns.
    pub fixed: [Fr; FIXED_COLUMNS],
    /// E1: the permutation product. (In E2 its scalar is 1.)
    pub z: Fr,
    /// E1: the quotient's chunks.
    pub chunks: [Fr; QUOTIENT_CHUNKS],
    /// The identity with every linear column zero: the gates' part of r0.
    constant: Fr,
    /// `sum_j v^j claim_j` over E1's claimed columns.
    claimed: Fr,
}

impl RowWeights {
    /// From the challenges and claims; `rows` is H.
    pub fn new(
        rows: &Domain,
        challenges: &RowChallenges<Fr>,
        zeta: Fr,
        v: Fr,
        claims: &Claims,
    ) -> Result<Self, ZeroDenominator> {
        let l0 = rows.lagrange_at(0, zeta).ok_or(ZeroDenominator)?;
        let identity = |row: &RowValues<Fr>| row_identity(&|x| x, row, challenges, zeta, l0, Fr::zero());
        let base = claims.row();
        let constant = identity(&base);
        let mut fixed = [Fr::zero(); FIXED_COLUMNS];
        for column in LINEAR_COLUMNS {
            let mut row = base.clone();
            row.fixed[column] = Fr::one();
            fixed[column] = identity(&row) - constant;
        }
        let z = identity(&RowValues { z: Fr::one(), ..base }) - constant;

        let mut power = Fr::one();
        let mut claimed = Fr::zero();
        let mut weigh = |claim: Fr| {
            power *= v;
            claimed += power * claim;
            power
        };
        let wires = claims.wires().map(&mut weigh);
        for (index, column) in CLAIMED_PERMUTATIONS.into_iter().enumerate() {
            fixed[column] = weigh(claims.0[8 + index]);
        }
        for (index, column) in CLAIMED_SELECTORS.into_iter().enumerate() {
            fixed[column] = weigh(claims.0[12 + index]);
        }

        let vanishing = rows.vanishing_at(zeta);
        let step = vanishing + Fr::one();
        let mut scale = -vanishing;
        let chunks = [(); QUOTIENT_CHUNKS].map(|()| {
            let weight = scale;
            scale *= step;
            weight
        });
        Ok(Self { wires, fixed, z, chunks, constant, claimed })
    }

    /// E2's value `n = z' + sum_c v^c w'_c`.
    pub fn next_value(&self, claims: &Claims) -> Fr {
        claims.z_next() + self.wires.iter().zip(claims.wires_next()).map(|(weight, value)| *weight * value).sum::<Fr>()
    }
}

/// The scalars that weigh the coordinator's polynomials in Y, and E1's value.
#[derive(Debug, Clone)]
pub struct BatonWeights {
    /// E1: S_k.
    pub batons: [Fr; 3],
    /// E1: Q.
    pub quotient: Fr,
    /// E3: S_k, `L_{3+k}(zeta)`.
    pub shifted: [Fr; 3],
    /// E1's value `f = -r0 + sum of claimed columns`.
    pub value: Fr,
}

impl BatonWeights {
    /// From the challenges; `rows` is H, `subtrees` is K.
    pub fn new(
        rows: &Domain,
        subtrees: &Domain,
        statement: &Statement,
        (zeta, mu, eta): (Fr, Fr, Fr),
        weights: &RowWeights,
        claims: &Claims,
    ) -> Result<Self, ZeroDenominator> {
        let first = subtrees.lagrange_at(0, eta).ok_or(ZeroDenominator)?;
        let last = subtrees.lagrange_at(subtrees.size() - 1, eta).ok_or(ZeroDenominator)?;
        let mut r0 = weights.constant - claims.baton();
        let mut batons = [Fr::zero(); 3];
        let mut shifted = [Fr::zero(); 3];
        for k in 0..3 {
            let boundary = mu.pow([k as u64 + 1]) * first;
            shifted[k] = rows.lagrange_at(3 + k, zeta).ok_or(ZeroDenominator)?;
            batons[k] = boundary - rows.lagrange_at(k, zeta).ok_or(ZeroDenominator)?;
            r0 -= shifted[k] * (statement.end[k] - statement.start[k]) * last + boundary * statement.start[k];
        }
        Ok(Self { batons, quotient: -subtrees.vanishing_at(eta), shifted, value: weights.claimed - r0 })
    }
}
