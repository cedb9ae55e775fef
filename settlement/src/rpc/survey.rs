//! Asking every endpoint by itself, whatever its standing: for those who look for what is wrong.

use std::time::{Duration, Instant};

use alloy::primitives::B256;
use futures::future::join_all;
use serde_json::json;

use super::{Rpc, RpcError};
use crate::chain::Block;

/// What one endpoint said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Number and host.
    pub endpoint: String,
    /// Its newest block. An endpoint of another chain is an error.
    pub head: Result<Block, RpcError>,
    /// From the question to the answer.
    pub waited: Duration,
    /// The hash of the newest block that all have who answer; none when this one has it not.
    pub common: Option<B256>,
}

/// What all endpoints said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// In the configured order.
    pub endpoints: Vec<Heard>,
    /// The number of the newest block that all have who answer.
    pub common: Option<u64>,
    /// The newest block that the chain calls final, where a node says it.
    pub finalized: Option<u64>,
}

impl Rpc {
    /// Asks each endpoint for its head, and all for the block that is the head of the last of them.
    pub async fn survey(&self) -> Survey {
        let count = self.shared.endpoints.len();
        let mut endpoints = join_all((0..count).map(|number| self.hear(number))).await;
        let common = endpoints.iter().filter_map(|heard| Some(heard.head.as_ref().ok()?.number)).min();
        if let Some(common) = common {
            let answering = |number: usize| endpoints[number].head.is_ok();
            let hashes = join_all((0..count).map(|number| self.hash_of(answering(number), number, common))).await;
            for (heard, hash) in endpoints.iter_mut().zip(hashes) {
                heard.common = hash;
            }
        }
        let finalized = self.ask::<Option<Block>>("eth_getBlockByNumber", &json!(["finalized", false])).await;
        let finalized = finalized.ok().and_then(|(_, block)| Some(block?.number));
        Survey { endpoints, common, finalized }
    }

    async fn hear(&self, number: usize) -> Heard {
        let asked = Instant::now();
        let head = self.shared.ask::<Block>(number, "eth_getBlockByNumber", &json!(["latest", false])).await;
        let endpoint = self.shared.endpoints[number].label().to_owned();
        Heard { endpoint, head, waited: asked.elapsed(), common: None }
    }

    async fn hash_of(&self, answers: bool, source: usize, number: u64) -> Option<B256> {
        let block = if answers { self.block_of(source, number).await.ok()? } else { None };
        block.map(|block| block.hash)
    }
}
