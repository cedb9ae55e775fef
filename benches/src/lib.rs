//! What the benchmarks share: blocks, random inputs, statistics of interleaved rounds, the verdict on a ratio, the table that is printed.

pub mod block;
pub mod comparison;
pub mod inputs;
pub mod linear_fit;
pub mod rounds;
pub mod statistics;
pub mod table;
