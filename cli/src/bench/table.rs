//! A report for people.

use std::fmt::Write;

use super::{
    report::{Point, Report},
    statistics::Summary,
};

/// The whole report.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_report(&mut text, report);
    text
}

fn write_report(out: &mut String, report: &Report) -> std::fmt::Result {
    let settings = &report.settings;
    writeln!(out, "{}, {}", report.program.line(), report.date)?;
    writeln!(out, "{}; {}", report.machine.line(), report.machine.cpu_features.join(" "))?;
    writeln!(
        out,
        "{} transfers a block in {} subtrees of 2^{} rows, {}",
        settings.transfers, settings.subtrees, settings.rows_log2, settings.bus
    )?;
    for point in &report.points {
        write_point(out, point)?;
    }
    if report.points.len() > 1 {
        writeln!(out, "\nscaling")?;
        writeln!(
            out,
            "{:>9} {:>9} {:>12} {:>10} {:>12}",
            "workers", "threads", "blocks/min", "speed-up", "efficiency"
        )?;
        for point in &report.points {
            let (workers, threads) = (point.workers, threads(point));
            let (blocks, scaling) = (point.throughput.blocks_per_minute, point.scaling);
            let efficiency = 100.0 * scaling.efficiency;
            writeln!(out, "{workers:>9} {threads:>9} {blocks:>12.3} {:>10.2} {efficiency:>10.0} %", scaling.speed_up)?;
        }
    }
    Ok(())
}

fn threads(point: &Point) -> String {
    point.threads.map_or_else(|| "?".to_owned(), |threads| threads.to_string())
}

fn write_point(out: &mut String, point: &Point) -> std::fmt::Result {
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let each = match point.threads {
        Some(threads) => format!(" of {}", count(threads, "thread")),
        None => String::new(),
    };
    writeln!(
        out,
        "\n{}{each}, {}: {} in {:.1} s",
        count(point.workers, "worker"),
        point.backend,
        count(point.latency.count, "block"),
        point.seconds
    )?;
    let throughput = &point.throughput;
    writeln!(
        out,
        "  throughput   {:.3} blocks/min, {:.3} transfers/s, {:.2} subtree proofs/min",
        throughput.blocks_per_minute, throughput.transfers_per_second, throughput.subtree_proofs_per_minute
    )?;
    let share = &point.coordinator;
    writeln!(
        out,
        "  coordinator  {:.1} ms a block, {:.2} % of its latency",
        1e3 * share.seconds_per_block,
        share.percent_of_latency
    )?;
    write!(out, "  peak memory  {} in all", bytes(point.memory.total()))?;
    match point.memory.worker_bytes.iter().max() {
        Some(largest) => writeln!(out, ", {} the largest worker process", bytes(*largest))?,
        None => writeln!(out)?,
    }
    if let Some(energy) = &point.energy {
        let (proof, transfer) = (energy.joules_per_proof, energy.joules_per_transfer);
        writeln!(
            out,
            "  energy       {proof:.1} J a proof, {transfer:.2} J a transfer ({:.1} W, {})",
            energy.watts, energy.source
        )?;
    }
    if let Some(cost) = &point.cost {
        let (proof, transfer) = (cost.dollars_per_proof, cost.dollars_per_transfer);
        writeln!(out, "  cost         ${proof:.6} a proof, ${transfer:.8} a transfer")?;
    }
    write!(out, "  {:12}", "seconds")?;
    for name in Summary::NAMES {
        write!(out, " {name:>9}")?;
    }
    writeln!(out)?;
    for (name, summary) in std::iter::once(("block", &point.latency)).chain(point.stages.each()) {
        write!(out, "  {:12}", name.replace('_', " "))?;
        for value in summary.values() {
            write!(out, " {value:>9.4}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn bytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::{super::evaluate::tests::sample, *};

    #[test]
    fn all_that_was_measured_is_shown() {
        let text = text(&sample());
        for expected in [
            "proofyard 0.1.0, commit unknown, optimised build, 2026-11-22T00:00:00Z",
            "A processor (x86_64), 2 cores, 2 threads, 16.0 GiB, Linux 1, kernel 1.2.3; adx avx2",
            "64 transfers a block in 4 subtrees of 2^16 rows, in-process",
            "1 worker of 1 thread, cpu: 3 blocks in 60.0 s",
            "  throughput   3.000 blocks/min, 3.200 transfers/s, 12.00 subtree proofs/min",
            "  coordinator  2000.0 ms a block, 10.00 % of its latency",
            "  peak memory  3.1 MB in all, 1.0 MB the largest worker process",
            "  energy       1800.0 J a proof, 28.12 J a transfer (90.0 W, given watts)",
            "  cost         $0.002100 a proof, $0.00003281 a transfer",
            "  round 1         2.0000    1.0000    2.0000    3.0000    3.0000    3.0000",
            "        2         1        6.000       2.00        100 %",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in\n{text}");
        }
    }
}
