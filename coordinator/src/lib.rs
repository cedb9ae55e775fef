//! Intake, schedule, aggregation and the endpoint; a pure core and adapters.
//!
//! [`core`] decides; everything else acts: [`Coordinator::start`] runs the core over a bus and a blob store, [`endpoint`] is its
//! HTTP face, [`settle`] its face to L1, [`config`] the file that `proofyard-coordinator` reads; [`metrics`] what it shows of its work; [`serve`] and [`run`] are that whole
//! process for other programs.

mod autoscaling;
pub mod board;
pub mod config;
pub mod core;
mod driver;
pub mod endpoint;
mod error;
mod grid;
mod handle;
pub mod ledger;
pub mod market;
pub mod metrics;
mod operations;
mod process;
pub mod settle;
pub mod setups;
mod spans;
pub mod submission;
mod timings;
pub mod track;
mod work;

pub use autoscaling::AutoscalingConfig;
pub use board::Admission;
pub use error::{ConfigError, StartError};
pub use handle::{Coordinator, Handle, Proved, Request, Settings, Unproven};
pub use process::{ProcessError, run, serve};
pub use proofyard_bus as bus;
pub use proofyard_coordinator_client as client;
pub use proofyard_proof_system as proof_system;
pub use proofyard_rollup as rollup;
pub use proofyard_telemetry as telemetry;
pub use setups::{SetupSource, Setups};
pub use timings::{RoundTiming, Timings};
pub use work::Proven;
