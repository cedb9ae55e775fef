//! State tree, transfers, blocks, executor, the transfer circuit and its witness.

pub mod account;
pub mod baton;
pub mod block;
pub mod block_error;
pub mod circuit;
pub mod cut;
pub mod encoding;
pub mod executor;
pub mod generate;
pub mod import;
pub mod schnorr;
pub mod subtree_inputs;
pub mod transfer;
pub mod tree;
