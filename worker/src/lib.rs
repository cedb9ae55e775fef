//! Takes jobs, keeps sessions, proves on a device, drains; a pure core and adapters.
//!
//! [`core`] decides; [`run`] acts on a bus and a blob store; [`prover::Prover`] is what proves, [`circuit_prover::CircuitProver`]
//! the one that proves transfers; [`memory`] says how much memory that takes; [`metrics`] what a worker shows of its work; [`config`] is the file that `proofyard-worker` reads.

pub mod circuit_prover;
pub mod config;
pub mod core;
pub mod device;
mod driver;
pub mod figures;
mod keys;
pub mod memory;
pub mod metrics;
mod operations;
pub mod prover;
mod proving;
mod rows;
mod self_check;
mod sensors;
mod serve;
mod shelf;
mod spans;

pub use driver::{Parts, run};
pub use keys::{CpuKeys, Keys, KeysError};
pub use proofyard_bus as bus;
pub use proofyard_job_schema as job_schema;
pub use proofyard_telemetry as telemetry;
pub use self_check::SelfCheckError;
pub use serve::serve;
