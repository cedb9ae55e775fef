//! Why a setup cannot be made, opened or trusted.

use std::{io, path::PathBuf};

use proofyard_kernels::KernelError;

use crate::codec::DecodeError;

/// Why a setup cannot be made, opened or trusted.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file system refused.
    #[error("[PY-S-001] cannot {action} {path}: {source}; check the folder's permissions and free space")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file that was never made.
    #[error("[PY-S-002] {what} is missing: {path}; {remedy}")]
    Missing {
        /// The part of the setup.
        what: &'static str,
        /// Where it was looked for.
        path: PathBuf,
        /// What makes it.
        remedy: String,
    },
    /// A file whose bytes are not what was written.
    #[error(
        "[PY-S-003] {path} is damaged: {what}: expected {expected}, got {got}; delete this file and run the setup again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The part of it.
        what: &'static str,
        /// What should be there.
        expected: String,
        /// What is there.
        got: String,
    },
    /// A whole file that belongs to something else.
    #[error(
        "[PY-S-004] {path} belongs elsewhere: {what}: expected {expected}, got {got}; move it and run the setup again"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The property that differs.
        what: &'static str,
        /// The value needed.
        expected: String,
        /// The value found.
        got: String,
    },
    /// A point or key in a file that is no canonical encoding.
    #[error("[PY-S-005] {path}: {source}; delete this file and run the setup again")]
    Encoding {
        /// The file.
        path: PathBuf,
        /// What is wrong with the bytes.
        source: DecodeError,
    },
    /// A size that this version does not take.
    #[error("[PY-S-006] {what}: expected {expected}, got {got}; choose another size")]
    Size {
        /// The quantity.
        what: &'static str,
        /// The rule.
        expected: String,
        /// The value.
        got: u64,
    },
    /// The secrets depend on each other, so that openings prove any value.
    #[error(
        "[PY-S-007] the secrets are tied: [ty^{y_power}] = [ty^{row} tx^{x_power}], so any opening can be forged; \
         throw this setup away and run a ceremony with independent secrets"
    )]
    TiedSecrets {
        /// The power of ty alone.
        y_power: usize,
        /// The power of ty on the other side.
        row: usize,
        /// The power of tx on the other side, at least 1.
        x_power: usize,
    },
    /// An SRS that is no list of powers of two secrets.
    #[error("[PY-S-008] the SRS is inconsistent: {what}; throw it away and take it from its source again")]
    Inconsistent {
        /// The check that failed.
        what: String,
    },
    /// A secret in a domain: Lagrange commitments would be degenerate.
    #[error("[PY-S-009] the secret {secret} lies in its evaluation domain; use another secret")]
    SecretInDomain {
        /// "tx" or "ty".
        secret: &'static str,
    },
    /// The compute backend failed.
    #[error("[PY-S-010] while committing to the fixed columns: {0}; check the circuit's size against the setup's")]
    Kernel(#[from] KernelError),
}

/// Attaches the action and the file to an I/O error.
pub(crate) fn io_error(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> SetupError {
    move |source| SetupError::Io { action, path: path.to_owned(), source }
}
