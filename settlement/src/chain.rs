//! What is read from L1: blocks, logs, receipts. Only the fields that somebody uses.

use alloy::primitives::{Address, B256, Bloom, Bytes, U256};
use alloy::serde::quantity;
use serde::{Deserialize, Serialize};

/// A block's place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlockRef {
    /// Height on L1.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// The hash of the block before it.
    pub parent: B256,
}

/// A block's header with the hashes of its transactions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// Height on L1.
    #[serde(with = "quantity")]
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// The hash of the block before it.
    pub parent_hash: B256,
    /// Unix seconds.
    #[serde(with = "quantity")]
    pub timestamp: u64,
    /// Wei per gas that is burnt; zero on a chain without EIP-1559.
    #[serde(default, with = "quantity")]
    pub base_fee_per_gas: u128,
    /// The most gas of a block.
    #[serde(with = "quantity")]
    pub gas_limit: u64,
    /// Filter over the addresses and topics of its logs.
    pub logs_bloom: Bloom,
    /// Hashes of its transactions, in order.
    #[serde(default)]
    pub transactions: Vec<B256>,
}

impl Block {
    /// Its place in the chain.
    pub fn place(&self) -> BlockRef {
        BlockRef { number: self.number, hash: self.hash, parent: self.parent_hash }
    }
}

/// A log of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    /// The contract.
    pub address: Address,
    /// Signature and indexed arguments.
    pub topics: Vec<B256>,
    /// The other arguments.
    pub data: Bytes,
    /// The block it is in.
    #[serde(with = "quantity")]
    pub block_number: u64,
    /// That block's hash.
    pub block_hash: B256,
    /// The transaction that wrote it.
    pub transaction_hash: B256,
    /// Its place among the block's logs.
    #[serde(with = "quantity")]
    pub log_index: u64,
}

/// What a transaction did.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The transaction.
    pub transaction_hash: B256,
    /// The block it is in.
    #[serde(with = "quantity")]
    pub block_number: u64,
    /// That block's hash.
    pub block_hash: B256,
    /// Who sent it.
    pub from: Address,
    /// The contract it created, if it did.
    #[serde(default)]
    pub contract_address: Option<Address>,
    /// 1 when it succeeded, 0 when it reverted.
    #[serde(with = "quantity")]
    pub status: u64,
    /// Gas it took.
    #[serde(with = "quantity")]
    pub gas_used: u64,
    /// Wei per gas it paid.
    #[serde(default, with = "quantity")]
    pub effective_gas_price: u128,
}

impl Receipt {
    /// Whether it did not revert.
    pub fn succeeded(&self) -> bool {
        self.status == 1
    }

    /// Whether both speak of the same inclusion with the same end.
    pub fn agrees(&self, other: &Self) -> bool {
        self.transaction_hash == other.transaction_hash
            && self.block_hash == other.block_hash
            && self.status == other.status
    }
}

/// A call of a contract that changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// The caller, where it matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Address>,
    /// The contract; none: the data creates one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Address>,
    /// Selector and arguments.
    #[serde(rename = "data")]
    pub data: Bytes,
    /// Wei sent along.
    pub value: U256,
}

impl Call {
    /// A call by nobody, without value.
    pub fn view(to: Address, data: Vec<u8>) -> Self {
        Self { from: None, to: Some(to), data: data.into(), value: U256::ZERO }
    }
}

/// The state that a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// After the newest block.
    Latest,
    /// After the block with this number.
    Number(u64),
}

impl At {
    /// As JSON-RPC writes it.
    pub fn parameter(self) -> String {
        match self {
            Self::Latest => "latest".to_owned(),
            Self::Number(number) => format!("{number:#x}"),
        }
    }
}
