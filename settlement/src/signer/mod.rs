//! Keys: in a file, or with a remote signer. Whatever else signs as one of alloy's signers (KMS of cloud providers, hardware) fits in
//! through [`Key::other`].

mod config;
mod remote;
pub mod typed;

use std::sync::Arc;

use alloy::network::TxSigner;
use alloy::primitives::{Address, Signature};
use alloy::signers::Signer;
use alloy::signers::local::PrivateKeySigner;
use proofyard_contracts::bindings::IProverEscrow::{Quote, Receipt};
use thiserror::Error;

pub use config::SignerConfig;
pub use remote::RemoteSigner;

use crate::transactions::TransactionSigner;
use typed::Domain;

/// A signature that could not be made.
#[derive(Debug, Error)]
pub enum SignerError {
    /// The key or the signer behind it failed.
    #[error("[PY-L-060] signing {what} with {address}: {detail}; check the key or the remote signer")]
    Failed {
        /// What was to be signed.
        what: &'static str,
        /// The key's account.
        address: Address,
        /// What happened.
        detail: String,
    },
    /// The key cannot be used.
    #[error("[PY-L-061] signer: {0}")]
    Key(String),
    /// The signature is not by the key it should be by.
    #[error(
        "[PY-L-062] the signer signed {what} as {got}, not as {wanted}; it holds another key or signed something else"
    )]
    WrongSigner {
        /// What was to be signed.
        what: &'static str,
        /// Who signed.
        got: Address,
        /// Who should have.
        wanted: Address,
    },
}

/// An account that can sign transactions and messages. Clones share it; nothing of it is ever printed but its address.
#[derive(Clone)]
pub struct Key {
    address: Address,
    inner: Inner,
}

#[derive(Clone)]
enum Inner {
    Local(Arc<PrivateKeySigner>),
    Remote(Arc<RemoteSigner>),
    Other { transactions: TransactionSigner, messages: Arc<dyn Signer + Send + Sync> },
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.address)
    }
}

impl Key {
    /// A key in this process.
    pub fn local(signer: PrivateKeySigner) -> Self {
        Self { address: signer.address(), inner: Inner::Local(Arc::new(signer)) }
    }

    /// A key that a remote signer holds.
    pub fn remote(signer: RemoteSigner) -> Self {
        Self { address: TxSigner::address(&signer), inner: Inner::Remote(Arc::new(signer)) }
    }

    /// Any of alloy's signers.
    pub fn other<S>(signer: S) -> Self
    where
        S: Signer + TxSigner<Signature> + Send + Sync + 'static,
    {
        let signer = Arc::new(signer);
        let address = Signer::address(&*signer);
        Self { address, inner: Inner::Other { transactions: signer.clone(), messages: signer } }
    }

    /// The account.
    pub fn address(&self) -> Address {
        self.address
    }

    /// The account for the transaction manager.
    pub fn transactions(&self) -> TransactionSigner {
        match &self.inner {
            Inner::Local(signer) => signer.clone(),
            Inner::Remote(signer) => signer.clone(),
            Inner::Other { transactions, .. } => transactions.clone(),
        }
    }

    /// Signs a quote (docs/sidecar.md, section 5). Write it down first: a second quote with the same nonce is a conflict.
    pub async fn sign_quote(&self, quote: &Quote, domain: &Domain) -> Result<Signature, SignerError> {
        let digest = domain.quote_digest(quote);
        let signature = match &self.inner {
            Inner::Local(signer) => self.told("a quote", signer.sign_hash(&digest).await)?,
            Inner::Remote(signer) => signer.sign_typed("a quote", typed::quote_json(quote, domain)).await?,
            Inner::Other { messages, .. } => self.told("a quote", messages.sign_hash(&digest).await)?,
        };
        self.checked("a quote", signature, typed::recover_digest(&digest, &signature))
    }

    /// Signs the receipt of an accepted block. Write the block down first.
    pub async fn sign_receipt(&self, receipt: &Receipt, domain: &Domain) -> Result<Signature, SignerError> {
        let digest = domain.receipt_digest(receipt);
        let signature = match &self.inner {
            Inner::Local(signer) => self.told("a receipt", signer.sign_hash(&digest).await)?,
            Inner::Remote(signer) => signer.sign_typed("a receipt", typed::receipt_json(receipt, domain)).await?,
            Inner::Other { messages, .. } => self.told("a receipt", messages.sign_hash(&digest).await)?,
        };
        self.checked("a receipt", signature, typed::recover_digest(&digest, &signature))
    }

    /// Signs a message (EIP-191), such as a request to a coordinator.
    pub async fn sign_message(&self, message: &[u8]) -> Result<Signature, SignerError> {
        let signature = match &self.inner {
            Inner::Local(signer) => self.told("a message", signer.sign_message(message).await)?,
            Inner::Remote(signer) => signer.sign_text(message).await?,
            Inner::Other { messages, .. } => self.told("a message", messages.sign_message(message).await)?,
        };
        self.checked("a message", signature, typed::recover_message(message, &signature.as_bytes()))
    }

    fn told(
        &self,
        what: &'static str,
        signature: Result<Signature, alloy::signers::Error>,
    ) -> Result<Signature, SignerError> {
        let failed = |detail: String| SignerError::Failed { what, address: self.address, detail };
        signature.map_err(|error| failed(error.to_string()))
    }

    fn checked(
        &self,
        what: &'static str,
        signature: Signature,
        signer: Result<Address, typed::BadSignature>,
    ) -> Result<Signature, SignerError> {
        match signer {
            Ok(got) if got == self.address => Ok(signature),
            Ok(got) => Err(SignerError::WrongSigner { what, got, wanted: self.address }),
            Err(error) => Err(SignerError::Failed { what, address: self.address, detail: error.to_string() }),
        }
    }
}
