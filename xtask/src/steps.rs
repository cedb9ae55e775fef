//! Steps that run one after the other, shown with their durations, and the tests counted in their output.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader};
use std::process::{Command, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

/// Tests that passed and failed, as the test runners report them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
}

impl Counts {
    /// Adds what a line of cargo's (`test result: ok. 3 passed; 0 failed; ...`) or forge's (`Suite result: ok. ...`)
    /// output reports; other lines add nothing.
    fn read(&mut self, line: &str) {
        let line = without_colours(line);
        let Some(rest) = line.strip_prefix("test result: ").or_else(|| line.strip_prefix("Suite result: ")) else {
            return;
        };
        let words: Vec<_> = rest.split([' ', '.', ';']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            if let Ok(number) = pair[0].parse::<u64>() {
                match pair[1] {
                    "passed" => self.passed += number,
                    "failed" => self.failed += number,
                    _ => {}
                }
            }
        }
    }
}

/// A line without terminal colour sequences.
fn without_colours(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    plain + rest
}

struct Step {
    name: &'static str,
    took: Duration,
    counts: Counts,
}

/// The steps run so far.
#[derive(Default)]
pub struct Steps {
    done: Vec<Step>,
    counts: Counts,
}

impl Steps {
    /// Runs a step. When it fails, prints the summary and fails with `remedy`.
    pub fn step<T>(
        &mut self,
        name: &'static str,
        remedy: &str,
        run: impl FnOnce(&mut Counts) -> Result<T>,
    ) -> Result<T> {
        println!("==> {name}");
        let started = Instant::now();
        let mut counts = Counts::default();
        let result = run(&mut counts);
        let took = started.elapsed();
        self.counts.passed += counts.passed;
        self.counts.failed += counts.failed;
        match result {
            Ok(value) => {
                println!("    {name}: ok in {}", shown(took));
                self.done.push(Step { name, took, counts });
                Ok(value)
            }
            Err(error) => {
                eprintln!("    {name}: FAILED after {}: {error:#}", shown(took));
                eprintln!("    what to do: {remedy}");
                println!("{}", self.summary(Some((name, took))));
                bail!("{name} failed")
            }
        }
    }

    /// The closing summary: a line per step, then tests and steps.
    pub fn summary(&self, failed: Option<(&str, Duration)>) -> String {
        let mut text = String::from("\nsummary\n");
        let mut total = Duration::ZERO;
        for Step { name, took, counts } in &self.done {
            total += *took;
            let tests = if counts.passed > 0 { format!("  {} tests", counts.passed) } else { String::new() };
            let _ = writeln!(text, "  ok      {:>9}  {name}{tests}", shown(*took));
        }
        if let Some((name, took)) = failed {
            total += took;
            let _ = writeln!(text, "  FAILED  {:>9}  {name}", shown(took));
        }
        let steps_failed = u32::from(failed.is_some());
        let _ = writeln!(text, "steps: {} passed, {steps_failed} failed in {}", self.done.len(), shown(total));
        let _ = write!(text, "tests: {} passed, {} failed", self.counts.passed, self.counts.failed);
        text
    }
}

fn shown(took: Duration) -> String {
    let seconds = took.as_secs();
    if seconds >= 60 {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    } else {
        format!("{:.1} s", took.as_secs_f64())
    }
}

/// Runs a program to its end, its output shown as it comes; fails when the program does.
pub fn run(command: &mut Command, counts: &mut Counts) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut process = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{name} does not start"))?;
    let output = process.stdout.take().context("its output is piped")?;
    let mut lines = BufReader::new(output);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        print!("{text}");
        counts.read(text.trim());
        line.clear();
    }
    let status = process.wait()?;
    if status.success() { Ok(()) } else { bail!("{name} ended with {status}") }
}

/// A program that runs beside others; its output is shown when it has ended.
pub struct Beside(JoinHandle<io::Result<Output>>);

impl Beside {
    /// Starts it.
    pub fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let process = started.with_context(|| format!("{name} does not start"))?;
        // Its output is read while it runs: a full pipe would stop it.
        Ok(Self(thread::spawn(|| process.wait_with_output())))
    }

    /// Waits for its end; fails when it does.
    pub fn finish(self, counts: &mut Counts) -> Result<()> {
        let output = self.0.join().map_err(|_| anyhow!("reading the output of what ran beside crashed"))??;
        for text in [&output.stderr, &output.stdout].map(|bytes| String::from_utf8_lossy(bytes)) {
            print!("{text}");
            text.lines().for_each(|line| counts.read(line.trim()));
        }
        if output.status.success() { Ok(()) } else { bail!("what ran beside ended with {}", output.status) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted() {
        let mut counts = Counts::default();
        counts.read("test result: ok. 14 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.19s");
        counts.read(
            "Suite result: \u{1b}[32mok\u{1b}[0m. \u{1b}[32m5\u{1b}[0m passed; 0 failed; 0 skipped; finished in 1ms",
        );
        counts.read("test result: FAILED. 2 passed; 3 failed; 0 ignored");
        counts.read("running 99 passed; 99 failed");
        assert_eq!(counts, Counts { passed: 21, failed: 3 });
    }

    #[test]
    fn a_failure_stops_and_is_summed_up() {
        let mut steps = Steps::default();
        steps
            .step("first", "nothing", |counts| {
                counts.passed = 4;
                Ok(())
            })
            .unwrap();
        let failed = steps.step::<()>("second", "mend it", |counts| {
            counts.passed = 1;
            counts.failed = 2;
            bail!("broken")
        });
        assert_eq!(failed.unwrap_err().to_string(), "second failed");
        let summary = steps.summary(Some(("second", Duration::from_secs(65))));
        assert!(summary.contains("steps: 1 passed, 1 failed") && summary.contains("1 min 05 s"), "{summary}");
        assert!(summary.ends_with("tests: 5 passed, 2 failed"), "{summary}");
    }

    #[test]
    fn a_programs_failure_is_one() {
        let mut counts = Counts::default();
        let script = "echo 'test result: ok. 3 passed; 0 failed'; exit 3";
        let failed = run(Command::new("sh").args(["-c", script]), &mut counts);
        assert!(failed.unwrap_err().to_string().contains("exit status: 3"));
        assert_eq!(counts.passed, 3);
        assert!(run(&mut Command::new("no-such-program-here"), &mut counts).is_err());
    }

    #[test]
    fn what_runs_beside_is_counted_and_its_failure_is_one() {
        let mut counts = Counts::default();
        let start = |script: &str| Beside::start(Command::new("sh").args(["-c", script])).unwrap();
        start("echo 'test result: ok. 2 passed; 0 failed'").finish(&mut counts).unwrap();
        let failed = start("echo 'test result: FAILED. 0 passed; 1 failed'; exit 4").finish(&mut counts);
        assert!(failed.unwrap_err().to_string().contains("exit status: 4"));
        assert_eq!(counts, Counts { passed: 2, failed: 1 });
    }
}
