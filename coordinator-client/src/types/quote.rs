//! Asking for a quote, and the quote.

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use crate::types::{FieldError, GROUPS_MAX, ROWS_LOG2_MAX, SUBTREES_MAX, wire};

/// A sequencer asks for an offer to prove one group of one block. Heights and times are L1's; amounts in a token's smallest unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct QuoteRequest {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The sidecar contract.
    #[serde(with = "wire::address")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$"))]
    pub sidecar: Address,
    /// The escrow contract, whose domain quotes are signed under.
    #[serde(with = "wire::address")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$"))]
    pub escrow: Address,
    /// Who proposes the block; also who signs this request.
    #[serde(with = "wire::address")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$"))]
    pub sequencer: Address,
    /// The rollup's height.
    pub height: u64,
    /// The proposal's block commitment.
    #[serde(with = "wire::hash")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$"))]
    pub block_commitment: B256,
    /// The group, from 0.
    pub group: u32,
    /// Groups of the block.
    pub groups: u32,
    /// Transfers of the group.
    pub transfers: u32,
    /// Subtrees of the whole block.
    pub subtrees: u32,
    /// Base-2 logarithm of the rows of a subtree.
    pub rows_log2: u32,
    /// Token the price is in; zero: ETH.
    #[serde(with = "wire::address")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$"))]
    pub tip_token: Address,
    /// The group's part of the tip: no price above it can be paid.
    #[serde(with = "wire::number")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{1,64}$"))]
    pub price_max: U256,
    /// Token of the deposit.
    #[serde(with = "wire::address")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$"))]
    pub deposit_token: Address,
    /// The deposit asked for.
    #[serde(with = "wire::number")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{1,64}$"))]
    pub deposit: U256,
    /// Last L1 block for the commitment.
    pub commit_by: u64,
    /// Last L1 block for the proof.
    pub prove_by: u64,
}

impl QuoteRequest {
    /// Checks what can be said without knowing the chain.
    pub fn check(&self) -> Result<(), FieldError> {
        let groups = usize::try_from(self.groups).unwrap_or(usize::MAX);
        FieldError::unless((1..=GROUPS_MAX).contains(&groups), "groups", "give 1 to 16")?;
        FieldError::unless(self.group < self.groups, "group", "give one below groups")?;
        FieldError::unless((1..=SUBTREES_MAX).contains(&self.subtrees), "subtrees", "give 1 to 256")?;
        FieldError::unless(self.subtrees.is_multiple_of(self.groups), "subtrees", "give a multiple of groups")?;
        FieldError::unless((1..=ROWS_LOG2_MAX).contains(&self.rows_log2), "rows_log2", "give 1 to 28")?;
        FieldError::unless(self.transfers >= 1, "transfers", "give at least 1")?;
        FieldError::unless(self.height >= 1, "height", "heights start at 1")?;
        FieldError::unless(self.commit_by < self.prove_by, "prove_by", "give a block after commit_by")
    }
}

/// A prover's offer, as the escrow's EIP-712 struct `Quote`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// Who proves and whose escrow the deposit is drawn from.
    #[serde(with = "wire::address")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$"))]
    pub prover: Address,
    /// Whose proposal it is for.
    #[serde(with = "wire::address")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$"))]
    pub sequencer: Address,
    /// The rollup's height; `uint256` on L1.
    pub height: u64,
    /// The proposal's block commitment.
    #[serde(with = "wire::hash")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$"))]
    pub block_commitment: B256,
    /// The group, from 0.
    pub group: u32,
    /// Token of the price; zero: ETH.
    #[serde(with = "wire::address")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$"))]
    pub tip_token: Address,
    /// What the prover gets for the group.
    #[serde(with = "wire::number")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{1,64}$"))]
    pub price: U256,
    /// Token of the deposit.
    #[serde(with = "wire::address")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$"))]
    pub deposit_token: Address,
    /// What the prover loses when it does not deliver.
    #[serde(with = "wire::number")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{1,64}$"))]
    pub deposit: U256,
    /// Used once, or cancelled.
    #[serde(with = "wire::number")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{1,64}$"))]
    pub nonce: U256,
    /// Last L1 block in which it may be drawn.
    pub expiry: u64,
}

/// A quote with its EIP-712 signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignedQuote {
    /// The quote.
    pub quote: Quote,
    /// r, s and v of the prover's key, or what its contract takes (ERC-1271).
    #[serde(with = "wire::signature")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2}){1,1024}$"))]
    pub signature: Bytes,
}
