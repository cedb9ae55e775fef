//! `proofyard-sidecar`: takes a sequencer's blocks, has them bid for, committed on L1 and proven.

use std::{path::PathBuf, process::exit};

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
async fn main() {
    let arguments = Arguments::parse();
    if let Err(error) = proofyard_sidecar::run_file(&arguments.config, arguments.insecure_setup).await {
        eprintln!("proofyard-sidecar: {error}");
        exit(5);
    }
    // What the own farm is still computing is asked for again by the next process.
    exit(0);
}
