//! Accounts, the leaves of the state tree.

use ark_bn254::Fr;
use proofyard_proof_system::poseidon2::{Domain, hash3};

use crate::schnorr::PublicKey;

/// One account of the rollup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Key whose signatures spend from this account; fixed when the account is opened.
    pub key: PublicKey,
    /// Balance in gwei.
    pub balance: u64,
    /// Nonce the account's next transfer must carry.
    pub nonce: u32,
}

impl Account {
    /// A just opened account: no funds, nonce 0.
    pub fn opened(key: PublicKey) -> Self {
        Self { key, balance: 0, nonce: 0 }
    }

    /// `balance + nonce * 2^64`, the third word of the leaf hash; below 2^96.
    pub fn packed(&self) -> Fr {
        Fr::from(u128::from(self.balance) | (u128::from(self.nonce) << 64))
    }
}

/// Value of a leaf: 0 for an unused one, else `hash3(Account, [key.x, key.y, balance + nonce * 2^64])`.
pub fn leaf_hash(account: Option<&Account>) -> Fr {
    match account {
        None => Fr::from(0u64),
        Some(account) => hash3(Domain::Account, [account.key.x(), account.key.y(), account.packed()]),
    }
}
