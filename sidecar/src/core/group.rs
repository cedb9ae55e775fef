//! One group of a block at one height: its bids, who is committed, who works on it.

use serde::{Deserialize, Serialize};

use super::{
    bid::Bid,
    types::{Address, Amount, L1Block},
};

/// What stands behind a group's commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Backing {
    /// This bid's quote, or its prover with the sequencer's deposit.
    Bid(usize),
    /// The sequencer itself.
    Own,
}

/// Who proves a group now. There is never more than one: handing over to another forgets the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Worker {
    /// Nobody yet, or nobody any more.
    Nobody,
    /// The block is being handed over to this bidder.
    Asked { bidder: String },
    /// This bidder has it.
    With { bidder: String },
    /// The sidecar itself.
    Own,
}

impl Worker {
    /// The bidder that has the block or is being given it.
    pub(super) fn bidder(&self) -> Option<&str> {
        match self {
            Self::Asked { bidder } | Self::With { bidder } => Some(bidder),
            Self::Nobody | Self::Own => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Group {
    /// Checked bids; best first once bidding is over.
    pub(super) bids: Vec<Bid>,
    /// First bid not tried yet.
    pub(super) next: usize,
    /// What is being committed, or is.
    pub(super) backing: Option<Backing>,
    pub(super) worker: Worker,
    /// Bidders that had the group or refused it; they are not asked again.
    pub(super) tried: Vec<String>,
    /// Failed hand-overs to the present bidder.
    pub(super) refusals: u32,
    /// The L1 block in which the worker was last heard of.
    pub(super) heard_at: L1Block,
    /// The L1 block in which the worker was last asked.
    pub(super) asked_at: L1Block,
    /// The L1 block for which the worker expects its proof.
    pub(super) expected_at: Option<L1Block>,
    /// The worker has the proof.
    pub(super) proof_there: bool,
    /// The committed bidder was given up.
    pub(super) rescued: bool,
    /// The present worker's delivery or failure is in its record.
    pub(super) recorded: bool,
}

impl Group {
    pub(super) fn new() -> Self {
        Self {
            bids: Vec::new(),
            next: 0,
            backing: None,
            worker: Worker::Nobody,
            tried: Vec::new(),
            refusals: 0,
            heard_at: 0,
            asked_at: 0,
            expected_at: None,
            proof_there: false,
            rescued: false,
            recorded: false,
        }
    }

    /// The bid that is committed or being committed.
    pub(super) fn committed_bid(&self) -> Option<&Bid> {
        match self.backing? {
            Backing::Bid(index) => self.bids.get(index),
            Backing::Own => None,
        }
    }

    /// L1 says who is committed. That may be another than wished for last, when a reorg brought an earlier transaction back.
    pub(super) fn committed_to(&mut self, prover: Address, sequencer: Address) {
        let wished = match self.backing {
            Some(Backing::Bid(index)) => self.bids.get(index).map(|bid| bid.quote.prover),
            Some(Backing::Own) => Some(sequencer),
            None => None,
        };
        if self.worker != Worker::Nobody || wished == Some(prover) {
            return;
        }
        let bid = self.bids.iter().position(|bid| bid.quote.prover == prover);
        let own = (prover == sequencer).then_some(Backing::Own);
        self.backing = bid.map(Backing::Bid).or(own).or(self.backing);
    }

    /// The tip this group needs: enough for every quote that may be published, and what a bid with our deposit asks.
    pub(super) fn tip(&self) -> Amount {
        match self.bids.first() {
            Some(best) if !best.brings_deposit => best.quote.price,
            _ => self.bids.iter().filter(|bid| bid.brings_deposit).map(|bid| bid.quote.price).max().unwrap_or(0),
        }
    }

    /// Gives the group to another worker.
    pub(super) fn give(&mut self, worker: Worker, at: L1Block) {
        self.tried.extend(worker.bidder().map(str::to_owned));
        self.worker = worker;
        self.refusals = 0;
        self.heard_at = at;
        self.asked_at = at;
        self.expected_at = None;
        self.proof_there = false;
        self.recorded = false;
    }
}
