//! A result's way into `benches/results`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// Where dated results lie.
const RESULTS: &str = "benches/results";
/// Results of one device and day, at most.
const SAME_DAY_MAX: u32 = 99;

/// Copies result.json and result.md of a folder under a name that tells date and device. Nothing is overwritten.
pub fn record(root: &Path, folder: &Path) -> Result<()> {
    let json = folder.join("result.json");
    let text = fs::read_to_string(&json).with_context(|| format!("reading {}", json.display()))?;
    let report: Value = serde_json::from_str(&text).with_context(|| format!("{} is no JSON", json.display()))?;
    let name = name(&report).with_context(|| format!("{} names no date and device", json.display()))?;
    let results = root.join(RESULTS);
    let is_free = |name: &String| !results.join(format!("{name}.json")).exists();
    let later = (2..=SAME_DAY_MAX).map(|count| format!("{name}-{count}"));
    let name = std::iter::once(name.clone()).chain(later).find(is_free);
    let name = name.context("there are too many results of this device and day")?;
    for end in ["json", "md"] {
        let (from, to) = (folder.join(format!("result.{end}")), results.join(format!("{name}.{end}")));
        fs::copy(&from, &to).with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
        println!("{RESULTS}/{name}.{end}");
    }
    Ok(())
}

/// `2026-11-22-gpu-nvidia-h100-80gb-hbm3`.
fn name(report: &Value) -> Option<String> {
    let date = report["date"].as_str()?.get(..10)?;
    let device = report["device"]["name"].as_str()?.to_lowercase();
    let words: Vec<&str> = device.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    Some(format!("{date}-gpu-{}", words.join("-")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_tell_date_and_device() {
        let report = json!({ "date": "2026-11-22T17:57:00Z", "device": { "name": "NVIDIA H100 80GB HBM3" } });
        assert_eq!(name(&report).as_deref(), Some("2026-11-22-gpu-nvidia-h100-80gb-hbm3"));
        let hostile = json!({ "date": "2026-11-22T17:57:00Z", "device": { "name": "../x/" } });
        assert_eq!(name(&hostile).as_deref(), Some("2026-11-22-gpu-x"));
        assert_eq!(name(&json!({})), None);
    }

    #[test]
    fn a_second_result_of_a_day_gets_a_number() {
        let root = std::env::temp_dir().join(format!("proofyard-record-{}", std::process::id()));
        fs::create_dir_all(root.join(RESULTS)).unwrap();
        let report = json!({ "date": "2026-11-22T17:57:00Z", "device": { "name": "X" } });
        fs::write(root.join("result.json"), report.to_string()).unwrap();
        fs::write(root.join("result.md"), "# x\n").unwrap();
        record(&root, &root).unwrap();
        record(&root, &root).unwrap();
        for name in ["2026-11-22-gpu-x.json", "2026-11-22-gpu-x-2.json", "2026-11-22-gpu-x-2.md"] {
            assert!(root.join(RESULTS).join(name).is_file(), "{name}");
        }
        fs::remove_dir_all(&root).unwrap();
    }
}
