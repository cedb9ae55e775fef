//! The program refuses the developers' setup and wrong configurations before it does anything.

use std::{fs, process::Command};

fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let program = env!("CARGO_BIN_EXE_proofyard-coordinator");
    let output = Command::new(program).args(arguments).output().expect("started");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn an_insecure_setup_is_refused_unless_it_is_allowed() {
    let (status, error) = run(&[]);
    assert_eq!(status, Some(5));
    assert!(error.contains("PY-C-010") && error.contains("INSECURE") && error.contains("--insecure-setup"), "{error}");
}

#[test]
fn a_configuration_is_checked_without_being_used() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("coordinator.toml");
    let path = path.to_str().expect("a path");
    // Nothing of what it names is there.
    fs::write(path, "[bus]\nurl = \"tls://nowhere:4222\"\nuser = \"coordinator\"\npassword_file = \"none\"\n")
        .expect("written");
    assert_eq!(run(&["--check", "--config", path]), (Some(0), String::new()));
    fs::write(path, "[bus]\nreplicas = 9\n").expect("written");
    let (status, error) = run(&["--check", "--config", path]);
    assert_eq!(status, Some(5));
    assert!(error.contains("PY-C-003") && error.contains("bus.replicas"), "{error}");
    assert_eq!(run(&["--check"]).0, Some(2), "there is nothing to check");
}

#[test]
fn a_wrong_key_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("wrong.toml");
    fs::write(&path, "[schedule]\nleese_ms = 3\n").expect("written");
    let (status, error) = run(&["--config", path.to_str().expect("a path")]);
    assert_eq!(status, Some(5));
    assert!(error.contains("leese_ms"), "{error}");
    let (status, error) = run(&["--config", "nowhere.toml"]);
    assert_eq!(status, Some(5));
    assert!(error.contains("PY-C-001") && error.contains("nowhere.toml"), "{error}");
}
