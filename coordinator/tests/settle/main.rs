//! The coordinator on L1: real contracts on a real anvil, a real ledger, real keys. The verifier there takes any proof, and the farm's only
//! worker never answers: who proves is tested elsewhere, here is what happens around it.

mod refusals;
mod stage;
mod way;
