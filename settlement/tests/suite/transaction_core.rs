//! The transaction core against a simulated L1 that reorganises, forgets, spikes, and against a disk, a signer and a process that fail.
//! One seed, one run; a failure names its seed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use proofyard_settlement::alloy;
use proofyard_settlement::chain::Receipt;
use proofyard_settlement::config::TransactionConfig;
use proofyard_settlement::rpc::{Seen, Sent};
use proofyard_settlement::transactions::core::{Core, Draft, Effect, Event, Observation, Preflight};
use proofyard_settlement::transactions::fees::Market;
use proofyard_settlement::transactions::{Attempt, Duplicates, GivenUp, Intent, IntentId, ObsoleteWhen, Record, State};

const FINALITY: u64 = 6;
const REORG_MAX: u64 = 4;

/// A small generator; quality does not matter here.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// One nonce a transaction: ours by hash, or somebody else's.
#[derive(Clone)]
struct Included {
    nonce: u64,
    hash: Option<B256>,
}

struct World {
    random: Random,
    blocks: Vec<Vec<Included>>,
    base_fee: u128,
    pool: BTreeMap<B256, Attempt>,
    /// What each hash does: the intent, or nothing.
    meaning: BTreeMap<B256, Option<IntentId>>,
    /// By sequence: what is on disk.
    disk: BTreeMap<u64, Record>,
    signed: BTreeMap<B256, Attempt>,
    written_hashes: BTreeSet<B256>,
    calm: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            random: Random(seed ^ 0x9e37_79b9_7f4a_7c15),
            blocks: vec![Vec::new(); 10],
            base_fee: 1_000_000_000,
            pool: BTreeMap::new(),
            meaning: BTreeMap::new(),
            disk: BTreeMap::new(),
            signed: BTreeMap::new(),
            written_hashes: BTreeSet::new(),
            calm: false,
        }
    }

    fn head(&self) -> u64 {
        self.blocks.len() as u64 - 1
    }

    fn nonce_at(&self, block: u64) -> u64 {
        self.blocks[..=block as usize].iter().map(|block| block.len() as u64).sum()
    }

    fn included(&self, hash: B256) -> Option<u64> {
        self.blocks.iter().position(|block| block.iter().any(|tx| tx.hash == Some(hash))).map(|at| at as u64)
    }

    fn landed(&self, id: &IntentId) -> usize {
        let ours = self.blocks.iter().flatten().filter_map(|tx| tx.hash);
        ours.filter(|hash| self.meaning[hash].as_ref() == Some(id)).count()
    }

    /// A block, with what pays enough; perhaps a reorg, a spike, a foreign transaction, a forgetful pool before it.
    fn mine(&mut self) {
        if !self.calm {
            if self.random.percent(8) {
                let depth = 1 + self.random.below(REORG_MAX);
                let keep = self.blocks.len() - depth.min(self.head()) as usize;
                for tx in self.blocks.split_off(keep).into_iter().flatten() {
                    // Some nodes put it back into their pool.
                    if let Some(hash) = tx.hash
                        && self.random.percent(50)
                    {
                        self.pool.insert(hash, self.signed[&hash].clone());
                    }
                }
                for _ in 1..depth {
                    self.blocks.push(Vec::new());
                }
            }
            if self.random.percent(10) {
                self.base_fee = 1_000_000_000 * u128::from(1 + self.random.below(100));
            }
            if self.random.percent(10) {
                self.pool.clear();
            }
        } else {
            self.base_fee = 1_000_000_000;
        }
        let mut nonce = self.nonce_at(self.head());
        let mut block = Vec::new();
        if !self.calm && self.random.percent(4) {
            block.push(Included { nonce, hash: None });
            nonce += 1;
        }
        loop {
            let pays = |attempt: &&Attempt| attempt.nonce == nonce && attempt.max_fee_per_gas >= self.base_fee;
            let Some(best) = self.pool.values().filter(pays).max_by_key(|attempt| attempt.max_fee_per_gas) else {
                break;
            };
            block.push(Included { nonce, hash: Some(best.hash) });
            nonce += 1;
        }
        assert!(block.windows(2).all(|pair| pair[0].nonce + 1 == pair[1].nonce));
        self.pool.retain(|_, attempt| attempt.nonce >= nonce);
        self.blocks.push(block);
    }

    fn observe(&mut self, core: &Core) -> Observation {
        let head = self.head();
        let mut receipts = BTreeMap::new();
        for hash in core.wants().receipts {
            let seen = match self.included(hash) {
                // Endpoints that contradict each other.
                _ if !self.calm && self.random.percent(3) => Seen::Unsure,
                None => Seen::Nothing,
                Some(block_number) => Seen::Included(Receipt {
                    transaction_hash: hash,
                    block_number,
                    block_hash: keccak256(format!("{block_number} {}", self.blocks.len())),
                    from: Address::ZERO,
                    contract_address: None,
                    status: 1,
                    gas_used: 1,
                    effective_gas_price: 1,
                }),
            };
            receipts.insert(hash, (seen, None));
        }
        Observation {
            head,
            market: Market { base_fee: self.base_fee, priority_fee: 1_000_000_000 },
            nonce: self.nonce_at(head),
            contested_nonce: self.nonce_at(head.saturating_sub(2)),
            final_nonce: self.nonce_at(head.saturating_sub(FINALITY)),
            receipts,
        }
    }

    /// Carries an effect out, or fails to; none: the process dies.
    fn carry_out(&mut self, effect: Effect) -> Option<Option<Event>> {
        let fails = !self.calm && self.random.percent(4);
        let dies = !self.calm && self.random.percent(1);
        let event = match effect {
            Effect::Check { sequence, .. } => {
                Some(Event::Checked { sequence, obsolete: !self.calm && self.random.percent(5) })
            }
            Effect::Preflight { sequence, .. } => {
                let outcome = if fails { Preflight::Unavailable } else { Preflight::Passes { gas: 50_000 } };
                Some(Event::Preflighted { sequence, outcome })
            }
            Effect::Sign { sequence, draft } => {
                let attempt = (!fails).then(|| self.sign(sequence, draft));
                Some(Event::Signed { sequence, attempt })
            }
            Effect::Store { record } => {
                let sequence = record.sequence;
                if !fails {
                    self.write(*record);
                }
                Some(Event::Stored { sequence, written: !fails })
            }
            Effect::Send { sequence, raw } => {
                let hash = B256::from_slice(&raw);
                assert!(self.written_hashes.contains(&hash), "sent before it was written");
                let attempt = self.signed[&hash].clone();
                if !fails && attempt.nonce >= self.nonce_at(self.head()) {
                    self.pool.retain(|_, other| {
                        other.nonce != attempt.nonce || other.max_fee_per_gas >= attempt.max_fee_per_gas
                    });
                    self.pool.insert(hash, attempt);
                }
                // Whatever nodes say, nothing may depend on it.
                let said = [
                    Sent::Taken,
                    Sent::NonceUsed,
                    Sent::Underpriced,
                    Sent::Unfunded,
                    Sent::Refused(String::new()),
                    Sent::Unknown(String::new()),
                ];
                Some(Event::Sent { sequence, sent: said[self.random.below(6) as usize].clone() })
            }
            Effect::Changed { record } => {
                assert_eq!(self.disk.get(&record.sequence), Some(&*record), "what is told is what is written");
                None
            }
            Effect::Capped { .. } | Effect::Waits { .. } => None,
        };
        (!dies).then_some(event)
    }

    fn sign(&mut self, sequence: u64, draft: Draft) -> Attempt {
        let hash = keccak256(format!("{draft:?} {}", self.signed.len()));
        let attempt = Attempt {
            nonce: draft.nonce,
            max_fee_per_gas: draft.fees.max_fee_per_gas,
            max_priority_fee_per_gas: draft.fees.max_priority_fee_per_gas,
            gas_limit: draft.gas_limit,
            hash,
            raw: Bytes::copy_from_slice(hash.as_slice()),
            signed_at: draft.signed_at,
            cancels: draft.cancels,
        };
        if self.disk[&sequence].state == State::Queued {
            let flying = self.disk.values().any(|record| record.state == State::InFlight);
            assert!(!flying, "a new nonce while another is in flight");
        }
        let id = self.disk[&sequence].intent.id.clone();
        self.meaning.insert(hash, (!draft.cancels).then_some(id));
        self.signed.insert(hash, attempt.clone());
        attempt
    }

    fn write(&mut self, record: Record) {
        for pair in record.attempts.windows(2).filter(|pair| pair[0].nonce == pair[1].nonce) {
            assert!(pair[1].max_fee_per_gas * 8 >= pair[0].max_fee_per_gas * 9, "an eighth more");
            assert!(pair[1].max_priority_fee_per_gas * 8 >= pair[0].max_priority_fee_per_gas * 9, "an eighth more");
        }
        if let Some(known) = self.disk.get(&record.sequence) {
            assert!(record.attempts.starts_with(&known.attempts), "no attempt is ever forgotten");
            assert!(!known.state.is_final(), "an end is an end");
        }
        self.written_hashes.extend(record.attempts.iter().map(|attempt| attempt.hash));
        self.disk.insert(record.sequence, record);
    }
}

fn config() -> TransactionConfig {
    TransactionConfig { replace_after_blocks: 1, ..TransactionConfig::default() }
}

fn intent(number: u64, random: &mut Random) -> Intent {
    let id = IntentId::new(format!("intent/{number}")).expect("an id");
    let mut intent = Intent::new(id, Address::repeat_byte(1), vec![1]);
    intent.at_risk = U256::from(1_000_000_000_000_000_000_u64);
    if random.percent(50) {
        intent.duplicates = Duplicates::Forbidden;
    }
    if random.percent(40) {
        intent.obsolete_when = Some(ObsoleteWhen { to: intent.to, data: Bytes::new(), answer: Bytes::new() });
    }
    if random.percent(20) {
        intent.deadline = Some(20 + random.below(120));
    }
    intent
}

fn play(seed: u64) {
    let mut world = World::new(seed);
    let count = 1 + world.random.below(5);
    let mut core = Core::new(config(), FINALITY, Vec::new());
    let mut effects = VecDeque::new();
    for sequence in 0..count {
        let record = Record {
            sequence,
            chain_id: 1,
            sender: Address::ZERO,
            intent: intent(sequence, &mut world.random),
            attempts: Vec::new(),
            state: State::Queued,
            giving_up: None,
            obsolete_since: None,
        };
        world.write(record.clone());
        effects.extend(core.step(Event::Added(Box::new(record))));
    }
    for round in 0..600 {
        world.calm = round >= 200;
        let seen = world.observe(&core);
        effects.extend(core.step(Event::Observed(seen)));
        while let Some(effect) = effects.pop_front() {
            match world.carry_out(effect) {
                Some(event) => effects.extend(event.map(|event| core.step(event)).unwrap_or_default()),
                None => {
                    // The next process knows only the disk.
                    effects.clear();
                    let open = world.disk.values().filter(|record| !record.state.is_final()).cloned().collect();
                    core = Core::new(config(), FINALITY, open);
                }
            }
        }
        if core.is_empty() {
            break;
        }
        world.mine();
    }
    assert!(core.is_empty(), "everything comes to an end: {:#?}", world.disk);
    for record in world.disk.values() {
        let landed = world.landed(&record.intent.id);
        match &record.state {
            State::Succeeded { hash, block_number } => {
                assert_eq!(world.included(*hash), Some(*block_number));
                assert!(landed >= 1);
            }
            State::GivenUp(GivenUp::Refused { .. }) | State::Reverted { .. } => panic!("nothing reverts here"),
            State::GivenUp(_) => {}
            open => panic!("not an end: {open:?}"),
        }
        if record.intent.duplicates == Duplicates::Forbidden {
            assert!(landed <= 1, "landed {landed} times: {record:#?}");
        }
    }
}

#[test]
fn p10_ten_thousand_troubled_chains_end_well() {
    for seed in 0..10_000 {
        let outcome = std::panic::catch_unwind(|| play(seed));
        if let Err(panic) = outcome {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
