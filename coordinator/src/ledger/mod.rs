//! The coordinator's durable money state: quotes and their nonces, reservations, accepted blocks, receipts, deposits at risk,
//! proofs and transactions.
//!
//! What always holds (P1 and P2):
//! - Nothing is signed before it is on disk, and no signature leaves before it is on disk: [`Ledger::reserve_quote`], sign,
//!   [`Ledger::sign_quote`]; [`Ledger::accept_block`], sign, [`Ledger::sign_receipt`].
//! - A nonce is given out once, whatever happens. Terms and signatures never change once written.
//! - A group of a block has at most one open quote, and the deposits of open quotes never exceed the escrow balance they were
//!   checked against.
//! - One coordinator at a time: a second one on the same ledger does not start.
//! - What is left to do is in here: [`Ledger::open_work`]. Nothing of it is in NATS.
//!
//! The trait is blocking; async callers use tokio's blocking pool.

mod error;
mod records;
pub mod sqlite;

use alloy_primitives::{Address, B256, U256};

pub use self::{
    error::LedgerError,
    records::{
        Accepted, Backing, BlockRecord, GroupKey, Identity, NewBlock, NewQuote, OpenWork, QuoteRecord, QuoteState,
        QuoteTerms, ReceiptRecord, Reservation, Reserved, TransactionRow,
    },
    sqlite::SqliteLedger,
};

/// Durable money state. Each call that changes something is one transaction: when it returns, it is on disk; when it fails,
/// nothing of it is.
pub trait Ledger: Send + Sync {
    /// Whose ledger it is.
    fn identity(&self) -> Identity;

    /// First step of a quote: gives it a nonce, holds its deposit and its capacity. Nothing may be signed before.
    ///
    /// An open quote for the same group on the same terms is returned as it is, signed or not. Refused: a group that is quoted
    /// on other terms, a deposit that the balance does not cover beside those of all open quotes.
    fn reserve_quote(&self, quote: &NewQuote, backing: &Backing) -> Result<Reserved, LedgerError>;

    /// Second step of a quote: its signature, which may be sent only after this. The same signature again changes nothing;
    /// another one is refused.
    fn sign_quote(&self, nonce: U256, signature: &[u8]) -> Result<QuoteRecord, LedgerError>;

    /// Gives up a quote that was never signed.
    fn decline_quote(&self, nonce: U256, reason: &str) -> Result<(), LedgerError>;

    /// A quote.
    fn quote(&self, nonce: U256) -> Result<Option<QuoteRecord>, LedgerError>;

    /// The open quote of a group, else the latest one.
    fn quote_of(&self, group: GroupKey) -> Result<Option<QuoteRecord>, LedgerError>;

    /// Quotes that ended in L1 block `since` or later: a reorg may yet change that.
    fn ended_quotes(&self, since: u64) -> Result<Vec<QuoteRecord>, LedgerError>;

    /// Quotes whose expiry lies more than `depth` blocks behind `head` and that were not committed, now expired: neither
    /// capacity nor deposit is held for them any more.
    fn expire_quotes(&self, head: u64, depth: u64) -> Result<Vec<QuoteRecord>, LedgerError>;

    /// What L1 says about a signed quote, as of block `at`: committed, settled, slashed, released, or (after a reorg) one of the
    /// former states again. The same state again changes nothing.
    fn move_quote(
        &self,
        nonce: U256,
        to: QuoteState,
        at: u64,
        reason: Option<&str>,
    ) -> Result<QuoteRecord, LedgerError>;

    /// Deposits that are drawn and neither back nor slashed: token and amount of each committed quote.
    fn deposits_at_risk(&self) -> Result<Vec<(Address, U256)>, LedgerError>;

    /// First step of a receipt: the block, its file and the receipt's terms. From here on the block is never forgotten. The
    /// quote must be signed and open and name the block. The same block again gives what is there.
    fn accept_block(&self, block: &NewBlock) -> Result<Accepted, LedgerError>;

    /// Second step of a receipt: its signature, which may be sent only after this.
    fn sign_receipt(&self, nonce: U256, signature: &[u8]) -> Result<ReceiptRecord, LedgerError>;

    /// The receipt for a quote's block.
    fn receipt(&self, nonce: U256) -> Result<Option<ReceiptRecord>, LedgerError>;

    /// An accepted block by its commitment.
    fn block(&self, commitment: B256) -> Result<Option<BlockRecord>, LedgerError>;

    /// Accepted blocks of one file, the latest height first: the same file may be proposed more than once.
    fn blocks_by_id(&self, id: B256) -> Result<Vec<BlockRecord>, LedgerError>;

    /// The file of an accepted block; `None` when it is unknown or pruned.
    fn block_file(&self, commitment: B256) -> Result<Option<Vec<u8>>, LedgerError>;

    /// A verified root proof. The same proof again changes nothing.
    fn store_proof(&self, commitment: B256, proof: &[u8]) -> Result<(), LedgerError>;

    /// The root proof of a block.
    fn proof(&self, commitment: B256) -> Result<Option<Vec<u8>>, LedgerError>;

    /// The farm cannot prove a block, for good; it is no longer work.
    fn give_up_block(&self, commitment: B256, reason: &str) -> Result<(), LedgerError>;

    /// Writes a transaction's record, replacing the one in the same place. Before anything of it is sent.
    fn store_transaction(&self, row: &TransactionRow) -> Result<(), LedgerError>;

    /// The record of an account's intent.
    fn transaction(&self, chain_id: u64, sender: Address, intent: &str) -> Result<Option<Vec<u8>>, LedgerError>;

    /// An account's records that are not final, in order, and its next free place.
    fn open_transactions(&self, chain_id: u64, sender: Address) -> Result<(Vec<Vec<u8>>, u64), LedgerError>;

    /// Everything that must go on after a start.
    fn open_work(&self) -> Result<OpenWork, LedgerError>;

    /// Drops the files of blocks all of whose quotes ended before L1 block `before`; how many. Everything else stays.
    fn prune_files(&self, before: u64) -> Result<usize, LedgerError>;

    /// Lets go of the file, after a call that is under way: another process may have it then, whoever still holds this one. Every
    /// later call is refused and changes nothing.
    fn close(&self);
}
