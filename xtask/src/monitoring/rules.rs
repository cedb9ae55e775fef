//! The rules, their tests and their runbooks.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::yaml::{list, text};

/// What a runbook page says, by its headings.
const HEADINGS: [&str; 4] = ["## Meaning", "## Impact", "## Look at", "## What to do"];

/// A rule of the file.
struct Rule {
    name: String,
    is_alert: bool,
    expression: String,
    severity: String,
    summary: String,
    runbook: String,
}

/// All rules.
pub struct Rules(Vec<Rule>);

fn load(text: &str, what: &str) -> Result<Value> {
    serde_saphyr::from_str(text).with_context(|| format!("{what} is no YAML"))
}

impl Rules {
    /// Reads the file.
    pub fn read(file: &str) -> Result<Self> {
        let file = load(file, "rules.yaml")?;
        let groups = file["groups"].as_array().context("rules.yaml has no groups")?;
        let rules = groups.iter().flat_map(|group| list(&group["rules"]));
        let rules: Vec<Rule> = rules
            .map(|rule| {
                let is_alert = !rule["alert"].is_null();
                let annotations = &rule["annotations"];
                Rule {
                    name: text(if is_alert { &rule["alert"] } else { &rule["record"] }).to_owned(),
                    is_alert,
                    expression: text(&rule["expr"]).to_owned(),
                    severity: text(&rule["labels"]["severity"]).to_owned(),
                    summary: text(&annotations["summary"]).to_owned(),
                    runbook: text(&annotations["runbook_url"]).to_owned(),
                }
            })
            .collect();
        ensure!(!rules.is_empty(), "rules.yaml has no rules");
        Ok(Self(rules))
    }

    /// Names of the alerts.
    pub fn alerts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|rule| rule.is_alert).map(|rule| rule.name.as_str())
    }

    /// Recorded series, and what they are made of.
    pub fn records(&self) -> impl Iterator<Item = (&str, &str)> {
        let records = self.0.iter().filter(|rule| !rule.is_alert);
        records.map(|rule| (rule.name.as_str(), rule.expression.as_str()))
    }

    /// Every expression, with its place.
    pub fn expressions(&self) -> impl Iterator<Item = (String, &str)> {
        self.0.iter().map(|rule| (format!("rules.yaml, {}", rule.name), rule.expression.as_str()))
    }

    /// What is missing or too much among rules, tests and runbooks.
    pub fn judge(&self, tests: &str, runbooks: &[(String, String)]) -> Result<Vec<String>> {
        let tested = tested(tests)?;
        let mut findings = Vec::new();
        let mut seen = BTreeSet::new();
        for rule in &self.0 {
            let name = &rule.name;
            if !seen.insert(name) {
                findings.push(format!("{name}: there are two"));
            }
            if !rule.is_alert {
                continue;
            }
            if !["page", "ticket"].contains(&rule.severity.as_str()) {
                findings.push(format!("{name}: severity is page or ticket, not {:?}", rule.severity));
            }
            if rule.summary.is_empty() {
                findings.push(format!("{name}: no summary"));
            }
            let wanted = format!("docs/runbooks/{name}.md");
            if rule.runbook != wanted {
                findings.push(format!("{name}: runbook_url is {:?}, not {wanted}", rule.runbook));
            }
            let (fires, quiet) = tested.get(name.as_str()).copied().unwrap_or_default();
            if !fires {
                findings.push(format!("{name}: no test in which it fires"));
            }
            if !quiet {
                findings.push(format!("{name}: no test in which it does not fire"));
            }
            match runbooks.iter().find(|(page, _)| page == name) {
                None => findings.push(format!("{name}: {wanted} is missing")),
                Some((_, page)) => {
                    let missing = HEADINGS.iter().filter(|heading| !page.lines().any(|line| line == **heading));
                    findings.extend(missing.map(|heading| format!("{wanted}: no {heading:?}")));
                }
            }
        }
        let known: BTreeSet<&str> = self.alerts().collect();
        let pages = runbooks.iter().map(|(page, _)| page.as_str());
        let strays = pages.filter(|page| !known.contains(page));
        findings.extend(strays.map(|page| format!("docs/runbooks/{page}.md: there is no such alert")));
        let strays = tested.keys().filter(|name| !known.contains(name.as_str()));
        findings.extend(strays.map(|name| format!("rules.test.yaml: there is no alert {name}")));
        Ok(findings)
    }
}

/// By alert: whether a test expects it, and whether one expects nothing of it.
fn tested(file: &str) -> Result<BTreeMap<String, (bool, bool)>> {
    let file = load(file, "rules.test.yaml")?;
    let tests = file["tests"].as_array().context("rules.test.yaml has no tests")?;
    let mut tested: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for test in tests.iter().flat_map(|test| list(&test["alert_rule_test"])) {
        let expected = list(&test["exp_alerts"]).next().is_some();
        let (fires, quiet) = tested.entry(text(&test["alertname"]).to_owned()).or_default();
        *fires |= expected;
        *quiet |= !expected;
    }
    Ok(tested)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "
groups:
  - name: a
    rules:
      - record: a:b
        expr: sum(c)
      - alert: Broken
        expr: up == 0
        labels: { severity: page }
        annotations: { summary: It is down, runbook_url: docs/runbooks/Broken.md }
";
    const TESTS: &str = "
tests:
  - alert_rule_test:
      - { eval_time: 1m, alertname: Broken, exp_alerts: [{ exp_labels: { severity: page } }] }
      - { eval_time: 1m, alertname: Broken, exp_alerts: [] }
";

    fn page(name: &str) -> (String, String) {
        (name.to_owned(), HEADINGS.join("\n\ntext\n\n"))
    }

    fn judge(rules: &str, tests: &str, pages: &[(String, String)]) -> String {
        Rules::read(rules).expect("rules").judge(tests, pages).expect("read").join("\n")
    }

    #[test]
    fn a_rule_with_tests_and_page_passes_and_what_is_missing_is_found() {
        assert_eq!(judge(RULES, TESTS, &[page("Broken")]), "");
        assert!(judge(RULES, TESTS, &[]).contains("Broken.md is missing"));
        assert!(judge(RULES, TESTS, &[page("Broken"), page("Old")]).contains("Old.md: there is no such alert"));
        let page_without = ("Broken".to_owned(), "## Meaning\n".to_owned());
        assert!(judge(RULES, TESTS, &[page_without]).contains("## Impact"));
        for (change, with, finding) in [
            ("severity: page", "severity: red", "severity is page or ticket"),
            ("Broken.md", "Other.md", "runbook_url"),
            ("summary: It is down, ", "", "no summary"),
            ("alert: Broken", "alert: Bent", "no test in which it fires"),
        ] {
            let found = judge(&RULES.replacen(change, with, 1), TESTS, &[page("Broken")]);
            assert!(found.contains(finding), "{with}: {found}");
        }
        let one_sided = TESTS.replace("exp_alerts: []", "exp_alerts: [{}]");
        assert!(judge(RULES, &one_sided, &[page("Broken")]).contains("no test in which it does not fire"));
    }
}
