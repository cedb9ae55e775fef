//! `proofyard-worker`: takes jobs from a NATS server and proves them.

use std::{path::PathBuf, process::exit};

use clap::Parser;

/// Takes jobs from the farm's bus and proves them.
#[derive(Debug, Parser)]
#[command(name = "proofyard-worker", version)]
struct Arguments {
    /// The configuration file; without it every key has its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let arguments = Arguments::parse();
    if let Err(error) = proofyard_worker::serve(arguments.config.as_deref()).await {
        eprintln!("proofyard-worker: {error}");
        exit(5);
    }
    // What a handed-back proof is still computing is of no use to anybody.
    exit(0);
}
