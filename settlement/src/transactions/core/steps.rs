//! The steps of one record, each after the answer to the one before: check, preflight, draft, sign, write, send.

use alloy::primitives::{Bytes, U256};

use super::{Core, Draft, Effect, Preflight, is_over, preflight, write};
use crate::transactions::fees::{self, Fees};
use crate::transactions::journal::{Attempt, GivenUp, Record, State};

/// Gas of a transaction that does nothing.
const CANCEL_GAS: u64 = 21_000;

impl Core {
    pub(super) fn checked(&mut self, sequence: u64, obsolete: bool, effects: &mut Vec<Effect>) {
        let head = self.head();
        let depth = self.finality_depth;
        let Some(entry) = self.entries.get_mut(&sequence) else { return };
        entry.busy = false;
        entry.obsolete = obsolete;
        let mut record = entry.record.clone();
        match &record.state {
            State::Queued if obsolete => {
                // Whoever has done it may be taken back by a reorg: it is over when that is final.
                let since = *record.obsolete_since.get_or_insert(head);
                entry.tried = Some(head);
                if head.saturating_sub(since) >= depth {
                    record.state = State::GivenUp(GivenUp::Obsolete);
                }
                if record != entry.record {
                    write(entry, record, false, effects);
                }
            }
            State::Queued => {
                entry.record.obsolete_since = None;
                preflight(entry, head, effects);
            }
            State::InFlight => self.advance(sequence, effects),
            State::Included { .. } if !obsolete => {
                record.state = State::Queued;
                write(entry, record, false, effects);
            }
            _ => {}
        }
    }

    /// In flight and not included: sends again, or replaces what was sent.
    pub(super) fn advance(&mut self, sequence: u64, effects: &mut Vec<Effect>) {
        let head = self.head();
        let Some(entry) = self.entries.get_mut(&sequence) else { return };
        let Some(last) = entry.record.attempts.last().cloned() else { return };
        let cancel = entry.obsolete || entry.record.giving_up.is_some() || is_over(&entry.record, head);
        let old = head >= last.signed_at.saturating_add(self.config.replace_after_blocks);
        // A reorg to a lower head, or a journal of a chain that was reset.
        let ahead = last.signed_at > head.saturating_add(self.finality_depth);
        if !(old || ahead || cancel != last.cancels || (entry.underpriced && head > last.signed_at)) {
            self.send(sequence, effects);
        } else if cancel {
            self.draft(sequence, CANCEL_GAS, true, effects);
        } else {
            preflight(entry, head, effects);
        }
    }

    pub(super) fn preflighted(&mut self, sequence: u64, outcome: Preflight, effects: &mut Vec<Effect>) {
        let head = self.head();
        let attempts = self.config.preflight_attempts;
        let Some(entry) = self.entries.get_mut(&sequence) else { return };
        entry.busy = false;
        let in_flight = entry.record.state == State::InFlight;
        let id = entry.record.intent.id.clone();
        match outcome {
            Preflight::Passes { gas } => {
                entry.refusals = 0;
                let margin = u128::from(gas) * u128::from(10_000 + self.config.gas_margin_bps) / 10_000;
                let gas = u64::try_from(margin).unwrap_or(u64::MAX).min(self.config.gas_limit_max).max(gas);
                let gas = entry.record.intent.gas_limit.unwrap_or(gas);
                self.draft(sequence, gas, false, effects);
            }
            Preflight::Reverts { reason } => {
                entry.refusals += 1;
                entry.tried = Some(head);
                let enough = entry.refusals >= attempts;
                if in_flight && enough {
                    // It would only burn gas; its nonce must be used up all the same.
                    entry.record.giving_up = Some(GivenUp::Refused { reason });
                    self.draft(sequence, CANCEL_GAS, true, effects);
                } else if in_flight {
                    self.send(sequence, effects);
                } else if enough && entry.record.intent.deadline.is_none() {
                    let state = State::GivenUp(GivenUp::Refused { reason });
                    let record = Record { state, ..entry.record.clone() };
                    write(entry, record, false, effects);
                } else {
                    effects.push(Effect::Waits { id, reason });
                }
            }
            Preflight::Unavailable => match entry.record.attempts.last().filter(|_| in_flight) {
                // Blocks pass: what was good before is sent dearer without another look.
                Some(last) if !last.cancels => {
                    let gas = last.gas_limit;
                    self.draft(sequence, gas, false, effects);
                }
                _ => {
                    entry.tried = Some(head);
                    effects.push(Effect::Waits { id, reason: "no endpoint could try it".to_owned() });
                }
            },
        }
    }

    /// Writes out a transaction for signing, or sends the last one again when the cap leaves no room for a dearer one.
    fn draft(&mut self, sequence: u64, gas_limit: u64, cancels: bool, effects: &mut Vec<Effect>) {
        let used = self
            .entries
            .values()
            .filter(|entry| matches!(entry.record.state, State::InFlight | State::Included { .. }))
            .filter_map(|entry| Some(entry.record.attempts.last()?.nonce + 1))
            .max();
        let (Some(seen), Some(entry)) = (&self.seen, self.entries.get_mut(&sequence)) else { return };
        let config = &self.config;
        let intent = &entry.record.intent;
        let urgency = fees::urgency_bps(config, seen.head, intent.deadline);
        // To use up a nonce is worth what the intents behind it are; the absolute bound holds.
        let cap = if cancels { config.max_fee_per_gas } else { fees::cap(config, intent.at_risk, urgency, gas_limit) };
        let wanted = fees::first(config, seen.market, urgency, cap);
        let in_flight = entry.record.state == State::InFlight;
        let last = entry.record.attempts.last();
        let nonce = match last {
            Some(last) if in_flight => last.nonce,
            _ => seen.nonce.max(used.unwrap_or(0)),
        };
        // Also a nonce that was thought lost, and that a reorg gave back: nodes may still hold what was signed with it.
        let before = entry.record.attempts.iter().rfind(|attempt| attempt.nonce == nonce);
        let fees = before.map_or(Some(wanted), |before| {
            let before = Fees {
                max_fee_per_gas: before.max_fee_per_gas,
                max_priority_fee_per_gas: before.max_priority_fee_per_gas,
            };
            fees::replacement(before, wanted, cap)
        });
        let short = fees.is_none_or(|fees| fees.max_fee_per_gas <= seen.market.base_fee);
        if short {
            effects.push(Effect::Capped { id: intent.id.clone(), cap });
        }
        let Some(fees) = fees else {
            if in_flight {
                self.send(sequence, effects);
            } else if last.is_some_and(|last| last.nonce == nonce) {
                let record = Record { state: State::InFlight, ..entry.record.clone() };
                write(entry, record, true, effects);
            } else {
                entry.tried = Some(seen.head);
            }
            return;
        };
        let (to, value, data) = if cancels {
            (Some(entry.record.sender), U256::ZERO, Bytes::new())
        } else {
            (Some(intent.to), intent.value, intent.data.clone())
        };
        let draft = Draft { nonce, fees, gas_limit, to, value, data, signed_at: seen.head, cancels };
        entry.busy = true;
        effects.push(Effect::Sign { sequence, draft });
    }

    pub(super) fn signed(&mut self, sequence: u64, attempt: Option<Attempt>, effects: &mut Vec<Effect>) {
        let head = self.head();
        let Some(entry) = self.entries.get_mut(&sequence) else { return };
        entry.busy = false;
        match attempt {
            Some(attempt) => {
                let mut record = entry.record.clone();
                if attempt.cancels && record.giving_up.is_none() && !entry.obsolete {
                    record.giving_up = Some(GivenUp::Expired);
                }
                record.attempts.push(attempt);
                record.state = State::InFlight;
                entry.underpriced = false;
                write(entry, record, true, effects);
            }
            None => {
                entry.tried = Some(head);
                let reason = "the signer failed".to_owned();
                effects.push(Effect::Waits { id: entry.record.intent.id.clone(), reason });
                // What is in flight is kept alive.
                self.send(sequence, effects);
            }
        }
    }

    pub(super) fn stored(&mut self, sequence: u64, written: bool, effects: &mut Vec<Effect>) {
        let head = self.head();
        let Some(entry) = self.entries.get_mut(&sequence) else { return };
        entry.busy = false;
        let Some((record, send)) = entry.writing.take() else { return };
        if !written {
            // Nothing has happened; the next observation comes to the same decision.
            entry.tried = Some(head);
            return;
        }
        entry.record = record;
        effects.push(Effect::Changed { record: Box::new(entry.record.clone()) });
        if entry.record.state.is_final() {
            self.entries.remove(&sequence);
        } else if send {
            self.send(sequence, effects);
        }
    }

    /// Sends the last attempt.
    fn send(&mut self, sequence: u64, effects: &mut Vec<Effect>) {
        let Some(entry) = self.entries.get(&sequence) else { return };
        let Some(last) = entry.record.attempts.last() else { return };
        if entry.record.state == State::InFlight {
            effects.push(Effect::Send { sequence, raw: last.raw.clone() });
        }
    }
}
