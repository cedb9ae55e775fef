//! A report as Markdown.

use std::fmt::Write as _;

use crate::report::{Check, Figure, Outcome, Part, Report};

/// The whole report: figures first, then checks, with every one that is not correct.
pub fn markdown(report: &Report) -> String {
    let mut text = format!("# GPU check, {}\n\n{}\n\n", report.date, report.device.line());
    let _ = writeln!(text, "{}; commit {}\n", report.machine.line(), report.commit.as_deref().unwrap_or("unknown"));
    let figures: Vec<_> = report.parts.iter().flat_map(|part| &part.figures).collect();
    if !figures.is_empty() {
        let head = ["what", "size", "median [quartiles]", "target", "floor", "of floor", "verdict"];
        text += &rows(&head, figures.into_iter().map(figure_cells));
        text.push('\n');
    }
    let head = ["part", "checks", "cases", "correct", "unavailable", "wrong", "seconds"];
    text += &rows(&head, report.parts.iter().map(part_cells));
    for part in &report.parts {
        let bad = part.checks.iter().filter(|check| check.outcome != Outcome::Correct).map(check_line);
        let lines: Vec<String> = bad
            .chain(part.failure.iter().map(|failure| format!("ended early: {failure}")))
            .chain(part.notes.iter().cloned())
            .collect();
        if !lines.is_empty() {
            let _ = writeln!(text, "\n{}:\n", part.name);
            for line in lines {
                let _ = writeln!(text, "- {line}");
            }
        }
    }
    text
}

/// A table, columns padded to their widest cell.
fn rows<const N: usize>(head: &[&str; N], lines: impl Iterator<Item = [String; N]>) -> String {
    let lines: Vec<[String; N]> = std::iter::once(head.map(str::to_owned)).chain(lines).collect();
    let widths: [usize; N] =
        std::array::from_fn(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0));
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text += "|\n";
        if index == 0 {
            text += &format!("|{}\n", widths.map(|width| format!("{}|", "-".repeat(width + 2))).concat());
        }
    }
    text
}

fn size(log2: Option<u32>) -> String {
    log2.map_or_else(|| "-".to_owned(), |log2| format!("2^{log2}"))
}

/// Three significant digits.
fn number(value: f64) -> String {
    let digits = if value > 0.0 { (2 - value.log10().floor() as i32).clamp(0, 4) as usize } else { 0 };
    format!("{value:.digits$}")
}

fn figure_cells(figure: &Figure) -> [String; 7] {
    let Figure { what, log2, unit, lower, median, upper, target, floor, percent_of_floor, .. } = figure;
    let or_dash = |value: &Option<f64>, unit: &str| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{}{unit}", number(value)))
    };
    [
        what.clone(),
        size(*log2),
        format!("{} {unit} [{}, {}]", number(*median), number(*lower), number(*upper)),
        or_dash(target, ""),
        or_dash(floor, ""),
        or_dash(percent_of_floor, " %"),
        match target {
            None => "-",
            Some(_) if figure.is_missed() => "MISSED",
            Some(_) => "met",
        }
        .to_owned(),
    ]
}

fn part_cells(part: &Part) -> [String; 7] {
    let count = |outcome| part.checks.iter().filter(|check| check.outcome == outcome).count().to_string();
    [
        part.name.to_string(),
        part.checks.len().to_string(),
        part.checks.iter().map(|check| check.cases).sum::<usize>().to_string(),
        count(Outcome::Correct),
        count(Outcome::Unavailable),
        count(Outcome::Wrong),
        format!("{:.1}", part.seconds),
    ]
}

fn check_line(check: &Check) -> String {
    let Check { what, log2, outcome, detail, .. } = check;
    format!("{what}, size {}: {outcome}: {}", size(*log2), detail.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_shown() {
        let shown: Vec<_> = [0.0, 0.00123, 0.0471, 0.95, 8.05, 83.04, 1234.5].map(number).into();
        assert_eq!(shown, ["0", "0.0012", "0.0471", "0.950", "8.05", "83.0", "1234"]);
    }

    #[test]
    fn columns_line_up() {
        let lines = [["a".to_owned(), "22".to_owned()], ["bbb".to_owned(), "1".to_owned()]];
        let text = rows(&["x", "y"], lines.into_iter());
        assert_eq!(text, "| x   | y  |\n|-----|----|\n| a   | 22 |\n| bbb | 1  |\n");
    }

    #[test]
    fn a_missed_target_is_said_aloud() {
        let figure = Figure {
            what: "MSM".into(),
            log2: Some(20),
            unit: "ms".into(),
            lower: 3.1,
            median: 3.2,
            upper: 3.3,
            runs: 10,
            repeats: 1,
            target: Some(3.0),
            floor: Some(2.2),
            percent_of_floor: Some(68.75),
        };
        let cells = figure_cells(&figure);
        assert_eq!(cells, ["MSM", "2^20", "3.20 ms [3.10, 3.30]", "3.00", "2.20", "68.8 %", "MISSED"]);
    }
}
