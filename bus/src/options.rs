//! Settings that both adapters share.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::error::BusError;

/// Settings of a bus. All ends of one farm use the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusOptions {
    /// An unsettled delivery comes again after this time.
    pub ack_wait: Duration,
    /// A message is delivered at most this often; then it does not come again and the coordinator's timers take over.
    /// (On NATS it still counts as waiting until it is withdrawn or an hour old.)
    pub deliveries_max: u32,
    /// At most this many commands, and as many stored worker messages, wait in a farm.
    pub waiting_max: u32,
    /// At most this many bytes of blobs are kept in a farm.
    pub blobs_bytes_max: u64,
    /// Servers of a NATS cluster that keep each stream: 3 survive the loss of one. A single server has 1.
    pub replicas: usize,
}

impl Default for BusOptions {
    fn default() -> Self {
        Self {
            ack_wait: Duration::from_secs(10),
            deliveries_max: 16,
            waiting_max: 16_384,
            blobs_bytes_max: 1024 * 1024 * 1024,
            replicas: 1,
        }
    }
}

/// The name of a farm: 1 to 32 of the characters `a-z A-Z 0-9 _ -`. Farms with different names share a server without
/// seeing each other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FarmName(String);

impl FarmName {
    /// Checks and takes a name.
    pub fn new(name: &str) -> Result<Self, BusError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=32).contains(&name.len()) && name.bytes().all(allowed) {
            Ok(Self(name.to_owned()))
        } else {
            Err(BusError::FarmName(name.chars().take(64).collect()))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for FarmName {
    /// The farm `main`.
    fn default() -> Self {
        Self("main".to_owned())
    }
}

impl FromStr for FarmName {
    type Err = BusError;

    fn from_str(name: &str) -> Result<Self, BusError> {
        Self::new(name)
    }
}

impl fmt::Display for FarmName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
