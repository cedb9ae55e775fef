//! A report as a flat list of figures, for CSV and comparisons.

use super::{report::Report, statistics::Summary};

/// One number of a report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// Workers it was measured with.
    pub workers: usize,
    /// What it is.
    pub name: &'static str,
    /// Which value of several it is; `value` when there is one.
    pub statistic: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// The number.
    pub value: f64,
}

impl Figure {
    /// What tells it from the report's other figures.
    pub fn key(&self) -> (usize, &'static str, &'static str) {
        (self.workers, self.name, self.statistic)
    }
}

/// Every figure of a report, point by point.
pub fn figures(report: &Report) -> Vec<Figure> {
    let mut figures = Vec::new();
    for point in &report.points {
        let workers = point.workers;
        let mut one = |name, unit, value| figures.push(Figure { workers, name, statistic: "value", unit, value });
        one("blocks_per_minute", "1/min", point.throughput.blocks_per_minute);
        one("transfers_per_second", "1/s", point.throughput.transfers_per_second);
        one("subtree_proofs_per_minute", "1/min", point.throughput.subtree_proofs_per_minute);
        one("coordinator_seconds_per_block", "s", point.coordinator.seconds_per_block);
        one("coordinator_percent_of_latency", "%", point.coordinator.percent_of_latency);
        one("speed_up", "1", point.scaling.speed_up);
        one("efficiency", "1", point.scaling.efficiency);
        if let Some(bytes) = point.memory.process_bytes {
            one("process_peak_memory", "B", bytes as f64);
        }
        if let Some(bytes) = point.memory.worker_bytes.iter().max() {
            one("largest_worker_peak_memory", "B", *bytes as f64);
        }
        if let Some(energy) = &point.energy {
            one("watts", "W", energy.watts);
            one("joules_per_proof", "J", energy.joules_per_proof);
            one("joules_per_transfer", "J", energy.joules_per_transfer);
        }
        if let Some(cost) = &point.cost {
            one("dollars_per_proof", "$", cost.dollars_per_proof);
            one("dollars_per_transfer", "$", cost.dollars_per_transfer);
        }
        one("blocks", "1", point.latency.count as f64);
        for (name, summary) in std::iter::once(("block_latency", &point.latency)).chain(point.stages.each()) {
            for (statistic, value) in Summary::NAMES.into_iter().zip(summary.values()) {
                figures.push(Figure { workers, name, statistic, unit: "s", value });
            }
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{super::evaluate::tests::sample, *};

    #[test]
    fn each_figure_is_there_once() {
        let figures = figures(&sample());
        let keys: BTreeSet<_> = figures.iter().map(Figure::key).collect();
        assert_eq!(keys.len(), figures.len());
        // 15 single figures and 10 summaries of 6 at each of two points.
        assert_eq!(figures.len(), 2 * (15 + 60));
        let find = |key| figures.iter().find(|figure| figure.key() == key).map(|figure| (figure.value, figure.unit));
        assert_eq!(find((2, "blocks_per_minute", "value")), Some((6.0, "1/min")));
        assert_eq!(find((1, "block_latency", "p95")), Some((30.0, "s")));
        assert_eq!(find((1, "process_peak_memory", "value")), Some((1_048_576.0, "B")));
    }
}
