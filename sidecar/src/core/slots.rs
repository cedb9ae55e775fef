//! Transactions asked for, one a slot at a time. A slot that failed may be used again; one that is in flight or included never holds
//! a second, different act: that is what keeps a height to one proposal and a group to one commitment.

use serde::{Deserialize, Serialize};

use super::{
    effect::{Act, Effect, Intent, Landing, Slot},
    types::{BlockId, Height, L1Block},
};

/// Failures of one act after which it counts as spent.
const FAILURES_MAX: u32 = 3;
/// The longest pause between two tries is 2 to this, in L1 blocks.
const PAUSE_LOG2_MAX: u32 = 6;

/// What transactions are about. The default: withdrawals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct About {
    /// The height; 0 for withdrawals.
    pub height: Height,
    /// The attempt; 0 for withdrawals.
    pub attempt: u64,
    /// The block; zero for withdrawals.
    pub block: BlockId,
}

impl About {
    fn intent(self, slot: Slot, number: u32) -> Intent {
        Intent { height: self.height, attempt: self.attempt, slot, number }
    }
}

/// Where a transaction stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Asked for, outcome unknown.
    InFlight,
    /// On chain, as of when it landed.
    Included {
        /// In this block.
        block: L1Block,
    },
    /// It will never take effect.
    Failed {
        /// Why.
        reason: String,
        /// The contracts refuse the quote in it.
        bad_quote: bool,
    },
}

/// A slot that is or was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    slot: Slot,
    number: u32,
    act: Act,
    until: Option<L1Block>,
    /// Where its transaction stands.
    pub standing: Standing,
    /// Failures of this same act in a row.
    failures: u32,
    /// The L1 block it was last asked for in.
    at: L1Block,
}

impl Sent {
    /// The first L1 block in which a failed act may be tried again: 1, 2, 4, ... blocks after it was sent.
    fn again_from(&self) -> L1Block {
        if self.failures == 0 { 0 } else { self.at + (1 << (self.failures - 1).min(PAUSE_LOG2_MAX)) }
    }
}

/// The slots of one height, or those of the withdrawals.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slots(Vec<Sent>);

impl Slots {
    /// The slot, if it was ever used.
    pub fn of(&self, slot: Slot) -> Option<&Sent> {
        self.0.iter().find(|sent| sent.slot == slot)
    }

    /// Whether something may be sent in the slot: it was never used, or what was sent has failed.
    pub fn is_free(&self, slot: Slot) -> bool {
        self.of(slot).is_none_or(|sent| matches!(sent.standing, Standing::Failed { .. }))
    }

    /// The act that holds the slot: in flight or included.
    pub fn taken(&self, slot: Slot) -> Option<&Act> {
        self.of(slot).filter(|sent| !matches!(sent.standing, Standing::Failed { .. })).map(|sent| &sent.act)
    }

    /// Whether this act has failed too often in the slot to be worth another try.
    pub fn is_spent(&self, slot: Slot, act: &Act) -> bool {
        self.of(slot).is_some_and(|sent| sent.act == *act && sent.failures >= FAILURES_MAX)
    }

    /// Sends an act, as seen from L1 block `seen`. Does nothing while the slot is taken by one in flight, or included less than
    /// `missing_blocks` ago, or the act has failed lately. What was included longer ago and had no effect that the caller saw is
    /// sent again as it was, whatever `act` says: a slot's act changes only after it has failed.
    pub fn send(
        &mut self,
        about: About,
        (slot, act): (Slot, Act),
        until: Option<L1Block>,
        seen: (L1Block, u64),
        out: &mut Vec<Effect>,
    ) {
        let (now, missing_blocks) = seen;
        let before = self.of(slot);
        let (act, failures) = match before {
            None => (act, 0),
            Some(sent) => match &sent.standing {
                Standing::InFlight => return,
                Standing::Included { block } if now < block + missing_blocks => return,
                Standing::Included { .. } => (sent.act.clone(), 0),
                Standing::Failed { .. } if sent.act != act => (act, 0),
                Standing::Failed { .. } if now < sent.again_from() => return,
                Standing::Failed { .. } => (act, sent.failures),
            },
        };
        let number = before.map_or(0, |sent| sent.number + 1);
        self.0.retain(|sent| sent.slot != slot);
        self.0.push(Sent { slot, number, act: act.clone(), until, standing: Standing::InFlight, failures, at: now });
        out.push(Effect::Send { intent: about.intent(slot, number), act, block: about.block, until });
    }

    /// Asks again for everything in flight, after a restart.
    pub fn resume(&self, about: About, out: &mut Vec<Effect>) {
        for sent in self.0.iter().filter(|sent| sent.standing == Standing::InFlight) {
            let intent = about.intent(sent.slot, sent.number);
            out.push(Effect::Send { intent, act: sent.act.clone(), block: about.block, until: sent.until });
        }
    }

    /// Takes note of what became of a transaction. An older number's outcome changes nothing.
    pub fn landed(&mut self, slot: Slot, number: u32, landing: Landing) {
        let Some(sent) = self.0.iter_mut().find(|sent| sent.slot == slot && sent.number == number) else { return };
        sent.standing = match landing {
            Landing::Included { block } => Standing::Included { block },
            Landing::Failed { reason, bad_quote } => {
                if !matches!(sent.standing, Standing::Failed { .. }) {
                    sent.failures += 1;
                }
                Standing::Failed { reason, bad_quote }
            }
            Landing::TakenBack => Standing::InFlight,
        };
    }

    /// The block from which on L1 must show the slot's effect, if it was included.
    pub fn included(&self, slot: Slot) -> Option<L1Block> {
        match self.of(slot)?.standing {
            Standing::Included { block } => Some(block),
            Standing::InFlight | Standing::Failed { .. } => None,
        }
    }

    /// Why the slot's transaction failed, if it did.
    pub fn failure(&self, slot: Slot) -> Option<&str> {
        match &self.of(slot)?.standing {
            Standing::Failed { reason, .. } => Some(reason),
            Standing::InFlight | Standing::Included { .. } => None,
        }
    }

    /// Whether the contracts refuse the quote in what failed in the slot.
    pub fn is_bad_quote(&self, slot: Slot) -> bool {
        self.of(slot).is_some_and(|sent| matches!(sent.standing, Standing::Failed { bad_quote: true, .. }))
    }

    /// Whether what failed in the slot is not worth another try: the contracts refuse the quote in it, or it failed too often.
    pub fn is_hopeless(&self, slot: Slot) -> bool {
        self.of(slot).is_some_and(|sent| match sent.standing {
            Standing::Failed { bad_quote, .. } => bad_quote || sent.failures >= FAILURES_MAX,
            Standing::InFlight | Standing::Included { .. } => false,
        })
    }

    /// Whether anything is in flight.
    pub fn is_waiting(&self) -> bool {
        self.0.iter().any(|sent| sent.standing == Standing::InFlight)
    }
}
