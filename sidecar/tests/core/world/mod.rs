//! The real core in a small random world: L1 with rivals and reorgs, bidders that lie, vanish or are slow, a process that crashes.
//! Virtual time, one seed a world: a failure names its seed and replays.

mod deeds;
pub mod l1;

use std::collections::{BTreeMap, BTreeSet};

use l1::{Deed, L1, Tx, US, Who};
use proofyard_sidecar::core::{
    Effect, Event, Intent, Landing, Records, Rung, State,
    effect::{Act, Slot},
    policy::{Bidder, Persona, Policy},
    step,
    types::{Address, BlockId, Bytes, Hash, Height, L1Block, Link, Millis, Plan},
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// Time between two looks at the world.
const TICK_MS: Millis = 500;
/// Ticks of an L1 block.
const BLOCK_TICKS: u64 = 8;

pub fn hash(parts: &[u64]) -> Hash {
    let mut seed = [0; 32];
    for (at, part) in parts.iter().take(4).enumerate() {
        seed[8 * at..8 * at + 8].copy_from_slice(&part.to_be_bytes());
    }
    let mut out = [0; 32];
    ChaCha8Rng::from_seed(seed).fill_bytes(&mut out);
    Bytes(out)
}

fn short(hash: Hash) -> u64 {
    u64::from_be_bytes(hash.0[..8].try_into().expect("eight bytes"))
}

pub fn link(number: u64) -> Link {
    Link { root: hash(&[1, number]), data_hash: hash(&[2, number]) }
}

/// The n-th block of a sequencer whose blocks follow each other, from 1.
pub fn plan(number: u64, transfers: u32, groups: u32) -> Plan {
    Plan {
        id: hash(&[3, number]),
        start: link(number - 1),
        end: link(number),
        transfers,
        rows_log2: 12,
        subtrees: groups.max(4),
        groups,
    }
}

pub fn policy(persona: Persona, bidders: usize) -> Policy {
    let bidder = |index: usize| Bidder {
        name: format!("b{index}"),
        provers: if persona == Persona::TrustedList { vec![prover(index)] } else { Vec::new() },
        own_deposit: false,
    };
    Policy {
        persona,
        sequencer: US,
        bidders: (0..bidders).map(bidder).collect(),
        price_max: 1_000,
        self_prove_blocks: 5,
        silent_blocks: 4,
        rescue_slack_blocks: 3,
        cool_down: 3,
        finality_blocks: 8,
        stale_blocks: 6,
        attempts_max: 12,
        ..Policy::default()
    }
}

pub fn prover(index: usize) -> Address {
    Bytes([index as u8 + 1; 20])
}

/// How a bidder behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Proves within so many blocks.
    Honest(u64),
    /// Bids what must not be taken; the number says how.
    Liar(u32),
    /// Bids and takes the block, and is never heard of again.
    Vanishes,
    /// Bids and takes the block, says that it works and never delivers.
    Stalls,
    /// Bids and does not take the block.
    Refuses,
    /// Bids, takes the block and then gives up.
    GivesUp,
    /// Makes no bid.
    Declines,
    /// Does not answer at all.
    Silent,
    /// Has the proof and does not submit it.
    Hoards(u64),
}

pub struct Kind {
    pub manner: Manner,
    pub price: u128,
}

/// What may go wrong in L1.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trouble {
    /// One block in so many is followed by a reorg of depth 1 or 2; 0: never.
    pub reorgs: u32,
    /// A rival proposes at one height in so many; 0: never.
    pub rivals: u32,
    /// One rival in so many does not prove.
    pub rivals_fail: u32,
    /// Blocks a transaction may wait.
    pub wait: u32,
    /// One tick in so many is a crash; 0: never.
    pub crashes: u32,
}

/// Where the process is killed.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    /// Written, not done.
    Before(u64),
    /// Done, its answer lost.
    After(u64),
}

pub struct World {
    pub rng: ChaCha8Rng,
    pub seed: u64,
    pub policy: Policy,
    pub state: State,
    pub now: Millis,
    pub l1: L1,
    past: BTreeMap<L1Block, L1>,
    mempool: Vec<Tx>,
    included: Vec<(L1Block, Tx)>,
    inbox: Vec<(Millis, Event)>,
    pub kinds: Vec<Kind>,
    pub trouble: Trouble,
    /// Blocks handed over to bidders, by who and what; since when.
    held: BTreeMap<(String, Height, u32), L1Block>,
    plans: BTreeMap<BlockId, Plan>,
    next_part: u64,
    rival_heights: BTreeSet<Height>,
    lies: BTreeSet<Hash>,
    /// The answer to the last hand-over of a group was no, or it was a rescue.
    given: BTreeMap<(Height, u32), String>,
    acts: BTreeMap<(Height, Slot), (Act, bool)>,
    /// What the transaction manager has written, and said last.
    journal: BTreeMap<Intent, Option<Landing>>,
    /// The process is killed at this effect, counted from 0.
    pub cut: Option<Cut>,
    /// Effects carried out so far.
    pub effects: u64,
    pub rungs: BTreeMap<BlockId, Vec<Rung>>,
    pub log: Vec<String>,
    /// Who was asked, at which height.
    pub asked: Vec<(Height, String)>,
    /// Everything that was sent.
    pub sent: Vec<(Height, L1Block, Act)>,
    /// Handed over to whom, whether as a rescue.
    pub handed: Vec<(Height, String, bool)>,
    /// Bids refused, with the code.
    pub refused: Vec<(String, String)>,
    /// Quotes of this bidder are used up before they are published.
    pub spoilt: Option<String>,
    /// Own proofs take that long, in blocks.
    pub own_blocks: u64,
    /// Own proofs that a crash ended, by height.
    pub interrupted: BTreeMap<Height, u32>,
    /// Own proofs that were asked for.
    pub own_proofs: u32,
    /// So many own proofs fail first.
    pub own_failures: u32,
    /// So many of our transactions are refused first.
    pub refusals: u32,
}

impl World {
    pub fn new(seed: u64, policy: Policy, kinds: Vec<Kind>, trouble: Trouble, pipelined: bool) -> Self {
        let l1 = L1::new(link(0), pipelined);
        let mut world = Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            seed,
            state: State::new(policy.clone(), Records::default()),
            policy,
            now: 1_000_000,
            past: BTreeMap::from([(l1.number, l1.clone())]),
            l1,
            mempool: Vec::new(),
            included: Vec::new(),
            inbox: Vec::new(),
            kinds,
            trouble,
            held: BTreeMap::new(),
            plans: BTreeMap::new(),
            next_part: 0,
            rival_heights: BTreeSet::new(),
            lies: BTreeSet::new(),
            given: BTreeMap::new(),
            acts: BTreeMap::new(),
            journal: BTreeMap::new(),
            cut: None,
            effects: 0,
            rungs: BTreeMap::new(),
            log: Vec::new(),
            asked: Vec::new(),
            sent: Vec::new(),
            handed: Vec::new(),
            refused: Vec::new(),
            spoilt: None,
            own_blocks: 3,
            interrupted: BTreeMap::new(),
            own_proofs: 0,
            own_failures: 0,
            refusals: 0,
        };
        world.event(Event::Started);
        world
    }

    fn below(&mut self, bound: u32) -> u32 {
        if bound == 0 { 0 } else { self.rng.next_u32() % bound }
    }

    /// True once in `one_in` times; never for 0.
    fn chance(&mut self, one_in: u32) -> bool {
        one_in != 0 && self.below(one_in) == 0
    }

    pub fn submit(&mut self, plan: Plan) {
        self.plans.insert(plan.id, plan.clone());
        self.event(Event::Received { plan });
    }

    /// Runs until every block is through, at most this many L1 blocks.
    pub fn run(&mut self, blocks: u64) {
        for tick in 0..blocks * BLOCK_TICKS {
            self.now += TICK_MS;
            if self.chance(self.trouble.crashes) {
                self.crash();
            }
            let due: Vec<Event> =
                self.inbox.extract_if(.., |(at, _)| *at <= self.now).map(|(_, event)| event).collect();
            due.into_iter().for_each(|event| self.event(event));
            self.event(Event::Tick);
            if tick % BLOCK_TICKS == 0 {
                self.block();
                if self.is_quiet() {
                    return;
                }
            }
        }
    }

    /// Nothing is left to do, on L1 either.
    pub fn is_quiet(&self) -> bool {
        self.state.blocks() == 0 && self.state.heights().next().is_none() && self.mempool.is_empty()
    }

    /// The process dies; another one starts on what it stored.
    fn crash(&mut self) {
        let stored = serde_json::to_string(self.state.records()).expect("records are JSON");
        let records: Records = serde_json::from_str(&stored).expect("JSON is records");
        assert_eq!(&records, self.state.records(), "seed {}", self.seed);
        self.log.push(format!("{}: crash", self.l1.number));
        self.state = State::new(self.policy.clone(), records);
        for (_, event) in &self.inbox {
            if let Event::SelfProved { height, .. } = event {
                *self.interrupted.entry(*height).or_default() += 1;
            }
        }
        // What was on its way to the process is lost; transactions and hand-overs are where they are. L1 is seen with its next block.
        self.inbox.clear();
        self.event(Event::Started);
    }

    /// The transaction manager says what becomes of a transaction.
    fn landed(&mut self, at: Millis, intent: Intent, landing: Landing) {
        let standing = (landing != Landing::TakenBack).then(|| landing.clone());
        self.journal.insert(intent, standing);
        self.inbox.push((at, Event::Landed { intent, landing }));
    }

    fn show(&mut self) {
        let wanted = self.state.heights().collect();
        let view = self.l1.view(&wanted);
        self.event(Event::L1(Box::new(view)));
    }

    fn block(&mut self) {
        if self.chance(self.trouble.reorgs) {
            let depth = 1 + u64::from(self.below(2));
            let back = self.l1.number.saturating_sub(depth);
            if let Some(before) = self.past.get(&back) {
                self.l1 = before.clone();
                let undone: Vec<(L1Block, Tx)> = self.included.extract_if(.., |(block, _)| *block > back).collect();
                for (_, tx) in undone {
                    if let Some(intent) = tx.intent {
                        self.landed(self.now, intent, Landing::TakenBack);
                    }
                    self.mempool.push(Tx { ready: 0, ..tx });
                }
                self.log.push(format!("{back}: reorg of depth {depth}"));
            }
        }
        self.l1.number += 1;
        self.rivals();
        self.provers();
        let number = self.l1.number;
        let ready: Vec<Tx> = self.mempool.extract_if(.., |tx| tx.ready <= number).collect();
        for tx in ready {
            let refused = tx.intent.is_some() && self.refusals > 0;
            self.refusals -= u32::from(refused);
            let outcome = if refused { Err("Refused") } else { self.l1.apply(&tx) };
            self.log.push(format!("{number}: {tx:?}: {outcome:?}"));
            if let Some(intent) = tx.intent {
                let landing = match outcome {
                    Ok(()) => Landing::Included { block: number },
                    Err(reason) => {
                        let bad_quote = matches!(reason, "NonceUsed" | "QuoteExpired");
                        Landing::Failed { reason: reason.to_owned(), bad_quote }
                    }
                };
                self.landed(self.now + TICK_MS, intent, landing);
            }
            if outcome.is_ok() {
                self.included.push((number, tx));
            }
        }
        self.past.insert(number, self.l1.clone());
        self.past.retain(|kept, _| kept + 4 > number);
        self.included.retain(|(block, _)| block + 4 > number);
        for ((height, group), times) in &self.l1.own_deposits {
            assert!(*times <= 1, "seed {}: own deposit drawn {times} times at {height}/{group}", self.seed);
        }
        self.show();
    }

    /// Other sequencers do what they do at once.
    fn rivals(&mut self) {
        let number = self.l1.number;
        let open: Vec<Height> =
            self.l1.heights.iter().filter(|(_, height)| height.end.is_none()).map(|(height, _)| *height).collect();
        for height in open {
            if self.rival_heights.insert(height) && self.chance(self.trouble.rivals) {
                let score = self.rng.next_u32() % 1_000;
                let commitment = hash(&[9, height]);
                let deed = Deed::Propose { commitment, tip: 0, score, groups: 1 };
                self.mempool.push(Tx { who: Who::Rival, height, deed, ready: number, intent: None });
            }
            let model = &self.l1.heights[&height];
            let Some(proposal) = model.proposals.iter().find(|proposal| proposal.who == Who::Rival) else { continue };
            let [_, reveal, commitment, proving, ..] = model.first_blocks();
            let fails = self.trouble.rivals_fail != 0
                && short(hash(&[8, self.seed, height])).is_multiple_of(u64::from(self.trouble.rivals_fail));
            let wins = model.winner().is_some_and(|winner| model.proposals[winner].who == Who::Rival);
            let deed = if number == reveal {
                Deed::Reveal { start: model.start, end: link(1_000_000 + height) }
            } else if number == commitment && proposal.end.is_some() {
                Deed::Commit {
                    group: 0,
                    prover: Bytes([0xbb; 20]),
                    nonce: Some(hash(&[7, height])),
                    price: 0,
                    expiry: u64::MAX,
                }
            } else if number >= proving + 3 && wins && !fails && model.proven == [false] {
                Deed::Prove { group: 0 }
            } else {
                continue;
            };
            self.mempool.push(Tx { who: Who::Rival, height, deed, ready: number, intent: None });
        }
    }

    /// Provers submit what they have proven.
    fn provers(&mut self) {
        let number = self.l1.number;
        let held: Vec<_> = self.held.iter().map(|(key, since)| (key.clone(), *since)).collect();
        for ((bidder, height, group), since) in held {
            if let Manner::Honest(blocks) = self.kind(&bidder).manner
                && number >= since + blocks
            {
                let open = self.l1.heights.get(&height).is_some_and(|model| {
                    let [_, _, _, proving, _, closed] = model.first_blocks();
                    number >= proving
                        && number < closed
                        && model.winner().is_some_and(|winner| model.proposals[winner].who == Who::Us)
                        && !model.proven[group as usize]
                });
                if open {
                    let deed = Deed::Prove { group };
                    self.mempool.push(Tx { who: Who::Us, height, deed, ready: number, intent: None });
                }
            }
        }
    }

    fn kind(&self, bidder: &str) -> &Kind {
        let index: usize = bidder[1..].parse().expect("a bidder's number");
        &self.kinds[index]
    }

    pub fn event(&mut self, event: Event) {
        // Rungs are written with the records, before anything else is done.
        let (rungs, effects): (Vec<_>, Vec<_>) = step(&mut self.state, event, self.now)
            .into_iter()
            .partition(|effect| matches!(effect, Effect::Notify { .. }));
        rungs.into_iter().for_each(|rung| self.effect(rung));
        for effect in effects {
            let number = self.effects;
            self.effects += 1;
            match self.cut {
                Some(Cut::Before(cut)) if cut == number => return self.crash(),
                Some(Cut::After(cut)) if cut == number => {
                    self.effect(effect);
                    return self.crash();
                }
                _ => self.effect(effect),
            }
        }
    }

    fn later(&mut self, ticks: u32, event: Event) {
        let at = self.now + TICK_MS * u64::from(self.below(ticks.max(1)));
        self.inbox.push((at, event));
    }

    pub fn last(&self, block: BlockId) -> &Rung {
        self.rungs[&block].last().expect("a rung")
    }

    /// What became of a block and, when it was cut, of its parts.
    pub fn ends(&self, block: BlockId) -> Vec<&Rung> {
        match self.last(block) {
            Rung::Cut { first, rest } => [self.ends(*first), self.ends(*rest)].concat(),
            rung => vec![rung],
        }
    }

    pub fn dump(&self) -> String {
        self.log.join("\n")
    }
}
