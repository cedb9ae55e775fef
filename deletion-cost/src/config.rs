//! The configuration file of `proofyard-deletion-cost`.

use std::path::{Path, PathBuf};

use proofyard_telemetry::{LogConfig, operations::OperationsConfig};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A configuration that cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("[PY-D-001] cannot read {path}: {source}; check the path given to --config")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// No TOML, an unknown key or a value of the wrong type.
    #[error("[PY-D-002] {path}: {reason}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Key and place.
        reason: String,
    },
    /// A value that does not fit.
    #[error("[PY-D-003] {key} = {value}: {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
}

/// All keys. Each may be left out and then has the value that the commented example shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The coordinator's endpoint, `http://HOST:PORT`.
    pub coordinator: String,
    /// Which pods are workers: a label selector. A worker has the name of its pod.
    pub label_selector: String,
    /// Between two looks.
    pub every_ms: u64,
    /// Looks in a row that may fail before the process ends, to be started anew.
    pub failures_max: u32,
    /// The cluster's API.
    pub cluster: ClusterConfig,
    /// Metrics and health.
    pub operations: OperationsConfig,
    /// Logs.
    pub log: LogConfig,
}

/// Where the cluster's API is, and who asks; the defaults are what a pod finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterConfig {
    /// `https://HOST:PORT`; empty: from KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT.
    pub api: String,
    /// Folder of `token`, `ca.crt` and `namespace`.
    pub account_dir: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            coordinator: "http://coordinator:8640".to_owned(),
            label_selector: "app.kubernetes.io/name=worker".to_owned(),
            every_ms: 2_000,
            failures_max: 30,
            cluster: ClusterConfig::default(),
            operations: OperationsConfig::default(),
            log: LogConfig::default(),
        }
    }
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self { api: String::new(), account_dir: "/var/run/secrets/kubernetes.io/serviceaccount".into() }
    }
}

impl Config {
    /// Reads and checks a file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let config: Self = toml::from_str(&text)
            .map_err(|error| ConfigError::Parse { path: path.to_owned(), reason: error.to_string() })?;
        config.validate()?;
        Ok(config)
    }

    /// Checks each value.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let value =
            |key, value: &dyn ToString, expected| Err(ConfigError::Value { key, value: value.to_string(), expected });
        if !(100..=600_000).contains(&self.every_ms) {
            return value("every_ms", &self.every_ms, "100 to 600000");
        }
        if self.failures_max == 0 {
            return value("failures_max", &self.failures_max, "at least 1: one look may fail");
        }
        if self.label_selector.is_empty() {
            return value(
                "label_selector",
                &self.label_selector,
                "the workers' labels: an empty one would mean all pods",
            );
        }
        if !self.cluster.api.is_empty() && !self.cluster.api.starts_with("https://") {
            return value(
                "cluster.api",
                &self.cluster.api,
                "https://HOST:PORT: the token must not be readable on the way",
            );
        }
        Ok(())
    }
}
