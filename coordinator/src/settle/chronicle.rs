//! What L1 said lately, so that a group that becomes known later hears it too. Pure.

use std::collections::BTreeMap;

use alloy_primitives::B256;

use crate::{
    ledger::{GroupKey, QuoteTerms},
    submission::Fact,
};

/// Entries kept; a height has a handful for each proposal and group.
const ENTRIES_MAX: usize = 65_536;

/// A fact and whom it concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// The L1 block.
    pub block: u64,
    /// The height.
    pub height: u64,
    /// One proposal; all of the height when `None`.
    pub commitment: Option<B256>,
    /// One group; all when `None`.
    pub group: Option<u32>,
    /// The fact.
    pub fact: Fact,
}

impl Entry {
    /// Whether it concerns the group of these terms.
    pub fn concerns(&self, terms: &QuoteTerms) -> bool {
        let key = GroupKey::of(terms);
        self.height == terms.height
            && self.commitment.is_none_or(|commitment| commitment == key.commitment)
            && self.group.is_none_or(|group| group == key.group)
    }
}

/// The facts of the newest blocks, oldest first.
#[derive(Debug, Default)]
pub(super) struct Chronicle {
    entries: Vec<Entry>,
    /// Block commitments by height and index of the proposal, with the block of the proposal.
    proposals: BTreeMap<(u64, u32), (u64, B256)>,
}

impl Chronicle {
    /// Takes a fact in; the same one again changes nothing.
    pub fn write(&mut self, entry: Entry) {
        // A block whose logs are read once more is among the newest.
        if self.entries.iter().rev().take_while(|known| known.block >= entry.block).any(|known| *known == entry) {
            return;
        }
        self.entries.push(entry);
        if self.entries.len() > ENTRIES_MAX {
            self.entries.drain(..ENTRIES_MAX / 4);
        }
    }

    /// Takes a proposal in.
    pub fn proposed(&mut self, block: u64, height: u64, proposal: u32, commitment: B256) {
        self.proposals.insert((height, proposal), (block, commitment));
        while self.proposals.len() > ENTRIES_MAX {
            self.proposals.pop_first();
        }
    }

    /// The block commitment of a proposal.
    pub fn proposal(&self, height: u64, proposal: u32) -> Option<B256> {
        self.proposals.get(&(height, proposal)).map(|(_, commitment)| *commitment)
    }

    /// This block and all later ones are gone.
    pub fn revert(&mut self, block: u64) {
        self.entries.retain(|entry| entry.block < block);
        self.proposals.retain(|_, (at, _)| *at < block);
    }

    /// Everything that concerns a group.
    pub fn about<'a>(&'a self, terms: &'a QuoteTerms) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(|entry| entry.concerns(terms))
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, U256};

    use super::*;

    fn terms(height: u64, commitment: u8, group: u32) -> QuoteTerms {
        QuoteTerms {
            prover: Address::ZERO,
            sequencer: Address::ZERO,
            height,
            block_commitment: B256::repeat_byte(commitment),
            group,
            tip_token: Address::ZERO,
            price: U256::ZERO,
            deposit_token: Address::ZERO,
            deposit: U256::ZERO,
            nonce: U256::ZERO,
            expiry: 0,
        }
    }

    #[test]
    fn a_group_hears_what_concerns_it_until_a_reorg() {
        let mut chronicle = Chronicle::default();
        let entry = |block, commitment: Option<u8>, group, fact| Entry {
            block,
            height: 3,
            commitment: commitment.map(B256::repeat_byte),
            group,
            fact,
        };
        chronicle.write(entry(10, Some(1), None, Fact::Proposed));
        chronicle.write(entry(11, Some(2), None, Fact::Proposed));
        chronicle.write(entry(12, Some(1), Some(0), Fact::Committed { prover: Address::ZERO }));
        chronicle.write(entry(13, None, None, Fact::HeightVoided));
        chronicle.write(entry(12, Some(1), Some(0), Fact::Committed { prover: Address::ZERO }));
        chronicle.proposed(11, 3, 1, B256::repeat_byte(2));
        let heard = |chronicle: &Chronicle, terms: &QuoteTerms| {
            chronicle.about(terms).map(|entry| entry.block).collect::<Vec<_>>()
        };
        assert_eq!(heard(&chronicle, &terms(3, 1, 0)), [10, 12, 13]);
        assert_eq!(heard(&chronicle, &terms(3, 1, 1)), [10, 13]);
        assert_eq!(heard(&chronicle, &terms(3, 2, 0)), [11, 13]);
        assert!(heard(&chronicle, &terms(4, 1, 0)).is_empty());
        assert_eq!(chronicle.proposal(3, 1), Some(B256::repeat_byte(2)));
        chronicle.revert(11);
        assert_eq!(heard(&chronicle, &terms(3, 1, 0)), [10]);
        assert_eq!(chronicle.proposal(3, 1), None);
    }
}
