//! A key that another process holds and that signs over JSON-RPC: `eth_signTransaction`, `eth_signTypedData`, `eth_sign`.
//!
//! What comes back is checked: the transaction must be the one that was sent, signed by the right account.

use std::time::Duration;

use alloy::consensus::{SignableTransaction, TxEnvelope};
use alloy::eips::Decodable2718;
use alloy::network::TxSigner;
use alloy::primitives::{Address, Bytes, Signature};
use async_trait::async_trait;
use serde_json::{Value, json};

use super::{SignerError, typed};
use crate::config::Secret;
use crate::rpc::{JsonRpc, RpcError};

/// The longest answer of a signer.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A remote signer's key.
pub struct RemoteSigner {
    address: Address,
    endpoint: JsonRpc,
}

impl RemoteSigner {
    /// The key of `address` behind the endpoint.
    pub fn new(url: &Secret, address: Address, timeout: Duration) -> Result<Self, SignerError> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| SignerError::Key(error.to_string()))?;
        let endpoint = JsonRpc::new("remote signer", url, http, timeout, ANSWER_BYTES_MAX)
            .map_err(|reason| SignerError::Key(format!("remote: {reason}")))?;
        Ok(Self { address, endpoint })
    }

    pub(super) async fn sign_typed(&self, what: &'static str, data: Value) -> Result<Signature, SignerError> {
        let signature = self.endpoint.request("eth_signTypedData", &json!([self.address, data])).await;
        self.signature(what, signature)
    }

    pub(super) async fn sign_text(&self, message: &[u8]) -> Result<Signature, SignerError> {
        let text = format!("0x{}", hex::encode(message));
        let signature = self.endpoint.request("eth_sign", &json!([self.address, text])).await;
        self.signature("a message", signature)
    }

    fn signature(&self, what: &'static str, answer: Result<Bytes, RpcError>) -> Result<Signature, SignerError> {
        let failed = |detail: String| SignerError::Failed { what, address: self.address, detail };
        let bytes = answer.map_err(|error| failed(error.to_string()))?;
        typed::parse(&bytes).map_err(|error| failed(error.to_string()))
    }

    async fn transaction(&self, tx: &dyn SignableTransaction<Signature>) -> Result<Signature, SignerError> {
        let what = "a transaction";
        let failed = |detail: String| SignerError::Failed { what, address: self.address, detail };
        let quantity = |number: u128| format!("{number:#x}");
        let request = json!([{
            "from": self.address,
            "to": tx.to(),
            "gas": quantity(tx.gas_limit().into()),
            "maxFeePerGas": quantity(tx.max_fee_per_gas()),
            "maxPriorityFeePerGas": quantity(tx.max_priority_fee_per_gas().unwrap_or_default()),
            "value": tx.value(),
            "nonce": quantity(tx.nonce().into()),
            "data": tx.input(),
            "chainId": tx.chain_id().map(|id| quantity(id.into())),
        }]);
        let raw: Bytes =
            self.endpoint.request("eth_signTransaction", &request).await.map_err(|error| failed(error.to_string()))?;
        let signed = TxEnvelope::decode_2718_exact(&raw).map_err(|error| failed(error.to_string()))?;
        let digest = tx.signature_hash();
        if signed.signature_hash() != digest {
            return Err(failed("it signed another transaction".to_owned()));
        }
        let got = typed::recover_digest(&digest, signed.signature()).map_err(|error| failed(error.to_string()))?;
        if got != self.address {
            return Err(SignerError::WrongSigner { what, got, wanted: self.address });
        }
        Ok(*signed.signature())
    }
}

#[async_trait]
impl TxSigner<Signature> for RemoteSigner {
    fn address(&self) -> Address {
        self.address
    }

    async fn sign_transaction(
        &self,
        tx: &mut dyn SignableTransaction<Signature>,
    ) -> Result<Signature, alloy::signers::Error> {
        self.transaction(tx).await.map_err(alloy::signers::Error::other)
    }
}
