//! What a sidecar shows of its work. The core knows nothing of it: counted is where its effects are carried out, and its state is summed
//! up after each step.

use proofyard_settlement::metrics::L1Metrics;
use proofyard_telemetry::{
    metrics::{Counter, Counters, Gauge, Gauges, Label, Registrar},
    operations::Pulse,
};

use crate::core::{Rung, Summary};

/// The smallest units of a deposit token in a whole one: deposit tokens have 18 decimals.
const TOKEN: f64 = 1e18;

/// All metrics of a sidecar.
#[derive(Debug)]
pub struct Metrics {
    /// The core's loop.
    pub pulse: Pulse,
    /// L1.
    pub l1: L1Metrics,
    blocks: Gauge,
    full: Gauge,
    rungs: Counters<1>,
    groups: Gauges<1>,
    slack: Gauge,
    deposits: Gauge,
    bids: Counters<1>,
    hand_overs: Counters<1>,
    own_proofs: Counters<1>,
    reachable: Gauges<1>,
    not_written: Counter,
}

impl Metrics {
    /// Makes them.
    pub fn new(registrar: &mut Registrar) -> Self {
        let done = || [Label::of("outcome", &["done", "failed"])];
        Self {
            pulse: Pulse::default(),
            l1: L1Metrics::new(registrar),
            blocks: registrar.gauge("proofyard_sidecar_blocks_in_work", "Blocks taken and not ended"),
            full: registrar.gauge("proofyard_sidecar_full", "1 while no more blocks are taken"),
            rungs: registrar.counters(
                "proofyard_sidecar_rungs",
                "Rungs of the ladder that blocks reached (docs/sidecar.md, section 9)",
                [Label::of("rung", Rung::NAMES)],
            ),
            groups: registrar.gauges(
                "proofyard_sidecar_groups",
                "Groups of blocks at a height, by where they are",
                [Label::of(
                    "state",
                    &["bidding", "waiting", "handing_over", "with_prover", "self_proving", "proven"],
                )],
            ),
            slack: registrar.gauge(
                "proofyard_sidecar_slack_seconds",
                "Time between the expected proof and the end of its window, of the group with the least; absent while none is expected",
            ),
            deposits: registrar.gauge(
                "proofyard_sidecar_deposit_at_risk_tokens",
                "The sequencer's own deposits behind committed groups that are not proven, in whole tokens",
            ),
            bids: registrar.counters(
                "proofyard_sidecar_bids",
                "Requests for quotes: answered with an offer, with none or not at all, with an offer that did not pass the checks",
                [Label::of("outcome", &["offered", "none", "refused"])],
            ),
            hand_overs: registrar.counters(
                "proofyard_sidecar_hand_overs",
                "Blocks handed over to provers",
                done(),
            ),
            own_proofs: registrar.counters(
                "proofyard_sidecar_own_proofs",
                "Blocks that the sidecar proved itself",
                done(),
            ),
            reachable: registrar.gauges(
                "proofyard_sidecar_coordinator_reachable",
                "1 while a configured coordinator answers, 0 while it does not",
                [Label::named("coordinator")],
            ),
            not_written: registrar.counter(
                "proofyard_sidecar_store_failures",
                "Steps that could not be written; nothing goes on before they are",
            ),
        }
    }

    pub(crate) fn look(&self, summary: &Summary, block_ms: u64) {
        self.blocks.set(summary.blocks as f64);
        self.full.set(if summary.full { 1.0 } else { 0.0 });
        let groups = summary.groups;
        for (state, count) in [
            ("bidding", groups.bidding),
            ("waiting", groups.waiting),
            ("handing_over", groups.handing_over),
            ("with_prover", groups.with_prover),
            ("self_proving", groups.self_proving),
            ("proven", groups.proven),
        ] {
            self.groups.set([state], count as f64);
        }
        self.slack.put(summary.slack_blocks.map(|blocks| blocks as f64 * block_ms as f64 / 1_000.0));
        self.deposits.set(summary.own_deposits as f64 / TOKEN);
    }

    pub(crate) fn reached(&self, rung: &Rung) {
        self.rungs.inc([rung.name()]);
    }

    pub(crate) fn asked(&self, offered: bool) {
        self.bids.inc([if offered { "offered" } else { "none" }]);
    }

    pub(crate) fn bid_refused(&self) {
        self.bids.inc(["refused"]);
    }

    pub(crate) fn handed_over(&self, done: bool) {
        self.hand_overs.inc([if done { "done" } else { "failed" }]);
    }

    pub(crate) fn self_proved(&self, done: bool) {
        self.own_proofs.inc([if done { "done" } else { "failed" }]);
    }

    pub(crate) fn coordinator(&self, name: &str, reachable: bool) {
        self.reachable.set([name], if reachable { 1.0 } else { 0.0 });
    }

    pub(crate) fn not_written(&self) {
        self.not_written.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rung_has_its_name_in_the_list() {
        let rungs = [Rung::Queued, Rung::Lost { height: 1, reason: String::new() }, Rung::Reorged { height: 1 }];
        for rung in rungs {
            let written = serde_json::to_value(&rung).expect("JSON");
            assert_eq!(written["rung"], rung.name());
            assert!(Rung::NAMES.contains(&rung.name()));
        }
    }
}
