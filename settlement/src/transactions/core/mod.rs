//! Decides what is signed, stored, sent and given up: a pure function of records and events.
//!
//! Once per L1 block the manager observes ([`Core::wants`], [`Event::Observed`]) and then does what comes back until nothing does. No
//! answer to a sending changes a record: only receipts and the account's nonce do. One intent is in flight at a time; the next is signed when
//! it is included.

mod messages;
mod steps;

use std::collections::BTreeMap;

use alloy::primitives::B256;

use super::journal::{Attempt, Duplicates, GivenUp, Record, State};
use crate::chain::Receipt;
use crate::config::TransactionConfig;
use crate::rpc::{Seen, Sent};

pub use messages::{Draft, Effect, Event, Observation, Preflight, Wants};

/// A record and what is known beyond it.
#[derive(Clone, Debug)]
struct Entry {
    record: Record,
    /// An answer is awaited; nothing else begins.
    busy: bool,
    /// A changed record that is being written, and whether its last attempt is to be sent then.
    writing: Option<(Record, bool)>,
    /// The head at which it was last tried in vain.
    tried: Option<u64>,
    refusals: u32,
    underpriced: bool,
    obsolete: bool,
    /// The caller does not want it any more.
    withdrawn: bool,
}

impl Entry {
    fn new(record: Record) -> Self {
        Self {
            record,
            busy: false,
            writing: None,
            tried: None,
            refusals: 0,
            underpriced: false,
            obsolete: false,
            withdrawn: false,
        }
    }
}

/// All intents of one account that are not final.
#[derive(Clone, Debug)]
pub struct Core {
    config: TransactionConfig,
    finality_depth: u64,
    entries: BTreeMap<u64, Entry>,
    seen: Option<Observation>,
}

impl Core {
    /// Takes up the records of a journal.
    pub fn new(config: TransactionConfig, finality_depth: u64, records: Vec<Record>) -> Self {
        let entries = records.into_iter().map(|record| (record.sequence, Entry::new(record))).collect();
        Self { config, finality_depth, entries, seen: None }
    }

    /// Whether nothing is left to do.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The record as it is written.
    pub fn record(&self, sequence: u64) -> Option<&Record> {
        self.entries.get(&sequence).map(|entry| &entry.record)
    }

    /// The record that a transaction belongs to.
    pub fn record_of(&self, hash: B256) -> Option<&Record> {
        let mut records = self.entries.values().map(|entry| &entry.record);
        records.find(|record| record.attempts.iter().any(|attempt| attempt.hash == hash))
    }

    /// What must be observed next.
    pub fn wants(&self) -> Wants {
        let records = || self.entries.values().map(|entry| &entry.record);
        Wants {
            receipts: records().flat_map(|record| record.attempts.iter().map(|attempt| attempt.hash)).collect(),
            in_flight: records()
                .filter(|record| record.state == State::InFlight)
                .filter_map(|record| Some(record.attempts.last()?.nonce))
                .min(),
        }
    }

    /// Takes in what happened; what is to be done.
    pub fn step(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            // Nothing is decided on an old view of the chain: the next observation takes these up.
            Event::Added(record) => {
                self.entries.entry(record.sequence).or_insert_with(|| Entry::new(*record));
                return effects;
            }
            Event::Withdrawn(id) => {
                if let Some(entry) = self.entries.values_mut().find(|entry| entry.record.intent.id == id) {
                    entry.withdrawn = true;
                }
                return effects;
            }
            Event::Observed(seen) => {
                self.seen = Some(seen);
                let sequences: Vec<_> = self.entries.keys().copied().collect();
                for sequence in sequences {
                    self.look(sequence, &mut effects);
                }
            }
            Event::Checked { sequence, obsolete } => self.checked(sequence, obsolete, &mut effects),
            Event::Preflighted { sequence, outcome } => self.preflighted(sequence, outcome, &mut effects),
            Event::Signed { sequence, attempt } => self.signed(sequence, attempt, &mut effects),
            Event::Stored { sequence, written } => self.stored(sequence, written, &mut effects),
            Event::Sent { sequence, sent } => {
                if let Some(entry) = self.entries.get_mut(&sequence) {
                    entry.underpriced = sent == Sent::Underpriced;
                }
            }
        }
        self.start_next(&mut effects);
        effects
    }

    fn head(&self) -> u64 {
        self.seen.as_ref().map_or(0, |seen| seen.head)
    }

    /// One record against what was seen.
    fn look(&mut self, sequence: u64, effects: &mut Vec<Effect>) {
        let (Some(seen), Some(entry)) = (&self.seen, self.entries.get_mut(&sequence)) else { return };
        if entry.busy {
            return;
        }
        if entry.withdrawn {
            entry.record.giving_up.get_or_insert(GivenUp::Withdrawn);
        }
        let mut record = entry.record.clone();
        let of = |attempt: &Attempt| seen.receipts.get(&attempt.hash);
        let included = record.attempts.iter().find_map(|attempt| match of(attempt) {
            Some((Seen::Included(receipt), reason)) => Some((attempt.clone(), receipt.clone(), reason.clone())),
            _ => None,
        });
        if let Some((attempt, receipt, reason)) = included {
            let deep = seen.head.saturating_sub(receipt.block_number) >= self.finality_depth;
            record.state = if deep { end(&record, &attempt, &receipt, reason) } else { inclusion(&receipt, reason) };
            if record.state != entry.record.state {
                write(entry, record, false, effects);
            } else if attempt.cancels && record.giving_up.is_none() {
                // Whoever made it obsolete may be taken back by a reorg.
                check(entry, effects);
            }
            return;
        }
        let unsure = record.attempts.iter().any(|attempt| !matches!(of(attempt), Some((Seen::Nothing, _))));
        match (&record.state, record.attempts.last()) {
            (State::Included { .. }, _) if !unsure => {
                // A reorg took it back, and nodes may have dropped it.
                record.state = State::InFlight;
                write(entry, record, true, effects);
            }
            (State::InFlight, Some(last)) if seen.nonce > last.nonce => {
                // Somebody else's transaction has the nonce, or the receipt is late.
                let lost = match record.intent.duplicates {
                    Duplicates::Harmless => seen.contested_nonce > last.nonce,
                    Duplicates::Forbidden => seen.final_nonce > last.nonce,
                };
                if lost && !unsure {
                    record.state = State::Queued;
                    write(entry, record, false, effects);
                }
            }
            (State::InFlight, Some(_)) if !check(entry, effects) => self.advance(sequence, effects),
            _ => {}
        }
    }

    fn start_next(&mut self, effects: &mut Vec<Effect>) {
        let Some(head) = self.seen.as_ref().map(|seen| seen.head) else { return };
        if self.entries.values().any(|entry| entry.busy || entry.record.state == State::InFlight) {
            return;
        }
        let next = self.entries.iter().find(|(_, entry)| {
            let record = &entry.record;
            let due = record.intent.not_before.is_none_or(|block| block <= head + 1) || record.giving_up.is_some();
            record.state == State::Queued && entry.tried != Some(head) && (due || is_over(record, head))
        });
        let Some(sequence) = next.map(|(sequence, _)| *sequence) else { return };
        let Some(entry) = self.entries.get_mut(&sequence) else { return };
        let late = if entry.record.obsolete_since.is_some() { GivenUp::Obsolete } else { GivenUp::Expired };
        let given_up = entry.record.giving_up.clone().or(is_over(&entry.record, head).then_some(late));
        if let Some(given_up) = given_up {
            let record = Record { state: State::GivenUp(given_up), ..entry.record.clone() };
            write(entry, record, false, effects);
        } else if !check(entry, effects) {
            preflight(entry, head, effects);
        }
    }
}

fn is_over(record: &Record, head: u64) -> bool {
    record.intent.deadline.is_some_and(|deadline| head >= deadline)
}

fn write(entry: &mut Entry, record: Record, send: bool, effects: &mut Vec<Effect>) {
    entry.busy = true;
    entry.writing = Some((record.clone(), send));
    effects.push(Effect::Store { record: Box::new(record) });
}

/// Asks whether an intent is obsolete, if it says how to find out.
fn check(entry: &mut Entry, effects: &mut Vec<Effect>) -> bool {
    let Some(when) = entry.record.intent.obsolete_when.clone() else { return false };
    entry.busy = true;
    effects.push(Effect::Check { sequence: entry.record.sequence, when });
    true
}

fn preflight(entry: &mut Entry, head: u64, effects: &mut Vec<Effect>) {
    entry.busy = true;
    effects.push(Effect::Preflight { sequence: entry.record.sequence, block: head + 1 });
}

fn inclusion(receipt: &Receipt, reason: Option<String>) -> State {
    State::Included {
        hash: receipt.transaction_hash,
        block_number: receipt.block_number,
        block_hash: receipt.block_hash,
        reverted: (!receipt.succeeded()).then(|| reason.unwrap_or_default()),
    }
}

fn end(record: &Record, attempt: &Attempt, receipt: &Receipt, reason: Option<String>) -> State {
    let (hash, block_number) = (receipt.transaction_hash, receipt.block_number);
    if attempt.cancels {
        State::GivenUp(record.giving_up.clone().unwrap_or(GivenUp::Obsolete))
    } else if receipt.succeeded() {
        State::Succeeded { hash, block_number }
    } else {
        State::Reverted { hash, block_number, reason: reason.unwrap_or_default() }
    }
}
