//! Who has answered for which subtree in which round, for a block.

use std::collections::BTreeMap;

use proofyard_coordinator_client::GroupView;

use crate::{core::Progress, market::ROUNDS};

/// The round of a group whose rounds are all done.
const DONE: u8 = ROUNDS as u8 + 1;

/// One group's answers.
#[derive(Debug, Clone)]
struct Answers {
    first_subtree: u32,
    round: u8,
    /// By round and subtree of the group: the place in [`Grid::workers`].
    rounds: [Vec<Option<u32>>; ROUNDS],
}

/// A block's answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grid {
    groups: BTreeMap<usize, Answers>,
    workers: Vec<String>,
}

impl Grid {
    /// Takes progress of the block into account.
    pub fn progress(&mut self, progress: &Progress) {
        match progress {
            Progress::Accepted { .. } => *self = Self::default(),
            Progress::Round { group, first_subtree, round, answered, subtrees, .. } => {
                let answers = self.groups.entry(*group).or_insert_with(|| Answers {
                    first_subtree: *first_subtree,
                    round: 0,
                    rounds: std::array::from_fn(|_| vec![None; *subtrees as usize]),
                });
                // A round that begins again, as after a lie, takes everything back that came after it.
                let stands = usize::from(*round).saturating_sub(usize::from(*answered == 0));
                answers.rounds.iter_mut().skip(stands).for_each(|cells| cells.fill(None));
                answers.round = *round;
            }
            Progress::Subtree { group, round, subtree, worker, .. } => {
                let worker = self.place(worker.as_str());
                let Some(answers) = self.groups.get_mut(group) else { return };
                let index = subtree.checked_sub(answers.first_subtree).map(|index| index as usize);
                let cells = usize::from(*round).checked_sub(1).and_then(|round| answers.rounds.get_mut(round));
                if let (Some(index), Some(cells)) = (index, cells)
                    && let Some(cell) = cells.get_mut(index)
                {
                    *cell = Some(worker);
                }
            }
            Progress::Verifying { .. } => self.groups.values_mut().for_each(|answers| answers.round = DONE),
        }
    }

    fn place(&mut self, worker: &str) -> u32 {
        let known = self.workers.iter().position(|name| name == worker);
        let place = known.unwrap_or_else(|| {
            self.workers.push(worker.to_owned());
            self.workers.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    /// The groups, and the workers they count.
    pub fn view(&self) -> (Vec<GroupView>, Vec<String>) {
        let groups = self.groups.iter().map(|(group, answers)| GroupView {
            group: *group,
            first_subtree: answers.first_subtree,
            round: answers.round,
            rounds: answers.rounds.to_vec(),
        });
        (groups.collect(), self.workers.clone())
    }
}

#[cfg(test)]
mod tests {
    use proofyard_job_schema::{BlockId, WorkerId};

    use super::*;

    const BLOCK: BlockId = BlockId([7; 32]);

    fn round(round: u8, answered: u32) -> Progress {
        Progress::Round { block: BLOCK, group: 1, first_subtree: 2, round, answered, subtrees: 2 }
    }

    fn subtree(round: u8, subtree: u32, worker: &str) -> Progress {
        let worker = WorkerId::new(worker).unwrap();
        Progress::Subtree { block: BLOCK, group: 1, round, subtree, worker, answered: 1, subtrees: 2 }
    }

    #[test]
    fn answers_fill_the_grid_and_a_round_that_begins_again_takes_later_ones_back() {
        let mut grid = Grid::default();
        for progress in [
            round(1, 0),
            subtree(1, 2, "one"),
            subtree(1, 3, "two"),
            round(2, 0),
            subtree(2, 3, "two"),
            subtree(2, 2, "two"),
            round(3, 0),
            subtree(3, 2, "one"),
        ] {
            grid.progress(&progress);
        }
        let (groups, workers) = grid.view();
        assert_eq!((groups[0].group, groups[0].first_subtree, groups[0].round), (1, 2, 3));
        assert_eq!(workers, ["one", "two"]);
        let both = vec![Some(1), Some(1)];
        let none = vec![None, None];
        assert_eq!(groups[0].rounds, [vec![Some(0), Some(1)], both, vec![Some(0), None], none.clone(), none.clone()]);

        // Subtree 3 lied in round 2, its message is replaced there and round 3 begins anew.
        grid.progress(&round(2, 1));
        grid.progress(&subtree(2, 3, "one"));
        assert_eq!(grid.view().0[0].rounds[1..3], [vec![Some(1), Some(0)], none.clone()]);
        grid.progress(&round(1, 0));
        assert_eq!(grid.view().0[0].rounds[0], none);
    }

    #[test]
    fn answers_of_no_known_place_are_not_shown() {
        let mut grid = Grid::default();
        grid.progress(&subtree(1, 2, "early"));
        grid.progress(&round(1, 0));
        for (in_round, of) in [(0, 2), (6, 2), (1, 1), (1, 4)] {
            grid.progress(&subtree(in_round, of, "one"));
        }
        assert!(grid.view().0[0].rounds.iter().flatten().all(Option::is_none));
        grid.progress(&Progress::Verifying { block: BLOCK });
        assert_eq!(grid.view().0[0].round, 6);
    }
}
