//! The section `[intake]` of the configuration file.

use std::{path::PathBuf, time::Duration};

use proofyard_coordinator_client::auth::{Rate, ReplayLimits};
use serde::{Deserialize, Serialize};

use super::{Connections, Limits, OperatorToken};
use crate::error::ConfigError;

/// What the endpoint takes, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IntakeConfig {
    /// Bare block files are taken, unsigned and unpaid. Left out: yes without L1, no with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unquoted: Option<bool>,
    /// File whose first line is the operators' token, of 16 characters or more. Left out: nobody can drain workers over HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_token_file: Option<PathBuf>,
    /// The chain's block explorer, `https://HOST`: transactions are linked to `/tx/HASH` of it. Left out: no links.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explorer_url: Option<String>,
    /// Requests of one signer in a minute, in the long run.
    pub requests_per_minute: u32,
    /// Requests of one signer at once.
    pub requests_burst: u32,
    /// Bytes of all bodies held at once, unpacked.
    pub bodies_bytes_max: usize,
    /// A body must have come after this long.
    pub body_ms: u64,
    /// A quote is worked on for at most this long.
    pub quote_ms: u64,
    /// Event streams at once.
    pub followers_max: usize,
    /// Connections at once; more wait.
    pub connections_max: usize,
}

impl Default for IntakeConfig {
    fn default() -> Self {
        let (limits, connections) = (Limits::default(), Connections::default());
        Self {
            unquoted: None,
            operator_token_file: None,
            explorer_url: None,
            requests_per_minute: limits.rate.per_minute,
            requests_burst: limits.rate.burst,
            bodies_bytes_max: limits.bodies_bytes_max,
            body_ms: limits.body_time.as_millis() as u64,
            quote_ms: limits.quote_time.as_millis() as u64,
            followers_max: limits.followers_max,
            connections_max: connections.max,
        }
    }
}

impl IntakeConfig {
    /// True when links can be made with the explorer's address: nothing but http and https may stand in a link.
    pub(crate) fn explorer_is_linkable(&self) -> bool {
        let Some(url) = &self.explorer_url else { return true };
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:/_~%[]@".contains(&byte);
        rest.is_some_and(|rest| !rest.trim_matches('/').is_empty() && rest.len() <= 256 && rest.bytes().all(plain))
    }

    /// The operators' token, if a file is named.
    pub fn operators(&self) -> Result<Option<OperatorToken>, ConfigError> {
        let Some(path) = &self.operator_token_file else { return Ok(None) };
        let token = OperatorToken::read(path);
        token.map(Some).map_err(|source| ConfigError::Read { path: path.clone(), source })
    }

    /// The endpoint's limits. `has_l1`: the coordinator is on L1 and makes quotes.
    pub fn limits(&self, block_bytes_max: usize, has_l1: bool, operators: Option<OperatorToken>) -> Limits {
        let rate = Rate { per_minute: self.requests_per_minute, burst: self.requests_burst, ..Rate::default() };
        // A nonce is remembered for a minute at most, so the rate says how many one signer can have.
        let nonces_per_caller = rate.per_minute.saturating_add(rate.burst);
        Limits {
            block_bytes_max,
            bodies_bytes_max: self.bodies_bytes_max,
            body_time: Duration::from_millis(self.body_ms),
            quote_time: Duration::from_millis(self.quote_ms),
            followers_max: self.followers_max,
            rate,
            replay: ReplayLimits { nonces_per_caller, ..ReplayLimits::default() },
            unquoted: self.unquoted.unwrap_or(!has_l1),
            operators,
            explorer_url: self.explorer_url.as_deref().map(|url| url.trim_end_matches('/').to_owned()),
        }
    }

    /// How many connections are served.
    pub fn connections(&self) -> Connections {
        Connections { max: self.connections_max, ..Connections::default() }
    }
}
