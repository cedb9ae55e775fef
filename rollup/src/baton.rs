//! The baton: the three public values handed from subtree to subtree.

use ark_bn254::Fr;

/// Public values before or after a transfer, a subtree or a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Baton {
    /// Root of the state tree.
    pub root: Fr,
    /// Running hash over the data of all transfers: `h' = hash3(DataHash, [h, digest, 0])`.
    pub data_hash: Fr,
    /// Sum of the fees of the block so far, below 2^64; every block starts at 0.
    pub fees: Fr,
}

impl Baton {
    /// `[root, data_hash, fees]`, the order of the public inputs.
    pub fn to_array(self) -> [Fr; 3] {
        [self.root, self.data_hash, self.fees]
    }

    /// The baton with the given `[root, data_hash, fees]`.
    pub fn from_array([root, data_hash, fees]: [Fr; 3]) -> Self {
        Self { root, data_hash, fees }
    }
}
