//! The decision about a request for a quote.

use std::collections::BTreeSet;

use alloy_primitives::{Address, U256};
use proofyard_coordinator_client::QuoteRequest;
use thiserror::Error;

use super::{Calendar, Class, Entry, MarketConfig, PriceParts, Throughput, price};
use crate::ledger::{Backing, GroupKey, QuoteTerms, Reservation};

/// What this farm is and serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The sidecar contract.
    pub sidecar: Address,
    /// The escrow contract.
    pub escrow: Address,
    /// The prover's address.
    pub prover: Address,
    /// Base-2 logarithm of the rows of a subtree that the farm has keys for.
    pub rows_log2: u32,
    /// Transfers that fit a subtree.
    pub transfers_per_subtree: u32,
    /// Most subtrees of a block.
    pub subtrees_max: u32,
}

/// The bounds that L1 sets for a height, whatever a request says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Last L1 block that may include a commitment.
    pub commit_by: u64,
    /// Last L1 block that may include a proof.
    pub prove_by: u64,
}

/// The chain and the farm at one moment, as far as a quote needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// L1's head.
    pub block: u64,
    /// Milliseconds of an L1 block; the fewest to be expected.
    pub block_ms: u64,
    /// Milliseconds since that head arrived is too long: the chain is not seen any more.
    pub is_stale: bool,
    /// Price of a unit of gas in wei, as it may be at the submission.
    pub gas_price: u128,
    /// The last height opened.
    pub last_height: u64,
    /// Bounds of the requested height: exact when it is open, else the earliest it could have when opened in the next block.
    pub window: Window,
    /// Classes that have a verifier in the height's version.
    pub classes: BTreeSet<Class>,
    /// Token of deposits in that version.
    pub deposit_token: Address,
    /// What backs deposits in that token.
    pub backing: Backing,
    /// Deposits of open quotes that the balance does not show yet.
    pub deposits_held: U256,
    /// Live workers that do not drain.
    pub workers: u32,
    /// The coordinator takes no more blocks.
    pub is_draining: bool,
}

/// A quote that can be given; the capacity is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What would be signed; the nonce is the ledger's to give and 0 here.
    pub terms: QuoteTerms,
    /// What it holds of the farm.
    pub reservation: Reservation,
    /// Milliseconds from start to proof, median.
    pub expected_ms: u64,
    /// What the price is made of.
    pub price: PriceParts,
}

/// Why there is no quote. The texts end with what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Decline {
    /// Another chain or other contracts.
    #[error("[PY-Q-001] {what} is {got}, this farm serves {ours}; ask a farm of that deployment")]
    Foreign {
        /// Which part of the statement.
        what: &'static str,
        /// What was asked.
        got: String,
        /// What is served.
        ours: String,
    },
    /// A shape that no block has.
    #[error("[PY-Q-002] {reason}; cut the block as docs/sidecar.md says")]
    Shape {
        /// What is wrong.
        reason: String,
    },
    /// No keys or no verifier for it.
    #[error(
        "[PY-Q-003] size class 2^{rows_log2} rows, {subtrees} subtrees a group is not served; GET /v1/status lists the classes"
    )]
    Class {
        /// Base-2 logarithm of the rows of a subtree.
        rows_log2: u32,
        /// Subtrees of the group.
        subtrees: u32,
    },
    /// The height is over, or too far ahead.
    #[error(
        "[PY-Q-004] height {height} is not quoted: the last one on L1 is {last}, at most {ahead} more are; ask in time"
    )]
    Height {
        /// What was asked.
        height: u64,
        /// The last one opened.
        last: u64,
        /// How many more are quoted.
        ahead: u64,
    },
    /// The commitment would be too late.
    #[error("[PY-Q-005] commit_by is L1 block {commit_by}, the head is {head}; ask earlier")]
    CommitBy {
        /// The last block for the commitment.
        commit_by: u64,
        /// L1's head.
        head: u64,
    },
    /// The proof would be too late.
    #[error(
        "[PY-Q-006] proving takes {needed_ms} ms at p99 and {submission_blocks} L1 blocks for the submission, {left_ms} ms are \
         left until L1 block {prove_by}; propose a smaller block"
    )]
    Window {
        /// The 99th percentile.
        needed_ms: u64,
        /// Kept for the submission.
        submission_blocks: u64,
        /// From the latest start.
        left_ms: u64,
        /// The last block for the proof.
        prove_by: u64,
    },
    /// The farm has promised too much already, or has no workers.
    #[error(
        "[PY-Q-007] {needed_ms} ms of the farm are needed in the window, {may_ms} ms may be promised; ask others, or later"
    )]
    Capacity {
        /// With this group.
        needed_ms: u64,
        /// In that window.
        may_ms: u64,
    },
    /// The escrow does not cover the deposit.
    #[error(
        "[PY-Q-008] the prover's escrow has {balance}, {held} of it for open quotes, {deposit} are asked; ask others, or later"
    )]
    Balance {
        /// The escrow's balance.
        balance: U256,
        /// Deposits of open quotes.
        held: U256,
        /// What was asked.
        deposit: U256,
    },
    /// The deposit is in another token, or larger than this farm risks.
    #[error("[PY-Q-009] {reason}; ask with the version's deposit")]
    Deposit {
        /// What is wrong.
        reason: String,
    },
    /// Tips in this token are not taken.
    #[error("[PY-Q-010] tips in {token} are not taken; offer another token")]
    TipToken {
        /// What was asked.
        token: Address,
    },
    /// Too expensive for the asker.
    #[error("[PY-Q-011] the price is {price}, at most {price_max} would be paid; raise the tip")]
    Price {
        /// What it costs.
        price: U256,
        /// The most that is paid.
        price_max: U256,
    },
    /// The coordinator is stopping.
    #[error("[PY-Q-012] the coordinator is shutting down; ask another one")]
    Draining,
    /// L1 is not seen.
    #[error("[PY-Q-013] L1 has not been seen for too long; ask others, or later")]
    Blind,
    /// Too many open quotes.
    #[error("[PY-Q-014] {open} quotes are open already; ask others, or later")]
    TooMany {
        /// How many.
        open: usize,
    },
    /// Too many open quotes of this sequencer.
    #[error("[PY-Q-015] {open} quotes of this sequencer are open already; publish them or wait for their expiry")]
    TooManyOfSequencer {
        /// How many.
        open: usize,
    },
    /// Amounts beyond 256 bits.
    #[error("[PY-Q-016] the price of these terms is beyond 256 bits; ask for less")]
    Range,
    /// The group has an open quote already.
    #[error(
        "[PY-Q-017] group {group} of this block has an open quote on other terms; use that one, or wait for its expiry"
    )]
    Quoted {
        /// The group.
        group: u32,
    },
    /// The ledger or the signer does not answer; nothing was signed.
    #[error("[PY-Q-018] the quote could not be written or signed: {reason}; ask others, or later")]
    Unavailable {
        /// What happened.
        reason: String,
    },
}

impl Decline {
    /// All codes.
    pub const CODES: &'static [&'static str] = &[
        "PY-Q-001", "PY-Q-002", "PY-Q-003", "PY-Q-004", "PY-Q-005", "PY-Q-006", "PY-Q-007", "PY-Q-008", "PY-Q-009",
        "PY-Q-010", "PY-Q-011", "PY-Q-012", "PY-Q-013", "PY-Q-014", "PY-Q-015", "PY-Q-016", "PY-Q-017", "PY-Q-018",
    ];

    /// The code, as `PY-Q-007`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Foreign { .. } => "PY-Q-001",
            Self::Shape { .. } => "PY-Q-002",
            Self::Class { .. } => "PY-Q-003",
            Self::Height { .. } => "PY-Q-004",
            Self::CommitBy { .. } => "PY-Q-005",
            Self::Window { .. } => "PY-Q-006",
            Self::Capacity { .. } => "PY-Q-007",
            Self::Balance { .. } => "PY-Q-008",
            Self::Deposit { .. } => "PY-Q-009",
            Self::TipToken { .. } => "PY-Q-010",
            Self::Price { .. } => "PY-Q-011",
            Self::Draining => "PY-Q-012",
            Self::Blind => "PY-Q-013",
            Self::TooMany { .. } => "PY-Q-014",
            Self::TooManyOfSequencer { .. } => "PY-Q-015",
            Self::Range => "PY-Q-016",
            Self::Quoted { .. } => "PY-Q-017",
            Self::Unavailable { .. } => "PY-Q-018",
        }
    }
}

/// Decides about a request; changes nothing.
pub fn decide(
    config: &MarketConfig,
    ours: &Ours,
    throughput: &Throughput,
    calendar: &Calendar,
    request: &QuoteRequest,
    view: &View,
) -> Result<Offer, Decline> {
    statement(ours, request)?;
    let class = shape(ours, request, view)?;
    if view.is_draining {
        return Err(Decline::Draining);
    }
    if view.is_stale {
        return Err(Decline::Blind);
    }
    let last = view.last_height;
    let ahead = config.heights_ahead_max;
    if request.height < last || request.height > last.saturating_add(ahead) {
        return Err(Decline::Height { height: request.height, last, ahead });
    }
    let key = GroupKey { commitment: request.block_commitment, group: request.group };
    if calendar.get(key).is_some() {
        return Err(Decline::Quoted { group: request.group });
    }
    if calendar.len() >= config.quotes_max {
        return Err(Decline::TooMany { open: calendar.len() });
    }

    let commit_by = request.commit_by.min(view.window.commit_by);
    if commit_by <= view.block {
        return Err(Decline::CommitBy { commit_by, head: view.block });
    }
    // The farm proves whole blocks: a group holds what its block takes, and pays its part of it.
    let whole = Class { subtrees: request.subtrees, ..class };
    let prediction = throughput.predict(whole, view.workers).ok_or(Decline::Capacity { needed_ms: 0, may_ms: 0 })?;
    let reservation = Reservation {
        rows_log2: whole.rows_log2,
        subtrees: whole.subtrees,
        groups: request.groups,
        work_ms: prediction.work_p99_ms,
        wall_ms: prediction.wall_p99_ms,
        quoted_at: view.block,
        start_by: commit_by.saturating_add(config.start_blocks),
        prove_by: request.prove_by.min(view.window.prove_by),
    };
    let entry = Entry::held(reservation, commit_by);
    let left_ms = entry.window_ms(view, config.submission_blocks);
    if prediction.wall_p99_ms > left_ms {
        let (needed_ms, submission_blocks) = (prediction.wall_p99_ms, config.submission_blocks);
        return Err(Decline::Window { needed_ms, submission_blocks, left_ms, prove_by: reservation.prove_by });
    }
    calendar
        .fits(key, &entry, throughput, view)
        .map_err(|overload| Decline::Capacity { needed_ms: overload.needed_ms, may_ms: overload.may_ms })?;
    deposit(config, request, view)?;
    let tip = config.tip(request.tip_token).ok_or(Decline::TipToken { token: request.tip_token })?;
    let work_ms = prediction.work_p50_ms.div_ceil(u64::from(request.groups));
    let parts = price(config, tip, work_ms, request.deposit, view.gas_price).ok_or(Decline::Range)?;
    if parts.total > request.price_max {
        return Err(Decline::Price { price: parts.total, price_max: request.price_max });
    }
    let terms = QuoteTerms {
        prover: ours.prover,
        sequencer: request.sequencer,
        height: request.height,
        block_commitment: request.block_commitment,
        group: request.group,
        tip_token: request.tip_token,
        price: parts.total,
        deposit_token: request.deposit_token,
        deposit: request.deposit,
        nonce: U256::ZERO,
        expiry: commit_by,
    };
    Ok(Offer { terms, reservation, expected_ms: prediction.wall_p50_ms, price: parts })
}

/// The request is for this chain and these contracts.
fn statement(ours: &Ours, request: &QuoteRequest) -> Result<(), Decline> {
    let same = |what: &'static str, got: String, ours: String| {
        if got == ours { Ok(()) } else { Err(Decline::Foreign { what, got, ours }) }
    };
    same("chain_id", request.chain_id.to_string(), ours.chain_id.to_string())?;
    same("sidecar", request.sidecar.to_string(), ours.sidecar.to_string())?;
    same("escrow", request.escrow.to_string(), ours.escrow.to_string())
}

/// The block can exist, and there are keys and a verifier for its groups.
fn shape(ours: &Ours, request: &QuoteRequest, view: &View) -> Result<Class, Decline> {
    let QuoteRequest { group, groups, subtrees, transfers, rows_log2, .. } = *request;
    let wrong = |reason: String| Err(Decline::Shape { reason });
    if groups == 0 || subtrees == 0 || !subtrees.is_multiple_of(groups) {
        return wrong(format!("{subtrees} subtrees cannot be {groups} equal groups"));
    }
    if group >= groups {
        return wrong(format!("group {group} of {groups} does not exist"));
    }
    let class = Class { rows_log2, subtrees: subtrees / groups };
    if rows_log2 != ours.rows_log2 || subtrees > ours.subtrees_max || !view.classes.contains(&class) {
        return Err(Decline::Class { rows_log2, subtrees: class.subtrees });
    }
    let room = u64::from(class.subtrees) * u64::from(ours.transfers_per_subtree);
    if transfers == 0 || u64::from(transfers) > room {
        return wrong(format!("{transfers} transfers in {} subtrees that hold {room}", class.subtrees));
    }
    Ok(class)
}

/// The deposit is one that this farm risks and that its escrow covers.
fn deposit(config: &MarketConfig, request: &QuoteRequest, view: &View) -> Result<(), Decline> {
    if request.deposit_token != view.deposit_token {
        let reason =
            format!("deposits in {} are not taken, the version's are in {}", request.deposit_token, view.deposit_token);
        return Err(Decline::Deposit { reason });
    }
    if request.deposit > config.deposit_max.0 {
        let reason = format!("a deposit of {} is above this farm's limit {}", request.deposit, config.deposit_max);
        return Err(Decline::Deposit { reason });
    }
    let (balance, held, deposit) = (view.backing.balance, view.deposits_held, request.deposit);
    match held.checked_add(deposit) {
        Some(all) if all <= balance => Ok(()),
        _ => Err(Decline::Balance { balance, held, deposit }),
    }
}
