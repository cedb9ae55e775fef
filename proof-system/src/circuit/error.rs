//! What is wrong with a circuit or a witness.

use super::{Cell, ROWS_LOG2_MAX, ROWS_LOG2_MIN};
use crate::gates::Degree;

/// Why a circuit or witness was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CircuitError {
    /// T is out of range.
    #[error("[PY-C-001] T = 2^{0} is out of range: log2 T must be {ROWS_LOG2_MIN} to {ROWS_LOG2_MAX}")]
    RowsLog2(u32),
    /// More rows than fit.
    #[error("[PY-C-002] the circuit needs {needed} rows, T is {available}: choose a larger T or fewer slots")]
    Capacity {
        /// Rows needed; for a builder that hit the cap, the first row beyond it.
        needed: usize,
        /// Rows there are.
        available: usize,
    },
    /// A cell that was never appended, or an index of a public value above 2.
    #[error("[PY-C-003] {0} does not exist: append its row before it is copied or set")]
    NoSuchCell(Cell),
    /// A constant cannot be set.
    #[error("[PY-C-004] {0} is a constant and cannot be set")]
    ConstantCell(Cell),
    /// ARITH beside a gate that uses q1..q4 itself.
    #[error("[PY-C-005] row {row}: ARITH cannot share a row with {gate}, which uses q1..q4: give it a row of its own")]
    Arith {
        /// The row.
        row: u32,
        /// The other gate.
        gate: &'static str,
    },
    /// A gate reads the next row, but its row is the last one.
    #[error("[PY-C-006] row {row}: {gate} reads the next row, but none follows: append the row it ends on")]
    NextRow {
        /// The row.
        row: usize,
        /// The gate.
        gate: String,
    },
    /// A selector has a value that section 2 does not know.
    #[error("[PY-C-007] row {row}: the selectors are inconsistent: {rule}")]
    Selector {
        /// The row.
        row: usize,
        /// The rule that is broken.
        rule: &'static str,
    },
    /// A row of a public value does more than hold it.
    #[error("[PY-C-008] row {row} holds a public value: q1 must be 1 and every other fixed column 0")]
    PublicRow {
        /// The row.
        row: usize,
    },
    /// Two columns' identity labels meet.
    #[error("[PY-C-009] (k_{a} / k_{b})^T = 1: the labels of two columns meet, choose other column shifts")]
    CosetRatio {
        /// The first column, from 1.
        a: usize,
        /// The second column, from 1.
        b: usize,
    },
    /// The identity outgrows the quotient's chunks.
    #[error(
        "[PY-C-010] the identity has degree {} (T-1) in X and {} (M-1) in Y, the quotient takes {} and {}: \
         split the gate",
        degree.x, degree.y, allowed.x, allowed.y
    )]
    Degree {
        /// The identity's degrees.
        degree: Degree,
        /// The bounds.
        allowed: Degree,
    },
    /// A column of the wrong length.
    #[error("[PY-C-011] {what} has {got} entries, T is {expected}")]
    Length {
        /// The column.
        what: &'static str,
        /// T.
        expected: usize,
        /// Entries found.
        got: usize,
    },
    /// A permutation column that is not the permutation's.
    #[error("[PY-C-012] the permutation columns do not hold the label of {0}'s image: rebuild the circuit")]
    Permutation(Cell),
    /// A builder used for the other purpose.
    #[error("[PY-C-013] a {found} builder was used where a {expected} builder is needed")]
    Mode {
        /// The kind needed.
        expected: &'static str,
        /// The kind found.
        found: &'static str,
    },
    /// A gate is not satisfied.
    #[error("[PY-C-020] row {row}: {gate} is not satisfied (constraint {constraint})")]
    Unsatisfied {
        /// The row.
        row: usize,
        /// The active gates, or what the row holds.
        gate: String,
        /// The constraint's number e.
        constraint: usize,
    },
    /// A copy constraint is broken.
    #[error("[PY-C-021] {from} and {to} must be equal, but differ")]
    BrokenCopy {
        /// The cell.
        from: Cell,
        /// The cell it maps to.
        to: Cell,
    },
}
