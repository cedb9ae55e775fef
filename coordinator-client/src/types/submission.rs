//! Handing a block over, and the receipt for it.

use alloy_primitives::{B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use crate::types::{FieldError, ROWS_LOG2_MAX, SUBTREES_MAX, SignedQuote, wire};

/// What a block is, as L1 sees it: the sidecar contract's `Header`. Batons are state root, data hash, fees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Baton before the block.
    #[serde(with = "wire::baton")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>, min_items = 3, max_items = 3))]
    pub start: [U256; 3],
    /// Baton after each group; 1 to 16.
    #[serde(with = "wire::batons")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Vec<String>>, min_items = 1, max_items = 16))]
    pub ends: Vec<[U256; 3]>,
    /// Base-2 logarithm of the rows of a subtree.
    pub rows_log2: u32,
    /// Subtrees of the whole block.
    pub subtrees: u32,
    /// 0: `data_commitment` is the SHA-256 of the block file.
    pub data_version: u8,
    /// Commitment to the block's data.
    #[serde(with = "wire::hash")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$"))]
    pub data_commitment: B256,
    /// Where provers get the data; may be empty.
    #[serde(with = "wire::uri")]
    #[cfg_attr(feature = "openapi", schema(max_length = 1024))]
    pub data_uri: String,
}

/// A block for the prover whose quote was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BlockSubmission {
    /// The coordinator's own quote.
    pub quote: SignedQuote,
    /// The block's header; with `salt` it gives the quote's block commitment.
    pub header: Header,
    /// The proposal's salt.
    #[serde(with = "wire::hash")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$"))]
    pub salt: B256,
    /// The block file, in base64.
    #[serde(with = "wire::block_file")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, content_encoding = "base64"))]
    pub block: bytes::Bytes,
}

impl BlockSubmission {
    /// Checks what can be said without knowing the chain.
    pub fn check(&self) -> Result<(), FieldError> {
        let header = &self.header;
        let groups = header.ends.len() as u32;
        FieldError::unless(header.data_version == 0, "header.data_version", "only 0 exists")?;
        FieldError::unless(self.quote.quote.group < groups, "quote.quote.group", "give a group of the header")?;
        FieldError::unless((1..=SUBTREES_MAX).contains(&header.subtrees), "header.subtrees", "give 1 to 256")?;
        FieldError::unless(header.subtrees.is_multiple_of(groups), "header.subtrees", "give a multiple of the groups")?;
        FieldError::unless((1..=ROWS_LOG2_MAX).contains(&header.rows_log2), "header.rows_log2", "give 1 to 28")?;
        FieldError::unless(!self.block.is_empty(), "block", "give the block file")
    }
}

/// What a coordinator states when it takes a block, as the EIP-712 struct `Receipt` under the escrow's domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The proposal's block commitment.
    #[serde(with = "wire::hash")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$"))]
    pub block_commitment: B256,
    /// SHA-256 of the block file.
    #[serde(with = "wire::hash")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$"))]
    pub block_id: B256,
    /// The accepted quote's nonce.
    #[serde(with = "wire::number")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-fA-F]{1,64}$"))]
    pub nonce: U256,
    /// L1 block at which it was taken.
    pub accepted_at: u64,
}

/// A receipt with the prover's EIP-712 signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignedReceipt {
    /// The receipt.
    pub receipt: Receipt,
    /// r, s and v of the prover's key.
    #[serde(with = "wire::signature")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2}){1,1024}$"))]
    pub signature: Bytes,
}
