//! Poseidon2 over BN254 with width 4, S-box x^5, 8 full and 56 partial rounds, and the hashes built on it.
//!
//! Tree nodes use [`compress4`], which feeds the input forward: the bare first output of a permutation has trivial
//! collisions, because the permutation can be run backwards. [`hash3`] is a one-block sponge whose capacity element
//! holds a domain tag.

mod constants;
mod rows;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, PrimeField};

use constants::{DIAGONAL, FULL, PARTIAL};
pub use rows::{GROUPS, PERMUTATION_ROWS, RowMatrices, row_constants, row_matrices, trace};

/// A 4 x 4 matrix by rows.
pub type Matrix = [[Fr; 4]; 4];

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
fn external([a, b, c, d]: [Fr; 4]) -> [Fr; 4] {
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
fn internal(state: [Fr; 4]) -> [Fr; 4] {
    let sum = state[0] + state[1] + (state[2] + state[3]);
    std::array::from_fn(|i| DIAGONAL[i] * state[i] + sum)
}

#[inline]
fn add(left: [Fr; 4], right: &[Fr; 4]) -> [Fr; 4] {
    std::array::from_fn(|i| left[i] + right[i])
}

/// The permutation.
pub fn permute(state: [Fr; 4]) -> [Fr; 4] {
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

/// `E S(x)`: a full round after its constants.
pub fn full_layer(state: [Fr; 4]) -> [Fr; 4] {
    external(state.map(fifth_power))
}

/// The compression of a tree node's four children: `permute(x)[0] + x[0]`.
pub fn compress4(children: [Fr; 4]) -> Fr {
    permute(children)[0] + children[0]
}

/// What a [`hash3`] is for; hashes of different domains never meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Domain {
    /// The leaf of an account.
    Account,
    /// The digest of a transfer.
    Transfer,
    /// A Schnorr challenge.
    Challenge,
    /// A step of the running data hash.
    DataHash,
}

impl Domain {
    /// Every domain.
    pub const ALL: [Self; 4] = [Self::Account, Self::Transfer, Self::Challenge, Self::DataHash];

    /// The tag's text.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Account => "proofyard/account/v1",
            Self::Transfer => "proofyard/transfer/v1",
            Self::Challenge => "proofyard/challenge/v1",
            Self::DataHash => "proofyard/data-hash/v1",
        }
    }

    /// The ASCII bytes of [`Domain::label`] as a big-endian integer.
    pub fn tag(self) -> Fr {
        Fr::from_be_bytes_mod_order(self.label().as_bytes())
    }
}

/// `permute([in_0, in_1, in_2, tag])[0]`: a sponge of rate 3 and capacity 1 over exactly one block.
pub fn hash3(domain: Domain, inputs: [Fr; 3]) -> Fr {
    permute([inputs[0], inputs[1], inputs[2], domain.tag()])[0]
}

/// The external matrix E.
pub fn external_matrix() -> Matrix {
    [[5, 7, 1, 3], [4, 6, 1, 1], [1, 3, 5, 7], [1, 1, 4, 6]].map(|row: [u64; 4]| row.map(Fr::from))
}

/// The internal matrix `I = J + diag(mu)`.
pub fn internal_matrix() -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| if i == j { DIAGONAL[i] + Fr::ONE } else { Fr::ONE }))
}

/// The constants of the eight full rounds.
pub const fn full_constants() -> &'static [[Fr; 4]; FULL_ROUNDS] {
    &FULL
}

/// The constants of the 56 partial rounds.
pub const fn partial_constants() -> &'static [Fr; PARTIAL_ROUNDS] {
    &PARTIAL
}
