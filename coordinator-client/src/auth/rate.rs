//! How many requests a caller may send.

use std::collections::HashMap;

use alloy_primitives::Address;

use crate::auth::AuthError;

/// A token bucket: full at the start, one token a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens that come back in a minute; at least 1.
    pub per_minute: u32,
    /// Tokens of a full bucket; at least 1.
    pub burst: u32,
    /// Callers whose buckets are not full at once.
    pub callers: usize,
}

impl Default for Rate {
    fn default() -> Self {
        Self { per_minute: 600, burst: 60, callers: 20_000 }
    }
}

/// One bucket a caller, kept as one number: when it will be full again. A full bucket is forgotten.
#[derive(Debug)]
pub struct RateLimit {
    /// Microseconds until one token comes back.
    token_us: u64,
    bucket_us: u64,
    callers: usize,
    full_at_us: HashMap<Address, u64>,
}

impl RateLimit {
    /// All buckets full.
    pub fn new(rate: Rate) -> Self {
        let token_us = 60_000_000 / u64::from(rate.per_minute.max(1));
        let bucket_us = token_us * u64::from(rate.burst.max(1));
        Self { token_us, bucket_us, callers: rate.callers, full_at_us: HashMap::new() }
    }

    /// What [`RateLimit::take`] would say, without taking a token.
    pub fn check(&self, now_ms: u64, caller: Address) -> Result<(), AuthError> {
        self.next(now_ms, caller).map(|_| ())
    }

    /// Takes a token of a caller who has proven to be that caller.
    pub fn take(&mut self, now_ms: u64, caller: Address) -> Result<(), AuthError> {
        let full_at = self.next(now_ms, caller)?;
        if !self.full_at_us.contains_key(&caller) && self.full_at_us.len() >= self.callers {
            let now_us = now_ms.saturating_mul(1_000);
            self.full_at_us.retain(|_, full_at| *full_at > now_us);
            if self.full_at_us.len() >= self.callers {
                return Err(AuthError::Full { wait_ms: self.token_us.div_ceil(1_000) });
            }
        }
        self.full_at_us.insert(caller, full_at);
        Ok(())
    }

    /// Callers remembered.
    pub fn len(&self) -> usize {
        self.full_at_us.len()
    }

    /// True when all buckets are full.
    pub fn is_empty(&self) -> bool {
        self.full_at_us.is_empty()
    }

    /// When the bucket would be full again after one more request.
    fn next(&self, now_ms: u64, caller: Address) -> Result<u64, AuthError> {
        let now_us = now_ms.saturating_mul(1_000);
        let full_at = self.full_at_us.get(&caller).copied().unwrap_or(0).max(now_us) + self.token_us;
        let over_us = full_at.saturating_sub(now_us).saturating_sub(self.bucket_us);
        if over_us == 0 { Ok(full_at) } else { Err(AuthError::TooMany { wait_ms: over_us.div_ceil(1_000) }) }
    }
}
