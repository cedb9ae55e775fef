//! Criterion and whole-farm benchmarks.

pub mod linear_fit;
