//! `cargo xtask k8s`: renders every overlay of deploy/k8s and checks what comes out, without a cluster.
//!
//! Rendering is `kubectl kustomize`; every object is validated by kubernetes-validate in its strict mode, and those kinds that it does
//! not know, by the fields of [`custom`]. [`policy`] adds the farm's own rules. The programs themselves check the configurations in
//! the rendered ConfigMaps. At the end, misspelled copies must be caught: a check that finds nothing proves nothing otherwise.

mod configurations;
mod copy;
mod custom;
mod monitoring;
mod object;
mod policy;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use self::copy::Copy;
use self::object::Object;
use self::tools::KubeTools;
use crate::programs::{self, Programs};

/// Options of the command.
#[derive(clap::Args)]
pub struct Arguments {
    /// Write what is derived from deploy/monitoring (the operator's PrometheusRule, the list of dashboards) instead of checking it.
    #[arg(long)]
    write: bool,
    /// Keep the rendered overlays in this folder.
    #[arg(long, value_name = "FOLDER", conflicts_with = "write")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    if arguments.write {
        return monitoring::write(root);
    }
    check(root, &programs::build_with_tests(root)?, arguments.out.as_deref())
}

/// Checks everything; `programs` load the configurations.
pub fn check(root: &Path, programs: &Programs, out: Option<&Path>) -> Result<()> {
    let tools = tools::install(root)?;
    monitoring::check(root)?;
    copy::check_sources(root)?;
    let copy = Copy::new(root)?;
    for overlay in copy.overlays()? {
        let rendered = tools.render(&copy.overlay(&overlay))?;
        if let Some(out) = out {
            fs::create_dir_all(out).with_context(|| format!("creating {}", out.display()))?;
            let file = out.join(format!("{overlay}.yaml"));
            fs::write(&file, &rendered).with_context(|| format!("writing {}", file.display()))?;
        }
        let found = examine(&tools, programs, &rendered)?;
        print!("{overlay}: {}", found.summary());
        for finding in &found.findings {
            println!("  {finding}");
        }
        ensure!(found.findings.is_empty(), "overlay {overlay}: {} findings", found.findings.len());
    }
    catches_mistakes(root, &tools, programs)
}

/// What was looked at in an overlay, and what is wrong with it.
#[derive(Default)]
struct Examined {
    objects: usize,
    validated: usize,
    custom: usize,
    configurations: usize,
    findings: Vec<String>,
}

impl Examined {
    fn summary(&self) -> String {
        format!(
            "{} objects: {} valid by kubernetes-validate --strict, {} of custom kinds by their fields; {} configurations loaded; \
             {} findings\n",
            self.objects,
            self.validated,
            self.custom,
            self.configurations,
            self.findings.len()
        )
    }
}

fn examine(tools: &KubeTools, programs: &Programs, rendered: &str) -> Result<Examined> {
    let objects = object::read(rendered)?;
    ensure!(!objects.is_empty(), "nothing is rendered");
    let (custom, known): (Vec<&Object>, Vec<&Object>) = objects.iter().partition(|object| custom::is_custom(object));
    let mut findings = tools.validate(&known)?;
    findings.extend(custom.iter().filter_map(|object| custom::check(object).err()));
    findings.extend(policy::check(&objects));
    let configurations = configurations::check(programs, &objects)?;
    findings.extend(configurations.findings);
    Ok(Examined {
        objects: objects.len(),
        validated: known.len(),
        custom: custom.len(),
        configurations: configurations.checked,
        findings,
    })
}

/// A mistake that a check must catch: in which file, what it looks like, what is said of it.
struct Mistake {
    file: &'static str,
    right: &'static str,
    wrong: &'static str,
    said: &'static str,
}

const MISTAKES: [Mistake; 8] = [
    Mistake {
        file: "base/coordinator/coordinator.yaml",
        right: "readOnlyRootFilesystem:",
        wrong: "readOnlyRootFileSystem:",
        said: "readOnlyRootFileSystem",
    },
    Mistake {
        file: "base/nats/nats.yaml",
        right: "terminationGracePeriodSeconds: 60",
        wrong: "terminationGracePeriodSeconds: sixty",
        said: "sixty",
    },
    Mistake {
        file: "components/autoscaling/scaled-object.yaml",
        right: "maxReplicaCount:",
        wrong: "maxReplicasCount:",
        said: "maxReplicasCount",
    },
    Mistake { file: "components/tls/certificates.yaml", right: "dnsNames:", wrong: "dnsName:", said: "dnsName" },
    Mistake {
        file: "base/worker/worker.yaml",
        right: "automountServiceAccountToken: false",
        wrong: "automountServiceAccountToken: true",
        said: "automountServiceAccountToken",
    },
    Mistake {
        file: "components/autoscaling/deletion-cost/deletion-cost.yaml",
        right: "verbs: [list, patch]",
        wrong: "verbs: [list, patch, delete]",
        said: "list and patch pods",
    },
    Mistake {
        file: "overlays/production/kustomization.yaml",
        right: "newTag: 2.15.1",
        wrong: "newTag: latest",
        said: "latest",
    },
    Mistake {
        file: "overlays/production/config/worker-gpu.toml",
        right: "password_file",
        wrong: "passwort_file",
        said: "passwort_file",
    },
];

/// Makes each mistake in a copy of its own: the production overlay must be found wanting for it.
fn catches_mistakes(root: &Path, tools: &KubeTools, programs: &Programs) -> Result<()> {
    for Mistake { file, right, wrong, said } in &MISTAKES {
        let copy = Copy::new(root)?;
        let path = copy.path(file);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {file}"))?;
        ensure!(
            text.contains(right),
            "{file} does not hold {right:?}: name another place for this mistake in xtask/src/k8s"
        );
        fs::write(&path, text.replacen(right, wrong, 1)).with_context(|| format!("writing {file}"))?;
        let found = match tools.render(&copy.overlay("production")) {
            Ok(rendered) => examine(tools, programs, &rendered)?.findings,
            Err(error) => vec![format!("{error:#}")],
        };
        match found.iter().find(|finding| finding.contains(said)) {
            Some(finding) => println!("caught in a copy: {wrong:?}: {}", finding.lines().next().unwrap_or_default()),
            None => bail!("{wrong:?} in {file} is not caught; found: {found:?}"),
        }
    }
    Ok(())
}
