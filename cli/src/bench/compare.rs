//! Two reports beside each other.

use std::{collections::BTreeMap, fmt::Write, io::Read, path::Path};

use serde::{Deserialize, Serialize};

use super::{
    figures::figures,
    report::{Report, SCHEMA},
};
use crate::failure::Failure;

/// The largest report that is read.
const REPORT_BYTES_MAX: u64 = 16 << 20;

/// One figure in two reports.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ratio {
    /// Workers it was measured with.
    pub workers: usize,
    /// What it is.
    pub figure: &'static str,
    /// Which value of several it is.
    pub statistic: &'static str,
    /// The older report's number.
    pub old: f64,
    /// The newer report's number.
    pub new: f64,
    /// New over old; `None` when old is 0.
    pub ratio: Option<f64>,
}

/// Two reports beside each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// When the older run began.
    pub old_date: String,
    /// In what the runs differ beside their figures, so that ratios are to be read with care.
    pub notes: Vec<String>,
    /// Every figure that both have.
    pub ratios: Vec<Ratio>,
}

/// Reads a report.
pub fn read(path: &Path) -> Result<Report, Failure> {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
    }
    let file = std::fs::File::open(path).map_err(|error| Failure::file(path, error))?;
    let mut bytes = Vec::new();
    file.take(REPORT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| Failure::file(path, error))?;
    let path = path.display();
    if bytes.len() as u64 > REPORT_BYTES_MAX {
        return Err(Failure::Usage(format!(
            "[PY-X-120] {path}: larger than {REPORT_BYTES_MAX} bytes; give the bench.json of a run"
        )));
    }
    let malformed =
        |error: serde_json::Error| Failure::Usage(format!("[PY-X-121] {path}: {error}; give the bench.json of a run"));
    let Head { schema } = serde_json::from_slice(&bytes).map_err(malformed)?;
    if schema != SCHEMA {
        let schema: String = schema.chars().filter(|character| !character.is_control()).take(64).collect();
        return Err(Failure::Usage(format!(
            "[PY-X-122] {path}: the schema is {schema:?}, this program compares with {SCHEMA}; make the older run again"
        )));
    }
    serde_json::from_slice(&bytes).map_err(malformed)
}

/// Puts two reports beside each other.
pub fn compare(old: &Report, new: &Report) -> Comparison {
    let known: BTreeMap<_, _> = figures(old).into_iter().map(|figure| (figure.key(), figure.value)).collect();
    let ratios = figures(new).into_iter().filter_map(|figure| {
        let old = *known.get(&figure.key())?;
        let ratio = (old != 0.0).then(|| figure.value / old);
        let (workers, name, statistic) = figure.key();
        Some(Ratio { workers, figure: name, statistic, old, new: figure.value, ratio })
    });
    Comparison { old_date: old.date.clone(), notes: notes(old, new), ratios: ratios.collect() }
}

fn notes(old: &Report, new: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    if old.machine != new.machine {
        let mut features = [&old.machine, &new.machine].map(|machine| machine.cpu_features.join(" "));
        if features[0] == features[1] {
            features = Default::default();
        }
        let line = |machine: &super::machine::Machine, features: &str| {
            if features.is_empty() { machine.line() } else { format!("{}, {features}", machine.line()) }
        };
        let (before, after) = (line(&old.machine, &features[0]), line(&new.machine, &features[1]));
        notes.push(format!("the machines differ: {before} before, {after} after"));
    }
    let settings = [&old.settings, &new.settings].map(|settings| serde_json::to_value(settings).unwrap_or_default());
    for (name, before) in settings[0].as_object().into_iter().flatten() {
        let after = &settings[1][name];
        if before != after {
            notes.push(format!("the settings differ: {name} was {before} and is {after}"));
        }
    }
    let backends = |report: &Report| report.points.iter().map(|point| point.backend.clone()).next();
    if let (Some(before), Some(after)) = (backends(old), backends(new))
        && before != after
    {
        notes.push(format!("the backends differ: {before} before, {after} after"));
    }
    if old.program.profile != new.program.profile {
        notes.push(format!("the builds differ: {} before, {} after", old.program.profile, new.program.profile));
    }
    notes
}

impl Comparison {
    /// For people: medians and single figures; everything is in the JSON.
    pub fn text(&self) -> String {
        let mut text = format!("against the run of {}\n", self.old_date);
        for note in &self.notes {
            let _ = writeln!(text, "NOTE: {note}");
        }
        if self.ratios.is_empty() {
            text.push_str("NOTE: no figure is in both: no number of workers was measured in both runs\n");
        }
        let _ = writeln!(text, "{:>7}  {:32} {:>14} {:>14} {:>9}", "workers", "figure", "old", "new", "new/old");
        for Ratio { workers, figure, statistic, old, new, ratio } in &self.ratios {
            let name = match *statistic {
                "value" => (*figure).to_owned(),
                "p50" => format!("{figure}, p50"),
                _ => continue,
            };
            let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}"));
            let _ = writeln!(text, "{workers:>7}  {name:32} {old:>14.4} {new:>14.4} {ratio:>9}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{super::evaluate::tests::sample, *};

    #[test]
    fn a_report_equals_itself() {
        let report = sample();
        let comparison = compare(&report, &report);
        assert!(comparison.notes.is_empty(), "{:?}", comparison.notes);
        assert_eq!(comparison.ratios.len(), 150);
        assert!(comparison.ratios.iter().all(|ratio| ratio.ratio.is_none_or(|ratio| ratio == 1.0)));
        // The upload took no time: there is nothing to divide by.
        let upload = comparison.ratios.iter().find(|ratio| ratio.figure == "upload").unwrap();
        assert_eq!(upload.ratio, None);
    }

    #[test]
    fn ratios_are_new_over_old_and_differences_are_noted() {
        let old = sample();
        let mut new = sample();
        new.points.remove(1);
        new.points[0].latency.p50 = 5.0;
        new.machine.cpu_features.push("avx512ifma".to_owned());
        new.settings.transfers = 32;
        let comparison = compare(&old, &new);
        assert!(comparison.ratios.iter().all(|ratio| ratio.workers == 1), "two workers were not measured anew");
        let median = comparison.ratios.iter().find(|ratio| (ratio.figure, ratio.statistic) == ("block_latency", "p50"));
        assert_eq!(median.map(|ratio| (ratio.old, ratio.new, ratio.ratio)), Some((20.0, 5.0, Some(0.25))));
        assert_eq!(comparison.notes.len(), 2, "{:?}", comparison.notes);
        let text = comparison.text();
        assert!(text.contains("NOTE: the machines differ") && text.contains("adx avx2 avx512ifma after"), "{text}");
        assert!(text.contains("transfers was 64 and is 32") && text.contains("0.250"), "{text}");
        assert!(text.contains("block_latency, p50") && !text.contains("p99"), "{text}");
        new.points.clear();
        assert!(compare(&old, &new).text().contains("no figure is in both"));
    }

    #[test]
    fn other_files_are_refused_with_a_code() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.json");
        let refusal = |text: &[u8]| {
            std::fs::write(&path, text).unwrap();
            read(&path).unwrap_err().to_string()
        };
        assert!(refusal(b"{\"schema\":").contains("[PY-X-121]"));
        assert!(refusal(b"[]").contains("[PY-X-121]"));
        assert!(refusal(b"{\"schema\":\"proofyard-bench/1\"}").contains("[PY-X-121]"));
        assert!(refusal(b"{\"schema\":\"proofyard-bench/2\"}").contains("[PY-X-122]"));
        let large = refusal(&vec![b' '; REPORT_BYTES_MAX as usize + 1]);
        assert!(large.contains("[PY-X-120]"), "{large}");
        assert!(matches!(read(&folder.path().join("missing")), Err(Failure::Environment(_))));
        std::fs::write(&path, serde_json::to_vec(&sample()).unwrap()).unwrap();
        assert_eq!(read(&path).unwrap(), sample());
    }
}
