//! The one place where messages become bytes and bytes become messages.
//!
//! An encoded message is a version byte followed by the message in bincode's standard configuration (little-endian
//! variable-length integers). Decoding refuses, before it allocates, messages longer than the message's cap and lists
//! longer than theirs; it refuses trailing bytes; and it accepts one encoding of each message only, so that equal
//! messages are equal bytes. A message is small: decoding allocates at most a small multiple of its length.
//!
//! bincode is no longer maintained: everything that knows of it is in this file, so that it can be replaced here.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::error::DecodeError;
use serde::de::Deserialize;
use serde::ser::Serialize;
use thiserror::Error;

/// Version of the encoding, the first byte of every message.
pub const VERSION: u8 = 1;

/// No message is longer than this, whatever its own cap: the bus carries messages below 512 KiB.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;

type Config = Configuration<LittleEndian, Varint, Limit<MESSAGE_BYTES_MAX>>;

const CONFIG: Config = bincode::config::standard().with_limit::<MESSAGE_BYTES_MAX>();

/// A type that crosses the bus on its own.
pub trait Message: Serialize + for<'de> Deserialize<'de> {
    /// What errors call it.
    const NAME: &'static str;
    /// Most bytes of its encoding, version byte included; at most [`MESSAGE_BYTES_MAX`].
    const BYTES_MAX: usize;
}

/// A message that could not be written or read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CodecError {
    /// Longer than its cap.
    #[error("[PY-J-001] {message}: {bytes} bytes, at most {max} are allowed; the sender must send less at a time")]
    TooLong {
        /// What was read or written.
        message: &'static str,
        /// Its length.
        bytes: usize,
        /// Its cap.
        max: usize,
    },
    /// No bytes at all.
    #[error("[PY-J-002] {message}: empty; the sender is not a Proofyard process or the subject is shared with others")]
    Empty {
        /// What was read.
        message: &'static str,
    },
    /// Another version of the encoding.
    #[error(
        "[PY-J-003] {message}: encoding version {found}, this build reads version {VERSION}; \
         run the same release on coordinator and workers"
    )]
    Version {
        /// What was read.
        message: &'static str,
        /// Its version byte.
        found: u8,
    },
    /// Not an encoding of the message.
    #[error("[PY-J-004] {message}: malformed: {reason}; run the same release on coordinator and workers")]
    Malformed {
        /// What was read.
        message: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Bytes after the end of the message.
    #[error("[PY-J-005] {message}: {extra} bytes after its end; run the same release on coordinator and workers")]
    Trailing {
        /// What was read.
        message: &'static str,
        /// Bytes too many.
        extra: usize,
    },
    /// A longer encoding of a message than the one this build writes.
    #[error("[PY-J-006] {message}: not in canonical form; the sender is not this codec")]
    NotCanonical {
        /// What was read.
        message: &'static str,
    },
    /// A value above its cap was to be written.
    #[error("[PY-J-007] {message}: cannot be written: {reason}; split it or cut it before sending")]
    Unwritable {
        /// What was written.
        message: &'static str,
        /// Which value is above which cap.
        reason: String,
    },
}

/// Writes a message.
pub fn encode<M: Message>(value: &M) -> Result<Vec<u8>, CodecError> {
    const { assert!(M::BYTES_MAX <= MESSAGE_BYTES_MAX) };
    let mut bytes = vec![VERSION];
    bincode::serde::encode_into_std_write(value, &mut bytes, CONFIG)
        .map_err(|error| CodecError::Unwritable { message: M::NAME, reason: error.to_string() })?;
    if bytes.len() > M::BYTES_MAX {
        return Err(CodecError::TooLong { message: M::NAME, bytes: bytes.len(), max: M::BYTES_MAX });
    }
    Ok(bytes)
}

/// Reads a message.
pub fn decode<M: Message>(bytes: &[u8]) -> Result<M, CodecError> {
    let message = M::NAME;
    if bytes.len() > M::BYTES_MAX {
        return Err(CodecError::TooLong { message, bytes: bytes.len(), max: M::BYTES_MAX });
    }
    let (&version, body) = bytes.split_first().ok_or(CodecError::Empty { message })?;
    if version != VERSION {
        return Err(CodecError::Version { message, found: version });
    }
    let (value, read) = bincode::serde::borrow_decode_from_slice::<M, Config>(body, CONFIG)
        .map_err(|error| CodecError::Malformed { message, reason: reason(&error) })?;
    if read < body.len() {
        return Err(CodecError::Trailing { message, extra: body.len() - read });
    }
    // Variable-length integers have several encodings; writing the value again finds all but the shortest.
    if encode(&value)? != bytes {
        return Err(CodecError::NotCanonical { message });
    }
    Ok(value)
}

fn reason(error: &DecodeError) -> String {
    match error {
        DecodeError::UnexpectedEnd { .. } => "it ends too early".to_owned(),
        DecodeError::LimitExceeded => "a length in it is above the limit".to_owned(),
        DecodeError::OtherString(text) => text.clone(),
        other => other.to_string(),
    }
}
