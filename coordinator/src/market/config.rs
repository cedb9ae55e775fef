//! The `[market]` section of the configuration.

use std::{fmt, str::FromStr};

use alloy_primitives::{Address, U256};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::throughput::Turn;
use crate::ConfigError;

/// One whole unit of a token with 18 decimals, and of ETH in wei.
pub(super) const UNIT: u64 = 1_000_000_000_000_000_000;

/// An amount in a token's smallest unit. In files: a decimal string, as `"1000000000000"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Amount(pub U256);

impl From<u64> for Amount {
    fn from(value: u64) -> Self {
        Self(U256::from(value))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let amount = digits.then(|| U256::from_str(&text).ok()).flatten();
        amount.map(Self).ok_or_else(|| D::Error::custom(format!("{text:?} is no amount: decimal digits in quotes")))
    }
}

/// A token that tips may be paid in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TipToken {
    /// Its contract; zero for ETH.
    pub token: Address,
    /// Price of a second of the whole farm.
    pub price_per_farm_second: Amount,
    /// What 10^18 wei are worth, for the gas of the submission.
    pub per_ether: Amount,
    /// What 10^18 smallest units of the deposit token are worth, for the risk of the deposit.
    pub per_deposit_unit: Amount,
}

impl Default for TipToken {
    fn default() -> Self {
        Self {
            token: Address::ZERO,
            price_per_farm_second: Amount::from(1_000_000_000_000),
            per_ether: Amount::from(UNIT),
            per_deposit_unit: Amount::from(UNIT / 1_000),
        }
    }
}

/// What the farm sells, and for how much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MarketConfig {
    /// Part of a window that may be promised, in percent; the rest is for lost workers and stragglers.
    pub utilisation_percent: u64,
    /// L1 blocks before the end of a window in which the proof is there, for its submission. At least 3.
    pub submission_blocks: u64,
    /// L1 blocks between a commitment and the start of proving.
    pub start_blocks: u64,
    /// L1 blocks after its expiry in which a quote still holds deposit and capacity: the deepest reorg waited for.
    pub reorg_blocks: u64,
    /// Open quotes at once.
    pub quotes_max: usize,
    /// Open quotes of one sequencer at once.
    pub quotes_max_per_sequencer: usize,
    /// Heights beyond the last one on L1 that are quoted.
    pub heights_ahead_max: u64,
    /// Largest deposit of one group.
    pub deposit_max: Amount,
    /// What the risk of losing the deposit costs, in 1/10000 of it.
    pub deposit_risk_bps: u64,
    /// Gas of a `submitProof`.
    pub submission_gas: u64,
    /// On top of all costs, in 1/10000.
    pub margin_bps: u64,
    /// Finished groups of a size class that are remembered.
    pub samples_max: usize,
    /// Milliseconds that a worker takes for one subtree in all rounds, before anything is measured.
    pub prior_subtree_ms: u64,
    /// The slowest one in a hundred takes this many percent of that.
    pub prior_p99_percent: u64,
    /// Slack, in L1 blocks, below which there is an alarm.
    pub alarm_blocks: u64,
    /// Tokens that tips may be paid in.
    pub tips: Vec<TipToken>,
}

impl Default for MarketConfig {
    fn default() -> Self {
        Self {
            utilisation_percent: 70,
            submission_blocks: 3,
            start_blocks: 1,
            reorg_blocks: 3,
            quotes_max: 64,
            quotes_max_per_sequencer: 8,
            heights_ahead_max: 8,
            deposit_max: Amount(U256::from(UNIT) * U256::from(1_000_000)),
            deposit_risk_bps: 10,
            submission_gas: 600_000,
            margin_bps: 1_000,
            samples_max: 100,
            prior_subtree_ms: 8_000,
            prior_p99_percent: 200,
            alarm_blocks: 4,
            tips: vec![TipToken::default()],
        }
    }
}

impl MarketConfig {
    /// What is believed before anything is measured.
    pub fn prior(&self) -> Turn {
        let p50_ms = self.prior_subtree_ms;
        Turn { p50_ms, p99_ms: p50_ms.saturating_mul(self.prior_p99_percent) / 100, samples: 0 }
    }

    /// The terms for a tip token, if it is taken.
    pub fn tip(&self, token: Address) -> Option<&TipToken> {
        self.tips.iter().find(|tip| tip.token == token)
    }

    /// Checks each value and how they relate.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let within = |key: &'static str, value: u64, least: u64, most: u64, why: &str| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            Err(ConfigError::Value { key, value: value.to_string(), expected: format!("{least} to {most}: {why}") })
        };
        const MANY: u64 = 1_000_000;
        within("market.utilisation_percent", self.utilisation_percent, 1, 100, "it is a share of the window")?;
        within("market.submission_blocks", self.submission_blocks, 3, MANY, "a proof must still get into a block")?;
        within("market.start_blocks", self.start_blocks, 0, MANY, "L1 blocks")?;
        within("market.reorg_blocks", self.reorg_blocks, 0, MANY, "L1 blocks")?;
        within("market.quotes_max", self.quotes_max as u64, 1, 10_000, "all of them are looked at for each request")?;
        within("market.quotes_max_per_sequencer", self.quotes_max_per_sequencer as u64, 1, 10_000, "one is needed")?;
        within("market.heights_ahead_max", self.heights_ahead_max, 1, MANY, "the next height must be quoted")?;
        within("market.deposit_risk_bps", self.deposit_risk_bps, 0, 10_000, "it is a share")?;
        within("market.margin_bps", self.margin_bps, 0, MANY, "1/10000 of the costs")?;
        within("market.samples_max", self.samples_max as u64, 1, 10_000, "they are sorted for each request")?;
        within("market.prior_subtree_ms", self.prior_subtree_ms, 1, 86_400_000, "at most a day")?;
        within("market.prior_p99_percent", self.prior_p99_percent, 100, 10_000, "not faster than the median")?;
        for (index, tip) in self.tips.iter().enumerate() {
            if self.tips[..index].iter().any(|earlier| earlier.token == tip.token) {
                let expected = "each token once".to_owned();
                return Err(ConfigError::Value { key: "market.tips.token", value: tip.token.to_string(), expected });
            }
        }
        Ok(())
    }
}
