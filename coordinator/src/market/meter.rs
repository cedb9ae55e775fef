//! How much of the farm each block has had: while k blocks are in work, each gets 1/k of the time.

use std::collections::BTreeMap;

/// Milliseconds of a monotonic clock.
type Millis = u64;

/// Shares out the farm's time among the blocks in work.
#[derive(Debug, Clone, Default)]
pub struct Meter<K: Ord> {
    /// Microseconds of the farm so far, by block.
    running: BTreeMap<K, u64>,
    workers: BTreeMap<K, u32>,
    last: Millis,
}

impl<K: Ord + Copy> Meter<K> {
    /// A farm at rest.
    pub fn new() -> Self {
        Self { running: BTreeMap::new(), workers: BTreeMap::new(), last: 0 }
    }

    fn advance(&mut self, now: Millis) {
        let passed = now.saturating_sub(self.last).saturating_mul(1_000);
        self.last = self.last.max(now);
        let each = passed / self.running.len().max(1) as u64;
        self.running.values_mut().for_each(|used| *used = used.saturating_add(each));
    }

    /// A block is in work.
    pub fn started(&mut self, block: K, workers: u32, now: Millis) {
        self.advance(now);
        self.running.entry(block).or_insert(0);
        self.workers.entry(block).or_insert(workers);
    }

    /// The number of live workers, whenever it may have changed.
    pub fn workers(&mut self, workers: u32) {
        self.workers.values_mut().for_each(|fewest| *fewest = (*fewest).min(workers));
    }

    /// A block has ended: milliseconds of the farm it had, and the fewest workers meanwhile. `None` if it was not in work.
    pub fn ended(&mut self, block: K, now: Millis) -> Option<(u64, u32)> {
        self.advance(now);
        let used = self.running.remove(&block)?;
        Some((used.div_ceil(1_000), self.workers.remove(&block).unwrap_or(0)))
    }
}
