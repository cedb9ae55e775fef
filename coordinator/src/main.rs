//! `proofyard-coordinator`: takes blocks over HTTP, has workers on a NATS server prove them, hands verified root proofs out; on L1 it
//! quotes for them and submits the proofs.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use proofyard_coordinator::config::Config;

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
    /// Only check the configuration file.
    #[arg(long, requires = "config")]
    check: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let (true, Some(path)) = (arguments.check, &arguments.config) {
        return match Config::load(path) {
            Ok(_) => {
                println!("{}: ok", path.display());
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("proofyard-coordinator: {error}");
                ExitCode::from(5)
            }
        };
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("proofyard-coordinator: cannot start threads: {error}");
            return ExitCode::from(5);
        }
    };
    let served = runtime.block_on(proofyard_coordinator::serve(arguments.config.as_deref(), arguments.insecure_setup));
    // What is still computed is of no use to anybody.
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proofyard-coordinator: {error}");
            ExitCode::from(5)
        }
    }
}
