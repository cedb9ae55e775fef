//! What is written down about a transaction, and before what.
//!
//! A record is stored before its transaction is sent: whatever a node may have seen is in the journal, so that a process that
//! dies at any moment is followed by one that knows every hash under which the intent can land.

use std::fmt;

use alloy::primitives::{Address, B256, Bytes, U256};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The caller's name for what it wants done: one name, one effect on L1. Submitting it again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IntentId(String);

/// A name that cannot be one.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("[PY-L-040] {0:?} is no intent id; use 1 to 128 printable ASCII characters without spaces")]
pub struct InvalidIntentId(String);

impl IntentId {
    /// Takes 1 to 128 printable ASCII characters.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidIntentId> {
        let name = name.into();
        if (1..=128).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(name))
        } else {
            Err(InvalidIntentId(name.chars().take(32).collect()))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for IntentId {
    type Error = InvalidIntentId;

    fn try_from(name: String) -> Result<Self, InvalidIntentId> {
        Self::new(name)
    }
}

impl From<IntentId> for String {
    fn from(id: IntentId) -> Self {
        id.0
    }
}

impl fmt::Display for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether an intent may land twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duplicates {
    /// The contract refuses the second; only its gas is lost. Signed anew soon after somebody else took the nonce.
    Harmless,
    /// It must not happen. Signed anew only when the transaction that took the nonce is final.
    Forbidden,
}

/// A call that tells whether an intent is still needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObsoleteWhen {
    /// The contract to ask.
    pub to: Address,
    /// Selector and arguments.
    pub data: Bytes,
    /// The answer that makes the intent obsolete.
    pub answer: Bytes,
}

/// Something to be done on L1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its name.
    pub id: IntentId,
    /// The contract.
    pub to: Address,
    /// Selector and arguments.
    pub data: Bytes,
    /// Wei sent along.
    pub value: U256,
    /// Gas, where the caller knows better than the estimate.
    pub gas_limit: Option<u64>,
    /// What is lost, in wei, if it does not land in time. Caps the fees.
    pub at_risk: U256,
    /// The first L1 block in which it makes sense.
    pub not_before: Option<u64>,
    /// The last L1 block in which it makes sense.
    pub deadline: Option<u64>,
    /// Whether it may land twice.
    pub duplicates: Duplicates,
    /// Asked before each sending.
    pub obsolete_when: Option<ObsoleteWhen>,
}

impl Intent {
    /// An intent without value, limits of time or checks, of which a second landing does no harm.
    pub fn new(id: IntentId, to: Address, data: impl Into<Bytes>) -> Self {
        Self {
            id,
            to,
            data: data.into(),
            value: U256::ZERO,
            gas_limit: None,
            at_risk: U256::ZERO,
            not_before: None,
            deadline: None,
            duplicates: Duplicates::Harmless,
            obsolete_when: None,
        }
    }
}

/// One signed transaction of an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The account's nonce.
    pub nonce: u64,
    /// Wei per gas at most.
    pub max_fee_per_gas: u128,
    /// Of it for the block builder at most.
    pub max_priority_fee_per_gas: u128,
    /// Gas at most.
    pub gas_limit: u64,
    /// The transaction's hash.
    pub hash: B256,
    /// The signed transaction as it is sent (EIP-2718).
    pub raw: Bytes,
    /// The newest L1 block when it was signed.
    pub signed_at: u64,
    /// It does nothing but use up the nonce of an intent that is not wanted any more.
    pub cancels: bool,
}

/// Why an intent is given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GivenUp {
    /// Somebody else has done it.
    Obsolete,
    /// Its deadline is over.
    Expired,
    /// The caller does not want it any more.
    Withdrawn,
    /// It would revert.
    Refused {
        /// The contract's reason.
        reason: String,
    },
}

/// Where an intent stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Not signed, or its nonce was taken by somebody else.
    Queued,
    /// Signed and perhaps sent; any of the attempts may land.
    InFlight,
    /// In a block that a reorg may still take back.
    Included {
        /// Which attempt.
        hash: B256,
        /// The block.
        block_number: u64,
        /// Its hash.
        block_hash: B256,
        /// Why it reverted, if it did.
        reverted: Option<String>,
    },
    /// Final: it succeeded.
    Succeeded {
        /// Which attempt.
        hash: B256,
        /// The block.
        block_number: u64,
    },
    /// Final: it reverted.
    Reverted {
        /// Which attempt.
        hash: B256,
        /// The block.
        block_number: u64,
        /// The contract's reason.
        reason: String,
    },
    /// Final: it will not land.
    GivenUp(GivenUp),
}

impl State {
    /// Whether nothing can change any more.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Succeeded { .. } | Self::Reverted { .. } | Self::GivenUp(_))
    }
}

/// All that is known of an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Place in the order of the sender's intents, from 0.
    pub sequence: u64,
    /// EIP-155 id.
    pub chain_id: u64,
    /// The account that sends it.
    pub sender: Address,
    /// What is to be done.
    pub intent: Intent,
    /// Everything that was ever signed for it, oldest first.
    pub attempts: Vec<Attempt>,
    /// Where it stands.
    pub state: State,
    /// The caller or the deadline have ended it; what is in flight is being cancelled.
    pub giving_up: Option<GivenUp>,
    /// The block in which it was first found to be done by somebody else.
    pub obsolete_since: Option<u64>,
}

/// The journal could not be read or written.
#[derive(Debug, Error)]
#[error("[PY-L-041] journal of transactions: {0}; nothing is sent that is not written first")]
pub struct JournalError(pub Box<dyn std::error::Error + Send + Sync>);

/// Where records are kept. One process per sender may use it at a time.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// The sender's records that are not final, in order, and the next free sequence number.
    async fn open(&self, chain_id: u64, sender: Address) -> Result<(Vec<Record>, u64), JournalError>;

    /// The record of an intent of this sender, final or not.
    async fn find(&self, chain_id: u64, sender: Address, id: &IntentId) -> Result<Option<Record>, JournalError>;

    /// Writes a record, replacing the one with the same chain, sender and sequence. When it returns, the record survives a crash
    /// of the process and of the machine.
    async fn store(&self, record: &Record) -> Result<(), JournalError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_printable_also_when_read() {
        assert!(IntentId::new("submit/7/0").is_ok());
        for bad in ["", "a b", "a\n", &"x".repeat(129), "é"] {
            assert!(IntentId::new(bad).is_err());
            assert!(serde_json::from_value::<IntentId>(bad.into()).is_err());
        }
    }

    #[test]
    fn records_survive_their_encoding() {
        let mut intent = Intent::new(IntentId::new("a").expect("an id"), Address::repeat_byte(1), vec![1, 2]);
        intent.at_risk = U256::MAX;
        intent.obsolete_when =
            Some(ObsoleteWhen { to: intent.to, data: Bytes::from_static(&[3]), answer: Bytes::from_static(&[4]) });
        let attempt = Attempt {
            nonce: u64::MAX,
            max_fee_per_gas: u64::MAX.into(),
            max_priority_fee_per_gas: 1,
            gas_limit: 21_000,
            hash: B256::repeat_byte(5),
            raw: Bytes::from_static(&[6]),
            signed_at: 7,
            cancels: true,
        };
        let record = Record {
            sequence: 1,
            chain_id: 2,
            sender: Address::repeat_byte(8),
            intent,
            attempts: vec![attempt],
            state: State::Included {
                hash: B256::ZERO,
                block_number: 1,
                block_hash: B256::ZERO,
                reverted: Some("x".to_owned()),
            },
            giving_up: Some(GivenUp::Refused { reason: "y".to_owned() }),
            obsolete_since: Some(9),
        };
        let text = serde_json::to_string(&record).expect("JSON");
        assert_eq!(serde_json::from_str::<Record>(&text).expect("the record"), record);
    }
}
