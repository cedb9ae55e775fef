//! The configuration file of `proofyard-sidecar`.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use proofyard_embedded_farm::coordinator::rollup::circuit;
use proofyard_settlement::{config::L1Config, signer::SignerConfig};
use proofyard_telemetry::{LogConfig, operations::OperationsConfig};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    core::{
        policy::{Bidder, Persona, Policy},
        types::{Address, Amount, PRICE_MAX},
    },
    error::ConfigError,
};

/// What is left of a header's 256 bytes for a URI after `/v1/blocks/{id}/file`.
const PUBLIC_URL_BYTES_MAX: usize = 256 - 80;

/// All keys. Each but `l1.endpoints` and `signer` may be left out and then has the value that the commented example shows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address of the HTTP endpoint. Whoever reaches it may hand in blocks.
    pub listen: SocketAddr,
    /// Address that serves revealed block files and nothing else.
    pub public_listen: Option<SocketAddr>,
    /// Under which provers reach revealed block files; empty: they do not.
    pub public_url: String,
    /// Longest block file taken, in bytes.
    pub block_bytes_max: usize,
    /// Blocks taken and not ended.
    pub blocks_max: usize,
    /// The file that holds everything durable.
    pub state: PathBuf,
    /// Hours for which the files of blocks that are through are kept.
    pub keep_files_hours: u64,
    /// The deployment's addresses.
    pub deployment: PathBuf,
    /// The sequencer's VRF key: 64 hexadecimal digits in the first line.
    pub vrf_key_file: PathBuf,
    /// How blocks are proven.
    pub persona: PersonaConfig,
    /// How blocks are cut.
    pub block: BlockConfig,
    /// What is paid.
    pub tip: TipConfig,
    /// The auction.
    pub bids: BidsConfig,
    /// Rescue and self-proving.
    pub proving: ProvingConfig,
    /// Waiting for L1.
    pub waiting: WaitingConfig,
    /// The farm in this process.
    pub farm: FarmConfig,
    /// Metrics and health.
    pub operations: OperationsConfig,
    /// Logs.
    pub log: LogConfig,
    /// Coordinators that may be asked.
    pub coordinators: Vec<CoordinatorConfig>,
    /// The sequencer's key.
    pub signer: SignerConfig,
    /// L1.
    pub l1: L1Config,
}

/// How a sequencer has its blocks proven; see [`Persona`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PersonaConfig {
    /// By itself.
    SelfProve,
    /// By named provers that pay the deposit.
    TrustedList,
    /// By whoever is best.
    OpenAuction,
}

/// How blocks are cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlockConfig {
    /// Base-2 logarithm of the rows of a subtree.
    pub rows_log2: u32,
    /// Groups that a block is committed in.
    pub groups: u32,
}

/// What is paid. Amounts are decimal strings in a token's smallest unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TipConfig {
    /// Token of tips and prices; zero is ETH.
    pub token: Address,
    /// Highest price for a whole block.
    #[serde(with = "decimal")]
    pub price_max: Amount,
    /// Part of the block reward for the provers, in 1/10000.
    pub reward_share_bps: u16,
    /// Wei that transactions of one height may be worth; bounds their fees.
    #[serde(with = "decimal")]
    pub at_risk: Amount,
    /// Credits below this stay on the contract.
    #[serde(with = "decimal")]
    pub withdraw_min: Amount,
}

/// The auction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BidsConfig {
    /// How long bids are waited for.
    pub deadline_ms: u64,
    /// Heights for which a bidder that did not deliver is not asked.
    pub cool_down: u64,
}

/// Rescue and self-proving, in L1 blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProvingConfig {
    /// Most transfers of a block that is self-proven from the start.
    pub self_prove_transfers: u32,
    /// Blocks that self-proving takes at most.
    pub self_prove_blocks: u64,
    /// Another prover is asked when fewer blocks are left between the expected proof and the window's end.
    pub rescue_slack_blocks: u64,
    /// A prover not heard of for this long counts as failed.
    pub silent_blocks: u64,
    /// A proof is published at least this long before its window ends.
    pub submit_blocks: u64,
}

/// Waiting for L1, in its blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WaitingConfig {
    /// Time between two L1 blocks, in milliseconds.
    pub block_ms: u64,
    /// Blocks a proposal may take to get into L1.
    pub propose_blocks: u64,
    /// A transaction that L1 no longer shows is sent again, and an end is believed, after this long.
    pub missing_blocks: u64,
    /// A block that nothing leads to any more is handed back after this long.
    pub stale_blocks: u64,
    /// Heights a block is tried at before it is handed back.
    pub attempts_max: u32,
}

/// The farm in this process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FarmConfig {
    /// Folder of SRS and keys.
    pub setup_dir: PathBuf,
    /// The ceremony's digest, 64 hexadecimal digits; empty for the developers' setup.
    pub label: String,
    /// Workers.
    pub workers: usize,
    /// Threads of each worker; 0: the cores shared out among them.
    pub threads: usize,
}

/// A coordinator that may be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoordinatorConfig {
    /// Its name; its record is kept under it.
    pub name: String,
    /// `http://HOST:PORT`.
    pub url: String,
    /// Provers it may answer for; empty: any.
    #[serde(default)]
    pub provers: Vec<Address>,
    /// Whose deposit stands behind its proofs.
    #[serde(default)]
    pub deposit: DepositConfig,
}

/// Whose deposit stands behind a prover's promise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DepositConfig {
    /// The prover's, from its escrow.
    #[default]
    Prover,
    /// The sequencer's; for the open auction only.
    Own,
}

/// Amounts as decimal strings: TOML's integers end at 2^63.
mod decimal {
    use super::*;

    pub fn serialize<S: Serializer>(amount: &Amount, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(amount)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Amount, D::Error> {
        let text = String::deserialize(from)?;
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let amount = digits.then(|| text.parse().ok()).flatten();
        amount.ok_or_else(|| D::Error::custom(format!("{text:?} is no amount: decimal digits in quotes")))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8650)),
            public_listen: None,
            public_url: String::new(),
            block_bytes_max: 16 << 20,
            blocks_max: 64,
            state: "sidecar.sqlite".into(),
            keep_files_hours: 168,
            deployment: "deployment.toml".into(),
            vrf_key_file: "vrf.key".into(),
            persona: PersonaConfig::SelfProve,
            block: BlockConfig::default(),
            tip: TipConfig::default(),
            bids: BidsConfig::default(),
            proving: ProvingConfig::default(),
            waiting: WaitingConfig::default(),
            farm: FarmConfig::default(),
            operations: OperationsConfig::default(),
            log: LogConfig::default(),
            coordinators: Vec::new(),
            signer: SignerConfig::default(),
            l1: L1Config::default(),
        }
    }
}

impl Default for BlockConfig {
    fn default() -> Self {
        Self { rows_log2: 16, groups: 1 }
    }
}

impl Default for TipConfig {
    fn default() -> Self {
        let Policy { tip_token, price_max, withdraw_min, .. } = Policy::default();
        Self { token: tip_token, price_max, reward_share_bps: 5_000, at_risk: 1_000_000_000_000_000_000, withdraw_min }
    }
}

impl Default for BidsConfig {
    fn default() -> Self {
        let Policy { bid_deadline_ms, cool_down, .. } = Policy::default();
        Self { deadline_ms: bid_deadline_ms, cool_down }
    }
}

impl Default for ProvingConfig {
    fn default() -> Self {
        let Policy {
            self_prove_transfers, self_prove_blocks, rescue_slack_blocks, silent_blocks, submit_blocks, ..
        } = Policy::default();
        Self { self_prove_transfers, self_prove_blocks, rescue_slack_blocks, silent_blocks, submit_blocks }
    }
}

impl Default for WaitingConfig {
    fn default() -> Self {
        let Policy { propose_blocks, missing_blocks, stale_blocks, attempts_max, .. } = Policy::default();
        Self { block_ms: 12_000, propose_blocks, missing_blocks, stale_blocks, attempts_max }
    }
}

impl Default for FarmConfig {
    fn default() -> Self {
        Self { setup_dir: "setup".into(), label: String::new(), workers: 1, threads: 0 }
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
        let value =
            |key, value: String, expected: &str| Err(ConfigError::Value { key, value, expected: expected.to_owned() });
        let at_least = |key: &'static str, found: u64, least: u64, why: &str| match found >= least {
            true => Ok(()),
            false => value(key, found.to_string(), &format!("at least {least}: {why}")),
        };
        at_least("block_bytes_max", self.block_bytes_max as u64, 1_024, "no block is shorter")?;
        at_least("blocks_max", self.blocks_max as u64, 1, "one block must be taken")?;
        at_least("bids.deadline_ms", self.bids.deadline_ms, 50, "an answer takes time")?;
        at_least("proving.self_prove_transfers", self.proving.self_prove_transfers.into(), 1, "a block holds one")?;
        at_least("proving.self_prove_blocks", self.proving.self_prove_blocks, 1, "proving takes time")?;
        at_least("proving.submit_blocks", self.proving.submit_blocks, 1, "a transaction takes a block")?;
        at_least("proving.silent_blocks", self.proving.silent_blocks, 2, "one answer may be lost")?;
        at_least("waiting.block_ms", self.waiting.block_ms, 1, "time passes between blocks")?;
        at_least("waiting.missing_blocks", self.waiting.missing_blocks, 1, "views are one block late")?;
        at_least("waiting.attempts_max", self.waiting.attempts_max.into(), 1, "one attempt is needed")?;
        at_least("farm.workers", self.farm.workers as u64, 1, "somebody must prove")?;
        if self.tip.price_max > PRICE_MAX {
            return value("tip.price_max", self.tip.price_max.to_string(), "at most 2^96");
        }
        if self.tip.reward_share_bps > 10_000 {
            return value("tip.reward_share_bps", self.tip.reward_share_bps.to_string(), "at most 10000");
        }
        if !self.block.groups.is_power_of_two() || self.block.groups > 16 {
            return value("block.groups", self.block.groups.to_string(), "a power of two up to 16");
        }
        if circuit::capacity(self.block.rows_log2) == 0 {
            return value("block.rows_log2", self.block.rows_log2.to_string(), "a size class of the transfer circuit");
        }
        let is_url = |url: &str| {
            let known = url.starts_with("http://") || url.starts_with("https://");
            known && url.bytes().all(|byte| byte.is_ascii_graphic()) && url.len() <= PUBLIC_URL_BYTES_MAX
        };
        if !self.public_url.is_empty() && !is_url(&self.public_url) {
            let expected =
                format!("http://HOST:PORT in at most {PUBLIC_URL_BYTES_MAX} bytes, as a header's URI is short");
            return value("public_url", self.public_url.clone(), &expected);
        }
        for (index, coordinator) in self.coordinators.iter().enumerate() {
            let name = &coordinator.name;
            if name.is_empty() || self.coordinators[..index].iter().any(|other| other.name == *name) {
                return value("coordinators.name", name.clone(), "a name, each once");
            }
            if !coordinator.url.starts_with("http://") {
                return value("coordinators.url", coordinator.url.clone(), "http://HOST:PORT");
            }
            if self.persona == PersonaConfig::TrustedList {
                if coordinator.provers.is_empty() {
                    return value(
                        "coordinators.provers",
                        name.clone(),
                        "named provers, as the persona is trusted-list",
                    );
                }
                if coordinator.deposit == DepositConfig::Own {
                    return value("coordinators.deposit", name.clone(), "\"prover\", as the persona is trusted-list");
                }
            }
        }
        if self.persona != PersonaConfig::SelfProve && self.coordinators.is_empty() {
            return value("coordinators", "[]".to_owned(), "somebody to ask, or persona = \"self-prove\"");
        }
        self.label()?;
        self.l1.validate()?;
        Ok(())
    }

    /// The ceremony's digest, if one is named.
    pub fn label(&self) -> Result<Option<[u8; 32]>, ConfigError> {
        let label = &self.farm.label;
        if label.is_empty() {
            return Ok(None);
        }
        label.parse::<crate::core::types::Hash>().map(|digest| Some(digest.0)).map_err(|error| ConfigError::Value {
            key: "farm.label",
            value: label.clone(),
            expected: error.to_string(),
        })
    }

    /// The core's policy for a sequencer.
    pub fn policy(&self, sequencer: Address) -> Policy {
        let bidder = |coordinator: &CoordinatorConfig| Bidder {
            name: coordinator.name.clone(),
            provers: coordinator.provers.clone(),
            own_deposit: coordinator.deposit == DepositConfig::Own,
        };
        Policy {
            persona: match self.persona {
                PersonaConfig::SelfProve => Persona::SelfProve,
                PersonaConfig::TrustedList => Persona::TrustedList,
                PersonaConfig::OpenAuction => Persona::OpenAuction,
            },
            sequencer,
            bidders: self.coordinators.iter().map(bidder).collect(),
            tip_token: self.tip.token,
            price_max: self.tip.price_max,
            bid_deadline_ms: self.bids.deadline_ms,
            cool_down: self.bids.cool_down,
            propose_blocks: self.waiting.propose_blocks,
            self_prove_transfers: self.proving.self_prove_transfers,
            self_prove_blocks: self.proving.self_prove_blocks,
            rescue_slack_blocks: self.proving.rescue_slack_blocks,
            silent_blocks: self.proving.silent_blocks,
            submit_blocks: self.proving.submit_blocks,
            missing_blocks: self.waiting.missing_blocks,
            stale_blocks: self.waiting.stale_blocks,
            finality_blocks: self.l1.finality_depth,
            attempts_max: self.waiting.attempts_max,
            blocks_max: self.blocks_max,
            withdraw_min: self.tip.withdraw_min,
        }
    }
}
