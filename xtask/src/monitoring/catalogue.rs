//! The metrics that exist, from the tables of docs/operations/metrics.md and the recording rules.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

use super::{expression, rules::Rules};

/// Labels that Prometheus, or whoever configures it, puts on every series.
const OF_THE_TARGET: [&str; 6] = ["job", "instance", "namespace", "pod", "container", "node"];

/// A label with its values; none: any.
type Labels = BTreeMap<String, BTreeSet<String>>;

/// Series by name.
#[derive(Debug, Default)]
pub struct Catalogue(BTreeMap<String, Labels>);

impl Catalogue {
    /// Reads the tables, which stand between marks.
    pub fn read(page: &str) -> Result<Self> {
        let mut series = BTreeMap::new();
        let mut is_table = false;
        for line in page.lines() {
            if line.starts_with("<!-- ") {
                is_table = line.starts_with("<!-- begin ");
            }
            if !is_table || !line.starts_with("| `") {
                continue;
            }
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [name, kind, labels, _] = cells[..] else { bail!("docs/operations/metrics.md: four cells in {line}") };
            let name = name.trim_matches('`');
            let labels = labels_of(labels).with_context(|| format!("docs/operations/metrics.md: labels of {name}"))?;
            match kind {
                "counter" | "gauge" => drop(series.insert(name.to_owned(), labels)),
                "histogram" => {
                    for suffix in ["_sum", "_count", "_bucket"] {
                        let mut labels = labels.clone();
                        if suffix == "_bucket" {
                            labels.insert("le".to_owned(), BTreeSet::new());
                        }
                        series.insert(format!("{name}{suffix}"), labels);
                    }
                }
                other => bail!("docs/operations/metrics.md: {name} is a {other}"),
            }
        }
        ensure!(!series.is_empty(), "docs/operations/metrics.md lists no metrics");
        // Prometheus' own, about each target.
        series.insert("up".to_owned(), Labels::new());
        Ok(Self(series))
    }

    /// The same with the recorded series, whose labels are those that are left of what they are made of.
    pub fn with_rules(mut self, rules: &Rules) -> Self {
        for (name, text) in rules.records() {
            let used = expression::read(text);
            let labels = used.selectors.iter().filter_map(|selector| self.0.get(&selector.name)).flatten();
            let labels = labels.map(|(label, values)| (label.clone(), values.clone())).collect();
            self.0.insert(name.to_owned(), labels);
        }
        self
    }

    /// What an expression names that does not exist.
    pub fn judge(&self, text: &str) -> Vec<String> {
        let used = expression::read(text);
        let mut findings = Vec::new();
        let mut known: BTreeSet<&str> = OF_THE_TARGET.into();
        if used.selectors.is_empty() {
            findings.push(format!("no metric in {text}"));
        }
        for selector in &used.selectors {
            let Some(labels) = self.0.get(&selector.name) else {
                findings.push(format!("{} is no metric", selector.name));
                continue;
            };
            known.extend(labels.keys().map(String::as_str));
            for matcher in &selector.matchers {
                let (label, value) = (&matcher.label, &matcher.value);
                match labels.get(label) {
                    None if OF_THE_TARGET.contains(&label.as_str()) => {}
                    None => findings.push(format!("{} has no label {label}", selector.name)),
                    Some(values) if values.is_empty() => {}
                    Some(values) => {
                        let alternatives: Vec<&str> =
                            if matcher.is_pattern { value.split('|').collect() } else { vec![value] };
                        let wrong = alternatives.into_iter().filter(|value| !values.contains(*value));
                        findings.extend(wrong.map(|value| format!("{} has no {label} {value:?}", selector.name)));
                    }
                }
            }
        }
        let unknown = used.grouping.iter().filter(|label| !known.contains(label.as_str()));
        findings.extend(unknown.map(|label| format!("no metric here has a label {label}")));
        findings
    }
}

/// Reads "`outcome`: done, failed; `worker`".
fn labels_of(cell: &str) -> Result<Labels> {
    let mut labels = Labels::new();
    for label in cell.split(';').map(str::trim).filter(|label| !label.is_empty()) {
        let (name, values) = label.split_once(':').unwrap_or((label, ""));
        let name = name.trim().strip_prefix('`').and_then(|name| name.strip_suffix('`'));
        let values = values.split(',').map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned);
        labels.insert(name.context("a label stands in backticks")?.to_owned(), values.collect());
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# Metrics
| `path` | of | another | table | here |
<!-- begin one -->
| metric | kind | labels | meaning |
| --- | --- | --- | --- |
| `jobs_total` | counter | `outcome`: done, failed | Jobs |
| `busy` | gauge | `worker` | Busy |
| `times_seconds` | histogram | `round`: 1, 2 | Times |
<!-- end one -->
";

    fn judge(text: &str) -> Vec<String> {
        Catalogue::read(PAGE).expect("a catalogue").judge(text)
    }

    #[test]
    fn what_exists_passes() {
        for text in [
            "rate(jobs_total{outcome=\"done\"}[5m])",
            "sum by (worker, instance) (busy{worker=\"any\", job=~\"x.*\"}) / 2",
            "histogram_quantile(0.99, sum by (le, round) (rate(times_seconds_bucket{round=~\"1|2\"}[5m])))",
            "max without (outcome) (increase(jobs_total[1h] offset 5m)) > 0 and on (instance) up == 1",
        ] {
            assert_eq!(judge(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_does_not_exist_is_found() {
        for (text, finding) in [
            ("rate(jobs[5m])", "jobs is no metric"),
            ("times_seconds", "times_seconds is no metric"),
            ("jobs_total{outcom=\"done\"}", "no label outcom"),
            ("jobs_total{outcome=\"lost\"}", "no outcome \"lost\""),
            ("jobs_total{outcome=~\"done|lost\"}", "no outcome \"lost\""),
            ("sum by (round) (jobs_total)", "label round"),
            ("vector(1)", "no metric in"),
        ] {
            let found = judge(text);
            assert!(found.iter().any(|found| found.contains(finding)), "{text}: {found:?}");
        }
    }

    #[test]
    fn a_broken_table_is_refused() {
        for row in ["| `a` | counter | x |", "| `a` | rate |  | x |", "| `a` | gauge | worker | x |", "nothing"] {
            assert!(Catalogue::read(&format!("<!-- begin one -->\n{row}\n<!-- end one -->\n")).is_err(), "{row}");
        }
    }
}
