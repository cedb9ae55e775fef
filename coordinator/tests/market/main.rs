//! The market: what is quoted, declined and promised, and that every promise can be kept.

mod decisions;
mod demand;
mod overload;
mod pricing;
mod samples;
mod slack;
mod throughput;
