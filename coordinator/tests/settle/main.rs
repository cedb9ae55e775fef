//! The coordinator on L1: real contracts on a real anvil, a real ledger, real keys.
//!
//! Where it is about what happens around the proof, the contracts' verifier takes any, and the farm's worker never answers; where it is
//! about the proof getting to L1, verifier and proofs are real.

mod anvil;
mod binary;
mod farm;
mod killed;
mod measured;
mod nats;
mod pool;
// What stands between a client and its node is needed by the tests of `settlement` too; not all of it here.
#[allow(dead_code)]
#[path = "../../../settlement/tests/suite/proxy.rs"]
mod proxy;
mod refusals;
mod rivals;
mod running;
mod signing;
mod stage;
mod trouble;
mod urgency;
mod way;
mod worker;
