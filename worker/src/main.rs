//! `proofyard-worker`: takes jobs from a NATS server and proves them.

use std::{path::PathBuf, process::exit};

use clap::Parser;
use proofyard_worker::config::Config;

/// Takes jobs from the farm's bus and proves them.
#[derive(Debug, Parser)]
#[command(name = "proofyard-worker", version)]
struct Arguments {
    /// The configuration file; without it every key has its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The worker's name, in place of the configuration's.
    #[arg(long, value_name = "NAME", env = "PROOFYARD_WORKER_ID")]
    id: Option<String>,
    /// Only check the configuration file.
    #[arg(long, requires = "config")]
    check: bool,
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let arguments = Arguments::parse();
    if let (true, Some(path)) = (arguments.check, &arguments.config) {
        match Config::load(path) {
            Ok(_) => println!("{}: ok", path.display()),
            Err(error) => {
                eprintln!("proofyard-worker: {error}");
                exit(5);
            }
        }
        return;
    }
    if let Err(error) = proofyard_worker::serve(arguments.config.as_deref(), arguments.id).await {
        eprintln!("proofyard-worker: {error}");
        exit(5);
    }
    // What a handed-back proof is still computing is of no use to anybody.
    exit(0);
}
