//! Development commands: `cargo xtask setup`, `test`, `tidy`, `deny`, `k8s`, `image`, `kernels`, `monitoring`, `bench-peers`, `gpu-check`.

mod browser;
mod cuda;
mod deny;
mod gpu_check;
mod image;
mod k8s;
mod monitoring;
mod peers;
mod programs;
mod steps;
mod suite;
mod tidy;
mod tools;
mod yaml;

use std::env;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

/// Development commands of Proofyard.
#[derive(Parser)]
#[command(name = "cargo xtask", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring the pinned tools that tests run against into `.tools`.
    Setup,
    /// Everything that must pass before a change lands: tools, formatting, lints, Rust and Solidity tests, tidy.
    Test,
    /// Check the crate graph and the sources against the rules of the repository.
    Tidy,
    /// Check licences, bans and sources of all dependencies.
    Deny,
    /// Render and check the Kubernetes manifests of every overlay in deploy/k8s.
    K8s(k8s::Arguments),
    /// Assemble the file systems of the container images in a folder, without a container engine.
    Image(image::Arguments),
    /// Compile the CUDA kernels, or check what is committed.
    ///
    /// Without options: compiles kernels/cuda/src/kernels.cu into kernels/cuda/fatbin and prints the sizes.
    Kernels(cuda::Arguments),
    /// Check the alerting rules, their tests and runbooks, and the dashboards.
    Monitoring(monitoring::Arguments),
    /// Measure the product beside its peers in one run: MSM and NTT of arkworks and halo2curves, proofs of bb.
    ///
    /// Exit status: 0 every target met, 1 a target missed, 2 anything else.
    BenchPeers(peers::Arguments),
    /// Pack the check of the CUDA backend for a machine with a GPU, and run it here where there is one.
    ///
    /// Exit status: 0 all correct and every target met (or only packed), 1 a target missed, 2 anything else.
    GpuCheck(gpu_check::Arguments),
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    match run(&command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            match command {
                // 1 says that a target was missed.
                Command::BenchPeers(_) | Command::GpuCheck(_) => ExitCode::from(2),
                Command::Setup
                | Command::Test
                | Command::Tidy
                | Command::Deny
                | Command::K8s(_)
                | Command::Image(_)
                | Command::Kernels(_)
                | Command::Monitoring(_) => ExitCode::FAILURE,
            }
        }
    }
}

fn run(command: &Command) -> Result<ExitCode> {
    let root = root()?;
    match command {
        Command::Setup => {
            let tools = tools::setup(&root)?;
            let tools::Tools { forge, anvil, cast, solc, nats_server, prometheus, browser } = &tools;
            for tool in [
                forge,
                anvil,
                cast,
                solc,
                nats_server,
                &prometheus.prometheus,
                &prometheus.promtool,
                &browser.chromium,
                &browser.driver,
            ] {
                println!("{}", tool.display());
            }
        }
        Command::Test => suite::run_all(&root)?,
        Command::Tidy => tidy::run(&root)?,
        Command::Deny => deny::run(&root)?,
        Command::K8s(arguments) => k8s::run(&root, arguments)?,
        Command::Image(arguments) => image::run(&root, arguments)?,
        Command::Kernels(arguments) => cuda::run(&root, arguments)?,
        Command::Monitoring(arguments) => monitoring::run(&root, arguments)?,
        Command::BenchPeers(arguments) => return peers::run(&root, arguments),
        Command::GpuCheck(arguments) => return gpu_check::run(&root, arguments),
    }
    Ok(ExitCode::SUCCESS)
}

/// The workspace's folder: above this crate's, as cargo names it at run time.
fn root() -> Result<PathBuf> {
    let here = env::var_os("CARGO_MANIFEST_DIR").context("run it as `cargo xtask`")?;
    let root = Path::new(&here).parent().context("xtask lies in a workspace")?;
    Ok(root.to_owned())
}

/// The cargo that runs this command.
fn cargo_program() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
}

/// The same, to be run, without the variables by which it describes this crate: build scripts that watch those would run again, and what
/// depends on them compile again, whenever a developer's cargo and this one take turns.
fn cargo() -> process::Command {
    let mut command = process::Command::new(cargo_program());
    let described = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(described)) {
        command.env_remove(name);
    }
    command
}
