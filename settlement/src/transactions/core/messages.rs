//! What the core is told and what it wants done.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, Bytes, U256};

use crate::rpc::{Seen, Sent};
use crate::transactions::fees::{Fees, Market};
use crate::transactions::journal::{Attempt, IntentId, ObsoleteWhen, Record};

/// What is seen of L1 at one of its blocks.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The newest block.
    pub head: u64,
    /// Its base fee and the builder's part that nodes suggest.
    pub market: Market,
    /// Included transactions of the account.
    pub nonce: u64,
    /// The same as of the block `contested_depth` before the newest.
    pub contested_nonce: u64,
    /// The same as of the block that is final.
    pub final_nonce: u64,
    /// What is seen of the hashes that [`Wants`] names; with the reason, where it reverted.
    pub receipts: BTreeMap<B256, (Seen, Option<String>)>,
}

/// What an observation must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// Receipts of these transactions.
    pub receipts: Vec<B256>,
    /// The nonce that is in flight; the older nonces are needed when the account has passed it.
    pub in_flight: Option<u64>,
}

/// What a preflight says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preflight {
    /// It would succeed and take this much gas.
    Passes {
        /// Without margin.
        gas: u64,
    },
    /// It would revert.
    Reverts {
        /// The contract's reason.
        reason: String,
    },
    /// Nobody could be asked.
    Unavailable,
}

/// A transaction to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The account's nonce.
    pub nonce: u64,
    /// What it offers.
    pub fees: Fees,
    /// Gas at most.
    pub gas_limit: u64,
    /// Whom it calls; none: it creates a contract.
    pub to: Option<Address>,
    /// Wei sent along.
    pub value: U256,
    /// Selector and arguments.
    pub data: Bytes,
    /// Copied to [`Attempt::signed_at`].
    pub signed_at: u64,
    /// Copied to [`Attempt::cancels`].
    pub cancels: bool,
}

/// What happened. `sequence` names the record.
#[derive(Clone, Debug)]
pub enum Event {
    /// A new intent, stored already.
    Added(Box<Record>),
    /// The caller does not want it any more.
    Withdrawn(IntentId),
    /// L1 was looked at.
    Observed(Observation),
    /// Whether it is obsolete; false when nobody could be asked.
    Checked {
        /// The record.
        sequence: u64,
        /// The answer.
        obsolete: bool,
    },
    /// Whether it would succeed.
    Preflighted {
        /// The record.
        sequence: u64,
        /// The answer.
        outcome: Preflight,
    },
    /// A draft was signed; none: the signer failed.
    Signed {
        /// The record.
        sequence: u64,
        /// The signed transaction.
        attempt: Option<Attempt>,
    },
    /// A record was written, or not.
    Stored {
        /// The record.
        sequence: u64,
        /// Whether it is on disk.
        written: bool,
    },
    /// What nodes said to a sending.
    Sent {
        /// The record.
        sequence: u64,
        /// Their answer.
        sent: Sent,
    },
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask whether an intent is obsolete: `Event::Checked`.
    Check {
        /// The record.
        sequence: u64,
        /// The call.
        when: ObsoleteWhen,
    },
    /// Try the intent in the next block: `Event::Preflighted`.
    Preflight {
        /// The record.
        sequence: u64,
        /// The block it would be in.
        block: u64,
    },
    /// Sign: `Event::Signed`.
    Sign {
        /// The record.
        sequence: u64,
        /// What.
        draft: Draft,
    },
    /// Write: `Event::Stored`.
    Store {
        /// The record as it is to be.
        record: Box<Record>,
    },
    /// Send: `Event::Sent`.
    Send {
        /// The record.
        sequence: u64,
        /// The signed transaction.
        raw: Bytes,
    },
    /// A record has changed, and is written.
    Changed {
        /// The record as it is.
        record: Box<Record>,
    },
    /// Fees may not be raised further: too little is at risk for what L1 costs now.
    Capped {
        /// The intent.
        id: IntentId,
        /// The most per gas that is allowed, in wei.
        cap: u128,
    },
    /// The intent cannot be sent now; it stays queued.
    Waits {
        /// The intent.
        id: IntentId,
        /// Why.
        reason: String,
    },
}
