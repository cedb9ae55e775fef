//! Metrics with fixed labels, over the client library's families.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder},
    metrics::{
        MetricType,
        counter::Counter as ClientCounter,
        family::{Family, MetricConstructor},
        gauge::Gauge as ClientGauge,
        histogram::Histogram as ClientHistogram,
    },
};

use super::Label;

/// Label names with values.
type Labels = Vec<(&'static str, String)>;

/// Upper bounds of a histogram's buckets, ascending.
#[derive(Debug, Clone, Copy)]
pub struct Bounds(pub &'static [f64]);

impl Bounds {
    /// For what takes a part of a second on a small block and minutes on a large one.
    pub const SECONDS: Self =
        Self(&[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0]);
}

impl MetricConstructor<ClientHistogram> for Bounds {
    fn new_metric(&self) -> ClientHistogram {
        ClientHistogram::new(self.0.iter().copied())
    }
}

/// A series for each combination of declared values.
fn combinations<const N: usize>(labels: &[Label; N]) -> Vec<Labels> {
    if labels.is_empty() {
        return Vec::new();
    }
    labels.iter().fold(vec![Vec::new()], |before, label| {
        let with = |value: &&str| -> Vec<Labels> {
            before.iter().map(|labels| [&labels[..], &[(label.name, (*value).to_owned())]].concat()).collect()
        };
        label.values.iter().flat_map(with).collect()
    })
}

fn labelled<const N: usize>(names: &[&'static str; N], values: [&str; N]) -> Labels {
    names.iter().copied().zip(values.map(str::to_owned)).collect()
}

/// A counter.
#[derive(Debug, Clone)]
pub struct Counter(pub(super) ClientCounter);

impl Counter {
    /// One more.
    pub fn inc(&self) {
        self.0.inc();
    }

    /// So many more.
    pub fn add(&self, count: u64) {
        self.0.inc_by(count);
    }

    /// Takes over what is counted elsewhere.
    pub fn set(&self, total: u64) {
        self.0.inner().store(total, Ordering::Relaxed);
    }
}

/// A counter of fractions.
#[derive(Debug, Clone)]
pub struct FloatCounter(pub(super) ClientCounter<f64, AtomicU64>);

impl FloatCounter {
    /// So much more.
    pub fn add(&self, amount: f64) {
        if amount > 0.0 {
            self.0.inc_by(amount);
        }
    }

    /// Takes over what is counted elsewhere.
    pub fn set(&self, total: f64) {
        self.0.inner().store(total.to_bits(), Ordering::Relaxed);
    }
}

/// Counters by labels.
#[derive(Debug, Clone)]
pub struct Counters<const N: usize> {
    names: [&'static str; N],
    family: Family<Labels, ClientCounter>,
}

impl<const N: usize> Counters<N> {
    pub(super) fn new(labels: [Label; N], family: Family<Labels, ClientCounter>) -> Self {
        combinations(&labels).iter().for_each(|labels| drop(family.get_or_create(labels)));
        Self { names: labels.map(|label| label.name), family }
    }

    /// One more of these values.
    pub fn inc(&self, values: [&str; N]) {
        self.add(values, 1);
    }

    /// So many more of these values.
    pub fn add(&self, values: [&str; N], count: u64) {
        self.family.get_or_create(&labelled(&self.names, values)).inc_by(count);
    }

    /// Takes over what is counted elsewhere.
    pub fn set(&self, values: [&str; N], total: u64) {
        self.family.get_or_create(&labelled(&self.names, values)).inner().store(total, Ordering::Relaxed);
    }
}

/// Gauges by labels.
#[derive(Debug, Clone)]
pub struct Gauges<const N: usize> {
    names: [&'static str; N],
    family: Family<Labels, ClientGauge<f64, AtomicU64>>,
}

impl<const N: usize> Gauges<N> {
    pub(super) fn new(labels: [Label; N], family: Family<Labels, ClientGauge<f64, AtomicU64>>) -> Self {
        combinations(&labels).iter().for_each(|labels| drop(family.get_or_create(labels)));
        Self { names: labels.map(|label| label.name), family }
    }

    /// It is this much now.
    pub fn set(&self, values: [&str; N], value: f64) {
        self.family.get_or_create(&labelled(&self.names, values)).set(value);
    }

    /// None of them has a value now.
    pub fn clear(&self) {
        self.family.clear();
    }
}

/// A gauge.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<Mutex<Option<f64>>>);

impl Gauge {
    fn value(&self) -> MutexGuard<'_, Option<f64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is this much now.
    pub fn set(&self, value: f64) {
        self.put(Some(value));
    }

    /// It has no value now.
    pub fn clear(&self) {
        self.put(None);
    }

    /// It is this much now, or nothing.
    pub fn put(&self, value: Option<f64>) {
        *self.value() = value;
    }
}

impl EncodeMetric for Gauge {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        self.value().map_or(Ok(()), |value| encoder.encode_gauge(&value))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

/// A histogram.
#[derive(Debug, Clone)]
pub struct Histogram(pub(super) ClientHistogram);

impl Histogram {
    /// One more of this size.
    pub fn observe(&self, value: f64) {
        self.0.observe(value);
    }
}

/// Histograms by labels.
#[derive(Debug, Clone)]
pub struct Histograms<const N: usize> {
    names: [&'static str; N],
    family: Family<Labels, ClientHistogram, Bounds>,
}

impl<const N: usize> Histograms<N> {
    pub(super) fn new(labels: [Label; N], family: Family<Labels, ClientHistogram, Bounds>) -> Self {
        combinations(&labels).iter().for_each(|labels| drop(family.get_or_create(labels)));
        Self { names: labels.map(|label| label.name), family }
    }

    /// One more of this size.
    pub fn observe(&self, values: [&str; N], value: f64) {
        self.family.get_or_create(&labelled(&self.names, values)).observe(value);
    }
}
