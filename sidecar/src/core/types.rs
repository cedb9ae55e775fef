//! The words the core speaks: hashes, addresses, amounts, and where a block starts and ends.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use thiserror::Error;

/// Wall-clock milliseconds since the Unix epoch.
pub type Millis = u64;
/// Number of a height of the rollup on L1, from 1.
pub type Height = u64;
/// Number of an L1 block.
pub type L1Block = u64;
/// A token amount in its smallest unit. Amounts on L1 that exceed it are read as the greatest.
pub type Amount = u128;

/// Greatest price or tip the sidecar deals in: 2^96, so that ranking never overflows.
pub const PRICE_MAX: Amount = 1 << 96;

/// Text that is not the expected number of hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not 0x and {digits} hexadecimal digits")]
pub struct NotHex {
    text: String,
    digits: usize,
}

/// N bytes, written as `0x` and 2N hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes<const N: usize>(pub [u8; N]);

/// A hash: block id, block commitment, state root.
pub type Hash = Bytes<32>;
/// An account on L1.
pub type Address = Bytes<20>;
/// SHA-256 of a block file.
pub type BlockId = Hash;

impl<const N: usize> Bytes<N> {
    /// All bytes zero.
    pub const ZERO: Self = Self([0; N]);
}

impl<const N: usize> Default for Bytes<N> {
    fn default() -> Self {
        Self::ZERO
    }
}

impl<const N: usize> fmt::Display for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Debug for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> FromStr for Bytes<N> {
    type Err = NotHex;

    /// Reads 2N hexadecimal digits, after `0x` or not.
    fn from_str(text: &str) -> Result<Self, NotHex> {
        let wrong = || NotHex { text: text.chars().take(80).collect(), digits: 2 * N };
        let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
        if digits.len() != 2 * N {
            return Err(wrong());
        }
        let mut bytes = [0; N];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |at: usize| char::from(pair[at]).to_digit(16).ok_or_else(wrong);
            *byte = (digit(0)? << 4 | digit(1)?) as u8;
        }
        Ok(Self(bytes))
    }
}

impl<const N: usize> Serialize for Bytes<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Bytes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The state between two blocks: what a block starts from and what it ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link {
    /// State root, big-endian.
    pub root: Hash,
    /// Running data hash, big-endian.
    pub data_hash: Hash,
}

/// What the core knows of a block; the file itself is the driver's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its id.
    pub id: BlockId,
    /// The state it starts from.
    pub start: Link,
    /// The state it ends in.
    pub end: Link,
    /// Transfers, at least one.
    pub transfers: u32,
    /// Base-2 logarithm of the rows of a subtree.
    pub rows_log2: u32,
    /// Subtrees of the block.
    pub subtrees: u32,
    /// Groups it is committed in; divides the subtrees.
    pub groups: u32,
}

impl Plan {
    /// Transfers of a group. Subtrees get them in order, as evenly as possible; the first ones get one more.
    pub fn transfers_of(&self, group: u32) -> u32 {
        let before = |subtree: u32| {
            let (floor, longer) = (self.transfers / self.subtrees.max(1), self.transfers % self.subtrees.max(1));
            subtree * floor + subtree.min(longer)
        };
        let per_group = self.subtrees / self.groups.max(1);
        before((group + 1) * per_group) - before(group * per_group)
    }
}

/// Why something ended otherwise than wished: a stable code and a sentence with the remedy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// As `PY-S-110`.
    pub code: String,
    /// What happened, and what to do.
    pub message: String,
}

impl Reason {
    /// A reason.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_share_the_transfers_as_subtrees_do() {
        let plan = |transfers, subtrees, groups| {
            let link = Link { root: Hash::ZERO, data_hash: Hash::ZERO };
            let plan = Plan { id: Hash::ZERO, start: link, end: link, transfers, rows_log2: 12, subtrees, groups };
            (0..groups).map(|group| plan.transfers_of(group)).collect::<Vec<_>>()
        };
        assert_eq!(plan(22, 4, 1), [22]);
        assert_eq!(plan(22, 4, 2), [12, 10], "runs of 6, 6, 5, 5");
        assert_eq!(plan(5, 8, 4), [2, 2, 1, 0], "the first five of eight runs have one");
    }

    #[test]
    fn bytes_are_read_as_they_are_written() {
        let hash = Bytes([0xab, 0x01, 0xff]);
        assert_eq!(hash.to_string(), "0xab01ff");
        assert_eq!("0xab01ff".parse(), Ok(hash));
        assert_eq!("AB01FF".parse(), Ok(hash));
        for wrong in ["", "0x", "ab01f", "ab01ff0", "0xab01f+", "+b01ff", "0xäb1ff"] {
            assert!(wrong.parse::<Bytes<3>>().is_err(), "{wrong}");
        }
    }
}
