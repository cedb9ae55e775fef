//! What the Prometheus operator and Grafana want of deploy/monitoring: the alerting rules as a PrometheusRule, the dashboards as
//! ConfigMaps. Both are derived from the files there.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Where the rules and dashboards lie.
const FOLDER: &str = "deploy/monitoring";
const KUSTOMIZATION: &str = "kustomization.yaml";
const RULE: &str = "prometheus-rule.yaml";

/// Writes what is derived.
pub fn write(root: &Path) -> Result<()> {
    for (name, text) in derived(root)? {
        let path = root.join(FOLDER).join(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        println!("{FOLDER}/{name}");
    }
    Ok(())
}

/// Fails when what is derived is not what lies there.
pub fn check(root: &Path) -> Result<()> {
    for (name, text) in derived(root)? {
        let found = fs::read_to_string(root.join(FOLDER).join(name)).unwrap_or_default();
        ensure!(found == text, "{FOLDER}/{name} does not fit the other files there: run `cargo xtask k8s --write`");
    }
    Ok(())
}

/// Names and texts of the derived files.
fn derived(root: &Path) -> Result<Vec<(&'static str, String)>> {
    let folder = root.join(FOLDER);
    let rules = fs::read_to_string(folder.join("rules.yaml")).ok();
    let mut dashboards = Vec::new();
    if let Ok(entries) = fs::read_dir(folder.join("dashboards")) {
        for entry in entries {
            let name = entry.context("listing the dashboards")?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".json") {
                dashboards.push(name);
            }
        }
    }
    dashboards.sort();
    let mut files = vec![(KUSTOMIZATION, kustomization(rules.is_some(), &dashboards))];
    files.extend(rules.map(|rules| (RULE, prometheus_rule(&rules))));
    Ok(files)
}

fn kustomization(has_rules: bool, dashboards: &[String]) -> String {
    let mut text = String::from(
        "# Written by `cargo xtask k8s --write` from the files beside it; the component monitoring of deploy/k8s takes it in.\n\
         apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n",
    );
    if has_rules {
        let _ = write!(text, "resources:\n  - {RULE}\n");
    }
    if !dashboards.is_empty() {
        text.push_str("configMapGenerator:\n  - name: proofyard-dashboards\n    namespace: proofyard\n    files:\n");
        for name in dashboards {
            let _ = writeln!(text, "      - dashboards/{name}");
        }
        // Grafana's side car looks for the label and does not follow names that change.
        text.push_str(
            "    options:\n      disableNameSuffixHash: true\n      labels:\n        grafana_dashboard: \"1\"\n",
        );
    }
    text
}

fn prometheus_rule(rules: &str) -> String {
    let mut text = String::from(
        "# Written by `cargo xtask k8s --write` from rules.yaml.\napiVersion: monitoring.coreos.com/v1\n\
         kind: PrometheusRule\nmetadata:\n  name: proofyard\n  namespace: proofyard\nspec:\n",
    );
    for line in rules.lines() {
        match line {
            "" | "---" => text.push('\n'),
            line => {
                let _ = writeln!(text, "  {line}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::object;

    #[test]
    fn rules_become_an_object() {
        let rules =
            "groups:\n  - name: a\n    rules:\n      - alert: B\n        expr: |\n          x\n\n          > 1\n";
        let objects = object::read(&prometheus_rule(rules)).unwrap();
        let rule = &objects[0].value()["spec"]["groups"][0]["rules"][0];
        assert_eq!(rule["expr"], "x\n\n> 1\n");
        assert!(crate::k8s::custom::check(&objects[0]).is_ok());
    }

    #[test]
    fn dashboards_are_listed() {
        let text = kustomization(true, &["a.json".to_owned(), "b.json".to_owned()]);
        let objects = object::read(&text).unwrap();
        let value = objects[0].value();
        assert_eq!(value["resources"][0], RULE);
        assert_eq!(value["configMapGenerator"][0]["files"][1], "dashboards/b.json");
        assert!(object::read(&kustomization(false, &[])).unwrap()[0].value()["resources"].is_null());
    }
}
