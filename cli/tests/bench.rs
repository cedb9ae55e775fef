//! `proofyard bench` as a benchmarker runs it: tiny blocks, files, a comparison with an older run.

mod common;

use std::{fs, path::Path};

use common::{last_line, proofyard, setup_dir, text};
use serde_json::Value;

/// Two blocks of two transfers in two subtrees of 2^12 rows, with one and two workers.
fn bench(workers: &str, more: &[&str]) -> std::process::Output {
    let dir = setup_dir();
    let mut arguments = vec!["--json", "bench", "--transfers", "2", "--subtrees", "2", "--rows-log2", "12"];
    arguments.extend(["--blocks", "2", "--warmup", "0", "--threads", "1", "--dir", text(&dir), "--workers", workers]);
    arguments.extend(more);
    proofyard(&arguments)
}

fn number(value: &Value, path: &str) -> f64 {
    value.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} in {value}"))
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn a_run_is_written_down_and_compared_with_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let price = ["--watts", "50", "--dollars-per-hour", "0.36", "--dollars-per-kwh", "0.2", "--out", text(&out)];
    let printed = last_line(&bench("1,2", &price));

    let written: Value = serde_json::from_str(&read(&out, "bench.json")).unwrap();
    assert_eq!(written, printed);
    assert_eq!(written["schema"], "proofyard-bench/1");
    assert!(number(&written, "/machine/memory_bytes") > 1e6 && number(&written, "/machine/threads") >= 1.0);
    assert_eq!((&written["settings"]["transfers"], &written["settings"]["rows_log2"]), (&2.into(), &12.into()));
    let points = written["points"].as_array().unwrap();
    assert_eq!(points.iter().map(|point| number(point, "/workers")).collect::<Vec<_>>(), [1.0, 2.0]);
    for point in points {
        let latency = number(point, "/latency/mean");
        let stages: f64 = point["stages"].as_object().unwrap().values().map(|stage| number(stage, "/mean")).sum();
        assert!(stages > 0.9 * latency && stages <= 1.001 * latency, "{stages} of {latency}");
        for round in 1..=5 {
            assert!(number(point, &format!("/stages/round_{round}/min")) > 0.0, "round {round}");
        }
        assert_eq!(number(point, "/latency/count"), 2.0);
        let seconds = number(point, "/seconds");
        assert!((number(point, "/throughput/blocks_per_minute") * seconds / 60.0 - 2.0).abs() < 1e-6);
        let share = number(point, "/coordinator/percent_of_latency");
        assert!(share > 0.0 && share < 100.0, "{share}");
        assert!(number(point, "/memory/process_bytes") > 1e6);
        assert!((number(point, "/energy/joules_per_proof") - 25.0 * seconds).abs() < 1e-6);
        assert!(number(point, "/cost/dollars_per_transfer") > 0.0);
        assert!(!point["backend"].as_str().unwrap().is_empty());
    }

    let csv = read(&out, "bench.csv");
    assert_eq!(csv.lines().next(), Some("workers,figure,statistic,unit,value"));
    assert!(csv.lines().any(|line| line.starts_with("2,block_latency,p99,s,")), "{csv}");
    for plot in ["latency.svg", "rounds.svg", "scaling.svg"] {
        let plot = read(&out, plot);
        assert!(plot.starts_with("<svg") && plot.contains("#FFFFFF") && plot.contains("worker"), "{plot}");
    }

    let old = out.join("bench.json");
    let next = last_line(&bench("2", &["--compare", text(&old)]));
    let ratios = next["comparison"]["ratios"].as_array().unwrap();
    assert!(!ratios.is_empty() && ratios.iter().all(|ratio| ratio["workers"] == 2));
    let latency = ratios.iter().find(|ratio| ratio["figure"] == "block_latency" && ratio["statistic"] == "p50");
    let latency = latency.expect("the median is compared");
    let expected = number(&next, "/points/0/latency/p50") / number(&written, "/points/1/latency/p50");
    assert!((number(latency, "/ratio") - expected).abs() < 1e-9);
    let notes = next["comparison"]["notes"].to_string();
    assert!(notes.contains("the settings differ") && !notes.contains("the machines differ"), "{notes}");
}

#[test]
fn a_block_file_is_proven_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let (block, dir) = (folder.path().join("block.bin"), setup_dir());
    last_line(&proofyard(&["--json", "block", "generate", "--transfers", "2", "--out", text(&block)]));
    let arguments =
        ["--block", text(&block), "--subtrees", "2", "--blocks", "2", "--workers", "2", "--dir", text(&dir)];
    let report = last_line(&proofyard(&[&["--json", "bench"][..], &arguments].concat()));
    assert_eq!(report["settings"]["block"].as_str().map(str::len), Some(64), "the file's digest");
    assert!(report["settings"]["seed"].is_null());
    assert_eq!(number(&report, "/points/0/latency/count"), 2.0);
    // A repetition that were answered from memory would take no round at all.
    assert!(number(&report, "/points/0/stages/round_1/min") > 0.001);
}

#[test]
fn what_cannot_be_compared_with_is_refused_before_anything_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("old.json");
    for (text_of, code) in [("{", "[PY-X-121]"), (r#"{"schema":"proofyard-bench/0"}"#, "[PY-X-122]")] {
        fs::write(&old, text_of).unwrap();
        let refused = bench("1", &["--compare", text(&old)]);
        assert_eq!(refused.status.code(), Some(2));
        let reason = String::from_utf8_lossy(&refused.stderr);
        assert!(reason.contains(code), "{reason}");
    }
    assert_eq!(bench("1", &["--compare", text(&folder.path().join("missing"))]).status.code(), Some(5));
    assert_eq!(bench("0", &[]).status.code(), Some(2), "no workers are there in a process");
}
