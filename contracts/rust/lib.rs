//! The Solidity contracts as seen from Rust: the committed bytecode, calldata, revert reasons, addresses.
//!
//! Everything here takes and gives plain 32-byte big-endian words, 20-byte addresses and byte strings, so that the crate
//! depends on no other of the workspace. With feature `evm`, `evm::Evm` runs the verifier's committed bytecode in-process.
//! With feature `bindings`, `bindings` holds the types of the sidecar's contracts and `bls` the sequencers' keys.

pub mod address;
pub mod artifact;
#[cfg(feature = "bindings")]
pub mod bindings;
#[cfg(feature = "bindings")]
pub mod bls;
pub mod calldata;
#[cfg(feature = "evm")]
pub mod evm;
mod hash;
pub mod rejection;

/// A 32-byte big-endian word.
pub type Word = [u8; 32];

/// Words of a verifying key, in the order of docs/protocol.md, section 9: label, T, 16 points, two points of G2.
pub const KEY_WORDS: usize = 42;
