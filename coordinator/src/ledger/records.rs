//! What the ledger holds. Times are L1 block numbers, amounts are in a token's smallest unit, the zero token is ETH.

use std::fmt;

use alloy_primitives::{Address, B256, U256};
/// A quote's terms as they are signed.
pub use proofyard_coordinator_client::Quote as QuoteTerms;

/// Whose ledger it is: it serves one chain and one pair of contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The sidecar contract.
    pub sidecar: Address,
    /// The escrow contract.
    pub escrow: Address,
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "chain {}, sidecar {}, escrow {}", self.chain_id, self.sidecar, self.escrow)
    }
}

/// One group of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey {
    /// The block commitment.
    pub commitment: B256,
    /// The group, from 0.
    pub group: u32,
}

impl GroupKey {
    /// The group that a quote is for.
    pub fn of(terms: &QuoteTerms) -> Self {
        Self { commitment: terms.block_commitment, group: terms.group }
    }
}

/// Capacity held for a quote; see `market`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation {
    /// Base-2 logarithm of the rows of a subtree.
    pub rows_log2: u32,
    /// Subtrees of the block.
    pub subtrees: u32,
    /// Groups of the block.
    pub groups: u32,
    /// Milliseconds of the whole farm.
    pub work_ms: u64,
    /// Milliseconds from its start to its end when nothing else is in work.
    pub wall_ms: u64,
    /// L1 block in which it was made.
    pub quoted_at: u64,
    /// L1 block in which proving has begun at the latest.
    pub start_by: u64,
    /// Last L1 block that may include the proof.
    pub prove_by: u64,
}

/// A quote before it has a nonce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewQuote {
    /// Its terms; the nonce is ignored and given by the ledger.
    pub terms: QuoteTerms,
    /// What it holds of the farm.
    pub reservation: Reservation,
}

/// What backs deposits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backing {
    /// `available(depositToken, prover)` of the escrow.
    pub balance: U256,
    /// The L1 block as of which that is.
    pub at: u64,
}

/// Where a quote stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuoteState {
    /// Nonce, deposit and capacity are held; no signature is known.
    Reserved,
    /// Signed; it may be drawn until its expiry.
    Signed,
    /// On L1; the deposit is at risk.
    Committed,
    /// Proven and paid.
    Settled,
    /// The deposit is lost.
    Slashed,
    /// The deposit came back without a proof: another proposal won, or the height is void.
    Released,
    /// Never drawn, and it cannot be any more.
    Expired,
    /// Given up before it was signed.
    Declined,
}

impl QuoteState {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Reserved,
        Self::Signed,
        Self::Committed,
        Self::Settled,
        Self::Slashed,
        Self::Released,
        Self::Expired,
        Self::Declined,
    ];

    /// True while capacity is held, and a deposit that the balance must cover or that is at risk.
    pub fn is_open(self) -> bool {
        match self {
            Self::Reserved | Self::Signed | Self::Committed => true,
            Self::Settled | Self::Slashed | Self::Released | Self::Expired | Self::Declined => false,
        }
    }

    /// Whether L1 can take a quote from this state to `to`; reorgs go back. `Reserved` is left by signing or declining only.
    pub fn may_become(self, to: Self) -> bool {
        match self {
            Self::Reserved | Self::Declined => false,
            Self::Signed => matches!(to, Self::Committed | Self::Expired),
            Self::Committed => matches!(to, Self::Signed | Self::Settled | Self::Slashed | Self::Released),
            Self::Settled | Self::Slashed | Self::Released => matches!(to, Self::Committed | Self::Signed),
            // Seen on L1 after all, in a reorg deeper than was waited for.
            Self::Expired => to == Self::Committed,
        }
    }

    /// As written in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Signed => "signed",
            Self::Committed => "committed",
            Self::Settled => "settled",
            Self::Slashed => "slashed",
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Declined => "declined",
        }
    }

    /// The state of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl fmt::Display for QuoteState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuoteRecord {
    /// Its terms.
    pub terms: QuoteTerms,
    /// What it holds of the farm while it is open.
    pub reservation: Reservation,
    /// Where it stands.
    pub state: QuoteState,
    /// The prover's signature; kept for ever once there.
    pub signature: Option<Vec<u8>>,
    /// L1 block of the commitment, while it stands.
    pub committed_at: Option<u64>,
    /// L1 block in which it ended, once it has.
    pub ended_at: Option<u64>,
    /// Why it ended, if that needs words.
    pub reason: Option<String>,
}

/// What came of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// A new quote, to be signed.
    New(QuoteRecord),
    /// The group's open quote on these terms; to be signed if it is not.
    Existing(QuoteRecord),
}

impl Reserved {
    /// The quote.
    pub fn into_record(self) -> QuoteRecord {
        match self {
            Self::New(record) | Self::Existing(record) => record,
        }
    }
}

/// A block to be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBlock {
    /// The quote it comes with.
    pub nonce: U256,
    /// The block commitment.
    pub commitment: B256,
    /// SHA-256 of the file.
    pub id: B256,
    /// The block file.
    pub file: Vec<u8>,
    /// The header, as the caller encodes it.
    pub header: Vec<u8>,
    /// The commitment's salt.
    pub salt: B256,
    /// The L1 block of the receipt.
    pub accepted_at: u64,
}

/// An accepted block without its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRecord {
    /// The block commitment.
    pub commitment: B256,
    /// SHA-256 of the file.
    pub id: B256,
    /// The height.
    pub height: u64,
    /// Who proposes it.
    pub sequencer: Address,
    /// The header, as it was accepted.
    pub header: Vec<u8>,
    /// The commitment's salt.
    pub salt: B256,
    /// Why the farm gave it up, if it did.
    pub given_up: Option<String>,
}

/// A receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRecord {
    /// The quote's nonce.
    pub nonce: U256,
    /// The block commitment.
    pub commitment: B256,
    /// SHA-256 of the file.
    pub id: B256,
    /// L1 block of the acceptance.
    pub accepted_at: u64,
    /// The coordinator's signature; kept for ever once there.
    pub signature: Option<Vec<u8>>,
}

/// What came of handing a block in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// It is new; the receipt is to be signed.
    New(ReceiptRecord),
    /// It was there; its receipt is to be signed if it is not.
    Existing(ReceiptRecord),
}

impl Accepted {
    /// The receipt.
    pub fn into_record(self) -> ReceiptRecord {
        match self {
            Self::New(record) | Self::Existing(record) => record,
        }
    }
}

/// A transaction's record as the transaction manager encodes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionRow {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The account that sends it.
    pub sender: Address,
    /// Place in the order of the account's intents.
    pub sequence: u64,
    /// The intent's name, once for each account.
    pub intent: String,
    /// Nothing can change any more.
    pub is_final: bool,
    /// The record.
    pub record: Vec<u8>,
}

/// Everything that must go on after a start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenWork {
    /// Quotes that are reserved, signed or committed, oldest first.
    pub quotes: Vec<QuoteRecord>,
    /// Accepted blocks of open quotes without a proof, that the farm has not given up.
    pub unproven: Vec<BlockRecord>,
    /// Accepted blocks of open quotes with a proof that is not settled.
    pub unsettled: Vec<BlockRecord>,
    /// Receipts that were written and not signed.
    pub unsigned_receipts: Vec<ReceiptRecord>,
    /// Names of the intents whose transactions are not final.
    pub transactions: Vec<String>,
}
