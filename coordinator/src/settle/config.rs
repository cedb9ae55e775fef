//! The section `[settlement]` of the configuration file.

use std::path::PathBuf;

use proofyard_settlement::{config::L1Config, signer::SignerConfig};
use serde::{Deserialize, Serialize};

use crate::{error::ConfigError, market::MarketConfig, submission::SubmissionPolicy};

/// How the coordinator works on L1. Only used beside a section `[l1]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SettlementConfig {
    /// File with the contracts' addresses.
    pub deployment: PathBuf,
    /// The ledger's file.
    pub ledger: PathBuf,
    /// Milliseconds of an L1 block; the fewest to be expected.
    pub block_ms: u64,
    /// Without a new L1 block for this long, no quotes are given.
    pub stale_ms: u64,
    /// L1 blocks on top of a commitment before proving starts.
    pub start_depth: u64,
    /// L1 blocks on top of a commitment before its proof is submitted.
    pub submit_depth: u64,
    /// Submissions of one proof that may fail for good.
    pub submissions_max: u32,
    /// L1 blocks after the end of a block's quotes in which its file is kept.
    pub keep_blocks: u64,
}

impl Default for SettlementConfig {
    fn default() -> Self {
        let SubmissionPolicy { start_depth, submit_depth, attempts_max, .. } = SubmissionPolicy::default();
        Self {
            deployment: "deployment.toml".into(),
            ledger: "ledger.sqlite".into(),
            block_ms: 12_000,
            stale_ms: 60_000,
            start_depth,
            submit_depth,
            submissions_max: attempts_max,
            keep_blocks: 7_200,
        }
    }
}

impl SettlementConfig {
    /// The policy of submissions.
    pub fn policy(&self, finality_depth: u64) -> SubmissionPolicy {
        let Self { start_depth, submit_depth, submissions_max: attempts_max, .. } = *self;
        SubmissionPolicy { start_depth, submit_depth, finality_depth, attempts_max }
    }

    /// Checks each value, and what the other sections say about L1.
    pub fn validate(
        &self,
        l1: &L1Config,
        signer: Option<&SignerConfig>,
        market: &MarketConfig,
    ) -> Result<(), ConfigError> {
        let wrong = |key: &'static str, value: String, expected: &str| {
            Err(ConfigError::Value { key, value, expected: expected.to_owned() })
        };
        if let Err(error) = l1.validate() {
            return wrong("l1", "(a section)".to_owned(), &error.to_string());
        }
        if signer.is_none() {
            return wrong("signer", "(missing)".to_owned(), "a section [signer] beside [l1]: the prover's key");
        }
        if self.block_ms == 0 || self.stale_ms < self.block_ms {
            return wrong("settlement.stale_ms", self.stale_ms.to_string(), "at least block_ms, which is at least 1");
        }
        if market.start_blocks < self.start_depth {
            let expected = format!("at least settlement.start_depth, {}: quotes reckon with it", self.start_depth);
            return wrong("market.start_blocks", market.start_blocks.to_string(), &expected);
        }
        if self.submissions_max == 0 {
            return wrong("settlement.submissions_max", "0".to_owned(), "at least 1");
        }
        Ok(())
    }
}
