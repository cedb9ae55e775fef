//! What the farm sells: how fast it is, what it has promised, what a group costs, and which quotes it can give.
//!
//! Pure: no clock, network or disk. Time is L1 blocks and milliseconds of the farm; money is integers in a token's smallest unit,
//! always rounded in the prover's favour.
//!
//! What always holds:
//! - A quote is offered only if its group and everything promised before would still be proven in time, in whatever order the
//!   farm takes them, at the 99th percentile of the measured times and within the configured utilisation ([`Calendar::fits`]).
//! - Capacity is held from the decision on, before anything is written or signed; it is given back when the quote expires, is
//!   declined or has ended.
//! - What does not fit is declined with a code `PY-Q-nnn`, before any deposit is at risk.

mod calendar;
mod config;
mod demand;
mod meter;
mod price;
mod quote;
mod slack;
mod throughput;

use std::collections::BTreeMap;

use alloy_primitives::Address;
use proofyard_coordinator_client::QuoteRequest;

use crate::ledger::{GroupKey, QuoteRecord, QuoteState};

pub use self::{
    calendar::{Calendar, Entry, Overload},
    config::{Amount, MarketConfig, TipToken},
    demand::{Demand, Promise, Scaling, demand, promises},
    meter::Meter,
    price::{PriceParts, at_risk_wei, price},
    quote::{Decline, Offer, Ours, View, Window, decide},
    slack::{Alarm, Remaining, Slack, slack},
    throughput::{Class, Prediction, ROUNDS, Sample, Throughput, Turn},
};

/// The market's state: what was measured and what was promised.
#[derive(Debug, Clone)]
pub struct Market {
    config: MarketConfig,
    ours: Ours,
    throughput: Throughput,
    calendar: Calendar,
    /// Open quotes by sequencer are counted here, so that one asker cannot hold the whole farm.
    askers: BTreeMap<GroupKey, Address>,
}

impl Market {
    /// A market that has measured and promised nothing.
    pub fn new(config: MarketConfig, ours: Ours) -> Self {
        let throughput = Throughput::new(config.prior(), config.samples_max);
        let calendar = Calendar::new(config.utilisation_percent, config.submission_blocks);
        Self { config, ours, throughput, calendar, askers: BTreeMap::new() }
    }

    /// What is sold and to whom.
    pub fn config(&self) -> &MarketConfig {
        &self.config
    }

    /// What was measured.
    pub fn throughput(&self) -> &Throughput {
        &self.throughput
    }

    /// What was promised.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// Decides about a request and, when it is offered, holds the capacity. The caller writes the offer into the ledger, or
    /// calls [`Market::release`].
    pub fn quote(&mut self, request: &QuoteRequest, view: &View) -> Result<Offer, Decline> {
        let asker = self.askers.values().filter(|asker| **asker == request.sequencer).count();
        if asker >= self.config.quotes_max_per_sequencer {
            return Err(Decline::TooManyOfSequencer { open: asker });
        }
        let offer = decide(&self.config, &self.ours, &self.throughput, &self.calendar, request, view)?;
        self.hold(GroupKey::of(&offer.terms), request.sequencer, Entry::held(offer.reservation, offer.terms.expiry));
        Ok(offer)
    }

    fn hold(&mut self, key: GroupKey, sequencer: Address, entry: Entry) {
        self.askers.insert(key, sequencer);
        self.calendar.insert(key, entry);
    }

    /// Takes up what a ledger says, after a start or a change: open quotes hold capacity, ended ones do not.
    pub fn restore(&mut self, record: &QuoteRecord) {
        let key = GroupKey::of(&record.terms);
        match record.state {
            QuoteState::Reserved | QuoteState::Signed => {
                let entry = Entry::held(record.reservation, record.terms.expiry);
                self.hold(key, record.terms.sequencer, entry);
            }
            QuoteState::Committed => {
                let remaining = self.calendar.get(key).map_or(Remaining::ALL, |entry| entry.remaining);
                let entry = Entry { held_until: None, remaining, ..Entry::held(record.reservation, 0) };
                self.hold(key, record.terms.sequencer, entry);
            }
            QuoteState::Settled
            | QuoteState::Slashed
            | QuoteState::Released
            | QuoteState::Expired
            | QuoteState::Declined => self.release(key),
        }
    }

    /// Gives capacity back: declined, lost, proven or given up.
    pub fn release(&mut self, key: GroupKey) {
        self.askers.remove(&key);
        self.calendar.remove(key);
    }

    /// How much of a group is left to prove. Proven groups hold no capacity any more.
    pub fn progress(&mut self, key: GroupKey, remaining: Remaining) {
        self.calendar.progress(key, remaining);
    }

    /// Gives back the capacity of quotes that cannot be drawn any more: their expiry lies more than `depth` blocks behind.
    pub fn expire(&mut self, head: u64, depth: u64) -> Vec<GroupKey> {
        let expired = self.calendar.expired(head, depth);
        expired.iter().for_each(|key| self.release(*key));
        expired
    }

    /// A group was proven.
    pub fn observe(&mut self, sample: Sample) {
        self.throughput.observe(sample);
    }

    /// Whether a promised group will be in time; `None` for one that is not promised.
    pub fn slack(&self, key: GroupKey, view: &View) -> Option<Slack> {
        let entry = self.calendar.get(key)?;
        let ahead = self.calendar.work_beside(key, &self.throughput, view);
        Some(slack(entry, ahead, &self.throughput, view, self.config.submission_blocks))
    }

    /// How many workers prove everything promised in time.
    pub fn demand(&self, view: &View, busy: u32, scaling: &Scaling) -> Demand {
        let promises = promises(&self.calendar, &self.throughput, view, self.config.submission_blocks);
        demand(&promises, busy, scaling)
    }

    /// Milliseconds of the farm that a group starting now and due in `blocks` L1 blocks would find free.
    pub fn free_ms(&self, view: &View, blocks: u64) -> u64 {
        self.calendar.free_ms(&self.throughput, view, blocks)
    }
}
