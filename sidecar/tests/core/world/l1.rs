//! A small model of the contracts: heights, phases, winners, proofs, ends. The state after each block is kept, so that a reorg is
//! going back.

use std::collections::{BTreeMap, BTreeSet};

use proofyard_sidecar::core::{
    Intent,
    chain::{HeightFacts, Next, Ours, Phase, Rules, View},
    types::{Address, Bytes, Hash, Height, L1Block, Link},
};

pub const LENGTHS: [u64; 5] = [4, 2, 4, 24, 4];
pub const RESCUE: u64 = 5;
pub const DEPOSIT: u128 = 1_000;
pub const US: Address = Bytes([0xaa; 20]);
pub const TOKEN: Address = Bytes([0x70; 20]);

pub fn rules(bonded: bool) -> Rules {
    Rules {
        lengths: lengths(bonded),
        bonded,
        fixed_window: false,
        rescue_blocks: RESCUE,
        deposit_token: TOKEN,
        min_deposit: DEPOSIT,
    }
}

/// Without bonds there is no commitment phase.
fn lengths(bonded: bool) -> [u64; 5] {
    let [proposal, reveal, commitment, proving, submission] = LENGTHS;
    [proposal, reveal, if bonded { commitment } else { 0 }, proving, submission]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Us,
    Rival,
}

#[derive(Debug, Clone)]
pub enum Deed {
    Propose { commitment: Hash, tip: u128, score: u32, groups: u32 },
    Reveal { start: Link, end: Link },
    Commit { group: u32, prover: Address, nonce: Option<Hash>, price: u128, expiry: L1Block },
    Prove { group: u32 },
    Settle,
    Refund { proposal: u32 },
    Withdraw,
}

#[derive(Debug, Clone)]
pub struct Tx {
    pub who: Who,
    pub height: Height,
    pub deed: Deed,
    /// First block that may include it.
    pub ready: L1Block,
    /// Ours: to tell the core.
    pub intent: Option<Intent>,
}

#[derive(Debug, Clone)]
pub struct Proposal {
    pub who: Who,
    pub commitment: Hash,
    pub tip: u128,
    pub score: u32,
    pub groups: u32,
    pub end: Option<Link>,
    pub refunded: bool,
    pub provers: Vec<Option<Address>>,
}

#[derive(Debug, Clone)]
pub struct HeightModel {
    bonded: bool,
    pub opened: L1Block,
    pub start: Link,
    pub proposals: Vec<Proposal>,
    pub proven: Vec<bool>,
    pub end: Option<Phase>,
}

impl HeightModel {
    pub fn first_blocks(&self) -> [L1Block; 6] {
        let mut blocks = [self.opened; 6];
        for phase in 0..5 {
            blocks[phase + 1] = blocks[phase] + lengths(self.bonded)[phase];
        }
        blocks
    }

    pub fn winner(&self) -> Option<usize> {
        let full = |proposal: &Proposal| proposal.end.is_some() && proposal.provers.iter().all(Option::is_some);
        let candidates = self.proposals.iter().enumerate().filter(|(_, proposal)| full(proposal));
        candidates.max_by_key(|(index, proposal)| (proposal.score, std::cmp::Reverse(*index))).map(|(index, _)| index)
    }

    fn complete(&self) -> bool {
        !self.proven.is_empty() && self.proven.iter().all(|proven| *proven)
    }

    fn phase(&self, block: L1Block) -> Phase {
        let [_, reveal, commitment, proving, submission, closed] = self.first_blocks();
        match (self.end, block) {
            (Some(end), _) => end,
            (None, block) if block < reveal => Phase::Proposal,
            (None, block) if block < commitment => Phase::Reveal,
            (None, block) if block < proving => Phase::Commitment,
            (None, _) if self.winner().is_none() => Phase::Closed,
            (None, block) if block < submission => Phase::Proving,
            (None, block) if block < closed || self.complete() => Phase::Submission,
            (None, _) => Phase::Closed,
        }
    }
}

#[derive(Debug, Clone)]
pub struct L1 {
    pub number: L1Block,
    pub heights: BTreeMap<Height, HeightModel>,
    pub head: Link,
    pub used_nonces: BTreeSet<Hash>,
    pub credit: u128,
    /// Deposits drawn from us, by height and group.
    pub own_deposits: BTreeMap<(Height, u32), u32>,
    pipelined: bool,
    /// Groups are committed and bonded.
    pub bonded: bool,
}

impl L1 {
    pub fn new(genesis: Link, pipelined: bool) -> Self {
        Self {
            number: 100,
            heights: BTreeMap::new(),
            head: genesis,
            used_nonces: BTreeSet::new(),
            credit: 0,
            own_deposits: BTreeMap::new(),
            pipelined,
            bonded: true,
        }
    }

    /// Closes what failed, proves what is complete.
    pub fn advance(&mut self) {
        let mut failed = false;
        let block = self.number;
        for height in self.heights.values_mut().filter(|height| height.end.is_none()) {
            if failed {
                height.end = Some(Phase::Void);
            } else if height.phase(block) == Phase::Closed {
                height.end = Some(if height.winner().is_none() { Phase::Void } else { Phase::Slashed });
                failed = true;
            } else if height.complete() && height.start == self.head {
                height.end = Some(Phase::Proven);
                self.head = height.winner().and_then(|index| height.proposals[index].end).expect("a winner's end");
            }
        }
    }

    fn next(&self) -> Next {
        let mut ahead = self.clone();
        ahead.advance();
        let open: Vec<&HeightModel> = ahead.heights.values().filter(|height| height.end.is_none()).collect();
        let height = self.heights.keys().last().map_or(1, |last| last + 1);
        let (ready, start) = match open.last() {
            None => (true, ahead.head),
            Some(last) => match last.winner().filter(|_| self.number >= last.first_blocks()[3]) {
                Some(winner) => (self.pipelined && open.len() < 3, last.proposals[winner].end.expect("revealed")),
                None => (false, last.start),
            },
        };
        Next { open: ready, height, start }
    }

    /// Carries out a transaction in the present block.
    pub fn apply(&mut self, tx: &Tx) -> Result<(), &'static str> {
        let block = self.number;
        let next = self.next();
        self.advance();
        if let Deed::Withdraw = tx.deed {
            self.credit = 0;
            return Ok(());
        }
        if let Deed::Propose { .. } = tx.deed
            && next.open
            && next.height == tx.height
        {
            let model = HeightModel {
                bonded: self.bonded,
                opened: block,
                start: next.start,
                proposals: Vec::new(),
                proven: Vec::new(),
                end: None,
            };
            self.heights.insert(tx.height, model);
        }
        let height = self.heights.get_mut(&tx.height).ok_or("HeightNotOpen")?;
        let phase = height.phase(block);
        let own = height.proposals.iter().position(|proposal| proposal.who == tx.who);
        match tx.deed.clone() {
            Deed::Propose { commitment, tip, score, groups } => {
                check(phase == Phase::Proposal, "WrongPhase")?;
                check(own.is_none(), "ProposalRefused")?;
                height.proposals.push(Proposal {
                    who: tx.who,
                    commitment,
                    tip,
                    score,
                    groups,
                    end: None,
                    refunded: false,
                    provers: Vec::new(),
                });
            }
            Deed::Reveal { start, end } => {
                check(phase == Phase::Reveal, "WrongPhase")?;
                let proposal = &mut height.proposals[own.ok_or("UnknownProposal")?];
                check(proposal.end.is_none(), "UnknownProposal")?;
                check(height.start == start, "InvalidHeader")?;
                proposal.end = Some(end);
                let groups = proposal.groups as usize;
                proposal.provers = vec![None; if height.bonded { groups } else { 0 }];
                if !height.bonded {
                    height.proven = vec![false; groups];
                }
            }
            Deed::Commit { group, prover, nonce, price, expiry } => {
                check(phase == Phase::Commitment, "WrongPhase")?;
                let proposal = &mut height.proposals[own.ok_or("UnknownProposal")?];
                check(proposal.end.is_some(), "UnknownProposal")?;
                check(proposal.provers[group as usize].is_none(), "GroupUnavailable")?;
                check(price <= proposal.tip / u128::from(proposal.groups), "TermsRefused")?;
                check(block <= expiry, "QuoteExpired")?;
                if let Some(nonce) = nonce {
                    check(self.used_nonces.insert(nonce), "NonceUsed")?;
                } else if tx.who == Who::Us {
                    *self.own_deposits.entry((tx.height, group)).or_default() += 1;
                }
                proposal.provers[group as usize] = Some(prover);
                if height.winner().is_some() {
                    let groups = height.winner().map_or(0, |winner| height.proposals[winner].groups);
                    height.proven = vec![false; groups as usize];
                }
            }
            Deed::Prove { group } => {
                check(matches!(phase, Phase::Proving | Phase::Submission), "WrongPhase")?;
                let winner = height.winner().ok_or("WrongPhase")?;
                check(height.proposals[winner].who == tx.who, "InvalidHeader")?;
                check(!height.proven[group as usize], "GroupUnavailable")?;
                height.proven[group as usize] = true;
                self.credit += 1;
            }
            Deed::Refund { proposal } => {
                let lost = block >= height.first_blocks()[3] && height.winner() != Some(proposal as usize);
                check(lost || phase == Phase::Void, "WrongPhase")?;
                height.proposals[proposal as usize].refunded = true;
            }
            Deed::Settle | Deed::Withdraw => {}
        }
        self.advance();
        Ok(())
    }

    /// What the sidecar is shown.
    pub fn view(&self, wanted: &BTreeSet<Height>) -> View {
        let shown = self.heights.iter().filter(|(height, model)| model.end.is_none() || wanted.contains(height));
        let heights = shown.map(|(height, model)| (*height, self.facts(model))).collect();
        let credits = if self.credit > 0 { vec![(Address::ZERO, self.credit)] } else { Vec::new() };
        View {
            number: self.number,
            rules: rules(self.bonded),
            next: self.next(),
            heights,
            proven_end: self.head,
            credits,
        }
    }

    fn facts(&self, model: &HeightModel) -> HeightFacts {
        let ours = model.proposals.iter().position(|proposal| proposal.who == Who::Us).map(|index| {
            let proposal = &model.proposals[index];
            Ours {
                proposal: index as u32,
                commitment: proposal.commitment,
                revealed: proposal.end.is_some(),
                refunded: proposal.refunded,
                provers: proposal.provers.clone(),
            }
        });
        HeightFacts {
            start: Some(model.start),
            phase: model.phase(self.number),
            first_blocks: model.first_blocks(),
            rules: rules(model.bonded),
            winner: model.winner().map(|winner| winner as u32),
            ours,
            proven: model.proven.clone(),
        }
    }
}

fn check(holds: bool, error: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(error) }
}
