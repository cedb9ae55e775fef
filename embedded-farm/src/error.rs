//! What can go wrong with a farm.

use proofyard_coordinator::{StartError, Unproven, bus::BusError, proof_system::srs::SetupError};
use proofyard_worker::job_schema::IdError;
use thiserror::Error;

/// Why a farm did not start or a block was not proven.
#[derive(Debug, Error)]
pub enum FarmError {
    /// No runtime.
    #[error("[PY-E-001] cannot start threads: {0}; raise the process's limits")]
    Runtime(std::io::Error),
    /// The coordinator did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The setup cannot be used.
    #[error(transparent)]
    Setup(SetupError),
    /// The bus cannot be reached.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// A name no worker can have.
    #[error(transparent)]
    WorkerName(IdError),
    /// The block was refused or given up.
    #[error(transparent)]
    Unproven(#[from] Unproven),
    /// Not enough workers came.
    #[error("[PY-E-002] {live} of {wanted} workers are there; look at their logs")]
    Workers {
        /// Live workers.
        live: usize,
        /// Workers waited for.
        wanted: usize,
    },
    /// A worker process cannot be started.
    #[error("[PY-E-003] cannot start {program}: {source}; check that it is installed beside this program")]
    Process {
        /// The program.
        program: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The farm has ended.
    #[error("[PY-E-004] the farm has ended")]
    Ended,
}
