//! The Poseidon2 permutation over BN254's scalar field, width 4, S-box x^5, 8 full and 56 partial rounds, and the rows that it
//! takes in a witness. What the proof system builds on it (hashes, gates) lies there.

mod constants;
mod rows;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

use constants::{DIAGONAL, FULL, PARTIAL};
pub use rows::{FIRST_GROUP, FIRST_LATE, GROUP, GROUPS, PERMUTATION_ROWS, check_first_rows, trace};

/// Elements of a state.
pub const WIDTH: usize = 4;
/// Full rounds; half of them come before the partial rounds.
pub const FULL_ROUNDS: usize = 8;
/// Partial rounds.
pub const PARTIAL_ROUNDS: usize = 56;

/// The S-box.
#[inline]
fn fifth_power(x: Fr) -> Fr {
    x.square().square() * x
}

/// Multiplies by the external matrix: 8 multiplications by 2 or 4 and 8 additions.
#[inline]
fn external([a, b, c, d]: [Fr; WIDTH]) -> [Fr; WIDTH] {
    let left = a + b;
    let right = c + d;
    let p = b.double() + right;
    let q = d.double() + left;
    let fourth = right.double().double() + q;
    let second = left.double().double() + p;
    [q + second, second, p + fourth, fourth]
}

/// Multiplies by the internal matrix `J + diag(mu)`.
#[inline]
fn internal(state: [Fr; WIDTH]) -> [Fr; WIDTH] {
    let sum = state[0] + state[1] + (state[2] + state[3]);
    std::array::from_fn(|i| DIAGONAL[i] * state[i] + sum)
}

#[inline]
fn add(left: [Fr; WIDTH], right: &[Fr; WIDTH]) -> [Fr; WIDTH] {
    std::array::from_fn(|i| left[i] + right[i])
}

/// The permutation.
pub fn permute(state: [Fr; WIDTH]) -> [Fr; WIDTH] {
    let mut state = external(state);
    let (first, last) = FULL.split_at(FULL_ROUNDS / 2);
    for constants in first {
        state = full_layer(add(state, constants));
    }
    for constant in &PARTIAL {
        state[0] = fifth_power(state[0] + constant);
        state = internal(state);
    }
    for constants in last {
        state = full_layer(add(state, constants));
    }
    state
}

/// A full round after its constants: the external matrix times the S-boxes' outputs.
pub fn full_layer(state: [Fr; WIDTH]) -> [Fr; WIDTH] {
    external(state.map(fifth_power))
}

/// The constants of the eight full rounds.
pub const fn full_constants() -> &'static [[Fr; WIDTH]; FULL_ROUNDS] {
    &FULL
}

/// The constants of the 56 partial rounds.
pub const fn partial_constants() -> &'static [Fr; PARTIAL_ROUNDS] {
    &PARTIAL
}

/// mu, the diagonal of the internal matrix `J + diag(mu)`, J being all ones.
pub const fn diagonal() -> &'static [Fr; WIDTH] {
    &DIAGONAL
}
