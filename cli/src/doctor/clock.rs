//! Clocks that should say the same.

use std::time::{Duration, SystemTime};

use proofyard_coordinator_client::auth::WINDOW_MS;

use super::report::About;

/// Where a difference begins to be worth a look, in seconds.
const WARN_SECONDS: f64 = 5.0;

/// How far another clock is ahead of this machine's, in seconds.
pub fn ahead(other: SystemTime, here: SystemTime) -> f64 {
    match other.duration_since(here) {
        Ok(ahead) => ahead.as_secs_f64(),
        Err(behind) => -behind.duration().as_secs_f64(),
    }
}

/// A time in Unix seconds.
pub fn unix(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Judges how far a clock is ahead of this machine's (negative: behind it).
pub fn judge(check: &'static str, whose: &str, ahead: f64, about: &mut About<'_>) {
    let window = WINDOW_MS as f64 / 1_000.0;
    let relation = if ahead < 0.0 { "behind" } else { "ahead of" };
    let seen = format!("{whose} is {:.0} s {relation} this machine's clock", ahead.abs());
    let remedy = format!(
        "set both machines' clocks with NTP (chrony, systemd-timesyncd): signed requests more than {window:.0} s off are refused"
    );
    match ahead.abs() {
        off if off > window => about.fail(check, seen, remedy),
        off if off > WARN_SECONDS => about.warn(check, seen, remedy),
        _ => about.ok(check, seen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::{Report, State};

    #[test]
    fn differences_count_both_ways() {
        assert_eq!(ahead(unix(100), unix(40)), 60.0);
        assert_eq!(ahead(unix(40), unix(100)), -60.0);
        for (seconds, state) in
            [(0.4, State::Ok), (-4.0, State::Ok), (9.0, State::Warn), (-31.0, State::Fail), (3_600.0, State::Fail)]
        {
            let mut report = Report::default();
            judge("clock.l1", "a clock", seconds, &mut report.about("a"));
            assert_eq!(report.count(state), 1, "{seconds}");
        }
    }
}
