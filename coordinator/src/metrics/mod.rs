//! What a coordinator shows of its work. The cores know nothing of it: counted is where their effects are carried out, and what lasts is
//! looked up before each scrape.

mod farm;
mod ledger;
mod market;

use proofyard_bus::BusMetrics;
use proofyard_settlement::metrics::L1Metrics;
use proofyard_telemetry::{metrics::Registrar, operations::Pulse};

pub use self::{
    farm::FarmMetrics,
    ledger::LedgerMetrics,
    market::{AtRisk, MarketFigures, MarketMetrics, QuoteOutcome},
};

/// All metrics of a coordinator.
#[derive(Debug)]
pub struct Metrics {
    /// The core's loop.
    pub pulse: Pulse,
    /// Blocks, rounds, jobs, workers.
    pub farm: FarmMetrics,
    /// Quotes, slack, deposits.
    pub market: MarketMetrics,
    /// The ledger.
    pub ledger: LedgerMetrics,
    /// L1.
    pub l1: L1Metrics,
    /// NATS.
    pub bus: BusMetrics,
}

impl Metrics {
    /// Makes them.
    pub fn new(registrar: &mut Registrar) -> Self {
        Self {
            pulse: Pulse::default(),
            farm: FarmMetrics::new(registrar),
            market: MarketMetrics::new(registrar),
            ledger: LedgerMetrics::new(registrar),
            l1: L1Metrics::new(registrar),
            bus: BusMetrics::new(registrar),
        }
    }
}

impl Default for Metrics {
    /// Metrics that nobody reads, as of a farm inside another program.
    fn default() -> Self {
        Self::new(&mut Registrar::new("coordinator"))
    }
}
