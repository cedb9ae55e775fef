//! The rollup without its circuit: one test program, one file a concept.

mod block_file;
mod block_refusals;
mod cut;
mod executor_twin;
mod fixture;
mod generate;
mod import;
mod schnorr;
mod subtree_inputs;
