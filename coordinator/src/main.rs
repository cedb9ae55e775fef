//! `proofyard-coordinator`: takes blocks over HTTP, has workers on a NATS server prove them, hands verified root proofs out.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

/// Takes blocks over HTTP, has workers prove them, hands verified root proofs out.
#[derive(Debug, Parser)]
#[command(name = "proofyard-coordinator", version)]
struct Arguments {
    /// The configuration file; without it every key has its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Accept the developers' setup, for whose key anyone can forge proofs.
    #[arg(long)]
    insecure_setup: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match proofyard_coordinator::serve(arguments.config.as_deref(), arguments.insecure_setup).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proofyard-coordinator: {error}");
            ExitCode::from(5)
        }
    }
}
