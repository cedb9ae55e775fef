//! The sequencer's key as the coordinators' client wants it: for messages only.

use async_trait::async_trait;
use proofyard_settlement::{
    alloy::{
        primitives::{Address, B256, ChainId, Signature},
        signers::{Error, Result, Signer, UnsupportedSignerOperation},
    },
    signer::Key,
};

/// Signs requests with a key, wherever that is kept.
pub struct RequestSigner(pub Key);

#[async_trait]
impl Signer for RequestSigner {
    async fn sign_hash(&self, _hash: &B256) -> Result<Signature> {
        // A remote signer signs what it can read.
        Err(Error::UnsupportedOperation(UnsupportedSignerOperation::SignHash))
    }

    async fn sign_message(&self, message: &[u8]) -> Result<Signature> {
        self.0.sign_message(message).await.map_err(Error::other)
    }

    fn address(&self) -> Address {
        self.0.address()
    }

    fn chain_id(&self) -> Option<ChainId> {
        None
    }

    fn set_chain_id(&mut self, _chain_id: Option<ChainId>) {}
}
