//! The gates and the row identity, docs/protocol.md sections 2 and 3.
//!
//! Everything is written once over an [`Algebra`]: field elements for checks and for the verifier, expressions for the
//! device programs, degrees for the check at key build.

mod constraints;
mod degree;
mod identity;
mod program;

use std::ops::{Add, Mul, Sub};

use ark_bn254::Fr;

pub use constraints::{GATE_TERMS, gate_constraints};
pub use degree::{Degree, DegreeInputs, IDENTITY_DEGREE, check_degree};
pub use identity::{PoseidonWeights, RowChallenges, row_identity};
pub use program::{
    fifth_power_program, permutation_denominator_program, permutation_numerator_program, permutation_uniforms,
    quotient_program, quotient_uniforms,
};

/// Wire columns.
pub const WIRES: usize = 4;
/// Fixed columns: twelve of the gates, four of the permutation.
pub const FIXED_COLUMNS: usize = 16;
/// The fixed columns of the gates; the permutation columns follow.
pub const GATE_COLUMNS: usize = 12;

/// Indices of the fixed columns, docs/protocol.md section 2. The coefficients q1..q4 are columns 0 to 3.
pub mod column {
    /// Coefficient of `w_1 w_2`.
    pub const QM: usize = 4;
    /// Poseidon2 gate on.
    pub const P0: usize = 5;
    /// Its left side is the partial form.
    pub const PL: usize = 6;
    /// Its left side is the initial form.
    pub const PI: usize = 7;
    /// Its right side is the partial form.
    pub const PR: usize = 8;
    /// Fixed-base gate on.
    pub const FB: usize = 9;
    /// 1 ADD, 2 DBL, 3 SELECT.
    pub const K: usize = 10;
    /// 1 RANGE, 2 DEMUX.
    pub const L: usize = 11;
    /// The first permutation column.
    pub const S1: usize = 12;
}

/// `k_c`, the factor of wire column c's identity labels: powers of 5.
pub const COLUMN_SHIFTS: [u64; WIRES] = [1, 5, 25, 125];

/// What the gates compute on: a commutative ring.
pub trait Algebra: Clone + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> {}

impl<A: Clone + Add<Output = A> + Sub<Output = A> + Mul<Output = A>> Algebra for A {}

/// The values that the identity reads on one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowValues<A> {
    /// The wires `w_1..w_4`.
    pub w: [A; WIRES],
    /// The wires on the next row, cyclically.
    pub w_next: [A; WIRES],
    /// The permutation product.
    pub z: A,
    /// The permutation product on the next row.
    pub z_next: A,
    /// The fixed columns in the order of section 2.
    pub fixed: [A; FIXED_COLUMNS],
}

/// The factor of wire column `index`'s identity labels.
pub fn column_shift(index: usize) -> Fr {
    Fr::from(COLUMN_SHIFTS[index])
}
