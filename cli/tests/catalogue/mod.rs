//! What a process shows, held against docs/operations/metrics.md.

use std::{fs, path::Path};

/// Series of a page of metrics: names with the labels that vary.
pub fn series(page: &str) -> Vec<(String, Vec<String>)> {
    let samples = page.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    samples
        .map(|line| {
            let (name, rest) = line.split_at(line.find(['{', ' ']).expect("a sample"));
            let labels = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(labels, _)| labels);
            let names = labels.split("\",").filter_map(|label| label.split_once('=')).map(|(name, _)| name.to_owned());
            (name.to_owned(), names.collect())
        })
        .collect()
}

/// Every series of a process is one of the page, with its labels.
pub fn is_documented(component: &str, page: &str) {
    let document = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations/metrics.md"))
        .expect("the page");
    let section = document.split_once(&format!("<!-- begin {component} -->")).expect("a mark").1;
    let section = section.split_once("<!-- end").expect("a mark").0;
    for (name, mut labels) in series(page) {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| {
            let family = name.strip_suffix(suffix)?;
            section.contains(&format!("| `{family}` | histogram |")).then(|| family.to_owned())
        });
        if family.is_some() {
            labels.retain(|label| label != "le");
        }
        let family = family.unwrap_or(name);
        let row = section.lines().find(|line| line.starts_with(&format!("| `{family}` |")));
        let row = row.unwrap_or_else(|| panic!("{component}: {family} is not in docs/operations/metrics.md"));
        let cell = row.split(" | ").nth(2).expect("labels");
        let listed: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        assert_eq!(labels, listed, "{component}: {family}");
    }
}
