//! Why a coordinator does not start.

use std::path::PathBuf;

use proofyard_bus::BusError;
use proofyard_proof_system::setup::SetupError;
use proofyard_rollup::circuit::TransferCircuitError;
use thiserror::Error;

/// A configuration that cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("[PY-C-001] cannot read {path}: {source}; check the path given to --config")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// No TOML, an unknown key or a value of the wrong type.
    #[error("[PY-C-002] {path}: {reason}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Key and place.
        reason: String,
    },
    /// A value that does not fit, alone or beside another one.
    #[error("[PY-C-003] {key} = {value}: {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        expected: String,
    },
}

/// Why a coordinator cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The setup's secrets are public.
    #[error(
        "[PY-C-010] the setup in {folder} is INSECURE: anyone can forge proofs for its key; use a ceremony's setup, \
         or say --insecure-setup for development"
    )]
    InsecureSetup {
        /// Where it lies.
        folder: PathBuf,
    },
    /// The setup cannot be opened.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The circuit cannot be built.
    #[error(transparent)]
    Circuit(#[from] TransferCircuitError),
    /// The bus cannot be reached.
    #[error(transparent)]
    Bus(#[from] BusError),
}
