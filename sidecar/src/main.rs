//! `proofyard-sidecar`: takes a sequencer's blocks, has them bid for, committed on L1 and proven.

use std::{path::PathBuf, process::exit};

use clap::Parser;
use proofyard_sidecar::config::Config;

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
    /// Only check the configuration file.
    #[arg(long)]
    check: bool,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    if arguments.check {
        match Config::load(&arguments.config) {
            Ok(_) => println!("{}: ok", arguments.config.display()),
            Err(error) => {
                eprintln!("proofyard-sidecar: {error}");
                exit(5);
            }
        }
        return;
    }
    if let Err(error) = proofyard_sidecar::run_file(&arguments.config, arguments.insecure_setup).await {
        eprintln!("proofyard-sidecar: {error}");
        exit(5);
    }
    // What the own farm is still computing is asked for again by the next process.
    exit(0);
}
