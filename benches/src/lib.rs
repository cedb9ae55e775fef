//! Criterion and whole-farm benchmarks.
