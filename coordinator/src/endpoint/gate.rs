//! Who may send: the signed part of a request, checked as early as it can be.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use alloy_primitives::Address;
use axum::http::{HeaderMap, request::Parts};
use proofyard_coordinator_client::auth::{AUTH_HEADER, AuthError, DATE_HEADER, RateLimit, Replay, Stamp};

use super::limits::Limits;

/// What is kept between signed requests.
pub(super) struct Gate {
    replay: Mutex<Replay>,
    rate: Mutex<RateLimit>,
    started: Instant,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

/// A header that is there at most once.
pub(super) fn single<'a>(
    headers: &'a HeaderMap,
    header: &'static str,
    expected: &'static str,
) -> Result<Option<&'a str>, AuthError> {
    let mut values = headers.get_all(header).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        let absent = !headers.contains_key(header);
        return if absent { Ok(None) } else { Err(AuthError::Malformed { header, expected }) };
    };
    value.to_str().map(Some).map_err(|_| AuthError::Malformed { header, expected })
}

impl Gate {
    pub fn new(limits: &Limits) -> Self {
        let replay = Replay::new(limits.replay, unix_ms());
        let rate = RateLimit::new(limits.rate);
        Self { replay: Mutex::new(replay), rate: Mutex::new(rate), started: Instant::now() }
    }

    /// Milliseconds of a clock that is never set back: buckets fill with it.
    fn elapsed_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// What can be said before the body is read. Nothing is counted: whose request it is, is not known yet.
    pub fn look(&self, headers: &HeaderMap) -> Result<Stamp, AuthError> {
        let date = single(headers, DATE_HEADER, "one value")?;
        let stamp = Stamp::parse(date, single(headers, AUTH_HEADER, "one value")?)?;
        stamp.check_date(unix_ms())?;
        lock(&self.replay).check(&stamp)?;
        lock(&self.rate).check(self.elapsed_ms(), stamp.address)?;
        Ok(stamp)
    }

    /// Takes a request whose body has come; who signed it.
    pub fn admit(&self, stamp: &Stamp, parts: &Parts, body_sha256: &[u8; 32]) -> Result<Address, AuthError> {
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        stamp.verify(parts.method.as_str(), target, body_sha256)?;
        lock(&self.rate).take(self.elapsed_ms(), stamp.address)?;
        lock(&self.replay).admit(unix_ms(), stamp)?;
        Ok(stamp.address)
    }
}
