//! What a command ends with.

use std::fmt;

/// A failed command: the exit code's class and the text for standard error.
#[derive(Debug)]
pub enum Failure {
    /// Exit code 2: the command line cannot be carried out as given.
    Usage(String),
    /// Exit code 3: the block, or the operator, was refused.
    Refused(String),
    /// Exit code 4: no proof, or a proof that does not verify.
    Proof(String),
    /// Exit code 5: files or network.
    Environment(String),
    /// Exit code 6: something is not as it should be.
    Unhealthy(String),
}

impl Failure {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Refused(_) => 3,
            Self::Proof(_) => 4,
            Self::Environment(_) => 5,
            Self::Unhealthy(_) => 6,
        }
    }

    /// A file that could not be read or written.
    pub fn file(path: &std::path::Path, error: impl fmt::Display) -> Self {
        Self::Environment(format!("{}: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text)
            | Self::Refused(text)
            | Self::Proof(text)
            | Self::Environment(text)
            | Self::Unhealthy(text) => formatter.write_str(text),
        }
    }
}
