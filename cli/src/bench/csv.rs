//! A report as CSV (RFC 4180): one figure a line.

use std::fmt::Write;

use super::figures::Figure;

/// The lines, with a header. No field needs quotes: names and units are fixed words without commas.
pub fn csv(figures: &[Figure]) -> String {
    let mut text = "workers,figure,statistic,unit,value\r\n".to_owned();
    for Figure { workers, name, statistic, unit, value } in figures {
        // Writing to a string does not fail.
        let _ = write!(text, "{workers},{name},{statistic},{unit},{value}\r\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{
        super::{evaluate::tests::sample, figures::figures},
        *,
    };

    #[test]
    fn one_line_a_figure_and_five_fields_a_line() {
        let figures = figures(&sample());
        let text = csv(&figures);
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), figures.len() + 1);
        assert!(lines.iter().all(|line| line.split(',').count() == 5 && !line.contains(['"', '\n'])), "{text}");
        assert_eq!(lines[..2], ["workers,figure,statistic,unit,value", "1,blocks_per_minute,value,1/min,3"]);
        assert!(lines.contains(&"2,block_latency,p50,s,10"));
    }
}
