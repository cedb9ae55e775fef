//! `cargo xtask test`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::steps::{Beside, Steps, run};
use crate::tools::{self, Tools};
use crate::{cargo, cuda, deny, image, k8s, monitoring, programs, tidy};

const READ_ABOVE: &str = "read what is reported above and correct it";

/// Integration tests that mostly wait, for the blocks of a chain or for leases to end: they run beside the others.
const WAITING: [&str; 4] = ["full_demo", "l1", "settle", "worker_lost"];

/// Runs every step, stopping at the first that fails.
pub fn run_all(root: &Path) -> Result<()> {
    let mut steps = Steps::default();
    let remedy = "the message names the missing program or the failed download; correct it and run it again";
    let tools = steps.step("setup", remedy, |_| tools::setup(root))?;

    steps.step("cargo fmt", "run `cargo fmt --all`", |counts| {
        // Only the names of the files: the differences can be long.
        run(&mut in_workspace(root, &["fmt", "--all", "--", "--check", "--files-with-diff"]), counts)
    })?;
    steps.step("tidy", "each line names the file, the line and the rule", |_| tidy::run(root))?;
    let remedy =
        "each line names the rule, panel, test or page; dashboards are written by `cargo xtask monitoring --write`";
    steps.step("monitoring", remedy, |_| monitoring::run(root, &Default::default()))?;
    if cuda::has_sources(root) {
        let remedy =
            "run `cargo xtask kernels` and commit kernels/cuda/fatbin; for a broken gate, do what its line says";
        steps.step("kernels", remedy, |_| cuda::check_where_possible(root))?;
    }
    steps.step("forge fmt", "run `.tools/bin/forge fmt` in contracts", |counts| {
        run(forge(root, &tools).args(["fmt", "--check"]), counts)
    })?;
    steps.step("forge build", READ_ABOVE, |counts| run(forge(root, &tools).arg("build"), counts))?;
    let remedy = "correct the test that failed; when new figures under contracts/snapshots are meant, run \
                  `../.tools/bin/forge test` in contracts and commit them";
    steps.step("forge test", remedy, |counts| {
        run(forge(root, &tools).arg("test").env("FORGE_SNAPSHOT_CHECK", "true"), counts)
    })?;

    steps.step("cargo clippy", READ_ABOVE, |counts| {
        let arguments = ["clippy", "--profile", "ci", "--locked", "--workspace", "--all-targets", "--quiet"];
        run(in_workspace(root, &arguments).args(["--", "-D", "warnings"]), counts)
    })?;
    steps.step("cargo deny", "take another dependency, or allow it in deny.toml with a reason", |_| deny::run(root))?;
    let programs = steps.step("cargo build", READ_ABOVE, |_| programs::build_with_tests(root))?;
    let remedy = "each line names the object and what is wrong with it; correct deploy/k8s";
    steps.step("k8s", remedy, |_| k8s::check(root, &programs, None))?;
    let remedy = "the message names the image and what its program said; correct xtask/src/image or the program";
    steps.step("images", remedy, |_| image::check(root, &programs))?;
    steps.step("cargo test", READ_ABOVE, |counts| {
        let (waiting, others): (Vec<_>, Vec<_>) = programs.tests().partition(|name| WAITING.contains(name));
        let named = |names: Vec<_>| names.into_iter().flat_map(|name| ["--test", name]);
        let waiting = Beside::start(tests(root, &tools).args(named(waiting)))?;
        let others = run(tests(root, &tools).args(["--lib", "--bins"]).args(named(others)), counts);
        let documented = others.and_then(|()| run(tests(root, &tools).arg("--doc"), counts));
        let waited = waiting.finish(counts);
        documented.and(waited)
    })?;
    println!("{}", steps.summary(None));
    Ok(())
}

fn in_workspace(root: &Path, arguments: &[&str]) -> Command {
    let mut command = cargo();
    command.args(arguments).current_dir(root);
    command
}

/// All tests of the workspace, with the tools that they run against.
fn tests(root: &Path, tools: &Tools) -> Command {
    let mut command = in_workspace(root, &["test", "--profile", "ci", "--locked", "--workspace"]);
    command
        .env("PROOFYARD_NATS_SERVER", &tools.nats_server)
        .env("PROOFYARD_ANVIL", &tools.anvil)
        .env("PROOFYARD_CAST", &tools.cast)
        .env("PROOFYARD_FORGE", &tools.forge)
        .env("PROOFYARD_SOLC", &tools.solc)
        .env("PROOFYARD_PROMETHEUS", &tools.prometheus.prometheus)
        .env("PROOFYARD_CHROMIUM", &tools.browser.chromium)
        .env("PROOFYARD_CHROMEDRIVER", &tools.browser.driver)
        .env("RUST_BACKTRACE", "1");
    command
}

fn forge(root: &Path, tools: &Tools) -> Command {
    let mut command = Command::new(&tools.forge);
    command.current_dir(root.join("contracts"));
    command
}
