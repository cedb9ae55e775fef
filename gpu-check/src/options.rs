//! What is asked for on the command line, and what follows from it.

use std::{fmt, path::PathBuf};

use clap::{Parser, ValueEnum};
use serde::{Deserialize, Serialize};

/// Checks the CUDA backend on this machine and measures it.
#[derive(Debug, Clone, Parser)]
#[command(name = "gpu-check", version, about)]
pub struct Options {
    /// What is checked.
    #[arg(long, value_enum, default_value_t = DeviceKind::Cuda)]
    pub device: DeviceKind,
    /// Which GPU.
    #[arg(long, default_value_t = 0)]
    pub ordinal: usize,
    /// log2 of the smallest size.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=24))]
    pub min_log2: u32,
    /// log2 of the largest size.
    #[arg(long, default_value_t = 22, value_parser = clap::value_parser!(u32).range(4..=24))]
    pub max_log2: u32,
    /// Sizes up to 2^18 only, and no block of 2^16 rows.
    #[arg(long)]
    pub quick: bool,
    /// Only these parts.
    #[arg(long, value_enum, num_args = 1.., value_name = "PART")]
    pub only: Vec<PartName>,
    /// Writes everything to this file, anew after each part.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Keeps the parts that the file of --json has already, except those that run now.
    #[arg(long, requires = "json")]
    pub resume: bool,
    /// Writes the table to this file too.
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// NVIDIA's compute-sanitizer, for the part of that name.
    #[arg(long, value_name = "PROGRAM")]
    pub sanitizer: Option<PathBuf>,
    /// Prints testdata/gpu-known-answers.json as the CPU backend computes it, and checks nothing.
    #[arg(long)]
    pub print_known_answers: bool,
}

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeviceKind {
    /// A GPU.
    Cuda,
    /// The CUDA kernels under the launch emulator, without a GPU.
    Emulator,
    /// The CPU backend: tells whether the checks themselves are right.
    Cpu,
}

/// What can be run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartName {
    /// What multipliers and memory give at best.
    Micro,
    /// Every operation at every size: the CPU backend's results, committed digests, identities.
    Answers,
    /// Columns and bases with many equal, small or zero entries.
    Skew,
    /// Whole blocks, proven on the device and on the CPU.
    Block,
    /// Medians of MSM, NTT and whole subtrees.
    Speed,
    /// The part `answers` at 2^12 under compute-sanitizer.
    Sanitizer,
}

impl PartName {
    const ALL: [Self; 6] = [Self::Micro, Self::Answers, Self::Skew, Self::Block, Self::Speed, Self::Sanitizer];
}

impl fmt::Display for PartName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Micro => "micro",
            Self::Answers => "answers",
            Self::Skew => "skew",
            Self::Block => "block",
            Self::Speed => "speed",
            Self::Sanitizer => "sanitizer",
        })
    }
}

/// The largest log2 of a quick run.
const QUICK_LOG2_MAX: u32 = 18;

/// The choices of one run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What to run.
    pub parts: Vec<PartName>,
    /// log2 of the smallest size.
    pub min_log2: u32,
    /// log2 of the largest size.
    pub max_log2: u32,
    /// Whether to leave out what takes long.
    pub quick: bool,
}

impl Plan {
    /// What the options ask for. Unless parts are named these are all, without the speed of what is no GPU, and without a
    /// sanitizer where none is given.
    pub fn new(options: &Options) -> Self {
        let gpu = options.device == DeviceKind::Cuda;
        let by_default = |part: PartName| match part {
            PartName::Micro | PartName::Speed => gpu,
            PartName::Sanitizer => options.sanitizer.is_some(),
            PartName::Answers | PartName::Skew | PartName::Block => true,
        };
        let chosen = |part: &PartName| {
            if options.only.is_empty() { by_default(*part) } else { options.only.contains(part) }
        };
        let max_log2 = if options.quick { options.max_log2.min(QUICK_LOG2_MAX) } else { options.max_log2 };
        Self {
            parts: PartName::ALL.into_iter().filter(chosen).collect(),
            min_log2: options.min_log2,
            max_log2,
            quick: options.quick,
        }
    }

    /// Those of `sizes` that are asked for.
    pub fn sizes(&self, sizes: impl IntoIterator<Item = u32>) -> Vec<u32> {
        sizes.into_iter().filter(|log2| (self.min_log2..=self.max_log2).contains(log2)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(arguments: &[&str]) -> Plan {
        Plan::new(&Options::try_parse_from([&["gpu-check"], arguments].concat()).unwrap())
    }

    #[test]
    fn parts_follow_from_device_and_names() {
        use PartName::*;
        assert_eq!(plan(&[]).parts, [Micro, Answers, Skew, Block, Speed]);
        assert_eq!(plan(&["--sanitizer", "x"]).parts, PartName::ALL);
        assert_eq!(plan(&["--device", "emulator"]).parts, [Answers, Skew, Block]);
        assert_eq!(plan(&["--device", "cpu", "--only", "speed", "answers"]).parts, [Answers, Speed]);
    }

    #[test]
    fn sizes_are_those_asked_for() {
        assert_eq!(plan(&["--max-log2", "16", "--min-log2", "12"]).sizes([10, 12, 16, 18]), [12, 16]);
        assert_eq!(plan(&["--quick"]).max_log2, 18);
        assert_eq!(plan(&["--quick", "--max-log2", "8"]).max_log2, 8);
    }
}
