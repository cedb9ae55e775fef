//! Degrees of an identity, found by running it on degrees instead of values.

use std::{
    array::from_fn,
    ops::{Add, Mul, Sub},
};

use ark_bn254::Fr;

use super::{RowChallenges, RowValues};
use crate::circuit::CircuitError;

/// Upper bounds of a polynomial's degrees, in multiples of T - 1 in X and of M - 1 in Y.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Degree {
    /// The degree in X over T - 1.
    pub x: u32,
    /// The degree in Y over M - 1.
    pub y: u32,
}

/// What the five chunks of the quotient and the powers `[ty^k]` allow: `6 (T-1)` in X, `5 (M-1)` in Y.
pub const IDENTITY_DEGREE: Degree = Degree { x: 6, y: 5 };

impl Degree {
    /// A constant.
    pub const CONSTANT: Self = Self { x: 0, y: 0 };
    /// A fixed column, X or L_0: the same in every subtree.
    pub const FIXED: Self = Self { x: 1, y: 0 };
    /// A wire, the permutation product or the public input.
    pub const WITNESS: Self = Self { x: 1, y: 1 };

    fn maximum(self, other: Self) -> Self {
        Self { x: self.x.max(other.x), y: self.y.max(other.y) }
    }
}

impl Add for Degree {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.maximum(other)
    }
}

impl Sub for Degree {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.maximum(other)
    }
}

impl Mul for Degree {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self { x: self.x + other.x, y: self.y + other.y }
    }
}

/// The arguments of an identity as degrees.
#[derive(Debug, Clone)]
pub struct DegreeInputs {
    /// The row.
    pub row: RowValues<Degree>,
    /// The challenges: constants.
    pub challenges: RowChallenges<Degree>,
    /// X.
    pub x: Degree,
    /// L_0.
    pub l0: Degree,
    /// The public input.
    pub pi: Degree,
}

/// Runs an identity on degrees and refuses it when they exceed [`IDENTITY_DEGREE`]; returns its degrees.
///
/// The first argument of `identity` lifts a constant.
pub fn check_degree(
    identity: impl FnOnce(&dyn Fn(Fr) -> Degree, &DegreeInputs) -> Degree,
) -> Result<Degree, CircuitError> {
    let inputs = DegreeInputs {
        row: RowValues {
            w: [Degree::WITNESS; 4],
            w_next: [Degree::WITNESS; 4],
            z: Degree::WITNESS,
            z_next: Degree::WITNESS,
            fixed: from_fn(|_| Degree::FIXED),
        },
        challenges: RowChallenges::from_sequence(&mut || Degree::CONSTANT),
        x: Degree::FIXED,
        l0: Degree::FIXED,
        pi: Degree::WITNESS,
    };
    let degree = identity(&|_| Degree::CONSTANT, &inputs);
    if degree.x > IDENTITY_DEGREE.x || degree.y > IDENTITY_DEGREE.y {
        return Err(CircuitError::Degree { degree, allowed: IDENTITY_DEGREE });
    }
    Ok(degree)
}
