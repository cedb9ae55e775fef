//! Slack: the time left until the proof must be there, less the time until it is predicted to be.

use super::{Entry, Throughput, View, throughput::ROUNDS};

/// What is left of a group, in 1/1000 of its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remaining(u16);

impl Remaining {
    /// Nothing is done.
    pub const ALL: Self = Self(1_000);
    /// It is proven.
    pub const NOTHING: Self = Self(0);

    /// In round `round` (1 to 5; 0: not begun, more than 5: done) with `answered` of `subtrees` in; `shares` are the rounds' shares in
    /// the time, in 1/1000.
    pub fn in_round(round: u8, answered: u32, subtrees: u32, shares: [u64; ROUNDS]) -> Self {
        let Some(index) = usize::from(round).checked_sub(1) else { return Self::ALL };
        if index >= ROUNDS {
            return Self::NOTHING;
        }
        let before: u64 = shares[..index].iter().sum();
        let (answered, subtrees) = (u64::from(answered.min(subtrees)), u64::from(subtrees.max(1)));
        let done = (before + shares[index] * answered / subtrees).min(1_000);
        Self(1_000 - done as u16)
    }

    /// True when it is proven.
    pub fn is_nothing(self) -> bool {
        self == Self::NOTHING
    }

    /// That part of a whole, rounded up.
    pub fn of(self, whole: u64) -> u64 {
        u64::try_from((u128::from(whole) * u128::from(self.0)).div_ceil(1_000)).unwrap_or(u64::MAX)
    }
}

/// How urgent a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// In time.
    None,
    /// In time if nothing goes wrong: the slack is below the threshold at the 99th percentile.
    Tight,
    /// Late even by the median.
    Late,
}

impl Alarm {
    /// As the farm's view shows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Tight => "tight",
            Self::Late => "late",
        }
    }
}

/// Whether a group will be in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slack {
    /// Milliseconds until the proof must be there; negative when that is over.
    pub left_ms: i64,
    /// Milliseconds to spare by the median, when the farm takes this group next.
    pub expected_ms: i64,
    /// Milliseconds to spare at the 99th percentile, when everything else comes first.
    pub worst_ms: i64,
}

impl Slack {
    /// How urgent that is, with a threshold in milliseconds.
    pub fn alarm(&self, threshold_ms: u64) -> Alarm {
        let threshold = i64::try_from(threshold_ms).unwrap_or(i64::MAX);
        match (self.expected_ms, self.worst_ms) {
            (expected, _) if expected < 0 => Alarm::Late,
            (_, worst) if worst < threshold => Alarm::Tight,
            _ => Alarm::None,
        }
    }
}

/// The slack of a promise; `ahead_ms` is other work that may come first. Without workers it is as negative as can be.
pub fn slack(entry: &Entry, ahead_ms: u64, throughput: &Throughput, view: &View, submission_blocks: u64) -> Slack {
    let due = i128::from(entry.reservation.prove_by) - i128::from(submission_blocks);
    let left = (due - i128::from(view.block)) * i128::from(view.block_ms);
    let narrow = |value: i128| i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX });
    if entry.remaining.is_nothing() {
        return Slack { left_ms: narrow(left), expected_ms: narrow(left), worst_ms: narrow(left) };
    }
    match entry.demand(throughput, view.workers) {
        Some(demand) => Slack {
            left_ms: narrow(left),
            expected_ms: narrow(left - i128::from(demand.wall_p50_ms)),
            worst_ms: narrow(left - i128::from(demand.wall_p99_ms) - i128::from(ahead_ms)),
        },
        None => Slack { left_ms: narrow(left), expected_ms: i64::MIN, worst_ms: i64::MIN },
    }
}
