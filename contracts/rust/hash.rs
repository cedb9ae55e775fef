//! Keccak-256.

use sha3::{Digest, Keccak256};

pub(crate) fn keccak256(data: &[u8]) -> [u8; 32] {
    Keccak256::digest(data).into()
}
