//! BLS signatures on BN254, the sequencers' VRF (docs/sidecar.md, section 6).
//!
//! A signature is unique for key and message: a sequencer cannot choose among outputs. Points are affine words as the
//! contracts take them. The arithmetic is not constant-time; keep the key on a machine whose timing nobody measures.

mod hash_to_curve;

use std::fmt;

use alloy::primitives::{Address, U256};
use ark_bn254::{Fq, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInt, BigInteger, PrimeField};
use thiserror::Error;

use crate::bindings::possession_message;

/// Domain of the VRF.
pub const VRF_DST: &[u8] = b"PROOFYARD-VRF-V01-BN254G1_XMD:SHA-256_SVDW_RO_";

/// Domain of proofs of possession.
pub const POSSESSION_DST: &[u8] = b"PROOFYARD-POP-V01-BN254G1_XMD:SHA-256_SVDW_RO_";

/// A secret that is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BlsError {
    /// Zero, or not below the group's order.
    #[error("[PY-C-015] VRF key: not a number from 1 to r - 1; make a new one with SecretKey::from_seed")]
    OutOfRange,
}

/// A secret key: a number from 1 to r - 1. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(Fr);

impl SecretKey {
    /// Reads 32 big-endian bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BlsError> {
        let words = U256::from_be_bytes(*bytes).into_limbs();
        match Fr::from_bigint(BigInt::new(words)) {
            Some(secret) if secret != Fr::from(0u64) => Ok(Self(secret)),
            _ => Err(BlsError::OutOfRange),
        }
    }

    /// Makes a key from at least 32 bytes of entropy (not checked); the same seed gives the same key.
    pub fn from_seed(seed: &[u8]) -> Self {
        let expanded = hash_to_curve::expand_message(seed, b"PROOFYARD-KEYGEN-V01-BN254_XMD:SHA-256");
        let secret = Fr::from_be_bytes_mod_order(&expanded[..48]);
        // Zero has a chance of 2^-254 and is no key.
        Self(if secret == Fr::from(0u64) { Fr::from(1u64) } else { secret })
    }

    /// The 32 big-endian bytes that [`Self::from_bytes`] reads.
    pub fn to_bytes(&self) -> [u8; 32] {
        bytes(self.0)
    }

    /// The public key in G2: x.c1, x.c0, y.c1, y.c0.
    pub fn public_key(&self) -> [U256; 4] {
        let point = (G2Affine::generator() * self.0).into_affine();
        [point.x.c1, point.x.c0, point.y.c1, point.y.c0].map(word)
    }

    /// The signature over a message under a domain.
    pub fn sign(&self, message: &[u8], dst: &[u8]) -> [U256; 2] {
        words((hash_to_curve::hash_to_curve(message, dst) * self.0).into_affine())
    }

    /// The VRF output over a message ([`crate::bindings::vrf_message`]).
    pub fn vrf(&self, message: &[u8]) -> [U256; 2] {
        self.sign(message, VRF_DST)
    }

    /// What `ISequencerSet.register` asks for beside the public key.
    pub fn possession(&self, chain_id: u64, sequencer_set: Address, sequencer: Address) -> [U256; 2] {
        let message = possession_message(chain_id, sequencer_set, sequencer, &self.public_key());
        self.sign(&message, POSSESSION_DST)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// The message's point of G1 under a domain.
pub fn hash_to_curve(message: &[u8], dst: &[u8]) -> [U256; 2] {
    words(hash_to_curve::hash_to_curve(message, dst))
}

fn words(point: G1Affine) -> [U256; 2] {
    [point.x, point.y].map(word)
}

fn word(value: Fq) -> U256 {
    U256::from_be_bytes(bytes(value))
}

fn bytes<F: PrimeField>(value: F) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&value.into_bigint().to_bytes_be());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_outside_the_group_are_refused() {
        assert_eq!(SecretKey::from_bytes(&[0; 32]), Err(BlsError::OutOfRange));
        assert_eq!(SecretKey::from_bytes(&[0xff; 32]), Err(BlsError::OutOfRange));
        let order = U256::from_limbs(Fr::MODULUS.0);
        assert_eq!(SecretKey::from_bytes(&order.to_be_bytes()), Err(BlsError::OutOfRange));
        let last = (order - U256::from(1)).to_be_bytes();
        assert_eq!(SecretKey::from_bytes(&last).unwrap().to_bytes(), last);
    }

    #[test]
    fn a_seed_gives_one_key_and_another_seed_another() {
        assert_eq!(SecretKey::from_seed(&[7; 32]), SecretKey::from_seed(&[7; 32]));
        assert_ne!(SecretKey::from_seed(&[7; 32]), SecretKey::from_seed(&[8; 32]));
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", SecretKey::from_seed(&[7; 32])), "SecretKey(..)");
    }
}
