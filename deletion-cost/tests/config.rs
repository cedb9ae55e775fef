//! The commented example shows every key with its default; wrong files are refused by the name of the key.

use std::{fs, path::Path};

use proofyard_deletion_cost::config::Config;

#[test]
fn the_example_is_the_default_and_shows_every_key() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("proofyard-deletion-cost.toml");
    assert_eq!(Config::load(&example).expect("the example loads"), Config::default());
    let text = fs::read_to_string(example).expect("readable");
    let all = toml::to_string(&Config::default()).expect("serialisable");
    for key in all.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key) {
        assert!(text.lines().any(|shown| shown.starts_with(&format!("{key} = "))), "{key} is not shown");
    }
}

#[test]
fn wrong_values_are_refused_by_key() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("changed.toml");
    for (text, key) in [
        ("every_ms = 99", "every_ms"),
        ("failures_max = 0", "failures_max"),
        ("label_selector = \"\"", "label_selector"),
        ("[cluster]\napi = \"http://cluster\"", "cluster.api"),
        ("evry_ms = 5", "evry_ms"),
    ] {
        fs::write(&path, text).expect("writable");
        let refused = Config::load(&path).expect_err(text).to_string();
        assert!(refused.starts_with("[PY-D-00") && refused.contains(key), "{text}: {refused}");
    }
}
