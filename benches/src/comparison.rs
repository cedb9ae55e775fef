//! The product beside its peers: the ratio of medians, its spread over the rounds, the verdict.

use serde::Serialize;

use crate::statistics::{Quartiles, median};

/// What one contender took, round by round.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timing {
    /// The contender.
    pub name: String,
    /// Units of work of a run: 1, or the number of transfers it proves.
    pub units: f64,
    /// Seconds of each round that counts.
    pub seconds: Vec<f64>,
}

impl Timing {
    /// Median seconds of a run; None without rounds.
    pub fn median(&self) -> Option<f64> {
        median(&self.seconds)
    }

    /// Median seconds of one unit of work; None without rounds.
    pub fn unit_cost(&self) -> Option<f64> {
        self.median().map(|seconds| seconds / self.units)
    }
}

/// What a ratio is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// At or above the target.
    Met,
    /// Below the target.
    Missed,
    /// Printed for information.
    NoTarget,
}

/// The product beside its best peer on one task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The task.
    pub what: String,
    /// The product.
    pub ours: Timing,
    /// The peer with the lowest median cost of a unit of work.
    pub peer: Timing,
    /// All peers, the best one among them.
    pub peers: Vec<Timing>,
    /// Median cost of a unit of work at the peer over the product's: how many times faster the product is.
    pub ratio: f64,
    /// Quartiles of that ratio taken round by round.
    pub spread: Quartiles,
    /// What the ratio must reach.
    pub target: Option<f64>,
    /// Whether it does.
    pub verdict: Verdict,
    /// What else is to be said of it.
    pub notes: Vec<String>,
}

impl Comparison {
    /// Compares; None when somebody has no rounds, the numbers of rounds differ or there is no peer.
    pub fn new(what: impl Into<String>, ours: Timing, peers: Vec<Timing>, target: Option<f64>) -> Option<Self> {
        let cost = ours.unit_cost()?;
        let mut best: Option<(f64, &Timing)> = None;
        for peer in &peers {
            let cost = peer.unit_cost()?;
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, peer));
            }
        }
        let (peer_cost, peer) = best?;
        if peer.seconds.len() != ours.seconds.len() {
            return None;
        }
        let by_round: Vec<f64> = (peer.seconds.iter().zip(&ours.seconds))
            .map(|(peer_seconds, seconds)| (peer_seconds / peer.units) / (seconds / ours.units))
            .collect();
        let ratio = peer_cost / cost;
        let verdict = match target {
            None => Verdict::NoTarget,
            Some(target) if ratio >= target => Verdict::Met,
            Some(_) => Verdict::Missed,
        };
        let peer = peer.clone();
        let (spread, notes) = (Quartiles::of(&by_round)?, Vec::new());
        Some(Self { what: what.into(), ours, peer, peers, ratio, spread, target, verdict, notes })
    }

    /// The same with notes, which stand below the table.
    pub fn with_notes(self, notes: impl IntoIterator<Item = String>) -> Self {
        Self { notes: notes.into_iter().collect(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(name: &str, units: f64, seconds: &[f64]) -> Timing {
        Timing { name: name.to_owned(), units, seconds: seconds.to_vec() }
    }

    #[test]
    fn the_best_peer_is_the_one_with_the_least_median() {
        let peers = vec![timing("slow", 1.0, &[3.0, 9.0, 9.0]), timing("fast", 1.0, &[8.0, 4.0, 4.0])];
        let found = Comparison::new("task", timing("ours", 1.0, &[2.0, 2.0, 1.0]), peers, Some(2.0)).unwrap();
        assert_eq!(found.peer.name, "fast");
        assert_eq!(found.ratio, 2.0);
        assert_eq!(found.spread, Quartiles { lower: 3.0, median: 4.0, upper: 4.0 });
        assert_eq!(found.verdict, Verdict::Met);
    }

    #[test]
    fn work_is_compared_by_the_unit() {
        let ours = timing("ours", 26.0, &[13.0]);
        let peers = vec![timing("4", 4.0, &[4.0]), timing("16", 16.0, &[12.0])];
        let found = Comparison::new("leaf", ours, peers, Some(4.0)).unwrap();
        assert_eq!((found.peer.name.as_str(), found.ratio), ("16", 1.5));
        assert_eq!(found.verdict, Verdict::Missed);
    }

    #[test]
    fn without_a_target_there_is_no_miss() {
        let found = Comparison::new("x", timing("a", 1.0, &[2.0]), vec![timing("b", 1.0, &[1.0])], None).unwrap();
        assert_eq!((found.ratio, found.verdict), (0.5, Verdict::NoTarget));
    }

    #[test]
    fn missing_rounds_give_no_comparison() {
        let one = || timing("a", 1.0, &[1.0]);
        assert_eq!(Comparison::new("x", one(), vec![], None), None);
        assert_eq!(Comparison::new("x", one(), vec![timing("b", 1.0, &[])], None), None);
        assert_eq!(Comparison::new("x", one(), vec![timing("b", 1.0, &[1.0, 2.0])], None), None);
    }
}
