//! Blocks in the farm: handing them over, keeping their proofs, and what comes after a failure.
//!
//! The farm's board is looked at again and again, so there is no message that could be lost. A block's proof is in the ledger before any
//! group hears of it. What the farm refuses is given up; what fails otherwise is tried again as long as the window is open.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use alloy_primitives::B256;
use proofyard_coordinator_client::{BlockStatus, ErrorBody, Stage};
use proofyard_job_schema::BlockId;
use tracing::{error, info, warn};

use super::{
    SettleError,
    again::{Again, delay},
    desk::header_of,
    office::Office,
};
use crate::{
    board::{Admission, Entry, Terms},
    handle::Request,
    ledger::GroupKey,
    market::{Class, Meter, ROUNDS, Remaining, Sample},
    submission::{Event, Farm},
};

/// Failures of one block from which on there is an alarm.
const ALARMING: u32 = 3;

/// How far the farm was when it was last looked at: stage, round, subtrees done.
type Seen = (Stage, u8, u32);

/// A block handed to the farm.
struct InFarm {
    /// Whose block it is.
    commitments: BTreeSet<B256>,
    terms: Terms,
    seen: Option<Seen>,
    /// Its proof could not be written so often, and is not tried again before.
    unwritten: (u32, Instant),
}

/// Everything in the farm.
pub(super) struct Works {
    blocks: BTreeMap<BlockId, InFarm>,
    /// Blocks that get another try.
    parked: Again<B256, ()>,
    meter: Meter<BlockId>,
    since: Instant,
}

impl Default for Works {
    fn default() -> Self {
        Self { blocks: BTreeMap::new(), parked: Again::default(), meter: Meter::new(), since: Instant::now() }
    }
}

fn workers(office: &Office) -> u32 {
    office.farm_sight().workers
}

fn keys_of(office: &Office, commitment: B256) -> Vec<GroupKey> {
    office.books().cases.keys().filter(|key| key.commitment == commitment).copied().collect()
}

impl Works {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Keeps the count of workers.
    pub fn measure(&mut self, office: &Office) {
        self.meter.workers(workers(office));
    }

    /// Hands a block to the farm.
    pub async fn prove(&mut self, office: &Office, key: GroupKey) -> Result<Event, SettleError> {
        let commitment = key.commitment;
        let missing = |what| SettleError::Missing { what, commitment };
        let found =
            office.on_disk(move |ledger| Ok((ledger.block(commitment)?, ledger.block_file(commitment)?))).await?;
        let (Some(block), Some(file)) = found else { return Err(missing("file")) };
        let header = header_of(&block.header).ok_or_else(|| missing("readable header"))?;
        let groups = u32::try_from(header.ends.len()).unwrap_or(u32::MAX).max(1);
        let (height, rows_log2, subtrees) = (block.height, header.rows_log2, header.subtrees / groups);
        let version = office.client.height_of(height).await?.version;
        let verifier = office.client.verifier_of(version, rows_log2, subtrees).await?;
        if verifier.is_zero() {
            return Err(SettleError::NoVerifier { height, rows_log2, subtrees });
        }
        let request = Request {
            block: file.into(),
            subtrees: Some(header.subtrees),
            groups: Some(groups),
            chain_id: office.client.deployment().chain_id,
            contract: verifier.into_array(),
            beneficiary: office.key.address().into_array(),
        };
        let terms = Terms::of(&request);
        let (id, admission) = office.handle.offer(request);
        match admission {
            Admission::New => {
                info!(%commitment, block = %id, %verifier, "proving");
                let (now, workers) = (self.now_ms(), workers(office));
                self.meter.started(id, workers, now);
            }
            Admission::Known => {}
            Admission::InWork => return Err(SettleError::InWork { id }),
        }
        let of = |commitments| InFarm { commitments, terms, seen: None, unwritten: (0, Instant::now()) };
        let mut in_farm =
            self.blocks.remove(&id).filter(|known| known.terms == terms).unwrap_or_else(|| of(BTreeSet::new()));
        in_farm.commitments.insert(commitment);
        in_farm.seen = None;
        self.blocks.insert(id, in_farm);
        Ok(Event::Farm(Farm::Proving))
    }

    /// What groups are told because the farm has got on, or a failed block is due again.
    pub async fn news(&mut self, office: &Office) -> Vec<(GroupKey, Event)> {
        let mut told = Vec::new();
        let blocks: Vec<BlockId> = self.blocks.keys().copied().collect();
        for block in blocks {
            for (commitment, state) in self.look(office, block).await {
                told.extend(keys_of(office, commitment).into_iter().map(|key| (key, Event::Farm(state.clone()))));
            }
        }
        let cases = || office.books().cases.keys().map(|key| key.commitment).collect::<BTreeSet<B256>>();
        let alive = cases();
        self.parked.keep(|commitment| alive.contains(commitment));
        for (commitment, ()) in self.parked.due(Instant::now()) {
            told.extend(keys_of(office, commitment).into_iter().map(|key| (key, Event::Farm(Farm::Waiting))));
        }
        told
    }

    /// One block on the board, if it has changed: what it is to those whose block it is.
    async fn look(&mut self, office: &Office, id: BlockId) -> Vec<(B256, Farm)> {
        let Some(in_farm) = self.blocks.get_mut(&id) else { return Vec::new() };
        let all = |commitments: &BTreeSet<B256>, state: Farm| -> Vec<(B256, Farm)> {
            commitments.iter().map(|commitment| (*commitment, state.clone())).collect()
        };
        let found = office.handle.watch(id).map(|watch| watch.borrow().clone());
        let Some(entry) = found.filter(|entry| entry.terms == in_farm.terms) else {
            // Ended long ago, or replaced since it failed.
            let waiting = all(&in_farm.commitments, Farm::Waiting);
            self.blocks.remove(&id);
            return waiting;
        };
        let status = entry.current();
        let seen = (status.stage, status.round, status.subtrees_done);
        if in_farm.seen == Some(seen) {
            return Vec::new();
        }
        match status.stage {
            Stage::Executing | Stage::Proving | Stage::Verifying => {
                in_farm.seen = Some(seen);
                let commitments = in_farm.commitments.clone();
                progress(office, &commitments, &status);
                all(&commitments, Farm::Proving)
            }
            Stage::Done => {
                if !in_farm.keep_proof(office, &entry).await {
                    return Vec::new();
                }
                let commitments = self.ended(office, id, &status);
                commitments.iter().for_each(|commitment| self.parked.succeeded(*commitment));
                all(&commitments, Farm::Proven)
            }
            Stage::Refused | Stage::Failed => {
                let commitments = self.ended(office, id, &status);
                let error = status.error.unwrap_or_else(unknown_error);
                let refused = status.stage == Stage::Refused;
                let mut states = Vec::new();
                for commitment in commitments {
                    let state = self.failed(office, commitment, &error, refused).await;
                    states.extend(state.map(|state| (commitment, state)));
                }
                states
            }
        }
    }

    /// Writes down the proofs that the farm has and the ledger has not.
    pub async fn keep_proofs(&mut self, office: &Office) {
        for (id, in_farm) in &mut self.blocks {
            let entry = office.handle.watch(*id).map(|watch| watch.borrow().clone());
            if let Some(entry) = entry.filter(|entry| entry.terms == in_farm.terms && entry.proven.is_some()) {
                in_farm.keep_proof(office, &entry).await;
            }
        }
    }

    /// A block failed in the farm. One that it refuses is given up. `None`: it gets another try later, with this process or the next.
    async fn failed(&mut self, office: &Office, commitment: B256, error: &ErrorBody, refused: bool) -> Option<Farm> {
        let ErrorBody { code, message, .. } = error;
        if office.handle.is_draining() {
            return None;
        }
        // No room is no fault of the block's.
        if !refused || code == "PY-C-102" {
            let failures = self.parked.failed(commitment, (), Instant::now());
            if failures >= ALARMING {
                error!(%commitment, code, message, failures, "ALARM: the farm does not prove a block; it is tried again");
            } else {
                warn!(%commitment, code, message, failures, "the farm did not prove a block; it is tried again");
            }
            return None;
        }
        let reason = format!("[{code}] {message}");
        if let Err(error) = office.on_disk(move |ledger| ledger.give_up_block(commitment, &reason)).await {
            // The next process hears the same from the farm.
            error!(%error, %commitment, "giving a block up could not be written");
        }
        Some(Farm::Failed { code: code.clone(), message: message.clone() })
    }

    /// A block has left the farm: what it took is measured.
    fn ended(&mut self, office: &Office, id: BlockId, status: &BlockStatus) -> BTreeSet<B256> {
        let commitments = self.blocks.remove(&id).map(|in_farm| in_farm.commitments).unwrap_or_default();
        if status.stage == Stage::Done {
            progress(office, &commitments, status);
        }
        let now = self.now_ms();
        if let Some((wall_ms, workers)) = self.meter.ended(id, now)
            && status.stage == Stage::Done
        {
            let mut rounds_ms = [0; ROUNDS];
            for round in &status.rounds {
                if let Some(sum) = rounds_ms.get_mut(usize::from(round.round).wrapping_sub(1)) {
                    *sum += (round.seconds * 1_000.0) as u64;
                }
            }
            let class = Class { rows_log2: status.rows_log2, subtrees: status.subtrees };
            office.market().observe(Sample { class, wall_ms, workers, rounds_ms });
        }
        commitments
    }
}

impl InFarm {
    /// Writes the proof for all whose block it is; false when that is still to be done.
    async fn keep_proof(&mut self, office: &Office, entry: &Entry) -> bool {
        let (failures, not_before) = self.unwritten;
        let Some(proven) = &entry.proven else { return false };
        if Instant::now() < not_before {
            return false;
        }
        let (proof, commitments) = (proven.proof.clone(), self.commitments.clone());
        let stored = office.on_disk(move |ledger| {
            commitments.iter().try_for_each(|commitment| ledger.store_proof(*commitment, &proof))
        });
        let Err(error) = stored.await else { return true };
        let failures = failures.saturating_add(1);
        error!(%error, block = %proven.block, failures, "a proof could not be written");
        self.unwritten = (failures, Instant::now() + delay(failures));
        false
    }
}

fn unknown_error() -> ErrorBody {
    ErrorBody { code: "PY-C-127".to_owned(), message: "the farm gave no reason".to_owned(), transaction: None }
}

/// Tells the market how much of a block is left.
fn progress(office: &Office, commitments: &BTreeSet<B256>, status: &BlockStatus) {
    let keys: Vec<GroupKey> = commitments.iter().flat_map(|commitment| keys_of(office, *commitment)).collect();
    let mut market = office.market();
    for key in keys {
        let Some(class) = market.calendar().get(key).map(|entry| entry.class()) else { continue };
        let left = match status.stage {
            Stage::Done => Remaining::NOTHING,
            _ => {
                let shares = market.throughput().round_shares(class);
                Remaining::in_round(status.round, status.subtrees_done, status.subtrees, shares)
            }
        };
        market.progress(key, left);
    }
}
