//! What a run does, from the command line and the machine.

use std::time::Duration;

use crate::{
    args::{Bench, Bus},
    failure::Failure,
    prove::Cut,
};

/// Transfers of a generated block.
const TRANSFERS: usize = 64;
/// How long each number of workers is measured.
const SECONDS: u64 = 60;
/// Blocks measured although the seconds are over.
const BLOCKS_MIN: u32 = 3;
/// The most workers that are chosen without being asked for.
const WORKERS_MAX: usize = 4;
/// `--quick`: subtrees of few rows, filled.
const QUICK: (usize, u32, u32) = (12, 4, 2);

/// When a number of workers is measured enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// After so many blocks.
    Blocks(u32),
    /// When so much time is over and so many blocks are proven.
    Time {
        /// No block begins later.
        begin_within: Duration,
        /// Except to reach so many.
        at_least: u32,
    },
}

impl Amount {
    /// Whether another block is to be proven.
    pub fn wants_more(&self, blocks: u32, elapsed: Duration) -> bool {
        match *self {
            Self::Blocks(count) => blocks < count,
            Self::Time { begin_within, at_least } => blocks < at_least || elapsed < begin_within,
        }
    }
}

/// What a run does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Transfers of a block.
    pub transfers: usize,
    /// How a block is cut.
    pub cut: Cut,
    /// Numbers of workers to measure with; 0: the workers that are there.
    pub workers: Vec<u16>,
    /// Threads of each worker.
    pub threads: usize,
    /// Blocks that are proven first and not counted.
    pub warmup: u32,
    /// How long is measured.
    pub amount: Amount,
}

impl Plan {
    /// `in_file`: transfers of the block that is given.
    pub fn new(arguments: &Bench, in_file: Option<usize>, cores: usize) -> Result<Self, Failure> {
        let quick = arguments.quick;
        let given = in_file.or(arguments.transfers.map(|transfers| transfers as usize));
        let transfers = given.unwrap_or(if quick { QUICK.0 } else { TRANSFERS });
        let subtrees = arguments.subtrees.or((quick && given.is_none()).then_some(QUICK.1));
        let cut = Cut::choose(transfers, subtrees, arguments.rows_log2)?;
        let workers = match &arguments.workers[..] {
            [] => powers_of_two(cores.min(WORKERS_MAX)),
            [0] if arguments.bus != Bus::InProcess => vec![0],
            given if given.contains(&0) => {
                return Err(Failure::Usage("--workers 0 stands alone and needs the workers of a NATS farm".into()));
            }
            given => given.to_vec(),
        };
        if (1..workers.len()).any(|index| workers[..index].contains(&workers[index])) {
            return Err(Failure::Usage("--workers: each number once".into()));
        }
        // The same share at every number of workers: otherwise fewer workers would have more threads each and nothing could scale.
        let most = workers.iter().copied().max().unwrap_or(1).max(1);
        let threads = arguments.threads.map_or(cores / usize::from(most), usize::from).max(1);
        let amount = match (arguments.blocks, arguments.seconds) {
            (Some(blocks), _) => Amount::Blocks(blocks),
            (None, Some(seconds)) => Amount::Time { begin_within: Duration::from_secs(seconds), at_least: 1 },
            (None, None) if quick => Amount::Blocks(QUICK.2),
            (None, None) => Amount::Time { begin_within: Duration::from_secs(SECONDS), at_least: BLOCKS_MIN },
        };
        Ok(Self { transfers, cut, workers, threads, warmup: arguments.warmup, amount })
    }
}

fn powers_of_two(max: usize) -> Vec<u16> {
    (0..16).map(|power| 1u16 << power).take_while(|count| usize::from(*count) <= max.max(1)).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn plan(line: &str, cores: usize) -> Result<Plan, Failure> {
        let words = ["proofyard", "bench"].into_iter().chain(line.split_whitespace());
        let Command::Bench(arguments) = Cli::try_parse_from(words).expect(line).command else { panic!("{line}") };
        let in_file = arguments.block.is_some().then_some(297);
        Plan::new(&arguments, in_file, cores)
    }

    #[test]
    fn defaults_suit_the_machine() {
        let default = plan("", 2).unwrap();
        assert_eq!((default.transfers, default.cut), (64, Cut { subtrees: 4, rows_log2: 16 }));
        assert_eq!((&default.workers[..], default.threads, default.warmup), (&[1, 2][..], 1, 1));
        assert_eq!(default.amount, Amount::Time { begin_within: Duration::from_secs(60), at_least: 3 });
        let large = plan("", 96).unwrap();
        assert_eq!((&large.workers[..], large.threads), (&[1, 2, 4][..], 24));
        assert_eq!(plan("", 1).unwrap().workers, [1]);
        let quick = plan("--quick", 2).unwrap();
        assert_eq!((quick.transfers, quick.cut), (12, Cut { subtrees: 4, rows_log2: 13 }));
        assert_eq!(quick.amount, Amount::Blocks(2));
    }

    #[test]
    fn what_is_given_counts() {
        let given = plan("--transfers 8 --subtrees 2 --workers 1,3,6 --threads 5 --blocks 7 --warmup 0", 2).unwrap();
        assert_eq!((given.transfers, given.cut.subtrees, given.threads, given.warmup), (8, 2, 5, 0));
        assert_eq!((&given.workers[..], given.amount), (&[1, 3, 6][..], Amount::Blocks(7)));
        let file = plan("--quick --block real.bin --seconds 5", 2).unwrap();
        assert_eq!((file.transfers, file.cut), (297, Cut { subtrees: 16, rows_log2: 16 }));
        assert_eq!(file.amount, Amount::Time { begin_within: Duration::from_secs(5), at_least: 1 });
        assert_eq!(plan("--workers 1,4", 8).unwrap().threads, 2);
        assert_eq!(plan("--workers 0 --bus nats://127.0.0.1:4222", 8).unwrap().workers, [0]);
        assert_eq!(plan("--quick --transfers 30 --rows-log2 14", 2).unwrap().cut.rows_log2, 14);
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        for line in ["--workers 0", "--workers 0,1 --bus nats://127.0.0.1:4222", "--workers 2,2", "--subtrees 3"] {
            assert!(matches!(plan(line, 2), Err(Failure::Usage(_))), "{line}");
        }
        for line in ["--blocks 1 --seconds 2", "--block a --transfers 2", "--watts 0", "--watts nan", "--workers 65"] {
            let words = ["proofyard", "bench"].into_iter().chain(line.split_whitespace());
            assert!(Cli::try_parse_from(words).is_err(), "{line}");
        }
    }

    #[test]
    fn time_is_up_or_blocks_are_done() {
        let second = Duration::from_secs;
        let blocks = Amount::Blocks(2);
        assert!(blocks.wants_more(1, second(900)) && !blocks.wants_more(2, second(0)));
        let time = Amount::Time { begin_within: second(10), at_least: 2 };
        assert!(time.wants_more(5, second(9)) && !time.wants_more(5, second(10)));
        assert!(time.wants_more(1, second(99)) && !time.wants_more(2, second(99)));
    }
}
