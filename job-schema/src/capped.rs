//! Serde helpers for lists, bytes and texts with a cap: a length claim above the cap is refused before allocation, and a
//! value above the cap is refused when it is written.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{self, Serialize, Serializer};

/// Writes at most `MAX` bytes.
pub fn write_bytes<const MAX: usize, S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if bytes.len() > MAX {
        return Err(ser::Error::custom(format!("{} bytes, at most {MAX} allowed", bytes.len())));
    }
    serializer.serialize_bytes(bytes)
}

/// Reads at most `MAX` bytes; they are borrowed from the message until their length is known to be allowed.
pub fn read_bytes<'de, const MAX: usize, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    deserializer.deserialize_bytes(Bytes::<MAX>)
}

/// Writes a text of at most `MAX` bytes.
pub fn write_text<const MAX: usize, S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if text.len() > MAX {
        return Err(ser::Error::custom(format!("a text of {} bytes, at most {MAX} allowed", text.len())));
    }
    serializer.serialize_str(text)
}

/// Reads a text of at most `MAX` bytes.
pub fn read_text<'de, const MAX: usize, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    deserializer.deserialize_str(Text::<MAX>)
}

/// Writes a list of at most `MAX` items.
pub fn write_list<const MAX: usize, T: Serialize, S: Serializer>(list: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    if list.len() > MAX {
        return Err(ser::Error::custom(format!("a list of {} items, at most {MAX} allowed", list.len())));
    }
    list.serialize(serializer)
}

/// Reads a list of at most `MAX` items.
pub fn read_list<'de, const MAX: usize, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_seq(List::<MAX, T>(PhantomData))
}

/// The longest prefix of `text` that has at most `max` bytes and ends between two characters.
pub fn prefix(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let end = (0..=max).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}

struct Bytes<const MAX: usize>;

impl<const MAX: usize> Visitor<'_> for Bytes<MAX> {
    type Value = Vec<u8>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "at most {MAX} bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        if bytes.len() > MAX {
            return Err(E::invalid_length(bytes.len(), &self));
        }
        Ok(bytes.to_vec())
    }
}

struct Text<const MAX: usize>;

impl<const MAX: usize> Visitor<'_> for Text<MAX> {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a text of at most {MAX} bytes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        if text.len() > MAX {
            return Err(E::invalid_length(text.len(), &self));
        }
        Ok(text.to_owned())
    }
}

struct List<const MAX: usize, T>(PhantomData<T>);

impl<'de, const MAX: usize, T: Deserialize<'de>> Visitor<'de> for List<MAX, T> {
    type Value = Vec<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a list of at most {MAX} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let claimed = items.size_hint().unwrap_or(0);
        if claimed > MAX {
            return Err(de::Error::invalid_length(claimed, &self));
        }
        let mut list = Vec::with_capacity(claimed);
        while let Some(item) = items.next_element()? {
            if list.len() == MAX {
                return Err(de::Error::invalid_length(MAX + 1, &self));
            }
            list.push(item);
        }
        Ok(list)
    }
}
