//! The product beside its peers, in one run: `cargo xtask bench-peers`.
//!
//! Exit status: 0 every target met, 1 a target missed, 2 anything else.

mod bb;
mod block;
mod crs;
mod curves;
mod farm;
mod inputs;
mod kernels;
mod leaf;
mod machine;
mod ours;
mod plan;

use std::{
    fs,
    path::PathBuf,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use clap::Parser;
use proofyard_benches::{
    comparison::{Comparison, Verdict},
    table::table,
};
use serde_json::json;

use machine::Machine;
use plan::{Part, Plan};

/// Measures the product beside its peers.
#[derive(Parser)]
struct Arguments {
    /// Fewer sizes and rounds, and no block.
    #[arg(long)]
    quick: bool,
    /// Only these parts.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Writes all figures to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Folder with the node_modules that hold bb and Noir's compiler; without it bb is left out.
    #[arg(long)]
    tools: Option<PathBuf>,
    /// Accepted because `cargo bench` gives it.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether every target is met.
fn run(arguments: &Arguments) -> Result<bool> {
    let plan = Plan::new(&arguments.only, arguments.quick);
    let machine = Machine::here();
    let mut comparisons = Vec::new();
    let outcome = plan.parts.iter().try_for_each(|part| measure(*part, &plan, arguments, &mut comparisons));
    // What was measured before something failed is shown all the same.
    println!("{}", machine.line());
    print!("{}", table(&comparisons));
    outcome?;
    if let Some(file) = &arguments.json {
        let figures = json!({
            "machine": machine,
            "unix_seconds": SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            "quick": arguments.quick,
            "comparisons": comparisons,
        });
        let text = serde_json::to_string_pretty(&figures)?;
        fs::write(file, text + "\n").with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(comparisons.iter().all(|comparison| comparison.verdict != Verdict::Missed))
}

fn measure(part: Part, plan: &Plan, arguments: &Arguments, comparisons: &mut Vec<Comparison>) -> Result<()> {
    let tools = || arguments.tools.as_deref().context("bb is not there; run `cargo xtask bench-peers`");
    match part {
        Part::Msm | Part::Ntt => comparisons.extend(kernels::measure(part, plan)?),
        Part::Leaf => comparisons.push(leaf::measure(tools()?, plan)?),
        Part::Block => comparisons.push(block::measure(tools()?, plan)?),
    }
    Ok(())
}

/// Tells each run on standard error.
fn progress(what: &str) -> impl FnMut(usize, &str, f64) {
    let what = what.to_owned();
    move |round, name, seconds| match round {
        0 => eprintln!("{what}, warm-up: {name} {:.1} ms", seconds * 1e3),
        _ => eprintln!("{what}, round {round}: {name} {:.1} ms", seconds * 1e3),
    }
}
