//! Whether a loop that should never stand still goes round.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use super::Check;

/// A loop that ticks several times a second and has not for so long hangs: no machine is that busy.
const STILL: Duration = Duration::from_secs(15);

/// The last turn of a loop.
#[derive(Debug)]
pub struct Pulse {
    since: Instant,
    /// Milliseconds from `since` to the last turn.
    last: AtomicU64,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { since: Instant::now(), last: AtomicU64::new(0) }
    }
}

impl Pulse {
    /// The loop goes round.
    pub fn beat(&self) {
        let now = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// How long ago the last turn was, or the start.
    pub fn age(&self) -> Duration {
        self.since.elapsed().saturating_sub(Duration::from_millis(self.last.load(Ordering::Relaxed)))
    }

    /// Whether it goes round.
    pub fn check(&self) -> Check {
        judge(self.age())
    }
}

fn judge(age: Duration) -> Check {
    Check::new("loop", age <= STILL, format!("turned {} ms ago", age.as_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_stands_still_is_seen() {
        let pulse = Pulse::default();
        pulse.beat();
        assert!(pulse.check().ok);
        assert!(judge(STILL).ok && !judge(STILL + Duration::from_millis(1)).ok);
    }
}
