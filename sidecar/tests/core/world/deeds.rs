//! What the world does about the core's effects, and what must never be asked of it.

use proofyard_sidecar::core::{
    Effect, Event, Intent, Report, Rung,
    bid::{Offer, Quote, Request, Signer},
    effect::{Act, Slot},
    types::{Address, BlockId, Bytes, Hash, Height, L1Block, Plan},
};
use rand_chacha::rand_core::RngCore;

use super::{
    BLOCK_TICKS, Manner, TICK_MS, World, hash,
    l1::{DEPOSIT, Deed, TOKEN, Tx, US, Who},
    link, prover, short,
};

impl World {
    pub(super) fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Prepare { height, block, start } => {
                assert_eq!(start, self.plans[&block].start);
                let commitment = hash(&[4, height, short(block)]);
                self.later(2, Event::Prepared { height, block, commitment });
            }
            Effect::Ask { bidder, request } => self.ask(bidder, request),
            Effect::Cut { block, first, .. } => {
                let whole = self.plans[&block].clone();
                assert!(first >= 1 && first < whole.transfers);
                self.next_part += 1;
                let middle = link(2_000_000 + self.next_part);
                let part = |number: u64, start, end, transfers| Plan {
                    id: hash(&[5, self.next_part, number]),
                    start,
                    end,
                    transfers,
                    ..whole.clone()
                };
                let parts = (part(0, whole.start, middle, first), part(1, middle, whole.end, whole.transfers - first));
                self.plans.insert(parts.0.id, parts.0.clone());
                self.plans.insert(parts.1.id, parts.1.clone());
                self.later(3, Event::Cut { block, parts: Ok(Box::new(parts)) });
            }
            Effect::Send { intent, act, block, until } => self.send(intent, act, block, until),
            Effect::HandOver { height, block, group, bidder, bid, rescue } => {
                assert_eq!(
                    self.l1_block(height),
                    Some(block),
                    "seed {}: handed over before it was committed",
                    self.seed
                );
                self.handed.push((height, bidder.clone(), rescue));
                let before = self.given.insert((height, group), bidder.clone());
                assert!(
                    rescue || before.is_none_or(|before| before == bidder),
                    "seed {}: two at once for {height}/{group}",
                    self.seed
                );
                if let Some(bid) = &bid {
                    assert!(!self.lies.contains(&bid.quote.nonce), "seed {}: handed over to a liar's bid", self.seed);
                }
                let index: usize = bidder[1..].parse().expect("a bidder's number");
                let receipt = match self.kinds[index].manner {
                    Manner::Refuses | Manner::Declines | Manner::Silent => Err("no".to_owned()),
                    Manner::Liar(_) => Ok(Some(Bytes([0xee; 20]))),
                    _ => {
                        self.held.entry((bidder.clone(), height, group)).or_insert(self.l1.number);
                        Ok(bid.is_some().then(|| prover(index)))
                    }
                };
                self.later(6, Event::HandedOver { height, group, bidder, receipt });
            }
            Effect::Inquire { height, group, bidder, .. } => {
                let since = self.held.get(&(bidder.clone(), height, group)).copied().unwrap_or(self.l1.number);
                let waited = self.l1.number - since;
                let report = match self.kind(&bidder).manner {
                    Manner::Honest(blocks) | Manner::Hoards(blocks) if waited >= blocks => Report::Proven,
                    Manner::Honest(blocks) | Manner::Hoards(blocks) => {
                        Report::Working { remaining: Some(blocks - waited) }
                    }
                    Manner::Stalls => Report::Working { remaining: None },
                    Manner::GivesUp => Report::Failed { reason: "out of workers".to_owned() },
                    _ => Report::Silent,
                };
                self.later(4, Event::Reported { height, group, bidder, report });
            }
            Effect::SelfProve { height, block } => {
                assert_eq!(self.l1_block(height), Some(block), "seed {}: proven before it was committed", self.seed);
                let at = self.now + self.own_blocks * BLOCK_TICKS * TICK_MS;
                let outcome = if self.own_failures > 0 { Err("no memory".to_owned()) } else { Ok(()) };
                self.own_failures = self.own_failures.saturating_sub(1);
                self.own_proofs += 1;
                self.inbox.push((at, Event::SelfProved { height, block, outcome }));
            }
            Effect::Notify { block, rung } => {
                self.log.push(format!("{}: {block}: {rung:?}", self.l1.number));
                let rungs = self.rungs.entry(block).or_default();
                assert!(!rungs.last().is_some_and(Rung::is_final), "seed {}: {rung:?} after the end", self.seed);
                rungs.push(rung);
            }
            Effect::Refused { bidder, fault } => {
                self.log.push(format!("{}: {bidder}: {fault}", self.l1.number));
                self.refused.push((bidder.clone(), fault.to_string()[1..9].to_owned()));
                let stranger = self.policy.bidder(&bidder).is_some_and(|bidder| {
                    !bidder.provers.is_empty()
                        && !bidder.provers.contains(&prover(bidder.name[1..].parse().expect("a number")))
                });
                let liar = stranger || matches!(self.kind(&bidder).manner, Manner::Liar(_));
                assert!(liar, "seed {}: an honest bid was refused: {fault}", self.seed);
            }
            Effect::Forget { .. } => {}
        }
    }

    /// The block behind our proposal at a height, if it is on L1.
    fn l1_block(&self, height: Height) -> Option<BlockId> {
        let model = self.l1.heights.get(&height)?;
        let ours = model.proposals.iter().find(|proposal| proposal.who == Who::Us)?;
        ours.end?;
        self.plans.values().find(|plan| hash(&[4, height, short(plan.id)]) == ours.commitment).map(|plan| plan.id)
    }

    fn ask(&mut self, bidder: String, request: Request) {
        let index: usize = bidder[1..].parse().expect("a bidder's number");
        let (manner, price) = (self.kinds[index].manner, self.kinds[index].price / u128::from(request.groups));
        let Request { height, block_commitment, group, .. } = request;
        self.asked.push((height, bidder.clone()));
        let nonce = hash(&[6, self.rng.next_u64()]);
        let mut quote = Quote {
            prover: prover(index),
            sequencer: US,
            height,
            block_commitment,
            group,
            tip_token: request.tip_token,
            price,
            deposit_token: TOKEN,
            deposit: request.deposit,
            nonce,
            expiry: if self.seed.is_multiple_of(2) { request.commit_by } else { request.commit_from },
        };
        let (mut signer, mut escrow) = (Signer::Key(prover(index)), DEPOSIT);
        if let Manner::Liar(how) = manner {
            self.lies.insert(nonce);
            // A deposit that is not asked for cannot be lied about.
            match if request.deposit == 0 && matches!(how % 9, 3 | 6) { 0 } else { how % 9 } {
                0 => signer = Signer::Key(Bytes([0xee; 20])),
                1 => quote.price = request.price_max + 1,
                2 => quote.expiry = request.commit_from - 1,
                3 => escrow = request.deposit.saturating_sub(1),
                4 => quote.block_commitment = Hash::ZERO,
                5 => quote.height += 1,
                6 => quote.deposit = quote.deposit.saturating_sub(1),
                7 => signer = Signer::Nobody,
                _ => quote.deposit_token = Address::ZERO,
            }
        }
        let answer = match manner {
            Manner::Declines => Err("PY-Q-010 full".to_owned()),
            Manner::Silent => return,
            _ => Ok(Box::new(Offer { quote, signature: Vec::new(), signer, escrow })),
        };
        self.later(5, Event::Answered { height, commitment: block_commitment, group, bidder, answer });
    }

    fn send(&mut self, intent: Intent, act: Act, block: BlockId, until: Option<L1Block>) {
        // Asked for again after a restart: the transaction manager knows it.
        if let Some(standing) = self.journal.get(&intent).cloned() {
            self.inbox.extend(standing.map(|landing| (self.now, Event::Landed { intent, landing })));
            return;
        }
        self.journal.insert(intent, None);
        let height = intent.height;
        self.sent.push((height, self.l1.number, act.clone()));
        if let Some((before, _)) = self.acts.get(&(height, intent.slot)) {
            let changed = *before != act && matches!(intent.slot, Slot::Propose | Slot::Commit(_));
            let pending = self
                .mempool
                .iter()
                .any(|tx| tx.intent.is_some_and(|other| (other.height, other.slot) == (height, intent.slot)));
            assert!(!(changed && pending), "seed {}: two different acts at {height} in {:?}", self.seed, intent.slot);
            if changed {
                self.no_longer_on_chain(height, before);
            }
        }
        self.acts.insert((height, intent.slot), (act.clone(), true));
        let plan = self.plans.get(&block).cloned();
        let deed = match act {
            Act::Propose { commitment, tip, .. } => {
                let groups = plan.expect("a block").groups;
                let score = (short(hash(&[10, self.seed, height])) % 1_000) as u32;
                Deed::Propose { commitment, tip, score, groups }
            }
            Act::Reveal => {
                let plan = plan.expect("a block");
                Deed::Reveal { start: plan.start, end: plan.end }
            }
            Act::CommitQuote { group, bid } => {
                let quote = bid.quote;
                assert!(!self.lies.contains(&quote.nonce), "seed {}: a lie was committed", self.seed);
                assert!(bid.brings_deposit);
                if self.spoilt.as_ref() == Some(&bid.bidder) {
                    self.l1.used_nonces.insert(quote.nonce);
                }
                let (prover, price, expiry) = (quote.prover, quote.price, quote.expiry);
                Deed::Commit { group, prover, nonce: Some(quote.nonce), price, expiry }
            }
            Act::CommitOwn { group, prover, deposit } => {
                assert_eq!(deposit, DEPOSIT.div_ceil(u128::from(plan.expect("a block").groups)));
                Deed::Commit { group, prover, nonce: None, price: 0, expiry: u64::MAX }
            }
            Act::Submit { group } => Deed::Prove { group },
            Act::Publish { group, bidder } => {
                let manner = self.kind(&bidder).manner;
                assert!(
                    matches!(manner, Manner::Hoards(_) | Manner::Honest(_)),
                    "seed {}: {bidder} has none",
                    self.seed
                );
                Deed::Prove { group }
            }
            Act::Settle => Deed::Settle,
            Act::Refund { proposal } => Deed::Refund { proposal },
            Act::Withdraw { .. } => Deed::Withdraw,
        };
        let wait = u64::from(self.below(self.trouble.wait + 1));
        let ready = self.l1.number + 1 + wait;
        let ready = until.map_or(ready, |until| ready.min(until.max(self.l1.number + 1)));
        self.mempool.push(Tx { who: Who::Us, height, deed, ready, intent: Some(intent) });
    }

    fn no_longer_on_chain(&self, height: Height, before: &Act) {
        let Some(model) = self.l1.heights.get(&height) else { return };
        let Some(ours) = model.proposals.iter().find(|proposal| proposal.who == Who::Us) else { return };
        match before {
            Act::Propose { commitment, .. } => {
                assert_ne!(ours.commitment, *commitment, "seed {}: a second proposal at {height}", self.seed);
            }
            Act::CommitQuote { group, .. } | Act::CommitOwn { group, .. } => {
                let prover = ours.provers.get(*group as usize).copied().flatten();
                assert_eq!(prover, None, "seed {}: a second commitment at {height}/{group}", self.seed);
            }
            _ => {}
        }
    }
}
