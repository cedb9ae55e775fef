//! The check itself, on devices that every machine has: small sizes, tiny blocks.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

fn check(arguments: &[&str], folder: &Path) -> (Option<i32>, Value, String) {
    let json = folder.join("result.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpu-check"));
    let output = command.args(arguments).arg("--json").arg(&json).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let report = fs::read_to_string(&json).ok().map(|text| serde_json::from_str(&text).unwrap());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(report.is_some(), "{told}");
    (output.status.code(), report.unwrap_or_default(), format!("{text}{told}"))
}

fn names(report: &Value) -> Vec<&str> {
    report["parts"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect()
}

#[test]
fn the_kernels_pass_under_the_launch_emulator() {
    let folder = tempfile::tempdir().unwrap();
    let (code, report, text) = check(&["--device", "emulator", "--max-log2", "8"], folder.path());
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(names(&report), ["answers", "skew", "block"]);
    for part in report["parts"].as_array().unwrap() {
        let checks = part["checks"].as_array().unwrap();
        assert!(!checks.is_empty());
        assert!(checks.iter().all(|check| check["outcome"] == "correct"), "{part}");
    }
}

#[test]
fn figures_have_targets_and_spread_and_a_run_is_continued() {
    let folder = tempfile::tempdir().unwrap();
    let (code, report, text) = check(&["--device", "cpu", "--only", "speed", "--max-log2", "9"], folder.path());
    assert_eq!(code, Some(0), "{text}");
    let figures = report["parts"][0]["figures"].as_array().unwrap();
    let whats: Vec<_> = figures.iter().map(|figure| figure["what"].as_str().unwrap()).collect();
    assert_eq!(whats, ["MSM", "MSM, batch of 8", "NTT", "subtree of hashes", "upload of a witness", "permutations"]);
    for figure in figures {
        let value = |name: &str| figure[name].as_f64().unwrap();
        assert!(value("lower") <= value("median") && value("median") <= value("upper"), "{figure}");
        assert!(figure["runs"].as_u64() >= Some(10) && figure["target"].is_null());
    }

    let arguments = ["--device", "cpu", "--only", "answers", "--max-log2", "5", "--resume"];
    let (code, report, text) = check(&arguments, folder.path());
    assert_eq!((code, names(&report)), (Some(0), vec!["answers", "speed"]), "{text}");
    assert!(text.contains("| subtree of hashes   | 2^9"), "{text}");
}

#[test]
fn a_machine_without_a_gpu_is_told_so() {
    let output = Command::new(env!("CARGO_BIN_EXE_gpu-check")).args(["--ordinal", "4096"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("[PY-C-00"), "{told}");
}
