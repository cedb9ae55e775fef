//! What the node of a stage has included, and what waits with it.

use std::time::Duration;

use alloy_primitives::Address;
use proofyard_settlement::{alloy::sol_types::SolEvent, contracts::bindings::IProvingSidecar};
use serde_json::{Value, json};

use crate::stage::Stage;

fn from(transaction: &Value) -> Address {
    transaction["from"].as_str().and_then(|text| text.parse().ok()).expect("an address")
}

impl Stage {
    /// Included transactions of an account, oldest first.
    pub async fn included_of(&self, account: Address) -> Vec<Value> {
        let mut all = Vec::new();
        for number in 0..=self.head().await {
            let block = self.anvil.rpc("eth_getBlockByNumber", json!([format!("{number:#x}"), true])).await;
            all.extend(
                block["transactions"]
                    .as_array()
                    .expect("transactions")
                    .iter()
                    .filter(|transaction| from(transaction) == account)
                    .cloned(),
            );
        }
        all
    }

    /// The account's transaction that waits for a block, if there is one.
    pub async fn pending_of(&self, account: Address) -> Option<Value> {
        let pool = self.anvil.rpc("txpool_content", json!([])).await;
        let waiting = ["pending", "queued"].map(|kind| pool[kind].as_object().cloned().unwrap_or_default());
        let transactions = waiting.iter().flat_map(|accounts| accounts.values()).filter_map(Value::as_object);
        let mut of =
            transactions.flat_map(|by_nonce| by_nonce.values()).filter(|transaction| from(transaction) == account);
        of.next().cloned()
    }

    /// The node forgets what an account has waiting, and nothing of it comes again before the next block.
    pub async fn forget_pending_of(&self, account: Address) {
        let mut quiet = 0;
        while quiet < 4 {
            match self.pending_of(account).await {
                Some(transaction) => {
                    quiet = 0;
                    self.anvil.rpc("anvil_dropTransaction", json!([transaction["hash"]])).await;
                }
                None => quiet += 1,
            }
            tokio::time::sleep(Duration::from_millis(75)).await;
        }
    }

    /// How often L1 says that a group was proven.
    pub async fn proofs_on_l1(&self) -> usize {
        let topic = IProvingSidecar::GroupProven::SIGNATURE_HASH;
        let filter = json!([{"fromBlock": "0x0", "address": self.deployment.sidecar, "topics": [topic]}]);
        self.anvil.rpc("eth_getLogs", filter).await.as_array().expect("logs").len()
    }
}
