//! The program: what it says of its configuration before it does anything.

use std::{fs, process::Command};

fn run(arguments: &[&str], id: Option<&str>) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofyard-worker"));
    command.args(arguments).env_remove("PROOFYARD_WORKER_ID");
    if let Some(id) = id {
        command.env("PROOFYARD_WORKER_ID", id);
    }
    let output = command.output().expect("started");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_configuration_is_checked_without_being_used() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("worker.toml");
    let path = path.to_str().expect("a path");
    fs::write(path, "[device]\nkind = \"cuda\"\n[bus]\nurl = \"nats://nowhere:1\"\n").expect("written");
    assert_eq!(run(&["--check", "--config", path], None), (Some(0), String::new()));
    fs::write(path, "[device]\nkinds = \"cuda\"\n").expect("written");
    let (status, error) = run(&["--check", "--config", path], None);
    assert_eq!(status, Some(5));
    assert!(error.contains("PY-W-002") && error.contains("kinds"), "{error}");
    assert_eq!(run(&["--check"], None).0, Some(2), "there is nothing to check");
}

#[test]
fn the_name_of_flag_or_variable_takes_the_place_of_the_files() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("worker.toml");
    let path = path.to_str().expect("a path");
    // Right as it is, and nobody answers there.
    fs::write(path, "id = \"a\"\n[device]\nkind = \"cpu\"\n[bus]\nurl = \"nats://127.0.0.1:1\"\n").expect("written");
    let said = |arguments: &[&str], id| {
        let (status, error) = run(&[&["--config", path], arguments].concat(), id);
        assert_eq!(status, Some(5), "{error}");
        error
    };
    assert!(said(&[], None).contains("PY-B-001"));
    assert!(said(&["--id", "b"], None).contains("PY-B-001"));
    let by_flag = said(&["--id", "b c"], Some("d"));
    assert!(by_flag.contains("PY-W-003") && by_flag.contains("b c"), "{by_flag}");
    let by_variable = said(&[], Some("d.e"));
    assert!(by_variable.contains("PY-W-003") && by_variable.contains("d.e"), "{by_variable}");
}
