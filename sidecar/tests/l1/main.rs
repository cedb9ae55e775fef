//! The sidecar on real contracts: with coordinators that misbehave, alone, and as a process.

mod binary;
mod chain;
mod coordinators;
mod end_to_end;
mod market;
