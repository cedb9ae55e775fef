//! What operators type: looking at a farm, draining workers, checking a set-up.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use clap_complete::Shell;

/// Which coordinator.
#[derive(Debug, Args, Clone)]
pub struct CoordinatorUrl {
    /// The coordinator's address.
    #[arg(
        long = "coordinator",
        value_name = "URL",
        env = "PROOFYARD_COORDINATOR",
        default_value = "http://127.0.0.1:8640",
        value_hint = ValueHint::Url
    )]
    pub url: String,
}

#[derive(Debug, Args)]
pub struct Look {
    #[command(flatten)]
    pub coordinator: CoordinatorUrl,
    /// Show it again every two seconds, until it is interrupted.
    #[arg(long)]
    pub watch: bool,
}

#[derive(Debug, Args)]
pub struct Drain {
    /// The worker's name, as `proofyard workers` shows it.
    pub worker: String,
    #[command(flatten)]
    pub coordinator: CoordinatorUrl,
    /// File whose first line is the operators' token [default: the variable PROOFYARD_OPERATOR_TOKEN].
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub token_file: Option<PathBuf>,
    /// Wait so long until the worker has left; a worker leaves within 10 s.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub wait: Option<u64>,
}

/// Each check says ok, warn or FAIL, what was seen, and what to do. Run it where the process runs: paths, devices and clocks are those of
/// this machine. It changes nothing.
///
/// Exit codes: 0 nothing fails, 6 something fails, 2 usage.
#[derive(Debug, Args)]
pub struct Doctor {
    /// A configuration of a coordinator, worker or sidecar; may be given several times.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, required_unless_present = "coordinator")]
    pub config: Vec<PathBuf>,
    /// A running coordinator's address.
    #[arg(long, value_name = "URL", env = "PROOFYARD_COORDINATOR", value_hint = ValueHint::Url)]
    pub coordinator: Option<String>,
}

/// For bash: proofyard completions bash > /etc/bash_completion.d/proofyard
#[derive(Debug, Args)]
pub struct Completions {
    /// For which shell.
    pub shell: Shell,
}

#[derive(Debug, Args)]
pub struct ManPages {
    /// Write a page for each command into this folder, which is made [default: print the first page].
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
}
