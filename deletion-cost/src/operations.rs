//! Metrics and health, behind the operations listener.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use proofyard_telemetry::{
    metrics::{Counter, Counters, Gauge, Label, Registrar},
    operations::{Check, Probes, Pulse},
};

/// Every request of a look ends within 10 s; a look that makes no progress for so long hangs.
const STILL: Duration = Duration::from_secs(60);

/// All metrics of the process, and what its probes look at.
#[derive(Debug)]
pub struct Metrics {
    /// Beats with every request that was answered.
    pub pulse: Pulse,
    looks: Counters<1>,
    written: Counter,
    pods: Gauge,
    /// Whether the costs are up to date, as of the last look.
    costs: Mutex<Check>,
}

impl Metrics {
    /// Makes them.
    pub fn new(registrar: &mut Registrar) -> Self {
        Self {
            pulse: Pulse::default(),
            looks: registrar.counters(
                "proofyard_deletion_cost_looks",
                "Looks at workers and pods: after done ones the costs are up to date, after failed ones they may be old",
                [Label::of("outcome", &["done", "failed"])],
            ),
            written: registrar
                .counter("proofyard_deletion_cost_written", "Annotations that were changed, because what a worker does has"),
            pods: registrar
                .gauge("proofyard_deletion_cost_pods", "Pods of workers at the last look; absent before the first"),
            costs: Mutex::new(Check::new("costs", false, "not looked yet")),
        }
    }

    pub(crate) fn sees(&self, pods: usize) {
        self.pulse.beat();
        self.pods.set(pods as f64);
    }

    pub(crate) fn writes(&self) {
        self.pulse.beat();
        self.written.inc();
    }

    pub(crate) fn looked(&self, failure: Option<String>) {
        self.pulse.beat();
        self.looks.inc([if failure.is_none() { "done" } else { "failed" }]);
        let detail = failure.as_deref().unwrap_or("up to date");
        *self.costs.lock().unwrap_or_else(PoisonError::into_inner) = Check::new("costs", failure.is_none(), detail);
    }

    fn costs(&self) -> Check {
        self.costs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the kubelet asks.
pub(crate) struct Health {
    pub metrics: Arc<Metrics>,
    /// Between two looks.
    pub every: Duration,
}

#[async_trait]
impl Probes for Health {
    fn alive(&self) -> Vec<Check> {
        let age = self.metrics.pulse.age();
        vec![Check::new("loop", age <= self.every + STILL, format!("went on {} ms ago", age.as_millis()))]
    }

    async fn ready(&self) -> Vec<Check> {
        let mut checks = self.alive();
        checks.push(self.metrics.costs());
        checks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_costs_are_up_to_date_after_a_look_that_was_done() {
        let mut registrar = Registrar::new("deletion-cost");
        let metrics = Metrics::new(&mut registrar);
        assert!(!metrics.costs().ok);
        metrics.looked(None);
        assert!(metrics.costs().ok);
        metrics.looked(Some("refused".to_owned()));
        assert_eq!(metrics.costs(), Check::new("costs", false, "refused"));
        let text = registrar.finish().text();
        assert!(text.contains("proofyard_deletion_cost_looks_total{outcome=\"failed\"} 1"), "{text}");
    }
}
