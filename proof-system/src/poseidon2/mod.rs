//! Poseidon2 over BN254 with width 4, S-box x^5, 8 full and 56 partial rounds, and the hashes built on it.
//!
//! Tree nodes use [`compress4`], which feeds the input forward: the bare first output of a permutation has trivial
//! collisions, because the permutation can be run backwards. [`hash3`] is a one-block sponge whose capacity element
//! holds a domain tag.
//!
//! The permutation itself and its rows' values are the kernels', so that a device can compute them too.

mod rows;

use ark_bn254::Fr;
use ark_ff::{Field, PrimeField};
use proofyard_kernels::poseidon2::diagonal;

pub use proofyard_kernels::poseidon2::{
    FULL_ROUNDS, GROUPS, PARTIAL_ROUNDS, PERMUTATION_ROWS, full_constants, full_layer, partial_constants, permute,
    trace,
};
pub use rows::{RowMatrices, row_constants, row_matrices};

/// A 4 x 4 matrix by rows.
pub type Matrix = [[Fr; 4]; 4];

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
    std::array::from_fn(|i| std::array::from_fn(|j| if i == j { diagonal()[i] + Fr::ONE } else { Fr::ONE }))
}
