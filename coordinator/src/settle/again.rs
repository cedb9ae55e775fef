//! What failed and is tried again, later each time. Pure.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Before the second try.
const FIRST: Duration = Duration::from_millis(500);
/// Before any later one: well below the time of an L1 block.
const LONGEST: Duration = Duration::from_secs(5);

/// How long to wait after so many failures in a row.
pub(super) fn delay(failures: u32) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(8));
    if failures == 0 { Duration::ZERO } else { doubled.min(LONGEST) }
}

/// Things to be tried again, each for a key; the more often something of a key has failed, the later.
#[derive(Debug)]
pub(super) struct Again<K, T> {
    waiting: Vec<(Instant, K, T)>,
    failures: BTreeMap<K, u32>,
}

impl<K, T> Default for Again<K, T> {
    fn default() -> Self {
        Self { waiting: Vec::new(), failures: BTreeMap::new() }
    }
}

impl<K: Ord + Copy, T: PartialEq> Again<K, T> {
    /// Something of a key has failed; how often in a row.
    pub fn failed(&mut self, key: K, what: T, now: Instant) -> u32 {
        let failures = self.failures.entry(key).or_insert(0);
        *failures = failures.saturating_add(1);
        let (failures, at) = (*failures, now + delay(*failures));
        if !self.waiting.iter().any(|(_, of, known)| *of == key && *known == what) {
            self.waiting.push((at, key, what));
        }
        failures
    }

    /// Something of a key has succeeded.
    pub fn succeeded(&mut self, key: K) {
        self.failures.remove(&key);
    }

    /// What is due, in the order in which it failed.
    pub fn due(&mut self, now: Instant) -> Vec<(K, T)> {
        let all = std::mem::take(&mut self.waiting);
        let (due, waiting) = all.into_iter().partition(|(at, ..)| *at <= now);
        self.waiting = waiting;
        due.into_iter().map(|(_, key, what)| (key, what)).collect()
    }

    /// Forgets keys that nothing is left to do for.
    pub fn keep(&mut self, is_alive: impl Fn(&K) -> bool) {
        self.waiting.retain(|(_, key, _)| is_alive(key));
        self.failures.retain(|key, _| is_alive(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_on_is_tried_ever_later_and_never_forgotten() {
        let (mut again, mut now) = (Again::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..8 {
            again.failed(1, "order", now);
            assert!(again.due(now).is_empty(), "not at once");
            let since = now;
            while again.due(now).is_empty() {
                now += Duration::from_millis(100);
            }
            waits.push(now - since);
        }
        assert!(waits.is_sorted() && waits[0] == FIRST && waits[7] == LONGEST, "{waits:?}");
        again.succeeded(1);
        again.failed(1, "order", now);
        assert_eq!(again.due(now + FIRST), [(1, "order")]);
    }

    #[test]
    fn one_thing_waits_once_and_for_living_keys_only() {
        let (mut again, now) = (Again::default(), Instant::now());
        for key in [1, 2] {
            again.failed(key, "order", now);
            again.failed(key, "order", now);
        }
        again.failed(2, "another", now);
        again.keep(|key| *key == 2);
        assert_eq!(again.due(now + LONGEST), [(2, "order"), (2, "another")]);
        assert!(again.due(now + LONGEST).is_empty());
        assert_eq!(delay(u32::MAX), LONGEST);
        assert_eq!(delay(0), Duration::ZERO);
    }
}
