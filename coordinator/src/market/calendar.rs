//! What the farm has promised, and what still fits.
//!
//! A promise is a group that may start at any time until `start_by` and must be proven `submission_blocks` before the end of
//! `prove_by`. The farm works without pause while there is work, in an order that depends on when commitments and blocks arrive. Whatever
//! that order is, a group j is done at the latest
//!
//! `start_by_j + Σ work_i (i ≠ j, promised at the same time) + wall_j`
//!
//! (Graham's bound for list scheduling, with `work` in milliseconds of the whole farm). So a new promise fits if that sum is within
//! `utilisation` of the window of each promise, the new one's included.

use std::collections::BTreeMap;

use super::{Class, Prediction, Remaining, Throughput, View};
use crate::ledger::{GroupKey, Reservation};

/// A promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its class, times and bounds.
    pub reservation: Reservation,
    /// The quote's expiry while it is not committed.
    pub held_until: Option<u64>,
    /// What is left to prove.
    pub remaining: Remaining,
}

impl Entry {
    /// Capacity held for a quote.
    pub fn held(reservation: Reservation, expiry: u64) -> Self {
        Self { reservation, held_until: Some(expiry), remaining: Remaining::ALL }
    }

    /// Its size class.
    pub fn class(&self) -> Class {
        Class { rows_log2: self.reservation.rows_log2, subtrees: self.reservation.subtrees }
    }

    /// What is left of it by the present model; never less than reserved while the whole of it is left.
    pub(super) fn demand(&self, throughput: &Throughput, workers: u32) -> Option<Prediction> {
        let now = throughput.predict(self.class(), workers)?;
        let part = |whole: u64| self.remaining.of(whole);
        Some(Prediction {
            work_p50_ms: part(now.work_p50_ms),
            work_p99_ms: part(now.work_p99_ms.max(self.reservation.work_ms)),
            wall_p50_ms: part(now.wall_p50_ms),
            wall_p99_ms: part(now.wall_p99_ms.max(self.reservation.wall_ms)),
        })
    }

    /// Milliseconds from its latest start to when its proof must be there.
    pub(super) fn window_ms(&self, view: &View, submission_blocks: u64) -> u64 {
        let from = self.reservation.start_by.max(view.block);
        let to = self.reservation.prove_by.saturating_sub(submission_blocks);
        to.saturating_sub(from).saturating_mul(view.block_ms)
    }

    /// Whether the two could be in work at the same time.
    fn meets(&self, other: &Self) -> bool {
        self.reservation.quoted_at <= other.reservation.prove_by
            && other.reservation.quoted_at <= self.reservation.prove_by
    }
}

/// Why a promise does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overload {
    /// Milliseconds that would be needed in a window.
    pub needed_ms: u64,
    /// Milliseconds of that window that may be promised.
    pub may_ms: u64,
}

/// All promises.
#[derive(Debug, Clone)]
pub struct Calendar {
    utilisation_percent: u64,
    submission_blocks: u64,
    entries: BTreeMap<GroupKey, Entry>,
}

impl Calendar {
    /// Nothing promised.
    pub fn new(utilisation_percent: u64, submission_blocks: u64) -> Self {
        Self { utilisation_percent, submission_blocks, entries: BTreeMap::new() }
    }

    /// How many promises there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when nothing is promised.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A promise.
    pub fn get(&self, key: GroupKey) -> Option<&Entry> {
        self.entries.get(&key)
    }

    /// All promises.
    pub fn entries(&self) -> impl Iterator<Item = (GroupKey, &Entry)> {
        self.entries.iter().map(|(key, entry)| (*key, entry))
    }

    pub(super) fn insert(&mut self, key: GroupKey, entry: Entry) {
        self.entries.insert(key, entry);
    }

    pub(super) fn remove(&mut self, key: GroupKey) {
        self.entries.remove(&key);
    }

    pub(super) fn progress(&mut self, key: GroupKey, remaining: Remaining) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.remaining = remaining;
        }
    }

    /// Promises whose quote cannot be drawn any more.
    pub(super) fn expired(&self, head: u64, depth: u64) -> Vec<GroupKey> {
        let settled = head.saturating_sub(depth);
        let over = |entry: &Entry| entry.held_until.is_some_and(|expiry| expiry < settled);
        self.entries.iter().filter(|(_, entry)| over(entry)).map(|(key, _)| *key).collect()
    }

    /// Milliseconds of the whole farm that other promises may take while `entry` is due, at the 99th percentile.
    fn work_of_others(&self, key: GroupKey, entry: &Entry, throughput: &Throughput, view: &View) -> u64 {
        let others = self.entries.iter().filter(|(other, meeting)| **other != key && meeting.meets(entry));
        others.fold(0, |sum, (_, other)| {
            let demand = other.demand(throughput, view.workers);
            sum.saturating_add(demand.map_or(u64::MAX, |demand| demand.work_p99_ms))
        })
    }

    /// The same for a promise in the calendar; 0 for one that is not.
    pub(super) fn work_beside(&self, key: GroupKey, throughput: &Throughput, view: &View) -> u64 {
        self.get(key).map_or(0, |entry| self.work_of_others(key, entry, throughput, view))
    }

    /// Whether a new promise fits beside all others: in its own window, and in theirs.
    pub fn fits(&self, key: GroupKey, new: &Entry, throughput: &Throughput, view: &View) -> Result<(), Overload> {
        let with = |needed_ms: u64, window_ms: u64| {
            let may = u128::from(window_ms) * u128::from(self.utilisation_percent) / 100;
            let may_ms = u64::try_from(may).unwrap_or(u64::MAX);
            if needed_ms <= may_ms { Ok(()) } else { Err(Overload { needed_ms, may_ms }) }
        };
        let nothing = Overload { needed_ms: u64::MAX, may_ms: 0 };
        let own = new.demand(throughput, view.workers).ok_or(nothing)?;
        let ahead = self.work_of_others(key, new, throughput, view);
        with(ahead.saturating_add(own.wall_p99_ms), new.window_ms(view, self.submission_blocks))?;
        for (other, entry) in self.entries.iter().filter(|(other, entry)| **other != key && entry.meets(new)) {
            if entry.remaining.is_nothing() {
                continue;
            }
            let demand = entry.demand(throughput, view.workers).ok_or(nothing)?;
            let ahead = self.work_of_others(*other, entry, throughput, view).saturating_add(own.work_p99_ms);
            with(ahead.saturating_add(demand.wall_p99_ms), entry.window_ms(view, self.submission_blocks))?;
        }
        Ok(())
    }

    /// Milliseconds of the farm that something due in `blocks` L1 blocks would find free.
    pub(super) fn free_ms(&self, throughput: &Throughput, view: &View, blocks: u64) -> u64 {
        if view.workers == 0 {
            return 0;
        }
        let until = view.block.saturating_add(blocks);
        let taken =
            self.entries.values().filter(|entry| entry.reservation.quoted_at <= until).fold(0_u64, |sum, entry| {
                let demand = entry.demand(throughput, view.workers);
                sum.saturating_add(demand.map_or(0, |demand| demand.work_p99_ms))
            });
        let window = blocks.saturating_sub(self.submission_blocks).saturating_mul(view.block_ms);
        (window / 100).saturating_mul(self.utilisation_percent).saturating_sub(taken)
    }
}
