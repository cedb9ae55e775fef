//! From a draft to the bytes that are sent.

use std::sync::Arc;

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::Encodable2718;
use alloy::network::TxSigner;
use alloy::primitives::{Bytes, Signature, TxKind};

use super::core::Draft;
use super::journal::Attempt;

/// Whoever signs transactions: a local key, a remote signer, or any other of alloy's signers (KMS and the like).
pub type TransactionSigner = Arc<dyn TxSigner<Signature> + Send + Sync>;

/// Signs a draft as an EIP-1559 transaction.
pub(crate) async fn sign(
    signer: &TransactionSigner,
    chain_id: u64,
    draft: Draft,
) -> Result<Attempt, alloy::signers::Error> {
    let mut transaction = TxEip1559 {
        chain_id,
        nonce: draft.nonce,
        gas_limit: draft.gas_limit,
        max_fee_per_gas: draft.fees.max_fee_per_gas,
        max_priority_fee_per_gas: draft.fees.max_priority_fee_per_gas,
        to: draft.to.map_or(TxKind::Create, TxKind::Call),
        value: draft.value,
        access_list: Default::default(),
        input: draft.data,
    };
    let signature = signer.sign_transaction(&mut transaction).await?;
    let signed = TxEnvelope::from(transaction.into_signed(signature));
    Ok(Attempt {
        nonce: draft.nonce,
        max_fee_per_gas: draft.fees.max_fee_per_gas,
        max_priority_fee_per_gas: draft.fees.max_priority_fee_per_gas,
        gas_limit: draft.gas_limit,
        hash: *signed.tx_hash(),
        raw: Bytes::from(signed.encoded_2718()),
        signed_at: draft.signed_at,
        cancels: draft.cancels,
    })
}
