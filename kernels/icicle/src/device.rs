//! The name of a device.

use std::fmt;

use crate::error::OpenError;

/// The kind that is opened unless another is named: the one that ICICLE's licences are about.
pub(crate) const DEFAULT: &str = "CUDA";

/// The longest kind: `Device::type` of `icicle/device.h` has 64 bytes with the zero at the end.
pub(crate) const KIND_BYTES_MAX: usize = 63;

/// A kind of device that ICICLE registers under a name ("CUDA", "METAL", "CPU") and an index among them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DeviceName {
    pub(crate) kind: String,
    pub(crate) index: i32,
}

impl DeviceName {
    /// Reads "KIND" or "KIND:index".
    pub(crate) fn parse(text: &str) -> Result<Self, OpenError> {
        let refused = || OpenError::DeviceName(text.chars().take(80).collect());
        let (kind, index) = match text.split_once(':') {
            Some((kind, index)) if index.bytes().all(|byte| byte.is_ascii_digit()) => {
                (kind, index.parse().map_err(|_| refused())?)
            }
            Some(_) => return Err(refused()),
            None => (text, 0),
        };
        let is_kind = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if kind.is_empty() || kind.len() > KIND_BYTES_MAX || !kind.bytes().all(is_kind) {
            return Err(refused());
        }
        Ok(Self { kind: kind.to_owned(), index })
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_or_refused() {
        let name = |text| DeviceName::parse(text).map(|name| name.to_string());
        assert_eq!(name("CUDA").unwrap(), "CUDA:0");
        assert_eq!(name("CUDA-PQC:12").unwrap(), "CUDA-PQC:12");
        let long = "K".repeat(64);
        for text in ["", ":1", "CUDA:", "CUDA:-1", "CUDA:+1", "CUDA:99999999999", "CU DA", "CUDA\0", &long] {
            assert!(matches!(name(text), Err(OpenError::DeviceName(_))), "{text}");
        }
    }
}
