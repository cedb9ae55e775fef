//! What a process on L1 shows of it.

use proofyard_telemetry::metrics::{Counter, Counters, FloatCounter, Gauge, Gauges, Label, Registrar};

use crate::{rpc::Rpc, transactions::Manager};

/// Wei of one ether.
const ETHER: f64 = 1e18;

/// What may come of a transaction.
const OUTCOMES: &[&str] = &["succeeded", "reverted", "obsolete", "expired", "withdrawn", "refused"];

/// Metrics of the chain, its endpoints and the process' transactions.
#[derive(Debug, Clone)]
pub struct L1Metrics {
    head: Gauge,
    head_age: Gauge,
    endpoints: Gauges<1>,
    open: Gauges<1>,
    oldest: Gauge,
    ended: Counters<1>,
    replaced: Counter,
    capped: Counter,
    gas: Counter,
    fees: FloatCounter,
    reorged: Counter,
}

impl L1Metrics {
    /// Makes them.
    pub fn new(registrar: &mut Registrar) -> Self {
        Self {
            head: registrar.gauge("proofyard_l1_head_block", "Number of the newest L1 block that is seen"),
            head_age: registrar.gauge(
                "proofyard_l1_head_age_seconds",
                "Time since L1 got longer as far as it is seen; since the start when it never did",
            ),
            endpoints: registrar.gauges(
                "proofyard_l1_endpoints",
                "JSON-RPC endpoints that are asked (healthy) and that are not for now (aside)",
                [Label::of("state", &["healthy", "aside"])],
            ),
            open: registrar.gauges(
                "proofyard_l1_transactions_open",
                "Transactions of ours that are not final: not signed, signed and in no block, in a block",
                [Label::of("state", &["queued", "in_flight", "included"])],
            ),
            oldest: registrar.gauge(
                "proofyard_l1_transaction_in_flight_blocks",
                "L1 blocks since the oldest transaction in flight was signed first; absent without one",
            ),
            ended: registrar.counters(
                "proofyard_l1_transactions",
                "Transactions of ours that are final, by what came of them",
                [Label::of("outcome", OUTCOMES)],
            ),
            replaced: registrar
                .counter("proofyard_l1_fee_bumps", "Transactions signed again with higher fees, or to cancel"),
            capped: registrar.counter("proofyard_l1_fees_capped", "Fees that a cap kept from being raised"),
            gas: registrar.counter("proofyard_l1_gas", "Gas of our final transactions"),
            fees: registrar
                .float_counter("proofyard_l1_fees_ether", "Ether paid for the gas of our final transactions"),
            reorged: registrar
                .counter("proofyard_l1_reorged_blocks", "L1 blocks that were taken back after they were seen"),
        }
    }

    /// L1 took a block back.
    pub fn taken_back(&self) {
        self.reorged.inc();
    }

    /// Takes over how the endpoints and the transactions are.
    pub fn look(&self, rpc: &Rpc, manager: &Manager) {
        let head = rpc.heads().borrow().map(|head| head.number);
        self.head.put(head.map(|number| number as f64));
        self.head_age.set(rpc.head_age().as_secs_f64());
        let report = rpc.report();
        let aside = report.iter().filter(|endpoint| endpoint.aside.is_some()).count();
        self.endpoints.set(["healthy"], (report.len() - aside) as f64);
        self.endpoints.set(["aside"], aside as f64);

        let open = manager.open_transactions();
        for (state, count) in [("queued", open.queued), ("in_flight", open.in_flight), ("included", open.included)] {
            self.open.set([state], count as f64);
        }
        let since = head.zip(open.in_flight_since);
        self.oldest.put(since.map(|(head, signed)| head.saturating_sub(signed) as f64));

        let tally = manager.tally();
        let ended = [
            ("succeeded", tally.succeeded),
            ("reverted", tally.reverted),
            ("obsolete", tally.obsolete),
            ("expired", tally.expired),
            ("withdrawn", tally.withdrawn),
            ("refused", tally.refused),
        ];
        ended.iter().for_each(|(outcome, count)| self.ended.set([outcome], *count));
        self.replaced.set(tally.replaced);
        self.capped.set(tally.capped);
        self.gas.set(tally.gas_used);
        self.fees.set(tally.fees_wei as f64 / ETHER);
    }
}
