//! The questions that this crate asks, typed.

use alloy::primitives::{Address, B256, Bytes, U64, U128, U256};
use serde_json::json;

use super::{Event, Reason, Rpc, RpcError};
use crate::chain::{At, Block, Call, Log, Receipt};

impl Rpc {
    /// The newest block.
    pub async fn head(&self) -> Result<Block, RpcError> {
        Ok(self.head_with_source().await?.1)
    }

    pub(crate) async fn head_with_source(&self) -> Result<(usize, Block), RpcError> {
        let (number, block): (usize, Block) = self.ask("eth_getBlockByNumber", &json!(["latest", false])).await?;
        self.shared.note(number, Event::Head(block.place()));
        Ok((number, block))
    }

    /// The block with this number, of the endpoint that `head_with_source` named.
    pub(crate) async fn block_of(&self, source: usize, number: u64) -> Result<Option<Block>, RpcError> {
        let block: Option<Block> =
            self.shared.ask(source, "eth_getBlockByNumber", &json!([format!("{number:#x}"), false])).await?;
        if block.as_ref().is_some_and(|block| block.number != number) {
            self.shared.caught(source, Reason::Contradicted("a block's number"));
            return Ok(None);
        }
        Ok(block)
    }

    /// The logs of `contracts` in one block, of one endpoint.
    pub(crate) async fn logs_of(
        &self,
        source: usize,
        block: B256,
        contracts: &[Address],
    ) -> Result<Vec<Log>, RpcError> {
        self.shared.ask(source, "eth_getLogs", &json!([{"blockHash": block, "address": contracts}])).await
    }

    /// The logs of `contracts` in a range of blocks, both ends included, of one endpoint.
    pub(crate) async fn logs_between(
        &self,
        source: usize,
        from: u64,
        to: u64,
        contracts: &[Address],
    ) -> Result<Vec<Log>, RpcError> {
        let range = json!([{"fromBlock": format!("{from:#x}"), "toBlock": format!("{to:#x}"), "address": contracts}]);
        self.shared.ask(source, "eth_getLogs", &range).await
    }

    /// What a call answers. A revert is an error with [`RpcError::revert_data`].
    pub async fn call(&self, call: &Call, at: At) -> Result<Bytes, RpcError> {
        Ok(self.ask("eth_call", &json!([call, at.parameter()])).await?.1)
    }

    /// Gas that a transaction would take in the block with this number, on the newest state. A revert is an error with
    /// [`RpcError::revert_data`].
    pub async fn estimate_in_block(&self, call: &Call, block: u64) -> Result<u64, RpcError> {
        // Phases are counted in blocks: on the newest block's number, the first block of a phase would be missed.
        let in_block = json!([call, "latest", {}, {"number": format!("{block:#x}")}]);
        let (_, gas): (_, U64) = match self.ask("eth_estimateGas", &in_block).await {
            // A node that does not take the block's number.
            Err(RpcError::Refused { code: -32602 | -32601, .. }) => self.ask("eth_estimateGas", &json!([call])).await?,
            answer => answer?,
        };
        Ok(gas.to())
    }

    /// The receipts of all transactions of a block, by the word of one endpoint.
    pub async fn receipts_in(&self, block: u64) -> Result<Vec<Receipt>, RpcError> {
        Ok(self.ask("eth_getBlockReceipts", &json!([format!("{block:#x}")])).await?.1)
    }

    /// Wei of an account.
    pub async fn balance(&self, account: Address) -> Result<U256, RpcError> {
        Ok(self.ask("eth_getBalance", &json!([account, "latest"])).await?.1)
    }

    /// The code at an address; empty: no contract.
    pub async fn code(&self, account: Address) -> Result<Bytes, RpcError> {
        Ok(self.ask("eth_getCode", &json!([account, "latest"])).await?.1)
    }

    /// What a node suggests as the block builder's part, in wei per gas; zero where it has no suggestion.
    pub async fn suggested_priority_fee(&self) -> Result<u128, RpcError> {
        match self.ask::<U128>("eth_maxPriorityFeePerGas", &json!([])).await {
            Ok((_, fee)) => Ok(fee.to()),
            // Not every node has the method.
            Err(RpcError::Refused { .. }) => Ok(0),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn receipt_of(&self, source: usize, transaction: B256) -> Result<Option<Receipt>, RpcError> {
        let receipt: Option<Receipt> =
            self.shared.ask(source, "eth_getTransactionReceipt", &json!([transaction])).await?;
        if receipt.as_ref().is_some_and(|receipt| receipt.transaction_hash != transaction) {
            self.shared.caught(source, Reason::Contradicted("a receipt's transaction"));
            return Ok(None);
        }
        Ok(receipt)
    }

    pub(super) async fn nonce_of(&self, source: usize, account: Address, at: At) -> Result<u64, RpcError> {
        let nonce: U64 = self.shared.ask(source, "eth_getTransactionCount", &json!([account, at.parameter()])).await?;
        Ok(nonce.to())
    }
}
