//! Which nonces have been used.

use std::collections::{BTreeSet, HashMap, HashSet};

use alloy_primitives::Address;

use crate::auth::{AuthError, Nonce, Stamp, WINDOW_MS};

/// How much is remembered. A nonce that cannot be remembered is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayLimits {
    /// Nonces of all callers.
    pub nonces: usize,
    /// Nonces of one caller.
    pub nonces_per_caller: u32,
}

impl Default for ReplayLimits {
    fn default() -> Self {
        Self { nonces: 100_000, nonces_per_caller: 2_000 }
    }
}

/// Remembers the nonce of each request for as long as its date would be taken: at most twice [`WINDOW_MS`].
#[derive(Debug)]
pub struct Replay {
    limits: ReplayLimits,
    /// Requests sent earlier may have been seen by a process before this one.
    not_before_ms: u64,
    seen: HashSet<(Address, Nonce)>,
    by_expiry: BTreeSet<(u64, Address, Nonce)>,
    callers: HashMap<Address, u32>,
}

impl Replay {
    /// Remembers nothing; takes no request sent before `started_ms`, the Unix time at which the process began.
    pub fn new(limits: ReplayLimits, started_ms: u64) -> Self {
        let (seen, by_expiry, callers) = (HashSet::new(), BTreeSet::new(), HashMap::new());
        Self { limits, not_before_ms: started_ms, seen, by_expiry, callers }
    }

    /// What [`Replay::admit`] would say about a stamp, without remembering it.
    pub fn check(&self, stamp: &Stamp) -> Result<(), AuthError> {
        if stamp.date_ms < self.not_before_ms {
            return Err(AuthError::BeforeStart);
        }
        if self.seen.contains(&(stamp.address, stamp.nonce)) { Err(AuthError::Replayed) } else { Ok(()) }
    }

    /// Takes a verified stamp, once.
    pub fn admit(&mut self, now_ms: u64, stamp: &Stamp) -> Result<(), AuthError> {
        self.forget(now_ms);
        stamp.check_date(now_ms)?;
        self.check(stamp)?;
        let wait = |expiry: Option<u64>| expiry.unwrap_or(now_ms).saturating_sub(now_ms) + 1;
        if self.seen.len() >= self.limits.nonces {
            let first = self.by_expiry.first().map(|(expiry, ..)| *expiry);
            return Err(AuthError::Full { wait_ms: wait(first) });
        }
        let of_caller = self.callers.entry(stamp.address).or_default();
        if *of_caller >= self.limits.nonces_per_caller {
            return Err(AuthError::TooMany { wait_ms: 2 * WINDOW_MS });
        }
        *of_caller += 1;
        self.seen.insert((stamp.address, stamp.nonce));
        self.by_expiry.insert((stamp.date_ms + WINDOW_MS, stamp.address, stamp.nonce));
        Ok(())
    }

    /// Nonces remembered.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// True when none is remembered.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    fn forget(&mut self, now_ms: u64) {
        while let Some(&(expiry, address, nonce)) = self.by_expiry.first() {
            if expiry >= now_ms {
                break;
            }
            self.by_expiry.pop_first();
            self.seen.remove(&(address, nonce));
            if let Some(count) = self.callers.get_mut(&address) {
                *count -= 1;
                if *count == 0 {
                    self.callers.remove(&address);
                }
            }
        }
    }
}
