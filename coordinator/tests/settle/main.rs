//! The coordinator on L1: real contracts on a real anvil, a real ledger, real keys.
//!
//! Where it is about what happens around the proof, the contracts' verifier takes any, and the farm's worker never answers; where it is
//! about the proof getting to L1, verifier and proofs are real.

mod anvil;
mod binary;
mod farm;
mod killed;
mod nats;
mod pool;
mod refusals;
mod rivals;
mod running;
mod signing;
mod stage;
mod urgency;
mod way;
mod worker;
