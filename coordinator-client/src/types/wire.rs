//! How numbers, addresses, hashes and bytes are written in JSON: `0x` hexadecimal, base64 for the block file, capped on the way in.

use std::fmt;

use alloy_primitives::{Address, B256, U256};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
};

/// Reads a string without copying it first.
struct Text<F>(&'static str, F);

impl<T, F: FnOnce(&str) -> Option<T>> Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let expected = self.0;
        (self.1)(text).ok_or_else(|| E::custom(format_args!("expected {expected}")))
    }
}

fn text<'de, T, D: Deserializer<'de>>(
    from: D,
    expected: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    from.deserialize_str(Text(expected, read))
}

fn digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.strip_prefix("0x")?;
    let mut bytes = [0; N];
    alloy_primitives::hex::decode_to_slice(digits, &mut bytes).ok()?;
    // The decoder would take a second prefix.
    (digits.len() == 2 * N).then_some(bytes)
}

/// A 256-bit number: `0x` and 1 to 64 hexadecimal digits.
pub mod number {
    use super::*;

    /// Writes without leading zeros.
    pub fn serialize<S: Serializer>(number: &U256, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{number:#x}"))
    }

    /// Reads; leading zeros are allowed.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<U256, D::Error> {
        text(from, "0x and 1 to 64 hexadecimal digits", |text| {
            let digits = text.strip_prefix("0x")?;
            let fits = (1..=64).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            fits.then(|| U256::from_str_radix(digits, 16).ok()).flatten()
        })
    }
}

/// An address: `0x` and 40 hexadecimal digits.
pub mod address {
    use super::*;

    /// Writes in lower case.
    pub fn serialize<S: Serializer>(address: &Address, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{address:#x}"))
    }

    /// Reads either case; a checksum by case is not looked at.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Address, D::Error> {
        text(from, "0x and 40 hexadecimal digits", |text| digits(text).map(Address::new))
    }
}

/// A hash or another 32-byte word: `0x` and 64 hexadecimal digits.
pub mod hash {
    use super::*;

    /// Writes in lower case.
    pub fn serialize<S: Serializer>(hash: &B256, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{hash:#x}"))
    }

    /// Reads either case.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<B256, D::Error> {
        text(from, "0x and 64 hexadecimal digits", |text| digits(text).map(B256::new))
    }
}

/// A hash that may be missing (`null`).
pub mod hash_option {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Hash(#[serde(with = "hash")] B256);

    /// Writes the hash, or `null`.
    pub fn serialize<S: Serializer>(hash: &Option<B256>, to: S) -> Result<S::Ok, S::Error> {
        hash.map(Hash).serialize(to)
    }

    /// Reads a hash or `null`.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<B256>, D::Error> {
        Ok(Option::<Hash>::deserialize(from)?.map(|Hash(hash)| hash))
    }
}

/// An address that may be missing (`null`).
pub mod address_option {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Wrapped(#[serde(with = "address")] Address);

    /// Writes the address, or `null`.
    pub fn serialize<S: Serializer>(address: &Option<Address>, to: S) -> Result<S::Ok, S::Error> {
        address.map(Wrapped).serialize(to)
    }

    /// Reads an address or `null`.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Address>, D::Error> {
        Ok(Option::<Wrapped>::deserialize(from)?.map(|Wrapped(address)| address))
    }
}

/// A signature: `0x` and the digits of at most [`SIGNATURE_BYTES_MAX`](super::SIGNATURE_BYTES_MAX) bytes.
pub mod signature {
    use alloy_primitives::{Bytes, hex};

    use super::*;
    use crate::types::SIGNATURE_BYTES_MAX;

    /// Writes in lower case.
    pub fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{bytes:#x}"))
    }

    /// Reads either case.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        text(from, "0x and the hexadecimal digits of a signature of 1 to 1024 bytes", |text| {
            let digits = text.strip_prefix("0x")?;
            let fits = (2..=2 * SIGNATURE_BYTES_MAX).contains(&digits.len())
                && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            fits.then(|| hex::decode(digits).ok()).flatten().map(Bytes::from)
        })
    }
}

/// The block file in base64 (RFC 4648, with padding).
pub mod block_file {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use bytes::Bytes;

    use super::*;
    use crate::types::BLOCK_FILE_BYTES_MAX;

    /// Writes with padding.
    pub fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&base64::display::Base64Display::new(bytes, &STANDARD))
    }

    /// Reads; padding is needed, white space refused.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        text(from, "base64 with padding of at most 64 MiB", |text| {
            let fits = text.len() <= BLOCK_FILE_BYTES_MAX.div_ceil(3) * 4;
            fits.then(|| STANDARD.decode(text).ok()).flatten().map(Bytes::from)
        })
    }
}

/// A URI of at most [`URI_BYTES_MAX`](super::URI_BYTES_MAX) bytes.
pub mod uri {
    use super::*;
    use crate::types::URI_BYTES_MAX;

    /// Writes as it is.
    pub fn serialize<S: Serializer>(uri: &str, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(uri)
    }

    /// Reads printable ASCII without spaces.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
        text(from, "a URI of at most 1024 printable ASCII characters", |text| {
            let fits = text.len() <= URI_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
            fits.then(|| text.to_owned())
        })
    }
}

/// State root, data hash, fees.
pub mod baton {
    use super::*;

    #[derive(Serialize, Deserialize)]
    pub(super) struct Words([Word; 3]);

    #[derive(Clone, Copy, Serialize, Deserialize)]
    struct Word(#[serde(with = "number")] U256);

    impl Words {
        pub(super) fn new(words: [U256; 3]) -> Self {
            Self(words.map(Word))
        }

        pub(super) fn words(self) -> [U256; 3] {
            self.0.map(|Word(word)| word)
        }
    }

    /// Writes three numbers.
    pub fn serialize<S: Serializer>(words: &[U256; 3], to: S) -> Result<S::Ok, S::Error> {
        Words::new(*words).serialize(to)
    }

    /// Reads three numbers.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[U256; 3], D::Error> {
        Words::deserialize(from).map(Words::words)
    }
}

/// At most [`GROUPS_MAX`](super::GROUPS_MAX) batons.
pub mod batons {
    use super::{baton::Words, *};
    use crate::types::GROUPS_MAX;

    /// Writes a list.
    pub fn serialize<S: Serializer>(batons: &[[U256; 3]], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(batons.iter().map(|words| Words::new(*words)))
    }

    /// Reads a list, and no further than its cap.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<[U256; 3]>, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Vec<[U256; 3]>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "1 to {GROUPS_MAX} batons")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut batons = Vec::new();
                while let Some(words) = list.next_element::<Words>()? {
                    if batons.len() == GROUPS_MAX {
                        return Err(A::Error::invalid_length(GROUPS_MAX + 1, &self));
                    }
                    batons.push(words.words());
                }
                if batons.is_empty() { Err(A::Error::invalid_length(0, &self)) } else { Ok(batons) }
            }
        }
        from.deserialize_seq(List)
    }
}
