//! Quotes, slack, deposits.

use proofyard_telemetry::metrics::{Bounds, Counter, Counters, Gauge, Gauges, Histogram, Label, Registrar};

use crate::market::{Alarm, Decline, Slack};

/// The smallest units of a deposit token in a whole one: deposit tokens have 18 decimals.
const TOKEN: f64 = 1e18;
/// What is shown for a slack without bound, as without workers, in seconds.
const NEVER: f64 = -1_000_000.0;
/// Proofs are sent minutes before their window closes, on a development chain seconds.
const SUBMISSIONS: Bounds = Bounds(&[0.0, 5.0, 12.0, 24.0, 36.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 2_400.0, 4_800.0]);

/// What became of a quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuoteOutcome {
    /// Given out.
    Made,
    /// Committed on L1: the deposit is drawn.
    Won,
    /// Not committed by its expiry, or by a height that another block won.
    Lost,
    /// Proven; the deposit is back.
    Settled,
    /// The deposit is gone.
    Slashed,
}

/// The deposits of committed groups that are not proven on L1, in the token's smallest units.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AtRisk {
    /// Of groups with slack to spare.
    pub in_time: f64,
    /// Of groups with less slack than the alarm's threshold.
    pub tight: f64,
    /// Of groups that are late.
    pub late: f64,
}

impl AtRisk {
    /// Adds a group's deposit.
    pub fn add(&mut self, alarm: Alarm, deposit: f64) {
        match alarm {
            Alarm::None => self.in_time += deposit,
            Alarm::Tight => self.tight += deposit,
            Alarm::Late => self.late += deposit,
        }
    }
}

/// The market at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MarketFigures {
    /// Quotes that hold capacity.
    pub quotes_open: usize,
    /// Groups that are committed to us and not proven on L1.
    pub groups_committed: usize,
    /// The smallest slack of any of them.
    pub tightest: Option<Slack>,
    /// Their deposits.
    pub at_risk: AtRisk,
    /// The escrow's balance in the deposit token's smallest units, if L1 was seen.
    pub escrow: Option<f64>,
    /// Seconds since L1 was taken in last.
    pub sight_age: Option<f64>,
}

/// Metrics of the market.
#[derive(Debug, Clone)]
pub struct MarketMetrics {
    quotes: Counters<1>,
    declined: Counters<1>,
    open: Gauge,
    committed: Gauge,
    slack_expected: Gauge,
    slack_worst: Gauge,
    at_risk: Gauges<1>,
    escrow: Gauge,
    sight_age: Gauge,
    submissions: Histogram,
    given_up: Counter,
}

impl MarketMetrics {
    /// Makes them.
    pub fn new(registrar: &mut Registrar) -> Self {
        Self {
            quotes: registrar.counters(
                "proofyard_market_quotes",
                "Quotes that were given out (made), and what became of them; a reorg may let one become something twice",
                [Label::of("outcome", &["made", "won", "lost", "settled", "slashed"])],
            ),
            declined: registrar.counters(
                "proofyard_market_quotes_declined",
                "Requests for quotes that were declined, by the code of the reason (docs/sidecar.md, section 7)",
                [Label::of("code", Decline::CODES)],
            ),
            open: registrar.gauge("proofyard_market_quotes_open", "Quotes that hold capacity of the farm"),
            committed: registrar
                .gauge("proofyard_market_groups_committed", "Groups committed to this prover and not proven on L1"),
            slack_expected: registrar.gauge(
                "proofyard_market_slack_expected_seconds",
                "Smallest slack of any committed group by the median of what was measured; absent without one, -1000000 without workers",
            ),
            slack_worst: registrar.gauge(
                "proofyard_market_slack_worst_seconds",
                "Smallest slack of any committed group at the 99th percentile with everything else first; absent without one, \
                 -1000000 without workers",
            ),
            at_risk: registrar.gauges(
                "proofyard_market_deposit_at_risk_tokens",
                "Deposits of committed groups that are not proven on L1, in whole tokens, by how their slack is",
                [Label::of("state", &["in_time", "tight", "late"])],
            ),
            escrow: registrar.gauge(
                "proofyard_market_escrow_balance_tokens",
                "What the prover has in the escrow for deposits, in whole tokens; absent until L1 was seen",
            ),
            sight_age: registrar.gauge(
                "proofyard_market_l1_view_age_seconds",
                "Time since the coordinator took in L1 last; quotes stop when it is too long; absent until L1 was seen",
            ),
            submissions: registrar.histogram(
                "proofyard_market_submission_slack_seconds",
                "Time left in a group's window when its proof was handed to the transaction manager",
                SUBMISSIONS,
            ),
            given_up: registrar.counter(
                "proofyard_market_groups_given_up",
                "Committed groups that this prover will not prove in time",
            ),
        }
    }

    pub(crate) fn quote(&self, outcome: QuoteOutcome) {
        self.quotes.inc([match outcome {
            QuoteOutcome::Made => "made",
            QuoteOutcome::Won => "won",
            QuoteOutcome::Lost => "lost",
            QuoteOutcome::Settled => "settled",
            QuoteOutcome::Slashed => "slashed",
        }]);
    }

    pub(crate) fn declined(&self, code: &str) {
        self.declined.inc([code]);
    }

    /// A proof is to be sent, so many milliseconds before its window closes.
    pub(crate) fn submits(&self, left_ms: u64) {
        self.submissions.observe(left_ms as f64 / 1_000.0);
    }

    pub(crate) fn given_up(&self) {
        self.given_up.inc();
    }

    /// Takes over how the market is.
    pub fn look(&self, figures: &MarketFigures) {
        self.open.set(figures.quotes_open as f64);
        self.committed.set(figures.groups_committed as f64);
        let seconds = |ms: i64| (ms as f64 / 1_000.0).max(NEVER);
        self.slack_expected.put(figures.tightest.map(|slack| seconds(slack.expected_ms)));
        self.slack_worst.put(figures.tightest.map(|slack| seconds(slack.worst_ms)));
        let AtRisk { in_time, tight, late } = figures.at_risk;
        for (state, deposit) in [("in_time", in_time), ("tight", tight), ("late", late)] {
            self.at_risk.set([state], deposit / TOKEN);
        }
        self.escrow.put(figures.escrow.map(|balance| balance / TOKEN));
        self.sight_age.put(figures.sight_age);
    }
}
