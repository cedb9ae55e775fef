//! Reading and writing of the canonical byte formats: big-endian words, every length checked before anything is
//! allocated.

use std::fmt;

use ark_ff::{BigInt, BigInteger, PrimeField};
use thiserror::Error;

use crate::schnorr::{KeyError, PublicKey};

/// Which part of a file an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The header.
    Header,
    /// A transfer, by its index in the block.
    Transfer(usize),
    /// An entry of the pre-state, by its position.
    Leaf(usize),
    /// A sibling hash, by its position.
    Sibling(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("header"),
            Self::Transfer(index) => write!(f, "transaction {index}"),
            Self::Leaf(index) => write!(f, "pre-state entry {index}"),
            Self::Sibling(index) => write!(f, "sibling hash {index}"),
        }
    }
}

/// Bytes that are no canonical encoding.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The first bytes are not the format's.
    #[error("[PY-B-001] header: this is no {expected}; check which file was given")]
    Magic {
        /// The format's name.
        expected: &'static str,
    },
    /// A version this build does not read.
    #[error(
        "[PY-B-002] header: version {got}, this build reads {supported}; write the file again with a matching build"
    )]
    Version {
        /// Version of the file.
        got: u32,
        /// Version of this build.
        supported: u32,
    },
    /// The file ends too early.
    #[error("[PY-B-003] {place}: {needed} more bytes expected, {left} left; the file is cut, get a whole one")]
    Truncated {
        /// Where.
        place: Place,
        /// Bytes the next part takes.
        needed: u64,
        /// Bytes left in the file.
        left: u64,
    },
    /// Bytes after the end.
    #[error("[PY-B-004] end of file: {extra} bytes follow the last part; remove them")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// A count over its cap.
    #[error("[PY-B-005] header: {count} {what}, at most {max} are allowed; split the block")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// Its count.
        count: u64,
        /// The cap.
        max: u64,
    },
    /// A word that is not below its modulus, or a flag that is neither 0 nor 1.
    #[error("[PY-B-006] {place}: {what} is not canonical; write the value reduced")]
    NotCanonical {
        /// Where.
        place: Place,
        /// Which field.
        what: &'static str,
    },
    /// Coordinates that are no public key.
    #[error("[PY-B-007] {place}: {what} is no public key: {source}")]
    Key {
        /// Where.
        place: Place,
        /// Which field.
        what: &'static str,
        /// Why.
        source: KeyError,
    },
    /// Pre-state entries out of order or doubled.
    #[error("[PY-B-008] {place}: leaf {leaf} does not follow leaf {previous}; order the entries by leaf, each once")]
    Order {
        /// Where.
        place: Place,
        /// Leaf of this entry.
        leaf: u32,
        /// Leaf of the entry before.
        previous: u32,
    },
}

/// Reads a canonical 32-byte big-endian field element; None when it is not below the modulus.
pub fn field_from_bytes<F: PrimeField<BigInt = BigInt<4>>>(bytes: &[u8; 32]) -> Option<F> {
    let mut limbs = [0u64; 4];
    for (limb, word) in limbs.iter_mut().rev().zip(bytes.chunks_exact(8)) {
        *limb = word.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    }
    F::from_bigint(BigInt::new(limbs))
}

/// The canonical 32-byte big-endian encoding of a field element.
pub fn field_to_bytes<F: PrimeField<BigInt = BigInt<4>>>(value: F) -> [u8; 32] {
    let mut bytes = [0u8; 32];
    bytes.copy_from_slice(&value.into_bigint().to_bytes_be());
    bytes
}

/// Appends a public key: x, then y.
pub(crate) fn put_key(out: &mut Vec<u8>, key: &PublicKey) {
    out.extend(field_to_bytes(key.x()));
    out.extend(field_to_bytes(key.y()));
}

/// Appends a count. One that is over every cap may saturate: the reader refuses it all the same.
pub(crate) fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend(u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
}

/// A cursor over the bytes of a file.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// Part being read, for errors.
    pub(crate) place: Place,
}

impl<'a> Reader<'a> {
    /// Starts at the header.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, place: Place::Header }
    }

    /// Fails unless `count` parts of at least `size` bytes each are left.
    pub(crate) fn require(&self, count: usize, size: usize) -> Result<(), DecodeError> {
        let (needed, left) = (count as u64 * size as u64, self.rest.len() as u64);
        if left < needed { Err(DecodeError::Truncated { place: self.place, needed, left }) } else { Ok(()) }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((head, rest)) => {
                self.rest = rest;
                Ok(*head)
            }
            None => Err(DecodeError::Truncated { place: self.place, needed: N as u64, left: self.rest.len() as u64 }),
        }
    }

    /// Reads magic and version.
    pub(crate) fn preamble(
        &mut self,
        magic: &[u8; 8],
        version: u32,
        expected: &'static str,
    ) -> Result<(), DecodeError> {
        match self.array::<8>() {
            Ok(found) if found == *magic => {}
            _ => return Err(DecodeError::Magic { expected }),
        }
        match self.u32()? {
            got if got == version => Ok(()),
            got => Err(DecodeError::Version { got, supported: version }),
        }
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(crate) fn u128(&mut self) -> Result<u128, DecodeError> {
        Ok(u128::from_be_bytes(self.array()?))
    }

    /// Reads a flag byte, 0 or 1.
    pub(crate) fn flag(&mut self, what: &'static str) -> Result<bool, DecodeError> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(DecodeError::NotCanonical { place: self.place, what }),
        }
    }

    pub(crate) fn field<F: PrimeField<BigInt = BigInt<4>>>(&mut self, what: &'static str) -> Result<F, DecodeError> {
        field_from_bytes(&self.array()?).ok_or(DecodeError::NotCanonical { place: self.place, what })
    }

    pub(crate) fn key(&mut self, what: &'static str) -> Result<PublicKey, DecodeError> {
        let (x, y) = (self.field(what)?, self.field(what)?);
        PublicKey::from_coordinates(x, y).map_err(|source| DecodeError::Key { place: self.place, what, source })
    }

    /// Reads a count and checks it against its cap.
    pub(crate) fn count(&mut self, what: &'static str, max: usize) -> Result<usize, DecodeError> {
        let count = self.u32()? as usize;
        check_count(what, count, max)?;
        Ok(count)
    }

    /// Fails when bytes are left.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            extra => Err(DecodeError::Trailing { extra }),
        }
    }
}

/// Fails when a count is over its cap.
pub(crate) fn check_count(what: &'static str, count: usize, max: usize) -> Result<(), DecodeError> {
    if count > max { Err(DecodeError::TooMany { what, count: count as u64, max: max as u64 }) } else { Ok(()) }
}
