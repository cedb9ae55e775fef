//! What was found, and how it is shown. Knows nothing of what is checked.

use comfy_table::{ColumnConstraint, Width};
use serde::Serialize;
use serde_json::{Value, json};

use crate::view::fitting;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// Works, but should be looked at.
    Warn,
    /// The process does not start, or cannot do its work.
    Fail,
    /// Not looked at, because something that it needs fails.
    Skip,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whose set-up: a configuration file, a coordinator's address.
    pub subject: String,
    /// Which check.
    pub check: &'static str,
    /// How it is.
    pub state: State,
    /// What was seen.
    pub seen: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// All findings, in the order of the checks.
#[derive(Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
}

/// The part of a report about one subject.
pub struct About<'a> {
    report: &'a mut Report,
    subject: String,
}

impl Report {
    /// What follows is about this subject.
    pub fn about(&mut self, subject: impl Into<String>) -> About<'_> {
        About { report: self, subject: subject.into() }
    }

    /// How many are in a state.
    pub fn count(&self, state: State) -> usize {
        self.findings.iter().filter(|finding| finding.state == state).count()
    }

    /// For machines.
    pub fn json(&self) -> Value {
        json!({
            "ok": self.count(State::Fail) == 0,
            "failures": self.count(State::Fail),
            "warnings": self.count(State::Warn),
            "checks": self.findings,
        })
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for findings in self.findings.chunk_by(|one, next| one.subject == next.subject) {
            text += &format!("{}\n{}\n\n", findings[0].subject, table(findings));
        }
        let [ok, warnings, failures, skipped] =
            [State::Ok, State::Warn, State::Fail, State::Skip].map(|state| self.count(state));
        text + &format!("{ok} ok, {warnings} to look at, {failures} failing, {skipped} not looked at")
    }
}

impl About<'_> {
    fn found(&mut self, check: &'static str, state: State, seen: impl Into<String>, remedy: Option<String>) {
        let (subject, seen) = (self.subject.clone(), seen.into());
        self.report.findings.push(Finding { subject, check, state, seen, remedy });
    }

    /// As it should be.
    pub fn ok(&mut self, check: &'static str, seen: impl Into<String>) {
        self.found(check, State::Ok, seen, None);
    }

    /// To look at.
    pub fn warn(&mut self, check: &'static str, seen: impl Into<String>, remedy: impl Into<String>) {
        self.found(check, State::Warn, seen, Some(remedy.into()));
    }

    /// Does not work.
    pub fn fail(&mut self, check: &'static str, seen: impl Into<String>, remedy: impl Into<String>) {
        self.found(check, State::Fail, seen, Some(remedy.into()));
    }

    /// Not looked at.
    pub fn skip(&mut self, check: &'static str, why: impl Into<String>) {
        self.found(check, State::Skip, why, None);
    }
}

fn table(findings: &[Finding]) -> String {
    let mut table = fitting();
    for Finding { check, state, seen, remedy, .. } in findings {
        let state = match state {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "FAIL",
            State::Skip => "skip",
        };
        let seen = match remedy {
            Some(remedy) => format!("{seen}\n→ {remedy}"),
            None => seen.clone(),
        };
        table.add_row([state, check, &seen]);
    }
    // So that all subjects' columns stand below each other.
    for (column, width) in table.column_iter_mut().zip([7, 22]) {
        column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::default();
        let mut about = report.about("worker.toml (worker)");
        about.ok("config", "taken for a worker's");
        about.fail("nats.connect", "[PY-B-001] nobody answers ".repeat(6), "start it");
        about.skip("nats.streams", "nats.connect fails");
        report.about("http://127.0.0.1:1").warn("ready", "workers: 0 live", "start workers");
        report
    }

    #[test]
    fn machines_get_every_finding_and_whether_something_fails() {
        let json = report().json();
        assert_eq!((&json["ok"], &json["failures"], &json["warnings"]), (&false.into(), &1.into(), &1.into()));
        assert_eq!(json["checks"][1]["state"], "fail");
        assert_eq!(json["checks"][1]["remedy"], "start it");
        assert!(json["checks"][0]["remedy"].is_null());
        assert_eq!(Report::default().json()["ok"], true);
    }

    #[test]
    fn people_get_lines_that_fit_with_what_to_do_below() {
        let text = report().text();
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        for expected in ["worker.toml (worker)\n", "FAIL", "→ start it", "→ start workers", "1 failing"] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert_eq!(text.matches("worker.toml").count(), 1, "{text}");
    }
}
