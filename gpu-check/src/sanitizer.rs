//! The part `answers` at 2^12 under NVIDIA's compute-sanitizer: accesses out of bounds (memcheck), races within a block
//! (racecheck). Machines that lend out a GPU often forbid what the tool needs; that is a finding of its own, not an error.

use std::{
    env,
    fs::File,
    io,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::CheckError,
    options::Options,
    report::{Check, Outcome, Part},
};

/// log2 of the size that is checked: the tools slow kernels down a hundredfold.
const LOG2: u32 = 12;
/// A tool that is not done by then is given up.
const LIMIT: Duration = Duration::from_secs(240);
/// The exit status by which the tool tells of errors that it found.
const FOUND: i32 = 86;
/// Lines of the tool that are kept.
const LINES: usize = 6;

/// Runs both tools.
pub fn run(options: &Options, part: &mut Part) -> Result<(), CheckError> {
    let needs = CheckError::Needs { part: "sanitizer", needs: "--sanitizer PROGRAM" };
    let program = options.sanitizer.as_deref().ok_or(needs)?;
    for tool in ["memcheck", "racecheck"] {
        eprintln!("  {tool}");
        let (outcome, detail) = match start(program, tool, options) {
            Ok((status, output)) => judge(status.as_ref().and_then(ExitStatus::code), &output),
            Err(error) => (Outcome::Unavailable, format!("{} does not start: {error}", program.display())),
        };
        eprintln!("  {tool}: {outcome}: {detail}");
        part.checks.push(Check { what: tool.to_owned(), log2: Some(LOG2), cases: 1, outcome, detail: Some(detail) });
    }
    Ok(())
}

/// What became of the tool and all that it printed; no status when it was given up.
fn start(program: &Path, tool: &str, options: &Options) -> io::Result<(Option<ExitStatus>, String)> {
    let file = env::temp_dir().join(format!("gpu-check-{tool}-{}.txt", std::process::id()));
    let output = File::create(&file)?;
    let mut command = Command::new(program);
    command.args(["--tool", tool, "--error-exitcode"]).arg(FOUND.to_string());
    command.arg(env::current_exe()?).args(["--only", "answers", "--ordinal"]).arg(options.ordinal.to_string());
    command.args(["--min-log2", &LOG2.to_string(), "--max-log2", &LOG2.to_string()]);
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let begin = Instant::now();
    let mut child = command.spawn()?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if begin.elapsed() > LIMIT {
            child.kill()?;
            child.wait()?;
            break None;
        }
        thread::sleep(Duration::from_millis(100));
    };
    let text = String::from_utf8_lossy(&std::fs::read(&file)?).into_owned();
    std::fs::remove_file(&file)?;
    Ok((status, text))
}

/// What the tool found, in its own words.
fn judge(code: Option<i32>, output: &str) -> (Outcome, String) {
    let of_tool: Vec<&str> = output.lines().filter_map(|line| line.strip_prefix("=========")).map(str::trim).collect();
    let summary = of_tool.iter().rev().find(|line| line.contains("SUMMARY")).map(|line| (*line).to_owned());
    // Only the first lines say what happened; later ones repeat it.
    let words = || {
        let lines = of_tool.iter().filter(|line| !line.is_empty() && **line != "COMPUTE-SANITIZER");
        let words: Vec<&str> = lines.copied().take(LINES).collect();
        if words.is_empty() {
            output.lines().last().unwrap_or("it printed nothing").to_owned()
        } else {
            words.join("; ")
        }
    };
    match (code, summary) {
        (None, _) => (Outcome::Unavailable, format!("not done after {} s", LIMIT.as_secs())),
        (Some(FOUND), _) => (Outcome::Wrong, words()),
        (Some(0), Some(summary)) => (Outcome::Correct, summary),
        // Without findings of the tool, the program's own exit status is the tool's.
        (Some(2), Some(summary)) => (Outcome::Wrong, format!("{summary}; the answers under the tool are wrong")),
        (Some(code), _) => (Outcome::Unavailable, format!("exit status {code}: {}", words())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_and_refusals_are_told_apart() {
        let clean = "========= COMPUTE-SANITIZER\nanswers\n========= ERROR SUMMARY: 0 errors\n";
        assert_eq!(judge(Some(0), clean), (Outcome::Correct, "ERROR SUMMARY: 0 errors".to_owned()));
        let found = "========= COMPUTE-SANITIZER\n========= Invalid __global__ read of size 16 bytes\n\
                     =========     at ntt+0x10\n========= ERROR SUMMARY: 1 error\n";
        let (outcome, detail) = judge(Some(FOUND), found);
        assert_eq!(outcome, Outcome::Wrong);
        assert!(detail.starts_with("Invalid __global__ read of size 16 bytes; at ntt+0x10"), "{detail}");
        let refused = "========= COMPUTE-SANITIZER\n========= Error: No attachable process found\n";
        let (outcome, detail) = judge(Some(255), refused);
        assert_eq!(
            (outcome, detail.as_str()),
            (Outcome::Unavailable, "exit status 255: Error: No attachable process found")
        );
        assert_eq!(judge(None, clean).0, Outcome::Unavailable);
        assert_eq!(judge(Some(2), clean).0, Outcome::Wrong);
        assert_eq!(judge(Some(0), "").0, Outcome::Unavailable);
    }

    #[test]
    fn a_tool_that_is_not_there_is_unavailable() {
        use clap::Parser;
        let options = Options::parse_from(["gpu-check", "--sanitizer", "no-such-program"]);
        let mut part = Part::new(crate::options::PartName::Sanitizer);
        run(&options, &mut part).unwrap();
        assert!(part.checks.iter().all(|check| check.outcome == Outcome::Unavailable) && part.checks.len() == 2);
    }
}
