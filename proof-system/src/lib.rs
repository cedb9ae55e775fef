//! Circuits, SRS, keys, a subtree's five rounds, root aggregation and the verifier.

pub mod aggregate;
pub mod challenges;
pub mod circuit;
pub mod codec;
pub mod domain;
pub mod fixed_base;
pub mod gates;
pub mod key;
mod linear;
pub mod linearisation;
pub mod messages;
pub mod poseidon2;
pub mod proof;
pub mod setup;
pub mod srs;
pub mod statement;
pub mod subtree;
pub mod transcript;
pub mod verifier;

// The CPU backend under this crate's name, for the coordinator, which has no edge to the kernels.
pub use proofyard_kernels::cpu::CpuBackend;
