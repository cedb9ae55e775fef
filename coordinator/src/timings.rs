//! Where a block's time went, read off its progress by the driver's clock.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::core::Progress;

/// One pass of one group through a round. A round that was restarted is there once for each pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundTiming {
    /// Index of the group.
    pub group: usize,
    /// The round.
    pub round: u8,
    /// From the round's challenges to the last reply.
    pub proving: Duration,
    /// From the last reply to the next round's challenges or, after the last round, to the check of the root proof, which waits for
    /// all groups. In an undisturbed block of one group this is all that the workers wait for.
    pub aggregation: Duration,
}

/// Where a block's time went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timings {
    /// From intake to the plan: decoding, executing, cutting.
    pub execution: Duration,
    /// Storing the subtrees' inputs, until the first round.
    pub upload: Duration,
    /// The rounds in the order in which they ended.
    pub rounds: Vec<RoundTiming>,
    /// Assembling and verifying the root proof.
    pub verification: Duration,
}

/// A group in a round.
#[derive(Debug, Clone, Copy)]
struct Lap {
    round: u8,
    since: Instant,
    /// When the last reply was in.
    answered: Option<Instant>,
}

/// Turns a block's progress into [`Timings`]. It is told the time.
#[derive(Debug, Clone)]
pub(crate) struct Stopwatch {
    /// End of the last stage of the whole block.
    mark: Instant,
    laps: BTreeMap<usize, Lap>,
    pub timings: Timings,
}

impl Stopwatch {
    pub fn start(now: Instant) -> Self {
        Self { mark: now, laps: BTreeMap::new(), timings: Timings::default() }
    }

    pub fn progress(&mut self, progress: &Progress, now: Instant) {
        match *progress {
            Progress::Accepted { .. } => {
                self.timings.execution = now - self.mark;
                self.mark = now;
            }
            Progress::Round { group, round, answered, subtrees, .. } => {
                if self.laps.is_empty() {
                    self.timings.upload = now - self.mark;
                }
                self.end_lap(group, now);
                let answered = (answered == subtrees).then_some(now);
                self.laps.insert(group, Lap { round, since: now, answered });
            }
            Progress::Subtree { group, answered, subtrees, .. } if answered == subtrees => {
                if let Some(lap) = self.laps.get_mut(&group) {
                    lap.answered = Some(now);
                }
            }
            Progress::Subtree { .. } => {}
            Progress::Verifying { .. } => {
                for group in self.laps.keys().copied().collect::<Vec<_>>() {
                    self.end_lap(group, now);
                }
                self.mark = now;
            }
        }
    }

    /// The root proof is verified.
    pub fn finish(&mut self, now: Instant) {
        self.timings.verification = now - self.mark;
    }

    fn end_lap(&mut self, group: usize, now: Instant) {
        let Some(Lap { round, since, answered }) = self.laps.remove(&group) else { return };
        // A round that is left before all have answered was given up for an earlier one.
        let answered = answered.unwrap_or(now);
        let (proving, aggregation) = (answered - since, now - answered);
        self.timings.rounds.push(RoundTiming { group, round, proving, aggregation });
    }
}

#[cfg(test)]
mod tests {
    use proofyard_job_schema::{BlockId, WorkerId};

    use super::*;

    const BLOCK: BlockId = BlockId([7; 32]);

    fn round(round: u8) -> Progress {
        Progress::Round { block: BLOCK, group: 0, first_subtree: 0, round, answered: 0, subtrees: 2 }
    }

    fn subtree(round: u8, answered: u32) -> Progress {
        let worker = WorkerId::new("one").unwrap();
        Progress::Subtree { block: BLOCK, group: 0, round, subtree: answered - 1, worker, answered, subtrees: 2 }
    }

    #[test]
    fn every_moment_of_a_block_is_counted_once() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut watch = Stopwatch::start(start);
        watch.progress(&Progress::Accepted { block: BLOCK, subtrees: 2 }, at(10));
        watch.progress(&round(1), at(13));
        watch.progress(&subtree(1, 1), at(40));
        watch.progress(&subtree(1, 2), at(50));
        watch.progress(&round(2), at(52));
        watch.progress(&subtree(2, 1), at(60));
        watch.progress(&subtree(2, 2), at(80));
        watch.progress(&Progress::Verifying { block: BLOCK }, at(85));
        watch.finish(at(89));
        let millis = Duration::from_millis;
        let timings = Timings {
            execution: millis(10),
            upload: millis(3),
            rounds: vec![
                RoundTiming { group: 0, round: 1, proving: millis(37), aggregation: millis(2) },
                RoundTiming { group: 0, round: 2, proving: millis(28), aggregation: millis(5) },
            ],
            verification: millis(4),
        };
        assert_eq!(watch.timings, timings);
        let rounds: Duration = timings.rounds.iter().map(|round| round.proving + round.aggregation).sum();
        assert_eq!(timings.execution + timings.upload + rounds + timings.verification, millis(89));
    }

    #[test]
    fn a_round_given_up_for_an_earlier_one_was_all_proving() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut watch = Stopwatch::start(start);
        watch.progress(&round(4), at(0));
        watch.progress(&subtree(4, 1), at(5));
        watch.progress(&round(2), at(9));
        watch.progress(&subtree(2, 2), at(19));
        watch.progress(&round(3), at(20));
        let millis = Duration::from_millis;
        assert_eq!(
            watch.timings.rounds,
            [
                RoundTiming { group: 0, round: 4, proving: millis(9), aggregation: Duration::ZERO },
                RoundTiming { group: 0, round: 2, proving: millis(10), aggregation: millis(1) },
            ]
        );
    }
}
