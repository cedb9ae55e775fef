//! The names of things: blocks, rounds, subtrees, workers, jobs, sessions, blobs.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::capped;

/// Longest worker name in bytes.
pub const WORKER_ID_BYTES_MAX: usize = 48;

/// A name or number that does not name anything.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IdError {
    /// Not 64 hexadecimal digits.
    #[error("[PY-J-101] {what}: expected 64 hexadecimal digits, optionally after 0x; give the id as it was printed")]
    Hex {
        /// Which kind of digest was read.
        what: &'static str,
    },
    /// A round outside 1..=5.
    #[error("[PY-J-102] round {0} does not exist: the rounds are 1 to 5")]
    Round(u8),
    /// A worker name with other characters, empty or too long.
    #[error(
        "[PY-J-103] worker name {0:?}: use 1 to {max} of the characters a-z A-Z 0-9 _ -, it becomes part of a subject",
        max = WORKER_ID_BYTES_MAX
    )]
    Worker(String),
}

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}({})", stringify!($name), hex::encode(&self.0[..6]))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Reads 64 hexadecimal digits, optionally after `0x`.
            fn from_str(text: &str) -> Result<Self, IdError> {
                let digits = text.strip_prefix("0x").unwrap_or(text);
                let mut bytes = [0; 32];
                hex::decode_to_slice(digits, &mut bytes).map_err(|_| IdError::Hex { what: $what })?;
                Ok(Self(bytes))
            }
        }

        impl From<[u8; 32]> for $name {
            fn from(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }
        }
    };
}

digest!(
    /// A block: the digest of its encoding. Shown as 64 lower-case hexadecimal digits.
    BlockId,
    "block id"
);
digest!(
    /// SHA-256 of a blob's bytes: its name in the blob store.
    BlobDigest,
    "blob digest"
);
digest!(
    /// Digest of the verifying key of the circuit (protocol, section 9): a worker proves only with this key.
    CircuitDigest,
    "circuit digest"
);
digest!(
    /// Digest of a job's challenges, echoed in the reply: replies to other challenges are recognised as stale.
    TranscriptDigest,
    "transcript digest"
);

/// One of the five rounds of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Round(u8);

impl Round {
    /// Round 1: wire commitments.
    pub const FIRST: Self = Self(1);
    /// Round 5: opening witnesses.
    pub const LAST: Self = Self(5);
    /// All rounds, in order.
    pub const ALL: [Self; 5] = [Self(1), Self(2), Self(3), Self(4), Self(5)];

    /// The round with this number, 1 to 5.
    pub fn new(number: u8) -> Result<Self, IdError> {
        if (1..=5).contains(&number) { Ok(Self(number)) } else { Err(IdError::Round(number)) }
    }

    /// The number, 1 to 5.
    pub fn get(self) -> u8 {
        self.0
    }

    /// The number counted from 0, to index arrays of five.
    pub fn index(self) -> usize {
        usize::from(self.0 - 1)
    }

    /// The next round; none after the last.
    pub fn next(self) -> Option<Self> {
        (self < Self::LAST).then(|| Self(self.0 + 1))
    }
}

impl TryFrom<u8> for Round {
    type Error = IdError;

    fn try_from(number: u8) -> Result<Self, IdError> {
        Self::new(number)
    }
}

impl From<Round> for u8 {
    fn from(round: Round) -> Self {
        round.0
    }
}

impl fmt::Display for Round {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Position of a subtree in its group, from 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SubtreeIndex(pub u32);

impl fmt::Display for SubtreeIndex {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Fencing number of the coordinator's leadership; a worker ignores commands of an older epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A worker's name: 1 to [`WORKER_ID_BYTES_MAX`] of the characters `a-z A-Z 0-9 _ -`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(Arc<str>);

impl WorkerId {
    /// Checks and takes a name.
    pub fn new(name: &str) -> Result<Self, IdError> {
        let fits = (1..=WORKER_ID_BYTES_MAX).contains(&name.len());
        if fits && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
            Ok(Self(name.into()))
        } else {
            Err(IdError::Worker(capped::prefix(name, 2 * WORKER_ID_BYTES_MAX).to_owned()))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WorkerId {
    type Err = IdError;

    fn from_str(name: &str) -> Result<Self, IdError> {
        Self::new(name)
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for WorkerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "WorkerId({})", self.0)
    }
}

impl Serialize for WorkerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for WorkerId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = capped::read_text::<WORKER_ID_BYTES_MAX, D>(deserializer)?;
        Self::new(&name).map_err(de::Error::custom)
    }
}

/// A job: one round of one subtree, in one epoch. `attempt` tells repeated assignments of it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId {
    /// The block being proven.
    pub block: BlockId,
    /// The round asked for.
    pub round: Round,
    /// The subtree, counted over all groups of the block.
    pub subtree: SubtreeIndex,
    /// The coordinator's epoch.
    pub epoch: Epoch,
    /// 0 for the first assignment, then counting up with every reassignment or hedge.
    pub attempt: u32,
}

impl JobId {
    /// The session that serves this job.
    pub fn session(&self) -> SessionId {
        SessionId { block: self.block, subtree: self.subtree }
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { block, round, subtree, epoch, attempt } = self;
        let block = hex::encode(&block.0[..6]);
        write!(formatter, "{block}/subtree {subtree}/round {round}/epoch {epoch}/attempt {attempt}")
    }
}

/// A worker's cached state for one subtree of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId {
    /// The block being proven.
    pub block: BlockId,
    /// The subtree, counted over all groups of the block.
    pub subtree: SubtreeIndex,
}
