//! How the ledger writes.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use proofyard_telemetry::metrics::{Bounds, Counter, Histogram, Registrar};

use crate::ledger::{
    LedgerError,
    sqlite::{Moment, Observer},
};

/// A write to a healthy disk takes a few milliseconds.
const WRITES: Bounds = Bounds(&[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0]);

/// Metrics of the ledger.
#[derive(Debug, Clone)]
pub struct LedgerMetrics {
    writes: Histogram,
    failures: Counter,
}

impl LedgerMetrics {
    /// Makes them.
    pub fn new(registrar: &mut Registrar) -> Self {
        Self {
            writes: registrar.histogram(
                "proofyard_ledger_write_duration_seconds",
                "Time of a transaction of the ledger until it is on disk",
                WRITES,
            ),
            failures: registrar.counter(
                "proofyard_ledger_failures",
                "Reads and writes of the ledger that failed for a reason outside it, as a full disk",
            ),
        }
    }

    /// Measures the writes of a ledger that is opened with it.
    pub fn observer(&self) -> Observer {
        let writes = self.writes.clone();
        // One write goes on at a time.
        let begun = Arc::new(Mutex::new(None));
        Box::new(move |write| {
            let mut begun = begun.lock().unwrap_or_else(PoisonError::into_inner);
            match write.moment {
                Moment::Begun => *begun = Some(Instant::now()),
                Moment::Written => {}
                Moment::Durable => {
                    if let Some(since) = begun.take() {
                        writes.observe(since.elapsed().as_secs_f64());
                    }
                }
            }
        })
    }

    /// Looks at an error of the ledger; a refusal is none of its failures.
    pub fn failed(&self, error: &LedgerError) {
        if matches!(error, LedgerError::Storage { .. } | LedgerError::Damaged { .. }) {
            self.failures.inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Address;

    use super::*;
    use crate::ledger::{Identity, Ledger, SqliteLedger};

    #[test]
    fn writes_are_measured_and_refusals_are_no_failures() {
        let mut registrar = Registrar::new("coordinator");
        let metrics = LedgerMetrics::new(&mut registrar);
        let exposition = registrar.finish();
        let count = |name: &str| -> f64 {
            let text = exposition.text();
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).expect("a sample");
            line.parse().expect("a number")
        };
        let folder = tempfile::tempdir().expect("a folder");
        let identity = Identity { chain_id: 1, sidecar: Address::ZERO, escrow: Address::ZERO };
        let path = folder.path().join("ledger.sqlite");
        let ledger = SqliteLedger::open_observed(&path, identity, Some(metrics.observer())).expect("a ledger");
        let before = count("proofyard_ledger_write_duration_seconds_count");
        ledger.prune_files(1).expect("a write");
        ledger.open_work().expect("a read");
        assert_eq!(count("proofyard_ledger_write_duration_seconds_count"), before + 1.0);

        ledger.close();
        let closed = ledger.prune_files(1).expect_err("closed");
        metrics.failed(&closed);
        assert_eq!(count("proofyard_ledger_failures_total"), 0.0);
        metrics.failed(&LedgerError::Storage { operation: "prune_files", reason: "the disk is full".to_owned() });
        assert_eq!(count("proofyard_ledger_failures_total"), 1.0);
    }
}
