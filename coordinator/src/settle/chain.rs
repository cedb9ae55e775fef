//! What is known of L1 now, as far as quotes need it, and reading it.

use std::{collections::BTreeMap, time::Instant};

use alloy_primitives::Address;
use proofyard_settlement::{
    chain::At,
    contracts::bindings::{IProverEscrow, IVersionRegistry::Version},
    sidecar_client::{ClientError, SidecarClient},
};

use crate::{
    ledger::Backing,
    market::{Class, View, Window},
    submission::Schedule,
};

/// One look at L1.
#[derive(Debug, Clone)]
pub(super) struct Sight {
    /// The watcher's newest block: the ledger knows what happened up to it.
    pub block: u64,
    /// When that was seen.
    pub at: Instant,
    /// Wei per gas to reckon with.
    pub gas_price: u128,
    /// The last height opened.
    pub last_height: u64,
    /// Bounds of the last height.
    pub last_window: Option<Window>,
    /// Rules of the version that the next height begins with.
    pub version: Version,
    /// Its number.
    pub version_number: u32,
    /// Verifiers of that version.
    pub verifiers: BTreeMap<Class, Address>,
    /// What backs deposits.
    pub backing: Backing,
}

/// Bounds from a height's schedule: first blocks of proposal, reveal, commitment, proving, submission, closed.
pub(super) fn window(first: [u64; 6]) -> Option<Window> {
    let [start, _, _, proving, _, closed] = first;
    (start != 0).then(|| Window { commit_by: proving.saturating_sub(1), prove_by: closed.saturating_sub(1) })
}

/// When proofs are taken.
pub(super) fn schedule(first: [u64; 6], fixed_window: bool) -> Option<Schedule> {
    let [start, _, _, proving, submission, closed] = first;
    let from = if fixed_window { submission } else { proving };
    (start != 0).then(|| Schedule { first: from, last: closed.saturating_sub(1) })
}

/// L1 blocks of all phases of a version, and of those before proving.
pub(super) fn lengths(version: &Version) -> (u64, u64) {
    let before =
        u64::from(version.proposalBlocks) + u64::from(version.revealBlocks) + u64::from(version.commitmentBlocks);
    (before + u64::from(version.provingBlocks) + u64::from(version.submissionBlocks), before)
}

impl Sight {
    /// Looks at L1. `tip` is the watcher's newest block; deposits that were drawn in the last `reorg_blocks` of them are still counted as
    /// open, so that a reorg of that depth promises none twice.
    pub async fn read(
        client: &SidecarClient,
        prover: Address,
        tip: u64,
        reorg_blocks: u64,
        before: Option<&Self>,
    ) -> Result<Self, ClientError> {
        let head = client.rpc().head().await?;
        let tip_fee = client.rpc().suggested_priority_fee().await?;
        let version_number = client.current_version().await?;
        let (version, verifiers) = match before {
            Some(before) if before.version_number == version_number => {
                (before.version.clone(), before.verifiers.clone())
            }
            _ => {
                let mut verifiers = BTreeMap::new();
                for class in &client.deployment().classes {
                    let verifier =
                        client.verifier_of(version_number, class.rows_log2, class.subtrees_per_group).await?;
                    if !verifier.is_zero() {
                        let class = Class { rows_log2: class.rows_log2, subtrees: class.subtrees_per_group };
                        verifiers.insert(class, verifier);
                    }
                }
                (client.version_of(version_number).await?, verifiers)
            }
        };
        let last_height = client.last_height().await?;
        let last_window = if last_height == 0 { None } else { window(client.schedule(last_height).await?) };
        let call = IProverEscrow::availableCall { token: version.depositToken, prover };
        let balance = client.agreed_view(client.deployment().escrow, &call, At::Number(tip)).await?;
        Ok(Self {
            block: tip,
            at: Instant::now(),
            // Room for the base fee to double until the submission.
            gas_price: head.base_fee_per_gas.saturating_mul(2).saturating_add(tip_fee),
            last_height,
            last_window,
            version,
            version_number,
            verifiers,
            backing: Backing { balance, at: tip.saturating_sub(reorg_blocks) },
        })
    }

    /// The bounds of a height: those of the last one, else the earliest that one opened in the next block would have.
    pub fn window_of(&self, height: u64) -> Window {
        match self.last_window {
            Some(window) if height == self.last_height => window,
            _ => {
                let (all, before) = lengths(&self.version);
                Window { commit_by: self.block + before, prove_by: self.block + all }
            }
        }
    }

    /// What a quote for a height depends on.
    pub fn view(&self, height: u64, farm: FarmSight, block_ms: u64, stale_ms: u64) -> View {
        View {
            block: self.block,
            block_ms,
            is_stale: self.at.elapsed().as_millis() > u128::from(stale_ms),
            gas_price: self.gas_price,
            last_height: self.last_height,
            window: self.window_of(height),
            classes: self.verifiers.keys().copied().collect(),
            deposit_token: self.version.depositToken,
            backing: self.backing,
            deposits_held: farm.deposits_held,
            workers: farm.workers,
            is_draining: farm.is_draining,
        }
    }
}

/// The farm's part of a view.
#[derive(Debug, Clone, Copy)]
pub(super) struct FarmSight {
    /// Live workers that do not drain.
    pub workers: u32,
    /// Deposits of open quotes that the balance does not show yet.
    pub deposits_held: alloy_primitives::U256,
    /// The coordinator takes no more blocks.
    pub is_draining: bool,
}
