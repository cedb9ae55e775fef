//! `proofyard-deletion-cost`: tells Kubernetes which workers it may take away first.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use proofyard_deletion_cost::{config::Config, serve};

/// Tells Kubernetes which workers it may take away first: what they do becomes the deletion cost of their pods.
#[derive(Debug, Parser)]
#[command(name = "proofyard-deletion-cost", version)]
struct Arguments {
    /// The configuration file; without it every key has its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only check the configuration file.
    #[arg(long, requires = "config")]
    check: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.config {
        Some(path) if arguments.check => {
            Config::load(path).map(|_| println!("{}: ok", path.display())).map_err(Into::into)
        }
        config => serve(config.as_deref()).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proofyard-deletion-cost: {error}");
            ExitCode::from(5)
        }
    }
}
