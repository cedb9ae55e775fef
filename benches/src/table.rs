//! Comparisons as a table of text.

use crate::comparison::{Comparison, Timing, Verdict};

const HEAD: [&str; 6] = ["what", "ours", "best peer", "ratio [quartiles]", "target", "verdict"];

/// The table, one line a comparison, columns padded to their widest cell; the notes follow, a line each.
pub fn table(comparisons: &[Comparison]) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(comparisons.iter().map(cells));
    let widths: [usize; HEAD.len()] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let lines = rows.iter().map(|row| {
        let padded: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    });
    let notes = comparisons
        .iter()
        .flat_map(|comparison| comparison.notes.iter().map(|note| format!("{}: {note}\n", comparison.what)));
    lines.chain(notes).collect()
}

fn cells(comparison: &Comparison) -> [String; HEAD.len()] {
    let Comparison { what, ours, peer, ratio, spread, target, verdict, .. } = comparison;
    [
        what.clone(),
        side(ours),
        side(peer),
        format!("{ratio:.2} [{:.2}, {:.2}]", spread.lower, spread.upper),
        target.map_or_else(|| "-".to_owned(), |target| format!("{target:.1}")),
        match verdict {
            Verdict::Met => "met",
            Verdict::Missed => "MISSED",
            Verdict::NoTarget => "-",
        }
        .to_owned(),
    ]
}

/// Name, median, and the rate where a run is several units.
fn side(timing: &Timing) -> String {
    let seconds = timing.median().unwrap_or(f64::NAN);
    let time = if seconds < 10.0 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.1} s") };
    if timing.units == 1.0 {
        return format!("{} {time}", timing.name);
    }
    format!("{} {time}, {:.2}/s", timing.name, timing.units / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(name: &str, units: f64, seconds: &[f64]) -> Timing {
        Timing { name: name.to_owned(), units, seconds: seconds.to_vec() }
    }

    #[test]
    fn columns_line_up_and_say_what_was_missed() {
        let met =
            Comparison::new("MSM 2^14", timing("cpu", 1.0, &[0.01]), vec![timing("ark", 1.0, &[0.04])], Some(3.0));
        let missed = Comparison::new("leaf", timing("cpu", 26.0, &[13.0]), vec![timing("bb", 16.0, &[8.0])], Some(4.0));
        let expected = [
            "what      ours                best peer             ratio [quartiles]  target  verdict",
            "MSM 2^14  cpu 10.0 ms         ark 40.0 ms           4.00 [4.00, 4.00]  3.0     met",
            "leaf      cpu 13.0 s, 2.00/s  bb 8000.0 ms, 2.00/s  1.00 [1.00, 1.00]  4.0     MISSED",
            "leaf: not on AC power",
        ];
        let missed = missed.unwrap().with_notes(["not on AC power".to_owned()]);
        assert_eq!(table(&[met.unwrap(), missed]).lines().collect::<Vec<_>>(), expected);
    }
}
