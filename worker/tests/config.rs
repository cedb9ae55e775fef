//! The commented example shows every key with its default; wrong files are refused by the name of the key.

use std::{fs, path::Path};

use proofyard_worker::config::Config;

fn example() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("proofyard-worker.toml")
}

#[test]
fn the_example_is_the_default_and_shows_every_key() {
    assert_eq!(Config::load(&example()).expect("the example loads"), Config::default());
    let text = fs::read_to_string(example()).expect("readable");
    let all = toml::to_string(&Config::default()).expect("serialisable");
    for line in all.lines().filter(|line| line.contains(" = ")) {
        let key = line.split(" = ").next().expect("a key");
        assert!(text.lines().any(|shown| shown.starts_with(&format!("{key} = "))), "{key} is not shown");
    }
}

#[test]
fn wrong_values_are_refused_by_key() {
    for (change, with, key) in [
        ("id = \"\"", "id = \"a b\"", "id"),
        ("threads = 0", "threads = 5000", "threads"),
        ("capacity = 2", "capacity = 0", "capacity"),
        ("sessions_max = 16", "sessions_max = 0", "sessions_max"),
        ("drain_ms = 8000", "drain_ms = 9000", "drain_ms"),
        ("farm = \"main\"", "farm = \"\"", "bus.farm"),
        ("user = \"\"", "user = \"worker\"", "bus"),
        ("url = \"nats://127.0.0.1:4222\"", "url = \"nats://127.0.0.1:port\"", "bus"),
        ("label = \"\"", "label = \"xyz\"", "setup.label"),
        ("kind = \"auto\"", "kind = \"gpu\"", "gpu"),
        ("jobs_at_once = 0", "jobs_at_once = 17", "device.jobs_at_once"),
        ("threads = 0", "treads = 0", "treads"),
    ] {
        let text = fs::read_to_string(example()).expect("readable");
        assert!(text.contains(change), "{change}");
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("changed.toml");
        fs::write(&path, text.replacen(change, with, 1)).expect("writable");
        let error = Config::load(&path).expect_err("refused").to_string();
        assert!(error.contains(key), "{with}: {error}");
    }
}
