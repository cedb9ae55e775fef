//! `proofyard-sidecar`: takes a sequencer's blocks, has them bid for, committed on L1 and proven.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

/// Takes a sequencer's blocks, has them bid for, committed on L1 and proven.
#[derive(Debug, Parser)]
#[command(name = "proofyard-sidecar", version)]
struct Arguments {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Accept the developers' setup, for whose key anyone can forge proofs.
    #[arg(long)]
    insecure_setup: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match proofyard_sidecar::serve(&arguments.config, arguments.insecure_setup).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proofyard-sidecar: {error}");
            ExitCode::from(5)
        }
    }
}
