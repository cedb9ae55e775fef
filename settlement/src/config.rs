//! The configuration's part about L1, as it stands in the TOML files of coordinator and sidecar.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

/// A configuration that cannot work.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// No endpoint at all.
    #[error("[PY-L-001] l1.endpoints is empty; name at least one JSON-RPC endpoint, better three")]
    NoEndpoint,
    /// An endpoint's URL cannot be used. The URL itself is not shown: it may hold a key.
    #[error("[PY-L-002] l1.endpoints[{index}]: {reason}; write url = \"https://HOST/...\" or url_file = \"PATH\"")]
    Endpoint {
        /// From 0.
        index: usize,
        /// What is wrong.
        reason: String,
    },
    /// A value is outside what works.
    #[error("[PY-L-003] l1.{field}: {reason}")]
    Value {
        /// The field.
        field: &'static str,
        /// What is wrong, and what is right.
        reason: &'static str,
    },
    /// A file that the configuration names cannot be used.
    #[error("[PY-L-004] {path}: {reason}; name a file that this process may read")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// A string that is never printed: a URL with a key in it, a password.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The string, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// One endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointConfig {
    /// `http://` or `https://`; user, password and keys in it are sent and never logged.
    pub url: Option<Secret>,
    /// A file with the URL in its first line, instead of `url`.
    pub url_file: Option<PathBuf>,
}

/// The table `[l1]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct L1Config {
    /// EIP-155 id; an endpoint that says another is not used.
    pub chain_id: u64,
    /// In order of preference among healthy ones.
    pub endpoints: Vec<EndpointConfig>,
    /// How often each endpoint is asked for its head.
    pub poll_interval_ms: u64,
    /// The longest wait for one answer.
    pub request_timeout_ms: u64,
    /// The largest answer that is read, in bytes.
    pub answer_bytes_max: usize,
    /// An endpoint that many blocks behind the others is set aside.
    pub max_lag_blocks: u64,
    /// How long an endpoint is set aside the first time; doubled each further time, up to 32 times this.
    pub set_aside_ms: u64,
    /// Blocks on top of a block after which it is taken as final.
    pub finality_depth: u64,
    /// What the watcher keeps.
    pub watcher: WatcherConfig,
    /// How transactions are sent.
    pub transactions: TransactionConfig,
}

impl Default for L1Config {
    fn default() -> Self {
        Self {
            chain_id: proofyard_contracts::address::DEFAULT_CHAIN_ID,
            endpoints: Vec::new(),
            poll_interval_ms: 1_000,
            request_timeout_ms: 4_000,
            answer_bytes_max: 16 << 20,
            max_lag_blocks: 3,
            set_aside_ms: 5_000,
            finality_depth: 64,
            watcher: WatcherConfig::default(),
            transactions: TransactionConfig::default(),
        }
    }
}

/// The table `[l1.watcher]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatcherConfig {
    /// The first block whose logs matter: the contracts' deployment.
    pub first_block: u64,
    /// Blocks that a reorg may take back; deeper is an alarm. More than the finality depth.
    pub window_blocks: u64,
    /// Blocks older than the window are asked for in ranges of this many.
    pub history_blocks: u64,
}

impl Default for WatcherConfig {
    fn default() -> Self {
        Self { first_block: 0, window_blocks: 256, history_blocks: 1_000 }
    }
}

/// The table `[l1.transactions]`. Amounts are in wei.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransactionConfig {
    /// A transaction not included within that many blocks is replaced by a dearer one.
    pub replace_after_blocks: u64,
    /// Never more per gas than this, whatever is at risk.
    pub max_fee_per_gas: u128,
    /// At least this as the block builder's part.
    pub min_priority_fee_per_gas: u128,
    /// Part of the value at risk that fees may take while there is time, in 1/10000.
    pub risk_share_bps: u32,
    /// The same in the last block before the deadline.
    pub risk_share_last_bps: u32,
    /// The part grows over the last blocks before the deadline; how many.
    pub urgent_blocks: u64,
    /// Fees that are paid even where little is at risk.
    pub min_budget: u128,
    /// Gas on top of the estimate, in 1/10000.
    pub gas_margin_bps: u32,
    /// The most gas a transaction may ask for.
    pub gas_limit_max: u64,
    /// An intent without deadline is given up after that many refusals by the preflight.
    pub preflight_attempts: u32,
    /// A nonce taken by somebody else counts as lost when the taker is this deep, for intents that may land twice without harm;
    /// for others the finality depth is waited for.
    pub contested_depth: u64,
}

impl Default for TransactionConfig {
    fn default() -> Self {
        Self {
            replace_after_blocks: 2,
            max_fee_per_gas: 2_000_000_000_000,
            min_priority_fee_per_gas: 1_000_000,
            risk_share_bps: 1_000,
            risk_share_last_bps: 9_000,
            urgent_blocks: 12,
            min_budget: 20_000_000_000_000_000,
            gas_margin_bps: 2_000,
            // The most that a transaction may ask for since Osaka (EIP-7825).
            gas_limit_max: 1 << 24,
            preflight_attempts: 3,
            contested_depth: 2,
        }
    }
}

impl L1Config {
    /// Checks what serde cannot.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let value = |field, reason| Err(ConfigError::Value { field, reason });
        let transactions = &self.transactions;
        if self.endpoints.is_empty() {
            return Err(ConfigError::NoEndpoint);
        }
        if self.poll_interval_ms == 0 || self.request_timeout_ms == 0 || self.set_aside_ms == 0 {
            return value("poll_interval_ms, request_timeout_ms, set_aside_ms", "must not be zero");
        }
        if self.answer_bytes_max < 1 << 16 {
            return value("answer_bytes_max", "less than 64 KiB does not hold a block");
        }
        if self.max_lag_blocks == 0 {
            return value("max_lag_blocks", "zero sets aside every endpoint that is a moment late; use 2 or more");
        }
        if !(2..=4_096).contains(&self.watcher.window_blocks) || self.watcher.window_blocks <= self.finality_depth {
            return value("watcher.window_blocks", "must be above finality_depth and at most 4096");
        }
        if !(1..=100_000).contains(&self.watcher.history_blocks) {
            return value("watcher.history_blocks", "must be between 1 and 100000");
        }
        if transactions.replace_after_blocks == 0 || transactions.preflight_attempts == 0 {
            return value("transactions.replace_after_blocks, preflight_attempts", "must not be zero");
        }
        if transactions.risk_share_bps > transactions.risk_share_last_bps || transactions.risk_share_last_bps > 10_000 {
            return value("transactions.risk_share_bps", "risk_share_bps <= risk_share_last_bps <= 10000 must hold");
        }
        if transactions.min_priority_fee_per_gas < 8
            || transactions.min_priority_fee_per_gas > transactions.max_fee_per_gas
        {
            return value(
                "transactions.min_priority_fee_per_gas",
                "must be at least 8 wei and at most max_fee_per_gas",
            );
        }
        if !(21_000..=1 << 30).contains(&transactions.gas_limit_max) || transactions.gas_margin_bps > 100_000 {
            return value(
                "transactions.gas_limit_max, gas_margin_bps",
                "21000 or more gas, at most 100000 bps of margin",
            );
        }
        Ok(())
    }

    /// Time between two questions for the head.
    pub fn poll_interval(&self) -> Duration {
        Duration::from_millis(self.poll_interval_ms)
    }

    /// The longest wait for one answer.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }
}

impl EndpointConfig {
    /// An endpoint by its URL.
    pub fn url(url: impl Into<String>) -> Self {
        Self { url: Some(Secret(url.into())), url_file: None }
    }

    /// The URL, from the table or the file.
    pub fn resolve(&self) -> Result<Secret, String> {
        match (&self.url, &self.url_file) {
            (Some(url), None) => Ok(url.clone()),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
                let first = text.lines().next().unwrap_or_default().trim();
                Ok(Secret(first.to_owned()))
            }
            _ => Err("exactly one of url and url_file is needed".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minimal() -> L1Config {
        L1Config { endpoints: vec![EndpointConfig::url("http://127.0.0.1:1")], ..L1Config::default() }
    }

    #[test]
    fn the_defaults_are_valid_and_unknown_fields_are_refused() {
        assert_eq!(minimal().validate(), Ok(()));
        assert_eq!(L1Config::default().validate(), Err(ConfigError::NoEndpoint));
        assert!(toml::from_str::<L1Config>("chain_id = 1\nfinality = 3").is_err());
        let parsed: L1Config = toml::from_str(
            "chain_id = 1\n[[endpoints]]\nurl = \"https://user:key@host/\"\n[transactions]\nreplace_after_blocks = 1",
        )
        .expect("a configuration");
        assert_eq!((parsed.chain_id, parsed.transactions.replace_after_blocks), (1, 1));
        assert!(!format!("{parsed:?}").contains("key@"), "credentials are not printed");
    }

    #[test]
    fn values_that_cannot_work_are_refused() {
        type Change = fn(&mut L1Config);
        let changes: [Change; 6] = [
            |config| config.poll_interval_ms = 0,
            |config| config.watcher.window_blocks = config.finality_depth,
            |config| config.transactions.replace_after_blocks = 0,
            |config| config.transactions.risk_share_bps = 9_001,
            |config| config.transactions.min_priority_fee_per_gas = 0,
            |config| config.max_lag_blocks = 0,
        ];
        for change in changes {
            let mut config = minimal();
            change(&mut config);
            assert!(matches!(config.validate(), Err(ConfigError::Value { .. })));
        }
    }

    #[test]
    fn an_endpoint_is_a_url_or_a_file() {
        assert!(EndpointConfig::default().resolve().is_err());
        let mut both = EndpointConfig::url("http://a");
        both.url_file = Some("b".into());
        assert!(both.resolve().is_err());
    }
}
