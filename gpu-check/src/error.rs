//! Why a check could not be made.

use std::{io, path::PathBuf};

use proofyard_kernels::KernelError;
use proofyard_kernels_cuda::OpenError;
use proofyard_proof_system::{aggregate::AggregateError, circuit::CircuitError, srs::SetupError, subtree::ProverError};

/// Why a part ended before its end. Wrong answers are no errors but findings.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// No GPU.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A binary without the emulator.
    #[cfg(not(feature = "emulator"))]
    #[error("[PY-G-001] this program was built without the launch emulator; build it with its default features")]
    NoEmulator,
    /// The device failed.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The setup cannot be made.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A circuit of the checks is not sound.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
    /// A subtree cannot be proven.
    #[error(transparent)]
    Prover(#[from] ProverError),
    /// The messages of the subtrees make no proof.
    #[error(transparent)]
    Aggregate(#[from] AggregateError),
    /// A block cannot be generated or executed.
    #[error("[PY-G-002] the generated block is of no use: {0}; this is an error of this program, report it")]
    Block(String),
    /// A file cannot be read or written.
    #[error("[PY-G-003] {path}: {source}; name another file, or make its folder")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that is no report of this program.
    #[error("[PY-G-004] {path} is no report that can be continued ({reason}); name another file or leave out --resume")]
    Report {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The committed answers cannot be read.
    #[error("[PY-G-005] testdata/gpu-known-answers.json: {0}; print it anew with --print-known-answers")]
    KnownAnswers(String),
    /// The part needs something that was not given.
    #[error("[PY-G-006] the part {part} needs {needs}")]
    Needs {
        /// The part.
        part: &'static str,
        /// The option.
        needs: &'static str,
    },
}
