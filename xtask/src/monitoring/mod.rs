//! `cargo xtask monitoring`: what `deploy/monitoring` holds is right, and whole.
//!
//! The rules are checked and tested by promtool. Every alert has a test in which it fires and one in which it does not, and a runbook page,
//! and there is no page without an alert. Every expression of a rule or a panel names only metrics of docs/operations/metrics.md, with labels
//! that they have; a test of the command line crate holds that page against the processes. The dashboards are made from their descriptions.

mod catalogue;
mod dashboards;
mod expression;
mod rules;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use self::{catalogue::Catalogue, rules::Rules};
use crate::tools;

/// How the command is called.
#[derive(Args, Default)]
pub struct Arguments {
    /// Write the dashboards anew from their descriptions.
    #[arg(long)]
    write: bool,
}

/// Where the files are.
struct Files {
    root: PathBuf,
}

impl Files {
    fn monitoring(&self) -> PathBuf {
        self.root.join("deploy/monitoring")
    }

    fn read(&self, name: &str) -> Result<String> {
        let path = self.root.join(name);
        fs::read_to_string(&path).with_context(|| format!("reading {name}"))
    }
}

/// Checks everything.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let files = Files { root: root.to_owned() };
    let promtool = tools::setup_prometheus(root)?.promtool;
    let rules = Rules::read(&files.read("deploy/monitoring/rules.yaml")?)?;
    let catalogue = Catalogue::read(&files.read("docs/operations/metrics.md")?)?.with_rules(&rules);
    let dashboards = dashboards::read(&files.monitoring().join("dashboards"), arguments.write)?;

    let mut findings = rules.judge(&files.read("deploy/monitoring/rules.test.yaml")?, &runbooks(root)?)?;
    let expressions = rules.expressions().chain(dashboards.iter().flat_map(|dashboard| dashboard.expressions()));
    let mut panels = 0;
    for (place, text) in expressions {
        panels += 1;
        findings.extend(catalogue.judge(text).into_iter().map(|finding| format!("{place}: {finding}")));
    }
    findings.extend(dashboards.iter().filter_map(dashboards::Dashboard::stale));
    for finding in &findings {
        println!("{finding}");
    }
    ensure!(findings.is_empty(), "deploy/monitoring: {} findings", findings.len());

    let folder = tempfile::tempdir().context("a folder for the panels' expressions")?;
    let as_rules = folder.path().join("panels.yaml");
    fs::write(&as_rules, dashboards::as_rules(&dashboards)).context("writing the panels' expressions")?;
    promtool_says_ok(&promtool, &["check", "rules"], &[&files.monitoring().join("rules.yaml"), &as_rules])?;
    promtool_says_ok(&promtool, &["test", "rules"], &[&files.monitoring().join("rules.test.yaml")])?;
    println!(
        "{} alerts, {} recording rules, {} dashboards, {panels} expressions",
        rules.alerts().count(),
        rules.records().count(),
        dashboards.len()
    );
    Ok(())
}

/// Names of the runbook pages, and their text.
fn runbooks(root: &Path) -> Result<Vec<(String, String)>> {
    let folder = root.join("docs/runbooks");
    let mut pages = Vec::new();
    for entry in fs::read_dir(&folder).context("listing docs/runbooks")? {
        let path = entry.context("listing docs/runbooks")?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_some_and(|extension| extension == "md") && stem != "README" {
            pages.push((stem, fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?));
        }
    }
    pages.sort();
    Ok(pages)
}

fn promtool_says_ok(promtool: &Path, command: &[&str], files: &[&Path]) -> Result<()> {
    let output = Command::new(promtool).args(command).args(files).output().context("promtool does not start")?;
    if output.status.success() {
        return Ok(());
    }
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    bail!("promtool {} failed:\n{stdout}{stderr}", command.join(" "))
}
