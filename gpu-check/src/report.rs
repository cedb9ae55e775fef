//! What was found, as it stands in the file of `--json`.

use std::{fmt, fs, path::Path, time::SystemTime};

use proofyard_kernels::Backend;
use serde::{Deserialize, Serialize};

use crate::{
    error::CheckError,
    floors::Rates,
    machine::{DeviceDescription, Machine},
    options::{Options, PartName},
    subject::Subject,
};

/// Changes with every change that a reader could stumble over.
const SCHEMA: &str = "proofyard-gpu-check/1";

/// Everything about one device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// When the run began, UTC.
    pub date: String,
    /// The commit that the program was built from, where the build knew it.
    pub commit: Option<String>,
    /// The machine.
    pub machine: Machine,
    /// The device.
    pub device: DeviceDescription,
    /// log2 of the largest size.
    pub max_log2: u32,
    /// Whether long parts were left out.
    pub quick: bool,
    /// What was run, in the order of the parts.
    pub parts: Vec<Part>,
}

/// A part's findings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The part.
    pub name: PartName,
    /// How long it took.
    pub seconds: f64,
    /// Why it ended early.
    pub failure: Option<String>,
    /// What is right or wrong.
    pub checks: Vec<Check>,
    /// What was measured.
    pub figures: Vec<Figure>,
    /// What else is to be said.
    pub notes: Vec<String>,
}

/// Whether results are right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What was computed.
    pub what: String,
    /// log2 of the size.
    pub log2: Option<u32>,
    /// How many results.
    pub cases: usize,
    /// The worst of them.
    pub outcome: Outcome,
    /// Which, and why.
    pub detail: Option<String>,
}

/// What became of a check; the worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All as expected.
    Correct,
    /// The machine does not allow it.
    Unavailable,
    /// Other results than expected, or none.
    Wrong,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Correct => "correct",
            Self::Unavailable => "unavailable",
            Self::Wrong => "WRONG",
        })
    }
}

/// A measured figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// log2 of the size.
    pub log2: Option<u32>,
    /// The unit of all values: "ms", or a rate.
    pub unit: String,
    /// The quartiles of the runs.
    pub lower: f64,
    /// The middle one.
    pub median: f64,
    /// The upper one.
    pub upper: f64,
    /// Runs that count.
    pub runs: usize,
    /// Operations of a run, one started after the other; the values are for one operation.
    pub repeats: usize,
    /// What the median must not exceed.
    pub target: Option<f64>,
    /// What the device's measured multipliers and memory allow at best.
    pub floor: Option<f64>,
    /// The floor, of the median.
    pub percent_of_floor: Option<f64>,
}

impl Figure {
    /// Whether the target is missed.
    pub fn is_missed(&self) -> bool {
        self.target.is_some_and(|target| self.median > target)
    }
}

/// What a report comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All correct, all targets met.
    Met,
    /// All correct, a target missed.
    Missed,
    /// Something is wrong or failed.
    Wrong,
}

impl Part {
    /// A part without findings.
    pub fn new(name: PartName) -> Self {
        let (checks, figures, notes) = Default::default();
        Self { name, seconds: 0.0, failure: None, checks, figures, notes }
    }

    fn verdict(&self) -> Verdict {
        if self.failure.is_some() || self.checks.iter().any(|check| check.outcome == Outcome::Wrong) {
            Verdict::Wrong
        } else if self.figures.iter().any(Figure::is_missed) {
            Verdict::Missed
        } else {
            Verdict::Met
        }
    }
}

impl Report {
    /// A report without parts.
    pub fn new<B: Backend>(subject: &Subject<B>, options: &Options) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            commit: option_env!("PROOFYARD_COMMIT").map(str::to_owned),
            machine: Machine::here(),
            device: subject.description.clone(),
            max_log2: options.max_log2,
            quick: options.quick,
            parts: Vec::new(),
        }
    }

    /// Reads a report.
    pub fn read(path: &Path) -> Result<Self, CheckError> {
        let text = fs::read_to_string(path).map_err(|source| CheckError::File { path: path.to_owned(), source })?;
        let refused = |reason| CheckError::Report { path: path.to_owned(), reason };
        let report: Self = serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?;
        if report.schema != SCHEMA {
            return Err(refused(format!("its schema is {:?}, expected {SCHEMA:?}", report.schema)));
        }
        Ok(report)
    }

    /// The same report, to be continued by this run: only where device and program are the same.
    pub fn continued<B: Backend>(self, subject: &Subject<B>, options: &Options) -> Result<Self, CheckError> {
        let now = Self::new(subject, options);
        if (&self.device, &self.commit) != (&now.device, &now.commit) {
            let path = options.json.clone().unwrap_or_default();
            return Err(CheckError::Report { path, reason: "it is about another device or commit".to_owned() });
        }
        Ok(Self { max_log2: self.max_log2.max(now.max_log2), quick: self.quick && now.quick, ..self })
    }

    /// Enters a part in place of an older one.
    pub fn put(&mut self, part: Part) {
        self.parts.retain(|other| other.name != part.name);
        self.parts.push(part);
        self.parts.sort_by_key(|part| part.name);
    }

    /// Writes the report.
    pub fn write(&self, path: &Path) -> Result<(), CheckError> {
        let file = |source| CheckError::File { path: path.to_owned(), source };
        let text = serde_json::to_string_pretty(self).map_err(|error| file(error.into()))?;
        fs::write(path, text + "\n").map_err(file)
    }

    /// What the part `micro` has measured.
    pub fn rates(&self) -> Option<Rates> {
        Rates::of(&self.parts.iter().find(|part| part.name == PartName::Micro)?.figures)
    }

    /// The worst of the parts.
    pub fn verdict(&self) -> Verdict {
        let verdicts = || self.parts.iter().map(Part::verdict);
        let has = |verdict| verdicts().any(|other| other == verdict);
        match () {
            () if has(Verdict::Wrong) => Verdict::Wrong,
            () if has(Verdict::Missed) => Verdict::Missed,
            () => Verdict::Met,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn report() -> Report {
        Report::new(&Subject::cpu(), &Options::parse_from(["gpu-check"]))
    }

    fn figure(median: f64, target: Option<f64>) -> Figure {
        Figure {
            what: "x".into(),
            log2: None,
            unit: "ms".into(),
            lower: median,
            median,
            upper: median,
            runs: 1,
            repeats: 1,
            target,
            floor: None,
            percent_of_floor: None,
        }
    }

    #[test]
    fn wrong_outweighs_missed() {
        let mut report = report();
        assert_eq!(report.verdict(), Verdict::Met);
        let mut speed = Part::new(PartName::Speed);
        speed.figures = vec![figure(2.0, Some(2.0)), figure(9.0, None)];
        report.put(speed.clone());
        assert_eq!(report.verdict(), Verdict::Met);
        speed.figures.push(figure(2.1, Some(2.0)));
        report.put(speed);
        assert_eq!((report.verdict(), report.parts.len()), (Verdict::Missed, 1));
        let mut block = Part::new(PartName::Block);
        let check = Check { what: "b".into(), log2: None, cases: 1, outcome: Outcome::Unavailable, detail: None };
        block.checks.push(check);
        report.put(block.clone());
        assert_eq!(report.verdict(), Verdict::Missed);
        block.failure = Some("lost".into());
        report.put(block);
        assert_eq!(report.verdict(), Verdict::Wrong);
        let order: Vec<_> = report.parts.iter().map(|part| part.name).collect();
        assert_eq!(order, [PartName::Block, PartName::Speed]);
    }

    #[test]
    fn a_report_is_continued_on_the_same_device_only() {
        let options = Options::parse_from(["gpu-check", "--json", "x"]);
        let other = Report { device: DeviceDescription::without_driver("other"), ..report() };
        assert!(other.continued(&Subject::cpu(), &options).is_err());
        assert!(report().continued(&Subject::cpu(), &options).is_ok());
    }
}
