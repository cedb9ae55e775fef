//! A permutation in 23 rows, docs/protocol.md section 4: the matrices of the gate and the rows' constants.

use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use proofyard_kernels::poseidon2::{FIRST_GROUP, FIRST_LATE, GROUP};

use super::{FULL_ROUNDS, GROUPS, Matrix, PERMUTATION_ROWS, full_constants, partial_constants};
use crate::linear;

/// The matrices that tie a row of S-box inputs x of four successive partial rounds to the states around it: the state
/// before them is `V x + W S(x) - V rc`, the state after them `V2 x + W2 S(x) - V2 rc`, rc being the rounds' constants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowMatrices {
    /// V.
    pub before_linear: Matrix,
    /// W.
    pub before_power: Matrix,
    /// V2.
    pub after_linear: Matrix,
    /// W2.
    pub after_power: Matrix,
}

/// V, W, V2 and W2, computed once.
pub fn row_matrices() -> &'static RowMatrices {
    static MATRICES: LazyLock<RowMatrices> = LazyLock::new(derive);
    &MATRICES
}

/// The constants (q1..q4) of the 23 rows of a permutation; the last row's are zero.
pub fn row_constants() -> &'static [[Fr; 4]; PERMUTATION_ROWS] {
    static CONSTANTS: LazyLock<[[Fr; 4]; PERMUTATION_ROWS]> = LazyLock::new(|| {
        let (matrices, full) = (row_matrices(), full_constants());
        let group = |index: usize| std::array::from_fn(|j| partial_constants()[GROUP * index + j]);
        let mut rows = [[Fr::ZERO; 4]; PERMUTATION_ROWS];
        rows[..FIRST_GROUP - 1].copy_from_slice(&full[1..FULL_ROUNDS / 2]);
        for index in 0..GROUPS {
            let constants = group(index);
            // s = V x + W S(x) - V rc on both sides of the transition: the right side's constant changes sign.
            let before = multiply(&matrices.before_linear, &constants);
            let after = multiply(&matrices.after_linear, &constants);
            let row = FIRST_GROUP + index;
            rows[row - 1] = add(rows[row - 1], &before);
            rows[row] = after.map(|value| -value);
        }
        rows[FIRST_LATE - 1] = add(rows[FIRST_LATE - 1], &full[FULL_ROUNDS / 2]);
        rows[FIRST_LATE..PERMUTATION_ROWS - 2].copy_from_slice(&full[FULL_ROUNDS / 2 + 1..]);
        rows
    });
    &CONSTANTS
}

/// A state element as a linear form in the state s before a group and in the S-box outputs y of its rounds.
#[derive(Clone, Copy)]
struct Form {
    state: [Fr; 4],
    powers: [Fr; 4],
}

impl Form {
    fn unit(index: usize) -> [Fr; 4] {
        let mut unit = [Fr::ZERO; 4];
        unit[index] = Fr::ONE;
        unit
    }

    fn combine(weights: &[Fr; 4], forms: &[Self; 4]) -> Self {
        let sum = |part: fn(&Self) -> &[Fr; 4], j: usize| (0..4).map(|i| weights[i] * part(&forms[i])[j]).sum();
        Self {
            state: std::array::from_fn(|j| sum(|form| &form.state, j)),
            powers: std::array::from_fn(|j| sum(|form| &form.powers, j)),
        }
    }
}

/// Runs four partial rounds on linear forms and solves them for the state before.
fn derive() -> RowMatrices {
    let matrix = super::internal_matrix();
    let mut state: [Form; 4] = std::array::from_fn(|i| Form { state: Form::unit(i), powers: [Fr::ZERO; 4] });
    let mut inputs = state;
    for (round, input) in inputs.iter_mut().enumerate() {
        *input = state[0];
        state[0] = Form { state: [Fr::ZERO; 4], powers: Form::unit(round) };
        state = matrix.map(|row| Form::combine(&row, &state));
    }
    // x - rc = A s + B y and s' = C s + D y, so s = A^-1 (x - rc - B y).
    let before_linear =
        linear::inverse(inputs.map(|form| form.state)).expect("fixed matrices of a regular Vandermonde system");
    let negated = before_linear.map(|row| row.map(|value| -value));
    let before_power = product(&negated, &inputs.map(|form| form.powers));
    let after = state.map(|form| form.state);
    let after_linear = product(&after, &before_linear);
    let carried = product(&after, &before_power);
    let after_power = std::array::from_fn(|i| add(carried[i], &state[i].powers));
    RowMatrices { before_linear, before_power, after_linear, after_power }
}

fn add(left: [Fr; 4], right: &[Fr; 4]) -> [Fr; 4] {
    std::array::from_fn(|i| left[i] + right[i])
}

fn multiply(matrix: &Matrix, vector: &[Fr; 4]) -> [Fr; 4] {
    matrix.map(|row| (0..4).map(|j| row[j] * vector[j]).sum())
}

fn product(left: &Matrix, right: &Matrix) -> Matrix {
    left.map(|row| std::array::from_fn(|j| (0..4).map(|i| row[i] * right[i][j]).sum()))
}
