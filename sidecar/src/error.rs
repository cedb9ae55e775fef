//! Why a sidecar does not start, or cannot do what it is asked.

use std::path::PathBuf;

use proofyard_settlement::{
    config::ConfigError as L1ConfigError, sidecar_client::ClientError as L1Error, signer::SignerError,
    transactions::ManagerError,
};
use proofyard_telemetry::operations::OperationsError;
use thiserror::Error;

/// A configuration that cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("[PY-S-001] cannot read {path}: {source}; check the path given to --config")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// No TOML, an unknown key or a value of the wrong type.
    #[error("[PY-S-002] {path}: {reason}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Key and place.
        reason: String,
    },
    /// A value that does not fit, alone or beside another one.
    #[error("[PY-S-003] {key} = {value}: give {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        expected: String,
    },
    /// The part about L1.
    #[error(transparent)]
    L1(#[from] L1ConfigError),
}

/// The file of durable state cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It cannot be opened or made.
    #[error("[PY-S-020] cannot open {path}: {reason}; check that its folder exists and can be written")]
    Open {
        /// The file.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
    /// Another process has it.
    #[error("[PY-S-021] {path} is in use by another sidecar; stop it first, or use another file and key")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Another program's, another release's, another sequencer's.
    #[error("[PY-S-022] {path} is not this sidecar's: {reason}; check the path, the deployment and the key")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Reading or writing failed; nothing was changed.
    #[error("[PY-S-023] {what}: {reason}; check disk space and the disk's health. Nothing is sent that is not written")]
    Storage {
        /// What was to be done.
        what: &'static str,
        /// What happened.
        reason: String,
    },
}

/// Why a sidecar does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address of the operations listener.
    #[error(transparent)]
    Operations(#[from] OperationsError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The part of it about L1.
    #[error(transparent)]
    L1Config(#[from] L1ConfigError),
    /// The sequencer's key.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The VRF key.
    #[error("[PY-S-010] {path}: {reason}; give 64 hexadecimal digits in the first line")]
    VrfKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Durable state.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The deployment is not there.
    #[error(transparent)]
    L1(#[from] L1Error),
    /// The transaction manager.
    #[error(transparent)]
    Manager(#[from] ManagerError),
    /// A coordinator's address.
    #[error(transparent)]
    Coordinator(#[from] proofyard_coordinator_client::ClientError),
    /// The farm's setup.
    #[error(transparent)]
    Farm(#[from] proofyard_embedded_farm::coordinator::StartError),
    /// The own farm.
    #[error(transparent)]
    OwnFarm(#[from] proofyard_embedded_farm::FarmError),
    /// Logs.
    #[error(transparent)]
    Log(#[from] proofyard_telemetry::LogError),
    /// The system's limits.
    #[error("[PY-S-014] {what}: {source}; raise the process's limits")]
    System {
        /// What was to be done.
        what: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The endpoint's address.
    #[error("[PY-S-011] cannot listen on {address}: {source}; choose a free port")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The deployment has no verifier for the configured class.
    #[error(
        "[PY-S-012] the deployment has no verifier for blocks of 2^{rows_log2} rows in {groups} groups; check [block]"
    )]
    Class {
        /// Base-2 logarithm of the rows.
        rows_log2: u32,
        /// Groups.
        groups: u32,
    },
    /// No prover would be waited for.
    #[error(
        "[PY-S-013] proving.self_prove_blocks + proving.submit_blocks = {needed}, but a height's window has {window} L1 blocks: every \
         block would be self-proven at once; lower them, or set persona = \"self-prove\""
    )]
    Window {
        /// Their sum.
        needed: u64,
        /// Blocks of the proving and submission phases.
        window: u64,
    },
}
