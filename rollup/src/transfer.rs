//! Transfers and what is signed.

use ark_bn254::Fr;
use ark_ff::{BigInt, PrimeField};
use proofyard_proof_system::poseidon2::{Domain, hash3};

use crate::schnorr::{PublicKey, SecretKey, Signature};

/// A payment from one leaf of the state tree to another (or to itself).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Leaf of the sender.
    pub from: u32,
    /// Leaf of the recipient; an unused leaf is opened with `to_key`.
    pub to: u32,
    /// Key of the recipient; must be the account's key where the leaf is in use.
    pub to_key: PublicKey,
    /// Amount in gwei; may be 0.
    pub amount: u64,
    /// Fee in gwei, paid by the sender on top of the amount.
    pub fee: u64,
    /// The sender's nonce.
    pub nonce: u32,
}

impl Transfer {
    /// `from + to * 2^32 + nonce * 2^64 + amount * 2^96 + fee * 2^160`, below 2^224.
    pub fn packed(&self) -> Fr {
        let limbs = [
            u64::from(self.from) | (u64::from(self.to) << 32),
            u64::from(self.nonce) | (self.amount << 32),
            (self.amount >> 32) | (self.fee << 32),
            self.fee >> 32,
        ];
        // Below 2^224, hence below the modulus.
        Fr::from_bigint(BigInt::new(limbs)).unwrap_or_default()
    }

    /// `hash3(Transfer, [packed, to_key.x, to_key.y])`: what is signed and what enters the data hash.
    pub fn digest(&self) -> Fr {
        hash3(Domain::Transfer, [self.packed(), self.to_key.x(), self.to_key.y()])
    }

    /// Signs with the sender's key.
    pub fn sign(self, secret: &SecretKey) -> SignedTransfer {
        SignedTransfer { transfer: self, signature: secret.sign(self.digest()) }
    }
}

/// A transfer with its sender's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedTransfer {
    /// The transfer.
    pub transfer: Transfer,
    /// The sender's signature over `transfer.digest()`.
    pub signature: Signature,
}

/// `hash3(DataHash, [data_hash, digest, 0])`: the running data hash after one more transfer.
pub fn next_data_hash(data_hash: Fr, digest: Fr) -> Fr {
    hash3(Domain::DataHash, [data_hash, digest, Fr::from(0u64)])
}
