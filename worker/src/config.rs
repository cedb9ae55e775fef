//! The configuration file of `proofyard-worker`.

use std::path::{Path, PathBuf};

use proofyard_bus::{FarmName, nats::NatsAccess};
use proofyard_job_schema::WorkerId;
use proofyard_telemetry::{LogConfig, TracesConfig, operations::OperationsConfig};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{core::Limits, device::DeviceConfig};

/// A configuration that cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("[PY-W-001] cannot read {path}: {source}; check the path given to --config")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// No TOML, an unknown key or a value of the wrong type.
    #[error("[PY-W-002] {path}: {reason}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Key and place.
        reason: String,
    },
    /// A value that does not fit.
    #[error("[PY-W-003] {key} = {value}: {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        expected: String,
    },
}

/// All keys. Each may be left out and then has the value that the commented example shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The worker's name, unique in its farm; empty: `worker-` and the process id.
    pub id: String,
    /// Threads that prove; 0: one for each core.
    pub threads: usize,
    /// Jobs held at once.
    pub capacity: u32,
    /// Sessions kept.
    pub sessions_max: u32,
    /// After SIGTERM, a running job is handed back after this long.
    pub drain_ms: u64,
    /// What proves.
    pub device: DeviceConfig,
    /// The bus.
    pub bus: BusConfig,
    /// The setup.
    pub setup: SetupConfig,
    /// Metrics and health.
    pub operations: OperationsConfig,
    /// Logs.
    pub log: LogConfig,
    /// Traces.
    pub traces: TracesConfig,
}

/// The bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BusConfig {
    /// `nats://HOST:PORT` or `tls://HOST:PORT` of a server with JetStream.
    pub url: String,
    /// Name of the farm.
    pub farm: String,
    /// The user on the server; empty: none, or the one in `url`.
    pub user: String,
    /// File with the user's password in its first line.
    pub password_file: PathBuf,
    /// File with the certificates of the authorities that are trusted; needs TLS. Empty: the system's, for `tls://`.
    pub ca_file: PathBuf,
}

impl BusConfig {
    /// How the server is reached.
    pub fn access(&self) -> NatsAccess {
        let Self { url, user, password_file, ca_file, .. } = self.clone();
        NatsAccess { url, user, password_file, ca_file }
    }
}

/// The setup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SetupConfig {
    /// Folder of SRS and keys.
    pub dir: PathBuf,
    /// The ceremony's digest, 64 hexadecimal digits; empty for the developers' setup.
    pub label: String,
}

impl Default for Config {
    fn default() -> Self {
        let Limits { at_once: _, capacity, sessions_max, drain_ms } = Limits::default();
        Self {
            id: String::new(),
            threads: 0,
            capacity,
            sessions_max,
            drain_ms,
            device: DeviceConfig::default(),
            bus: BusConfig::default(),
            setup: SetupConfig::default(),
            operations: OperationsConfig::default(),
            log: LogConfig::default(),
            traces: TracesConfig::default(),
        }
    }
}

impl Default for BusConfig {
    fn default() -> Self {
        Self {
            url: "nats://127.0.0.1:4222".to_owned(),
            farm: "main".to_owned(),
            user: String::new(),
            password_file: PathBuf::new(),
            ca_file: PathBuf::new(),
        }
    }
}

impl Default for SetupConfig {
    fn default() -> Self {
        Self { dir: "setup".into(), label: String::new() }
    }
}

/// The configuration as a file.
pub fn to_toml(config: &Config) -> String {
    // Numbers, texts and tables after them: nothing that TOML cannot say.
    toml::to_string(config).unwrap_or_default()
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
        self.worker_id()?;
        self.label()?;
        self.farm()?;
        if let Err(error) = self.bus.access().validate() {
            let value = "(a section)".to_owned();
            return Err(ConfigError::Value { key: "bus", value, expected: error.to_string() });
        }
        let range = |key: &'static str, value: u64, least: u64, most: u64| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            Err(ConfigError::Value { key, value: value.to_string(), expected: format!("{least} to {most}") })
        };
        range("threads", self.threads as u64, 0, 1_024)?;
        range("capacity", self.capacity.into(), 1, 64)?;
        range("device.jobs_at_once", self.device.jobs_at_once.into(), 0, 16)?;
        range("device.memory_mib", self.device.memory_mib, 0, 1 << 20)?;
        range("sessions_max", self.sessions_max.into(), 1, 4_096)?;
        // A worker is gone 10 s after SIGTERM; saying goodbye takes up to one second.
        range("drain_ms", self.drain_ms, 0, 8_500)
    }

    /// The worker's name.
    pub fn worker_id(&self) -> Result<WorkerId, ConfigError> {
        let name = if self.id.is_empty() { format!("worker-{}", std::process::id()) } else { self.id.clone() };
        WorkerId::new(&name).map_err(|error| ConfigError::Value { key: "id", value: name, expected: error.to_string() })
    }

    /// The farm's name.
    pub fn farm(&self) -> Result<FarmName, ConfigError> {
        FarmName::new(&self.bus.farm).map_err(|error| ConfigError::Value {
            key: "bus.farm",
            value: self.bus.farm.clone(),
            expected: error.to_string(),
        })
    }

    /// The ceremony's digest, if one is named.
    pub fn label(&self) -> Result<Option<[u8; 32]>, ConfigError> {
        let text = &self.setup.label;
        if text.is_empty() {
            return Ok(None);
        }
        let digest: Result<proofyard_job_schema::BlobDigest, _> = text.parse();
        digest.map(|digest| Some(digest.0)).map_err(|error| ConfigError::Value {
            key: "setup.label",
            value: text.clone(),
            expected: error.to_string(),
        })
    }

    /// The core's bounds.
    pub fn limits(&self) -> Limits {
        Limits {
            capacity: self.capacity,
            sessions_max: self.sessions_max,
            drain_ms: self.drain_ms,
            ..Limits::default()
        }
    }

    /// Threads that prove.
    pub fn threads(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }
}
