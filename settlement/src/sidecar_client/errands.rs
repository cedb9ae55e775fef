//! A few transactions of one account, sent at once and waited for: deploying, registering, funding.
//!
//! They have consecutive nonces, so the account must send nothing else meanwhile. Nothing is remembered and nothing replaced: what has
//! to survive a crash or a rise of fees goes through [`crate::transactions`].

use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256, Bytes, U256};
use proofyard_contracts::address::create_address;
use thiserror::Error;

use crate::chain::At;
use crate::rpc::{Rpc, RpcError, Seen, Sent};
use crate::signer::Key;
use crate::transactions::core::Draft;
use crate::transactions::fees::Fees;
use crate::transactions::sign;

/// Gas of a creation; the largest contract takes about 5 million.
const CREATION_GAS: u64 = 7_500_000;
/// Gas of a call.
const CALL_GAS: u64 = 1_500_000;
/// How long the chain may take for all of it.
const PATIENCE: Duration = Duration::from_secs(90);

/// What stops an errand.
#[derive(Debug, Error)]
pub enum ErrandError {
    /// L1 cannot be read.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The key does not sign.
    #[error("[PY-L-084] {what}: the signer failed: {reason}")]
    Signer {
        /// What was to be done.
        what: String,
        /// The signer's words.
        reason: String,
    },
    /// A transaction was refused or has reverted.
    #[error("[PY-L-085] {what}: {reason}; has the account ether, and does the chain have the Osaka rules?")]
    Failed {
        /// What was to be done.
        what: String,
        /// What happened.
        reason: String,
    },
    /// The chain does not go on.
    #[error("[PY-L-086] {what}: not included in {seconds} s; does the chain make blocks?")]
    TimedOut {
        /// What was to be done.
        what: String,
        /// How long it was waited for.
        seconds: u64,
    },
}

/// Transactions on their way.
pub struct Errands<'a> {
    rpc: &'a Rpc,
    key: &'a Key,
    fees: Fees,
    head: u64,
    nonce: u64,
    sent: Vec<(String, B256)>,
}

impl<'a> Errands<'a> {
    /// Looks up the account's nonce and what gas costs.
    pub async fn open(rpc: &'a Rpc, key: &'a Key) -> Result<Self, ErrandError> {
        let head = rpc.head().await?;
        let tip = rpc.suggested_priority_fee().await?.max(1);
        // Room for the base fee to grow by an eighth a block meanwhile.
        let max_fee_per_gas = head.base_fee_per_gas.saturating_mul(8).saturating_add(tip);
        let fees = Fees { max_fee_per_gas, max_priority_fee_per_gas: tip };
        let nonce = rpc.nonce(key.address(), At::Latest).await?;
        Ok(Self { rpc, key, fees, head: head.number, nonce, sent: Vec::new() })
    }

    /// The account.
    pub fn account(&self) -> Address {
        self.key.address()
    }

    /// EIP-155 id of the chain.
    pub fn chain_id(&self) -> u64 {
        self.rpc.chain_id()
    }

    /// The newest block when these were opened.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// The address of the contract that the transaction after `ahead` others creates.
    pub fn address_of(&self, ahead: u64) -> Address {
        create_address(self.key.address().into(), self.nonce + ahead).into()
    }

    /// Sends a contract's creation; its address.
    pub async fn create(&mut self, what: &str, data: Bytes) -> Result<Address, ErrandError> {
        let address = self.address_of(0);
        self.send(what, None, U256::ZERO, data, CREATION_GAS).await?;
        Ok(address)
    }

    /// Sends a call with that many wei.
    pub async fn call(&mut self, what: &str, to: Address, wei: U256, data: Bytes) -> Result<(), ErrandError> {
        self.send(what, Some(to), wei, data, CALL_GAS).await
    }

    async fn send(
        &mut self,
        what: &str,
        to: Option<Address>,
        value: U256,
        data: Bytes,
        gas_limit: u64,
    ) -> Result<(), ErrandError> {
        let draft = Draft {
            nonce: self.nonce,
            fees: self.fees,
            gas_limit,
            to,
            value,
            data,
            signed_at: self.head,
            cancels: false,
        };
        let signed = sign(&self.key.transactions(), self.rpc.chain_id(), draft).await;
        let attempt =
            signed.map_err(|error| ErrandError::Signer { what: what.to_owned(), reason: error.to_string() })?;
        match self.rpc.send_raw(&attempt.raw).await {
            Sent::Taken | Sent::Unknown(_) => {}
            refused => {
                return Err(ErrandError::Failed { what: what.to_owned(), reason: format!("{refused:?}") });
            }
        }
        self.nonce += 1;
        self.sent.push((what.to_owned(), attempt.hash));
        Ok(())
    }

    /// Waits until all of them are included and have succeeded; the last block they are in.
    pub async fn finish(self) -> Result<u64, ErrandError> {
        let started = Instant::now();
        let mut last = self.head;
        for (what, hash) in self.sent {
            loop {
                match self.rpc.receipt(hash).await? {
                    Seen::Included(receipt) if receipt.succeeded() => {
                        last = last.max(receipt.block_number);
                        break;
                    }
                    Seen::Included(receipt) => {
                        let reason = format!("reverted after {} gas", receipt.gas_used);
                        return Err(ErrandError::Failed { what, reason });
                    }
                    Seen::Nothing | Seen::Unsure if started.elapsed() > PATIENCE => {
                        return Err(ErrandError::TimedOut { what, seconds: PATIENCE.as_secs() });
                    }
                    Seen::Nothing | Seen::Unsure => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        }
        Ok(last)
    }
}
