//! Where the contracts are.

use std::path::Path;

use alloy::primitives::Address;
use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::signer::typed::Domain;

/// The addresses of one deployment, as coordinator and sidecar load them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// EIP-155 id of the chain.
    pub chain_id: u64,
    /// The L1 block in which the first of them was created: a watcher begins there.
    pub first_block: u64,
    /// The proving sidecar.
    pub sidecar: Address,
    /// The provers' escrow.
    pub escrow: Address,
    /// The version registry.
    pub registry: Address,
    /// The sequencer set.
    pub sequencers: Address,
    /// The reward pool.
    pub reward_pool: Address,
    /// The commitment phase of the current version.
    pub commitments: Address,
    /// The strategy of the current version.
    pub strategy: Address,
    /// The token of deposits.
    pub deposit_token: Address,
    /// The token of rewards.
    pub reward_token: Address,
    /// Verifiers by size class.
    #[serde(default)]
    pub classes: Vec<Class>,
}

/// A size class that a version takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Base-2 logarithm of a subtree's rows.
    pub rows_log2: u32,
    /// Subtrees of one group.
    pub subtrees_per_group: u32,
    /// The verifier contract.
    pub verifier: Address,
}

impl Deployment {
    /// Reads a deployment from a TOML or (`.json`) JSON file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let refused = |reason: String| ConfigError::File { path: path.to_owned(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
        if path.extension().is_some_and(|extension| extension == "json") {
            serde_json::from_str(&text).map_err(|error| refused(error.to_string()))
        } else {
            toml::from_str(&text).map_err(|error| refused(error.to_string()))
        }
    }

    /// The deployment as TOML.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self)
            .map_err(|error| ConfigError::File { path: "deployment".into(), reason: error.to_string() })
    }

    /// What quotes and receipts are signed for.
    pub fn domain(&self) -> Domain {
        Domain { chain_id: self.chain_id, escrow: self.escrow }
    }

    /// The verifier of a size class.
    pub fn verifier(&self, rows_log2: u32, subtrees_per_group: u32) -> Option<Address> {
        let is = |class: &&Class| class.rows_log2 == rows_log2 && class.subtrees_per_group == subtrees_per_group;
        self.classes.iter().find(is).map(|class| class.verifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_is_read_from_what_it_writes() {
        let class = Class { rows_log2: 12, subtrees_per_group: 4, verifier: Address::repeat_byte(3) };
        let deployment =
            Deployment { chain_id: 5, sidecar: Address::repeat_byte(1), classes: vec![class], ..Default::default() };
        let folder = tempfile::tempdir().expect("a folder");
        let (toml, json) = (folder.path().join("d.toml"), folder.path().join("d.json"));
        std::fs::write(&toml, deployment.to_toml().expect("TOML")).expect("written");
        std::fs::write(&json, serde_json::to_string(&deployment).expect("JSON")).expect("written");
        assert_eq!(Deployment::read(&toml), Ok(deployment.clone()));
        assert_eq!(Deployment::read(&json), Ok(deployment.clone()));
        assert_eq!(deployment.verifier(12, 4), Some(Address::repeat_byte(3)));
        assert_eq!(deployment.verifier(12, 8), None);
        assert!(matches!(Deployment::read(&folder.path().join("none")), Err(ConfigError::File { .. })));
    }
}
