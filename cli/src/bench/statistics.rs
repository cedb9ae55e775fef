//! What a list of measured values comes to.

use serde::{Deserialize, Serialize};

/// Count, mean, extremes and percentiles of a list of values; all zero for an empty one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many values.
    pub count: usize,
    /// Their arithmetic mean.
    pub mean: f64,
    /// The smallest.
    pub min: f64,
    /// Median, by nearest rank.
    pub p50: f64,
    /// 95th percentile, by nearest rank.
    pub p95: f64,
    /// 99th percentile, by nearest rank.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

impl Summary {
    /// Names of the values, in the order of [`Summary::values`].
    pub const NAMES: [&str; 6] = ["mean", "min", "p50", "p95", "p99", "max"];

    /// Sums up a list.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else { return Self::default() };
        Self {
            count: sorted.len(),
            mean: sorted.iter().sum::<f64>() / sorted.len() as f64,
            min,
            p50: nearest_rank(&sorted, 50),
            p95: nearest_rank(&sorted, 95),
            p99: nearest_rank(&sorted, 99),
            max,
        }
    }

    /// Everything but the count.
    pub fn values(&self) -> [f64; 6] {
        [self.mean, self.min, self.p50, self.p95, self.p99, self.max]
    }
}

/// The percentile by nearest rank: the smallest value such that at least `percent` of 100 of all values are not larger. Always one
/// of the values; with fewer than 100 the 99th percentile is the largest. Zero for an empty list.
fn nearest_rank(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_of_the_list() {
        // The textbook list for nearest rank: p30 = 20, p40 = 20, p50 = 35, p100 = 50.
        let list = [15.0, 20.0, 35.0, 40.0, 50.0];
        let ranks: Vec<f64> = [5, 30, 40, 50, 100].iter().map(|percent| nearest_rank(&list, *percent)).collect();
        assert_eq!(ranks, [15.0, 20.0, 20.0, 35.0, 50.0]);
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let summary = Summary::of(&hundred);
        assert_eq!((summary.p50, summary.p95, summary.p99, summary.max), (50.0, 95.0, 99.0, 100.0));
        assert_eq!((summary.count, summary.mean, summary.min), (100, 50.5, 1.0));
        let hundred_and_one: Vec<f64> = (1..=101).map(f64::from).collect();
        assert_eq!(Summary::of(&hundred_and_one).p99, 100.0);
    }

    #[test]
    fn short_lists() {
        assert_eq!(Summary::of(&[]), Summary::default());
        assert_eq!(nearest_rank(&[], 50), 0.0);
        let one = Summary::of(&[3.5]);
        assert_eq!((one.count, one.values()), (1, [3.5; 6]));
        let two = Summary::of(&[2.0, 1.0]);
        assert_eq!((two.p50, two.p95, two.p99), (1.0, 2.0, 2.0));
    }
}
