//! The configuration file of `proofyard-coordinator`.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use proofyard_bus::nats::NatsAccess;
use proofyard_settlement::{config::L1Config, signer::SignerConfig};
use proofyard_telemetry::{LogConfig, TracesConfig, operations::OperationsConfig};
use serde::{Deserialize, Serialize};

use crate::{
    autoscaling::AutoscalingConfig,
    core::{
        Policy,
        policy::{HEARTBEAT_MS, TICK_MS},
    },
    endpoint::IntakeConfig,
    error::ConfigError,
    market::MarketConfig,
    settle::SettlementConfig,
};

/// All keys. Each may be left out and then has the value that the commented example shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address of the HTTP endpoint.
    pub listen: SocketAddr,
    /// Longest block file taken, in bytes.
    pub block_bytes_max: usize,
    /// What the endpoint takes.
    pub intake: IntakeConfig,
    /// The bus.
    pub bus: BusConfig,
    /// The setup.
    pub setup: SetupConfig,
    /// What proofs are bound to.
    pub statement: StatementConfig,
    /// Times and counts of scheduling.
    pub schedule: Policy,
    /// L1. Left out: the coordinator makes no quotes and submits nothing.
    #[serde(skip_serializing)]
    pub l1: Option<L1Config>,
    /// The prover's key. Needed beside `l1`.
    #[serde(skip_serializing)]
    pub signer: Option<SignerConfig>,
    /// How the coordinator works on L1.
    pub settlement: SettlementConfig,
    /// What it sells there.
    pub market: MarketConfig,
    /// How many workers it asks for.
    pub autoscaling: AutoscalingConfig,
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
    /// Name of the farm; coordinator and workers of one farm use the same.
    pub farm: String,
    /// Servers of a NATS cluster that keep each stream.
    pub replicas: usize,
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
    /// Base-2 logarithm of the rows of a subtree.
    pub rows_log2: u32,
    /// The ceremony's digest, 64 hexadecimal digits; empty for the developers' setup.
    pub label: String,
}

/// What proofs are bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StatementConfig {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Address of the verifier contract.
    pub contract: String,
    /// Address that earns the submission reward; zero: whoever sends the transaction.
    pub beneficiary: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8640)),
            block_bytes_max: 16 << 20,
            intake: IntakeConfig::default(),
            bus: BusConfig::default(),
            setup: SetupConfig::default(),
            statement: StatementConfig::default(),
            schedule: Policy::default(),
            l1: None,
            signer: None,
            settlement: SettlementConfig::default(),
            market: MarketConfig::default(),
            autoscaling: AutoscalingConfig::default(),
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
            replicas: 1,
            user: String::new(),
            password_file: PathBuf::new(),
            ca_file: PathBuf::new(),
        }
    }
}

impl Default for SetupConfig {
    fn default() -> Self {
        Self { dir: "setup".into(), rows_log2: 16, label: String::new() }
    }
}

impl Default for StatementConfig {
    fn default() -> Self {
        let zero = format!("0x{}", "00".repeat(20));
        Self { chain_id: 31_337, contract: zero.clone(), beneficiary: zero }
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

    /// Checks each value and how they relate.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let at_least = |key: &'static str, value: u64, least: u64, why: &str| {
            if value >= least {
                return Ok(());
            }
            Err(ConfigError::Value { key, value: value.to_string(), expected: format!("at least {least}: {why}") })
        };
        let schedule = &self.schedule;
        at_least("schedule.lease_ms", schedule.lease_ms, 4 * HEARTBEAT_MS, "workers report every 300 ms")?;
        at_least("schedule.hedge_floor_ms", schedule.hedge_floor_ms, TICK_MS, "time is looked at that often")?;
        at_least("schedule.hedge_median_percent", schedule.hedge_median_percent, 100, "half of all jobs are slower")?;
        at_least("schedule.job_timeout_ms", schedule.job_timeout_ms, schedule.lease_ms, "not below lease_ms")?;
        let (deadline, timeout) = (schedule.block_deadline_ms, schedule.job_timeout_ms);
        at_least("schedule.block_deadline_ms", deadline, timeout, "not below job_timeout_ms")?;
        at_least("schedule.failures_max", schedule.failures_max.into(), 1, "one attempt is needed")?;
        at_least("schedule.disputes_max", schedule.disputes_max.into(), 1, "one lie must be survived")?;
        at_least("schedule.blocks_max", schedule.blocks_max as u64, 1, "one block must be taken")?;
        at_least("block_bytes_max", self.block_bytes_max as u64, 1_024, "no block is shorter")?;
        let intake = &self.intake;
        at_least("intake.requests_per_minute", intake.requests_per_minute.into(), 1, "somebody must be heard")?;
        at_least("intake.requests_burst", intake.requests_burst.into(), 1, "somebody must be heard")?;
        let one_block = 2 * self.block_bytes_max as u64 + (64 << 10);
        at_least(
            "intake.bodies_bytes_max",
            intake.bodies_bytes_max as u64,
            one_block,
            "twice block_bytes_max and 64 KiB",
        )?;
        at_least("intake.body_ms", intake.body_ms, 100, "a body takes time")?;
        at_least("intake.quote_ms", intake.quote_ms, 10, "a quote takes time")?;
        at_least("intake.connections_max", intake.connections_max as u64, 1, "one client must be served")?;
        if !intake.explorer_is_linkable() {
            let value = intake.explorer_url.clone().unwrap_or_default();
            let expected = "http:// or https:// and a host, at most 256 characters, without ? and #".to_owned();
            return Err(ConfigError::Value { key: "intake.explorer_url", value, expected });
        }
        if schedule.hedge_after_percent > 100 {
            let value = schedule.hedge_after_percent.to_string();
            let expected = "at most 100: it is a share of the subtrees".to_owned();
            return Err(ConfigError::Value { key: "schedule.hedge_after_percent", value, expected });
        }
        if schedule.drain_ms > 9_500 {
            let value = schedule.drain_ms.to_string();
            let expected = "at most 9500: a coordinator is gone 10 s after SIGTERM".to_owned();
            return Err(ConfigError::Value { key: "schedule.drain_ms", value, expected });
        }
        if proofyard_rollup::circuit::capacity(self.setup.rows_log2) == 0 {
            let value = self.setup.rows_log2.to_string();
            let expected = "a size class of the transfer circuit".to_owned();
            return Err(ConfigError::Value { key: "setup.rows_log2", value, expected });
        }
        if let Err(error) = proofyard_bus::FarmName::new(&self.bus.farm) {
            let value = self.bus.farm.clone();
            return Err(ConfigError::Value { key: "bus.farm", value, expected: error.to_string() });
        }
        if !(1..=5).contains(&self.bus.replicas) {
            let expected = "1 to 5, and not more than the NATS cluster has servers".to_owned();
            return Err(ConfigError::Value { key: "bus.replicas", value: self.bus.replicas.to_string(), expected });
        }
        if let Err(error) = self.bus.access().validate() {
            let value = "(a section)".to_owned();
            return Err(ConfigError::Value { key: "bus", value, expected: error.to_string() });
        }
        self.market.validate()?;
        self.autoscaling.validate()?;
        match &self.l1 {
            Some(l1) => self.settlement.validate(l1, self.signer.as_ref(), &self.market)?,
            None => self.without_l1()?,
        }
        self.label()?;
        self.contract()?;
        self.beneficiary()?;
        Ok(())
    }

    /// What is only of use beside `[l1]` must not be set without it: somebody believes that the coordinator is on L1.
    fn without_l1(&self) -> Result<(), ConfigError> {
        let set = [
            ("signer", self.signer.is_some()),
            ("settlement", self.settlement != SettlementConfig::default()),
            ("market", self.market != MarketConfig::default()),
        ];
        match set.into_iter().find(|(_, is_set)| *is_set) {
            Some((key, _)) => {
                let expected = "nothing without a section [l1]: add that, or take this section away".to_owned();
                Err(ConfigError::Value { key, value: "(a section)".to_owned(), expected })
            }
            None => Ok(()),
        }
    }

    /// The ceremony's digest, if one is named.
    pub fn label(&self) -> Result<Option<[u8; 32]>, ConfigError> {
        if self.setup.label.is_empty() { Ok(None) } else { digits("setup.label", &self.setup.label).map(Some) }
    }

    /// The verifier contract's address.
    pub fn contract(&self) -> Result<[u8; 20], ConfigError> {
        digits("statement.contract", &self.statement.contract)
    }

    /// The beneficiary's address.
    pub fn beneficiary(&self) -> Result<[u8; 20], ConfigError> {
        digits("statement.beneficiary", &self.statement.beneficiary)
    }
}

/// N bytes as 2N hexadecimal digits, after `0x` or not.
fn digits<const N: usize>(key: &'static str, text: &str) -> Result<[u8; N], ConfigError> {
    let wrong = || ConfigError::Value {
        key,
        value: text.to_owned(),
        expected: format!("{} hexadecimal digits, optionally after 0x", 2 * N),
    };
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.len() != 2 * N || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let mut bytes = [0; N];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}
