//! The CPU backend on vectors of eight lanes, for processors with AVX-512 IFMA.
//!
//! The arithmetic is written once over [`words::Words`], of which there are two: the processor's instructions, and a model of
//! them in portable Rust, so that every machine can test every line but the instructions themselves.

mod field;
pub(super) mod interpreter;
pub(super) mod ntt;
pub(super) mod points;
pub(super) mod polynomial;
pub(super) mod words;
