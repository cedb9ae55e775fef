//! What the sidecar is told to do: persona, bidders, bounds.

use super::types::{Address, Amount, Millis};

/// How a sequencer has its blocks proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persona {
    /// No quotes: own deposit, blocks small enough to prove oneself.
    SelfProve,
    /// Only the named provers, which must pay the deposit.
    TrustedList,
    /// Any prover that a configured coordinator answers for; price decides, and an own deposit may stand in.
    OpenAuction,
}

/// A coordinator that may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bidder {
    /// Its name in the configuration; history is kept under it.
    pub name: String,
    /// Provers it may answer for. Empty: any, which the trusted list does not allow.
    pub provers: Vec<Address>,
    /// It brings no deposit; the sequencer's is used. For the open auction only.
    pub own_deposit: bool,
}

/// All of it. Lengths in `_blocks` are L1 blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How blocks are proven.
    pub persona: Persona,
    /// The sequencer's address.
    pub sequencer: Address,
    /// Who may be asked, in the order of the configuration.
    pub bidders: Vec<Bidder>,
    /// Token of tips and prices; zero is ETH.
    pub tip_token: Address,
    /// Highest price for a whole block.
    pub price_max: Amount,
    /// How long bids are waited for.
    pub bid_deadline_ms: Millis,
    /// Heights for which a bidder that did not deliver is not asked.
    pub cool_down: u64,
    /// Blocks a proposal may take to get into L1; quotes must live that much longer.
    pub propose_blocks: u64,
    /// Most transfers of a block that is self-proven from the start.
    pub self_prove_transfers: u32,
    /// Blocks that self-proving takes at most.
    pub self_prove_blocks: u64,
    /// With fewer blocks than this between the expected proof and the window's end, another prover is asked.
    pub rescue_slack_blocks: u64,
    /// A prover not heard of for this long counts as failed.
    pub silent_blocks: u64,
    /// A proof is published at least this long before its window ends.
    pub submit_blocks: u64,
    /// A transaction that L1 no longer shows is sent again after this long.
    pub missing_blocks: u64,
    /// A block whose start another proven height has left behind is handed back after this long.
    pub stale_blocks: u64,
    /// Depth at which a proven height is final.
    pub finality_blocks: u64,
    /// Heights a block is tried at before it is handed back.
    pub attempts_max: u32,
    /// Blocks taken and not ended.
    pub blocks_max: usize,
    /// Credits below this stay on the contract.
    pub withdraw_min: Amount,
}

impl Policy {
    /// The bidder of that name.
    pub fn bidder(&self, name: &str) -> Option<&Bidder> {
        self.bidders.iter().find(|bidder| bidder.name == name)
    }

    /// With this many blocks left, the sequencer starts to prove the block itself.
    pub fn rescue_self_blocks(&self) -> u64 {
        self.self_prove_blocks + self.submit_blocks
    }

    /// With this many blocks left and no word of progress, another prover is asked.
    pub fn rescue_others_blocks(&self) -> u64 {
        self.rescue_self_blocks() + self.rescue_slack_blocks
    }
}

impl Default for Policy {
    /// Self-proving for the zero address, with the lengths of the commented configuration.
    fn default() -> Self {
        Self {
            persona: Persona::SelfProve,
            sequencer: Address::ZERO,
            bidders: Vec::new(),
            tip_token: Address::ZERO,
            price_max: 10_000_000_000_000_000,
            bid_deadline_ms: 2_000,
            cool_down: 16,
            propose_blocks: 2,
            self_prove_transfers: 8,
            self_prove_blocks: 10,
            rescue_slack_blocks: 8,
            silent_blocks: 6,
            submit_blocks: 3,
            missing_blocks: 2,
            stale_blocks: 8,
            finality_blocks: 64,
            attempts_max: 8,
            blocks_max: 64,
            withdraw_min: 1,
        }
    }
}
