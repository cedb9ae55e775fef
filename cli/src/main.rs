//! The `proofyard` command.

mod args;
mod bench;
mod block;
mod chain;
mod doctor;
mod drain;
mod failure;
mod folder;
mod full_demo;
mod l1;
mod manual;
mod prove;
mod remote;
mod screen;
mod verify;
mod view;

use std::process::ExitCode;

use args::{Cli, Command, Process};
use clap::Parser;
use failure::Failure;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("proofyard: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    if let Command::Worker { config } = &cli.command {
        // A process takes its log filter from its configuration.
        return serve(proofyard_worker::serve(Some(config), None));
    }
    if let Command::Coordinator(process) = &cli.command {
        return serve(coordinator(process));
    }
    if let Command::Sidecar(process) = &cli.command {
        return serve(sidecar(process));
    }
    let filter = EnvFilter::try_new(&cli.log).map_err(|error| Failure::Usage(format!("--log {}: {error}", cli.log)))?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match &cli.command {
        Command::Demo(arguments) if arguments.full => wait(full_demo::run(arguments, cli.json)),
        Command::Demo(arguments) => prove::demo(arguments, cli.json, &cli.log),
        Command::Block(command) => block::run(command, cli.json),
        Command::Prove(arguments) => prove::prove(arguments, cli.json, &cli.log),
        Command::Bench(arguments) => bench::run(arguments, cli.json, &cli.log),
        Command::Submit(arguments) => wait(remote::submit(arguments, cli.json)),
        Command::Status(arguments) => wait(remote::status(arguments, cli.json)),
        Command::Workers(arguments) => wait(view::workers(arguments, cli.json)),
        Command::Blocks(arguments) => wait(view::blocks(arguments, cli.json)),
        Command::Drain(arguments) => wait(drain::run(arguments, cli.json)),
        Command::Doctor(arguments) => wait(doctor::run(arguments, cli.json)),
        Command::Completions(arguments) => manual::completions(arguments.shell),
        Command::Man(arguments) => manual::pages(arguments, cli.json),
        Command::Verify(arguments) => verify::run(arguments, cli.json),
        Command::Setup(arguments) => prove::setup(arguments.rows_log2, arguments.subtrees, &arguments.folder, cli.json),
        Command::L1(command) => wait(l1::run(command, cli.json)),
        Command::Worker { .. } | Command::Coordinator(_) | Command::Sidecar(_) => Ok(()),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::Environment(error.to_string()))
}

fn wait(task: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    runtime()?.block_on(task)
}

async fn coordinator(process: &Process) -> Result<(), Box<dyn std::error::Error>> {
    Ok(proofyard_coordinator::serve(Some(&process.config), process.insecure_setup).await?)
}

async fn sidecar(process: &Process) -> Result<(), Box<dyn std::error::Error>> {
    Ok(proofyard_sidecar::run_file(&process.config, process.insecure_setup).await?)
}

fn serve(task: impl Future<Output = Result<(), Box<dyn std::error::Error>>>) -> Result<(), Failure> {
    runtime()?.block_on(task).map_err(|error| Failure::Environment(error.to_string()))?;
    // What a handed-back proof is still computing is of no use to anybody.
    std::process::exit(0);
}
