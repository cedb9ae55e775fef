//! Metrics: what a process counts, and how it is shown to Prometheus.
//!
//! A [`Registrar`] makes metrics and keeps a list of them, from which docs/operations/metrics.md is made. Every label is declared with the
//! values it can have, and those exist from the start: the first event of a kind is an increase then, not a new series. Labels without
//! declared values are for few things with names (workers, coordinators), which the process itself bounds.

mod process;
mod series;

use std::fmt::Write as _;

use prometheus_client::{
    encoding::text,
    metrics::{counter::Counter as ClientCounter, family::Family, histogram::Histogram as ClientHistogram},
    registry::{Metric, Registry},
};

pub use self::series::{Bounds, Counter, Counters, FloatCounter, Gauge, Gauges, Histogram, Histograms};

/// Content type of [`Exposition::text`]: OpenMetrics, which Prometheus reads since version 2.5.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a metric is to Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; its name ends with `_total`.
    Counter,
    /// Goes up and down. Absent while there is nothing to show.
    Gauge,
    /// Counts observations by size; series `_bucket`, `_sum` and `_count`.
    Histogram,
}

impl Kind {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A label, and the values it can have; none: names of few things that are not known beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub values: &'static [&'static str],
}

impl Label {
    /// A label with these values.
    pub const fn of(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, values }
    }

    /// A label whose values are names.
    pub const fn named(name: &'static str) -> Self {
        Self { name, values: &[] }
    }
}

/// A metric of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// As Prometheus shows it; a histogram's without suffix.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its labels.
    pub labels: Vec<Label>,
    /// What it says, with its unit.
    pub help: &'static str,
}

type Sampler = Box<dyn Fn() + Send + Sync>;

/// Makes metrics.
pub struct Registrar {
    registry: Registry,
    listed: Vec<Description>,
    samplers: Vec<Sampler>,
}

impl Registrar {
    /// A registrar of one process, as `coordinator` or `worker`; metrics of the process itself are there already.
    pub fn new(component: &'static str) -> Self {
        let mut registrar = Self { registry: Registry::default(), listed: Vec::new(), samplers: Vec::new() };
        process::register(&mut registrar, component);
        registrar
    }

    /// Everything registered so far.
    pub fn list(&self) -> &[Description] {
        &self.listed
    }

    /// Has something looked up before each scrape. It must not block for long.
    pub fn sampler(&mut self, look: impl Fn() + Send + Sync + 'static) {
        self.samplers.push(Box::new(look));
    }

    /// What is to be served.
    pub fn finish(self) -> Exposition {
        Exposition { registry: self.registry, samplers: self.samplers }
    }

    fn add(&mut self, name: &str, suffix: &str, kind: Kind, labels: &[Label], help: &'static str, metric: impl Metric) {
        self.registry.register(name, help, metric);
        self.listed.push(Description { name: format!("{name}{suffix}"), kind, labels: labels.to_vec(), help });
    }

    /// A counter; it is shown as `name` and `_total`.
    pub fn counter(&mut self, name: &str, help: &'static str) -> Counter {
        let counter = ClientCounter::default();
        self.add(name, "_total", Kind::Counter, &[], help, counter.clone());
        Counter(counter)
    }

    /// A counter of fractions, as seconds; it is shown as `name` and `_total`.
    pub fn float_counter(&mut self, name: &str, help: &'static str) -> FloatCounter {
        let counter = ClientCounter::default();
        self.add(name, "_total", Kind::Counter, &[], help, counter.clone());
        FloatCounter(counter)
    }

    /// Counters by labels; they are shown as `name` and `_total`.
    pub fn counters<const N: usize>(&mut self, name: &str, help: &'static str, labels: [Label; N]) -> Counters<N> {
        let family = Family::default();
        self.add(name, "_total", Kind::Counter, &labels, help, family.clone());
        Counters::new(labels, family)
    }

    /// A gauge.
    pub fn gauge(&mut self, name: &str, help: &'static str) -> Gauge {
        let gauge = Gauge::default();
        self.add(name, "", Kind::Gauge, &[], help, gauge.clone());
        gauge
    }

    /// Gauges by labels.
    pub fn gauges<const N: usize>(&mut self, name: &str, help: &'static str, labels: [Label; N]) -> Gauges<N> {
        let family = Family::default();
        self.add(name, "", Kind::Gauge, &labels, help, family.clone());
        Gauges::new(labels, family)
    }

    /// A histogram.
    pub fn histogram(&mut self, name: &str, help: &'static str, bounds: Bounds) -> Histogram {
        let histogram = ClientHistogram::new(bounds.0.iter().copied());
        self.add(name, "", Kind::Histogram, &[], help, histogram.clone());
        Histogram(histogram)
    }

    /// Histograms by labels.
    pub fn histograms<const N: usize>(
        &mut self,
        name: &str,
        help: &'static str,
        labels: [Label; N],
        bounds: Bounds,
    ) -> Histograms<N> {
        let family = Family::new_with_constructor(bounds);
        self.add(name, "", Kind::Histogram, &labels, help, family.clone());
        Histograms::new(labels, family)
    }
}

/// The metrics of a process, complete.
pub struct Exposition {
    registry: Registry,
    samplers: Vec<Sampler>,
}

impl Exposition {
    /// All metrics as they are now, in OpenMetrics' text format.
    pub fn text(&self) -> String {
        self.samplers.iter().for_each(|look| look());
        let mut text = String::new();
        if text::encode(&mut text, &self.registry).is_err() {
            // Writing to a string does not fail; a metric that cannot be written ends the text, which Prometheus then refuses.
            let _ = write!(text, "\n# incomplete");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_open_metrics_and_declared_values_are_there_from_the_start() {
        let mut registrar = Registrar::new("worker");
        let jobs = registrar.counters("jobs", "Jobs", [Label::of("outcome", &["done", "failed"])]);
        let hot = registrar.gauge("hot_celsius", "Heat");
        let times = registrar.histogram("times_seconds", "Times", Bounds(&[0.5, 1.0]));
        let by = registrar.gauges("busy", "Busy", [Label::named("worker")]);
        let seconds = registrar.float_counter("busy_seconds", "Busy");
        registrar.sampler(move || seconds.set(1.5));
        let listed: Vec<_> = registrar.list().iter().map(|metric| metric.name.clone()).collect();
        let exposition = registrar.finish();
        assert!(listed.contains(&"jobs_total".to_owned()) && listed.contains(&"times_seconds".to_owned()));

        let text = exposition.text();
        let has = |text: &str, line: &str| text.lines().any(|found| found == line);
        assert!(has(&text, "jobs_total{outcome=\"failed\"} 0"), "{text}");
        assert!(has(&text, "busy_seconds_total 1.5"), "{text}");
        assert!(!text.contains("\nhot_celsius ") && !text.contains("\nbusy{"), "{text}");
        jobs.inc(["failed"]);
        hot.set(40.5);
        times.observe(0.7);
        by.set(["a\"b"], 2.0);
        let text = exposition.text();
        for line in [
            "jobs_total{outcome=\"failed\"} 1",
            "jobs_total{outcome=\"done\"} 0",
            "times_seconds_bucket{le=\"0.5\"} 0",
            "times_seconds_bucket{le=\"+Inf\"} 1",
            "hot_celsius 40.5",
            "busy{worker=\"a\\\"b\"} 2.0",
        ] {
            assert!(has(&text, line), "{line} is not in\n{text}");
        }
        hot.clear();
        by.clear();
        let text = exposition.text();
        assert!(!text.contains("40.5") && !text.contains("worker=\"a"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn the_process_shows_itself() {
        let text = Registrar::new("sidecar").finish().text();
        let value = |name: &str| -> f64 {
            let line = text.lines().find(|line| line.split(['{', ' ']).next() == Some(name)).expect(name);
            line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number")
        };
        assert!(value("process_start_time_seconds") > 1.6e9);
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_cpu_seconds_total") > 0.0);
        assert!(value("process_open_fds") >= 3.0);
        assert!(text.contains("component=\"sidecar\"") && text.contains(env!("CARGO_PKG_VERSION")), "{text}");
    }
}
