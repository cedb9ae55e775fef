//! docs/operations/metrics.md lists exactly the metrics that the processes have. With `PROOFYARD_WRITE_DOCS=1` it is written anew.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use proofyard_telemetry::metrics::{Description, Kind, Registrar};

fn registered() -> [(&'static str, Registrar); 4] {
    let components = ["coordinator", "worker", "sidecar", "deletion-cost"];
    let mut all = components.map(|component| (component, Registrar::new(component)));
    let [(_, coordinator), (_, worker), (_, sidecar), (_, deletion_cost)] = &mut all;
    drop(proofyard_coordinator::metrics::Metrics::new(coordinator));
    drop(proofyard_worker::metrics::Metrics::new(worker));
    drop(proofyard_sidecar::metrics::Metrics::new(sidecar));
    drop(proofyard_deletion_cost::operations::Metrics::new(deletion_cost));
    all
}

fn table(metrics: &[Description]) -> String {
    let mut table = String::from("| metric | kind | labels | meaning |\n| --- | --- | --- | --- |\n");
    for metric in metrics {
        let labels: Vec<String> = metric
            .labels
            .iter()
            .map(|label| match label.values {
                [] => format!("`{}`", label.name),
                values => format!("`{}`: {}", label.name, values.join(", ")),
            })
            .collect();
        let (name, kind, help) = (&metric.name, metric.kind.as_str(), metric.help);
        let _ = writeln!(table, "| `{name}` | {kind} | {} | {help} |", labels.join("; "));
    }
    table
}

#[test]
fn the_page_lists_what_the_processes_have() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations/metrics.md");
    let page = fs::read_to_string(&path).expect("the page");
    let mut wanted = page.clone();
    for (component, registrar) in registered() {
        let [begin, end] = ["begin", "end"].map(|which| format!("<!-- {which} {component} -->\n"));
        let from = wanted.find(&begin).expect("a mark") + begin.len();
        let to = wanted.find(&end).expect("a mark");
        wanted.replace_range(from..to, &table(registrar.list()));
    }
    if std::env::var_os("PROOFYARD_WRITE_DOCS").is_some() {
        fs::write(&path, &wanted).expect("written");
        return;
    }
    assert!(
        wanted == page,
        "docs/operations/metrics.md is old: run this test with PROOFYARD_WRITE_DOCS=1 and commit it"
    );
}

#[test]
fn names_are_those_that_prometheus_wants() {
    for (component, registrar) in registered() {
        let mut names = BTreeSet::new();
        for Description { name, kind, labels, help } in registrar.list() {
            assert!(names.insert(name), "{component}: {name} is there twice");
            assert!(name.starts_with("proofyard_") || name.starts_with("process_"), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            let is_word = |text: &str| {
                text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
            };
            assert!(is_word(name), "{name}");
            assert!(!help.is_empty() && !help.contains(['\n', '|']) && !help.ends_with('.'), "{name}: {help}");
            for label in labels {
                assert!(
                    is_word(label.name) && !["le", "job", "instance"].contains(&label.name),
                    "{name}: {}",
                    label.name
                );
            }
            if *kind == Kind::Histogram {
                assert!(name.ends_with("_seconds"), "{name}");
            }
        }
    }
}
