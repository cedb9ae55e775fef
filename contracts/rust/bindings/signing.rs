//! EIP-712: what provers and coordinators sign (docs/sidecar.md, section 5).

use std::borrow::Cow;

use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::{Eip712Domain, SolStruct};

use super::IProverEscrow::{Quote, Receipt};

/// The domain of quotes and receipts: one chain, one escrow.
pub fn domain(chain_id: u64, escrow: Address) -> Eip712Domain {
    Eip712Domain {
        name: Some(Cow::Borrowed("Proofyard")),
        version: Some(Cow::Borrowed("1")),
        chain_id: Some(U256::from(chain_id)),
        verifying_contract: Some(escrow),
        salt: None,
    }
}

/// The digest that a prover signs; the escrow's `quoteDigest`.
pub fn quote_digest(chain_id: u64, escrow: Address, quote: &Quote) -> B256 {
    quote.eip712_signing_hash(&domain(chain_id, escrow))
}

/// The digest that a coordinator signs for a block it took; the escrow's `receiptDigest`.
pub fn receipt_digest(chain_id: u64, escrow: Address, receipt: &Receipt) -> B256 {
    receipt.eip712_signing_hash(&domain(chain_id, escrow))
}
