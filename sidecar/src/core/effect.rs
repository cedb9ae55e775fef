//! What may happen to the sidecar, and what it asks its driver to do.

use serde::{Deserialize, Serialize};

use super::{
    bid::{Bid, BidFault, Offer, Request},
    chain::View,
    rung::Rung,
    types::{Address, Amount, BlockId, Hash, Height, L1Block, Link, Plan, Reason},
};

/// A transaction the sidecar wants on L1. The same act under the same number is the same transaction, however often it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// Propose the prepared block.
    Propose {
        /// Its commitment.
        commitment: Hash,
        /// Token of the tip.
        tip_token: Address,
        /// The tip for all groups.
        tip: Amount,
    },
    /// Show the block behind the proposal.
    Reveal,
    /// Publish a checked quote.
    CommitQuote {
        /// The group.
        group: u32,
        /// The bid it came in.
        bid: Box<Bid>,
    },
    /// Commit a group with the sequencer's own deposit.
    CommitOwn {
        /// The group.
        group: u32,
        /// Who proves.
        prover: Address,
        /// The deposit.
        deposit: Amount,
    },
    /// Submit the sidecar's own proof of a group.
    Submit {
        /// The group.
        group: u32,
    },
    /// Submit the proof that a prover has finished and not submitted.
    Publish {
        /// The group.
        group: u32,
        /// Whose proof.
        bidder: String,
    },
    /// End a height whose time has come.
    Settle,
    /// Get tip and deposits back.
    Refund {
        /// Our proposal.
        proposal: u32,
    },
    /// Draw what is credited.
    Withdraw {
        /// In this token.
        token: Address,
    },
}

/// The slot an act takes: a slot holds one transaction at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Slot {
    /// [`Act::Propose`].
    Propose,
    /// [`Act::Reveal`].
    Reveal,
    /// [`Act::CommitQuote`] and [`Act::CommitOwn`] of a group.
    Commit(u32),
    /// [`Act::Submit`] and [`Act::Publish`] of a group.
    Submit(u32),
    /// [`Act::Settle`].
    Settle,
    /// [`Act::Refund`].
    Refund,
    /// [`Act::Withdraw`] of a token; its height is 0.
    Withdraw(Address),
}

/// Names one transaction for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Intent {
    /// The height it is about; 0 for withdrawals.
    pub height: Height,
    /// The attempt it belongs to, counted over all heights; 0 for withdrawals.
    pub attempt: u64,
    /// What it does.
    pub slot: Slot,
    /// From 0: how many transactions were asked for in this attempt's slot before.
    pub number: u32,
}

impl std::fmt::Display for Intent {
    /// A name for the transaction manager, as `h12.3/commit-0/1`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "h{}.{}/", self.height, self.attempt)?;
        match self.slot {
            Slot::Propose => f.write_str("propose")?,
            Slot::Reveal => f.write_str("reveal")?,
            Slot::Commit(group) => write!(f, "commit-{group}")?,
            Slot::Submit(group) => write!(f, "submit-{group}")?,
            Slot::Settle => f.write_str("settle")?,
            Slot::Refund => f.write_str("refund")?,
            Slot::Withdraw(token) => write!(f, "withdraw-{token}")?,
        }
        write!(f, "/{}", self.number)
    }
}

/// What became of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Landing {
    /// Included and succeeded.
    Included {
        /// In this block.
        block: L1Block,
    },
    /// It can no longer take effect: reverted on chain, or refused before it was sent.
    Failed {
        /// Why.
        reason: String,
        /// The contracts refuse the quote in it, which no second try mends.
        bad_quote: bool,
    },
    /// A reorg took it back; it is on its way again.
    TakenBack,
}

/// What a prover says of a block it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// At work.
    Working {
        /// L1 blocks until the proof is expected, if it says.
        remaining: Option<u64>,
    },
    /// The proof is there, verified and public.
    Proven,
    /// It gave up or refused.
    Failed {
        /// Why.
        reason: String,
    },
    /// It does not answer.
    Silent,
}

/// Everything that may happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The process started, on an empty store or on what an earlier one left.
    Started,
    /// L1 has a new head, or another one.
    L1(Box<View>),
    /// A block came in and was executed.
    Received {
        /// What it is.
        plan: Plan,
    },
    /// [`Effect::Prepare`] is done: salt and header are stored.
    Prepared {
        /// The height.
        height: Height,
        /// The block.
        block: BlockId,
        /// Its commitment at that height.
        commitment: Hash,
    },
    /// A coordinator answered [`Effect::Ask`].
    Answered {
        /// The height.
        height: Height,
        /// The commitment asked about.
        commitment: Hash,
        /// The group.
        group: u32,
        /// Who.
        bidder: String,
        /// Its offer, or why it makes none.
        answer: Result<Box<Offer>, String>,
    },
    /// [`Effect::Cut`] is done.
    Cut {
        /// The block.
        block: BlockId,
        /// Its parts, or why it cannot be cut.
        parts: Result<Box<(Plan, Plan)>, Reason>,
    },
    /// A transaction is on chain or will never be.
    Landed {
        /// Which.
        intent: Intent,
        /// What became of it.
        landing: Landing,
    },
    /// A coordinator answered [`Effect::HandOver`].
    HandedOver {
        /// The height.
        height: Height,
        /// The group.
        group: u32,
        /// Who.
        bidder: String,
        /// Who signed the receipt (none: a rescuer that took the block without a quote), or why it was not taken.
        receipt: Result<Option<Address>, String>,
    },
    /// A coordinator answered [`Effect::Inquire`].
    Reported {
        /// The height.
        height: Height,
        /// The group.
        group: u32,
        /// Who.
        bidder: String,
        /// What it says.
        report: Report,
    },
    /// [`Effect::SelfProve`] is done.
    SelfProved {
        /// The height.
        height: Height,
        /// The block.
        block: BlockId,
        /// Whether the proofs of all groups are stored, or why not.
        outcome: Result<(), String>,
    },
    /// Time passed.
    Tick,
    /// Begin nothing new.
    Drain,
}

/// Everything the core may ask for. The state is stored before any of it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Draw a salt, make header and commitment of the block at this height, store them, answer `Prepared`. Asked again for the same
    /// pair it gives the same commitment.
    Prepare {
        /// The height.
        height: Height,
        /// The block.
        block: BlockId,
        /// The state the height starts from, which is the block's.
        start: Link,
    },
    /// Ask a coordinator for a quote; answer `Answered`.
    Ask {
        /// Whom.
        bidder: String,
        /// For what.
        request: Request,
    },
    /// Cut a block after its first transfers, store both parts; answer `Cut`.
    Cut {
        /// The block.
        block: BlockId,
        /// Transfers of the first part.
        first: u32,
        /// The height the sequencer hoped for.
        height: Height,
    },
    /// Send a transaction; answer `Landed`.
    Send {
        /// Its name.
        intent: Intent,
        /// What it does.
        act: Act,
        /// The block it is about; zero for withdrawals.
        block: BlockId,
        /// Last L1 block in which it is of use; none: it always is.
        until: Option<L1Block>,
    },
    /// Hand a block over to a coordinator; answer `HandedOver`.
    HandOver {
        /// The height.
        height: Height,
        /// The block.
        block: BlockId,
        /// The group.
        group: u32,
        /// To whom.
        bidder: String,
        /// The accepted bid; none in a rescue by one that made no bid for this group.
        bid: Option<Box<Bid>>,
        /// The bid is not the one that is committed: the coordinator proves for the rescuer's share.
        rescue: bool,
    },
    /// Ask a coordinator how it stands; answer `Reported`.
    Inquire {
        /// The height.
        height: Height,
        /// The block.
        block: BlockId,
        /// The group.
        group: u32,
        /// Whom.
        bidder: String,
    },
    /// Prove all groups of a block in this process and store the proofs; answer `SelfProved`.
    SelfProve {
        /// The height.
        height: Height,
        /// The block.
        block: BlockId,
    },
    /// A block has reached a rung.
    Notify {
        /// The block.
        block: BlockId,
        /// The rung.
        rung: Rung,
    },
    /// A bid was refused.
    Refused {
        /// Whose.
        bidder: String,
        /// Why.
        fault: BidFault,
    },
    /// A height the sidecar took part in is through; its prepared data can go.
    Forget {
        /// The height.
        height: Height,
    },
}
