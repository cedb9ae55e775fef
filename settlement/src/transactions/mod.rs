//! Sends transactions until they are final.
//!
//! An [`Intent`] is written to the [`Journal`] when it is submitted and each signed transaction before it is sent. [`core`] decides;
//! [`Manager`] reads L1, signs, writes and sends for it. See docs/settlement.md.

pub mod core;
pub mod fees;
mod figures;
mod journal;
mod manager;
mod sign;

pub use figures::{OpenTransactions, Tally};
pub use journal::{
    Attempt, Duplicates, GivenUp, Intent, IntentId, InvalidIntentId, Journal, JournalError, ObsoleteWhen, Record, State,
};
pub use manager::{Manager, ManagerError};
pub use sign::TransactionSigner;
pub(crate) use sign::sign;
