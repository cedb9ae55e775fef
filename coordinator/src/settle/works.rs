//! What is under way: blocks in the farm, submissions, and what must be tried again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use alloy_primitives::{B256, Bytes as Data};
use proofyard_coordinator_client::{BlockStatus, Stage};
use proofyard_job_schema::BlockId;
use proofyard_proof_system::proof::RootProof;
use proofyard_settlement::{
    sidecar_client::calls,
    transactions::{GivenUp, Intent, IntentId, State},
};
use tracing::{error, info, warn};

use super::{
    SettleError,
    desk::header_of,
    driver::Submission,
    office::{Notice, Office},
    papers,
};
use crate::{
    handle::Request,
    ledger::GroupKey,
    market::{Class, Meter, ROUNDS, Remaining, Sample},
    submission::{Event, Farm, Sending},
};

/// Times the farm may fail on a block before it is given up.
const FAILURES_MAX: u32 = 3;

#[derive(Default)]
struct Sent {
    id: Option<IntentId>,
    attempt: u32,
    last: Option<Sending>,
}

/// Everything under way.
pub(super) struct Works {
    /// Blocks handed to the farm, and the commitments they stand for.
    blocks: BTreeMap<BlockId, BTreeSet<B256>>,
    sent: BTreeMap<GroupKey, Sent>,
    /// What is told to groups in the next round: an order was not carried out.
    again: Vec<(GroupKey, Event)>,
    /// Blocks for which the farm had no room, and the head at which.
    parked: BTreeMap<B256, u64>,
    meter: Meter<BlockId>,
    since: Instant,
}

impl Default for Works {
    fn default() -> Self {
        Self {
            blocks: BTreeMap::new(),
            sent: BTreeMap::new(),
            again: Vec::new(),
            parked: BTreeMap::new(),
            meter: Meter::new(),
            since: Instant::now(),
        }
    }
}

fn unknown(what: &str, commitment: B256) -> SettleError {
    SettleError::Contradiction(format!("the ledger has no {what} of block {commitment}; was it pruned too early?"))
}

/// What the farm makes of a block.
fn farm(status: &BlockStatus) -> Farm {
    let failed = || {
        let error = status.error.clone();
        let (code, message) = error.map_or_else(Default::default, |error| (error.code, error.message));
        Farm::Failed { code, message }
    };
    match status.stage {
        Stage::Executing | Stage::Proving | Stage::Verifying => Farm::Proving,
        Stage::Done => Farm::Proven,
        Stage::Refused | Stage::Failed => failed(),
    }
}

impl Works {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn workers(office: &Office) -> u32 {
        office.farm_sight().workers
    }

    /// An order was not carried out: this makes the group give it again in the next round.
    pub fn retry(&mut self, key: GroupKey, event: Event) {
        self.again.push((key, event));
    }

    /// What groups are told so that they give orders again.
    pub fn due(&mut self, office: &Office) -> Vec<(GroupKey, Event)> {
        let books = office.books();
        let Some(head) = books.sight.as_ref().map(|sight| sight.block) else { return Vec::new() };
        let mut due: Vec<(GroupKey, Event)> = Vec::new();
        for (key, event) in std::mem::take(&mut self.again) {
            due.extend([(key, event), (key, Event::Head(head))]);
        }
        let ready: Vec<B256> = self.parked.iter().filter(|(_, at)| **at < head).map(|(block, _)| *block).collect();
        for commitment in ready {
            self.parked.remove(&commitment);
            let keys = books.cases.keys().filter(|key| key.commitment == commitment);
            due.extend(keys.map(|key| (*key, Event::Farm(Farm::Waiting))));
        }
        due
    }

    /// Hands a block to the farm.
    pub async fn prove(&mut self, office: &Arc<Office>, key: GroupKey) -> Result<Event, SettleError> {
        let commitment = key.commitment;
        let found =
            office.on_disk(move |ledger| Ok((ledger.block(commitment)?, ledger.block_file(commitment)?))).await?;
        let (Some(block), Some(file)) = found else { return Err(unknown("file", commitment)) };
        let header = header_of(&block.header).ok_or_else(|| unknown("header", commitment))?;
        let version = office.client.height_of(block.height).await?.version;
        let groups = header.ends.len() as u32;
        let verifier = office.client.verifier_of(version, header.rows_log2, header.subtrees / groups.max(1)).await?;
        let id = office.handle.submit(Request {
            block: file.into(),
            subtrees: Some(header.subtrees),
            groups: Some(groups),
            chain_id: office.client.deployment().chain_id,
            contract: verifier.into_array(),
            beneficiary: office.key.address().into_array(),
        });
        info!(%commitment, block = %id, %verifier, "proving");
        let (now, workers) = (self.now_ms(), Self::workers(office));
        self.meter.started(id, workers, now);
        let followed = self.blocks.entry(id).or_default();
        if followed.is_empty() {
            // The task must not hold the office: it may outlive it.
            let (watch, notices) = (office.handle.watch(id), office.notices.clone());
            tokio::spawn(async move {
                let Some(mut watch) = watch else { return };
                let mut last = None;
                while watch.changed().await.is_ok() {
                    let status = watch.borrow_and_update().status.clone();
                    let now = Some((status.stage, status.round, status.subtrees_done));
                    if now != last && notices.send(Notice::Farm(id)).is_err() {
                        return;
                    }
                    last = now;
                    if status.stage.is_final() {
                        return;
                    }
                }
            });
        }
        followed.insert(commitment);
        office.tell(Notice::Farm(id));
        Ok(Event::Farm(Farm::Proving))
    }

    /// What the groups of a block are told when the farm's state of it has changed.
    pub async fn farm_changed(&mut self, office: &Arc<Office>, id: BlockId) -> Vec<(GroupKey, Event)> {
        let Some(entry) = office.handle.watch(id).map(|watch| watch.borrow().clone()) else { return Vec::new() };
        let commitments = self.blocks.get(&id).cloned().unwrap_or_default();
        let status = entry.current();
        if status.stage.is_final() {
            self.ended(office, id, &status);
            self.blocks.remove(&id);
        }
        let mut told = Vec::new();
        for commitment in commitments {
            let mut state = farm(&status);
            if let (Farm::Proven, Some(proven)) = (&state, &entry.proven) {
                let proof = proven.proof.clone();
                let stored = office.on_disk(move |ledger| ledger.store_proof(commitment, &proof)).await;
                if let Err(error) = stored {
                    // Proving again gives the same proof.
                    error!(%error, %commitment, "a proof could not be written");
                    state = Farm::Waiting;
                }
            }
            if let Farm::Failed { code, message } = &state {
                let Some(next) = self.failed(office, commitment, code.clone(), message.clone()).await else { continue };
                state = next;
            }
            let keys: Vec<GroupKey> = {
                let books = office.books();
                books.cases.keys().filter(|key| key.commitment == commitment).copied().collect()
            };
            let mut market = office.market();
            for key in keys {
                if let Some(entry) = market.calendar().get(key) {
                    let left = match state {
                        Farm::Proven => Remaining::NOTHING,
                        _ => remaining(&status, market.throughput().round_shares(entry.class())),
                    };
                    market.progress(key, left);
                }
                told.push((key, Event::Farm(state.clone())));
            }
        }
        told
    }

    /// A block failed in the farm: it waits for another try, unless it has had enough of them. `None`: nothing to be said yet, because
    /// the coordinator stops (the next one goes on), or has no room now.
    async fn failed(&mut self, office: &Office, commitment: B256, code: String, message: String) -> Option<Farm> {
        let head = office.books().sight.as_ref().map_or(0, |sight| sight.block);
        if office.handle.is_draining() {
            return None;
        }
        if code == "PY-C-102" {
            self.parked.insert(commitment, head);
            return None;
        }
        let failures = {
            let mut books = office.books();
            let cases = books.cases.iter_mut().filter(|(key, _)| key.commitment == commitment);
            let counted = cases.map(|(_, case)| {
                case.failures += 1;
                case.failures
            });
            counted.max().unwrap_or(FAILURES_MAX)
        };
        warn!(%commitment, code, message, failures, "the farm did not prove a block");
        if failures < FAILURES_MAX {
            return Some(Farm::Waiting);
        }
        let reason = format!("[{code}] {message}");
        if let Err(error) = office.on_disk(move |ledger| ledger.give_up_block(commitment, &reason)).await {
            error!(%error, %commitment, "giving a block up could not be written");
        }
        Some(Farm::Failed { code, message })
    }

    /// A block has left the farm: what it took is measured.
    fn ended(&mut self, office: &Office, id: BlockId, status: &BlockStatus) {
        let now = self.now_ms();
        let Some((wall_ms, workers)) = self.meter.ended(id, now) else { return };
        if status.stage != Stage::Done {
            return;
        }
        let mut rounds_ms = [0; ROUNDS];
        for round in &status.rounds {
            if let Some(sum) = rounds_ms.get_mut(usize::from(round.round).wrapping_sub(1)) {
                *sum += (round.seconds * 1_000.0) as u64;
            }
        }
        let class = Class { rows_log2: status.rows_log2, subtrees: status.subtrees };
        office.market().observe(Sample { class, wall_ms, workers, rounds_ms });
    }

    /// Keeps the count of workers.
    pub fn measure(&mut self, office: &Office) {
        self.meter.workers(Self::workers(office));
    }

    /// The name of a submission: one for each attempt, so that it is the same after a restart.
    fn name(key: GroupKey, attempt: u32) -> Option<IntentId> {
        IntentId::new(format!("submit/{}/{}/{attempt}", key.commitment, key.group)).ok()
    }

    /// The name of the present submission.
    pub fn intent(&self, key: GroupKey, attempt: u32) -> Option<IntentId> {
        self.sent.get(&key).filter(|sent| sent.attempt == attempt).and_then(|sent| sent.id.clone())
    }

    /// Writes a submission into the journal; the transaction manager does the rest.
    pub async fn submit(
        &mut self,
        office: &Office,
        key: GroupKey,
        attempt: u32,
        when: Submission,
    ) -> Result<Sending, SettleError> {
        let commitment = key.commitment;
        let found = office.on_disk(move |ledger| Ok((ledger.block(commitment)?, ledger.proof(commitment)?))).await?;
        let (Some(block), Some(proof)) = found else { return Err(unknown("proof", commitment)) };
        let header = header_of(&block.header).ok_or_else(|| unknown("header", commitment))?;
        let proof = group_proof(&proof, key.group).ok_or_else(|| unknown("usable proof", commitment))?;
        let id = Self::name(key, attempt).ok_or_else(|| unknown("name", commitment))?;
        let deployment = office.client.deployment();
        let (bound, beneficiary) = (papers::bound_header(&header), office.key.address());
        let data = calls::submit_proof(block.height, bound, key.group, beneficiary, proof, &[]);
        let mut intent = Intent::new(id.clone(), deployment.sidecar, data);
        intent.at_risk = when.at_risk;
        intent.not_before = Some(when.not_before);
        intent.deadline = Some(when.deadline);
        intent.obsolete_when = Some(calls::when_proven(deployment, block.height, key.group));
        let state = office.manager.submit(intent).await?;
        info!(%commitment, group = key.group, attempt, deadline = when.deadline, "submission");
        let sending = sending(&state);
        self.sent.insert(key, Sent { id: Some(id), attempt, last: Some(sending.clone()) });
        Ok(sending)
    }

    /// Submissions whose state has changed.
    pub async fn sends(&mut self, office: &Office) -> Vec<(GroupKey, u32, Sending)> {
        let mut changed = Vec::new();
        for (key, sent) in &mut self.sent {
            let Some(id) = &sent.id else { continue };
            match office.manager.record(id).await {
                Ok(record) => {
                    let now = Some(sending(&record.state));
                    if now != sent.last {
                        sent.last.clone_from(&now);
                        changed.extend(now.map(|now| (*key, sent.attempt, now)));
                    }
                }
                Err(error) => warn!(%error, "a submission's state is not known"),
            }
        }
        let cases = &office.books().cases;
        self.sent.retain(|key, _| cases.contains_key(key));
        changed
    }
}

fn sending(state: &State) -> Sending {
    match state {
        State::Queued | State::InFlight => Sending::Underway,
        State::Included { .. } => Sending::Included,
        State::Succeeded { .. } => Sending::Succeeded,
        State::Reverted { reason, .. } => Sending::Failed { reason: reason.clone() },
        State::GivenUp(why) => {
            let reason = match why {
                GivenUp::Obsolete => "somebody else has done it".to_owned(),
                GivenUp::Expired => "its deadline is over".to_owned(),
                GivenUp::Withdrawn => "it was withdrawn".to_owned(),
                GivenUp::Refused { reason } => reason.clone(),
            };
            Sending::Failed { reason }
        }
    }
}

/// The proof of one group as the sidecar contract takes it: a root proof of that group alone. The last group's end is not among the
/// bytes, so none is needed to read them.
fn group_proof(proof: &[u8], group: u32) -> Option<Data> {
    let all = RootProof::decode(proof, Default::default()).ok()?;
    let one = all.groups.into_iter().nth(group as usize)?;
    Some(RootProof { groups: vec![one] }.encode().into())
}

/// How much of a block is left to prove.
fn remaining(status: &BlockStatus, shares: [u64; ROUNDS]) -> Remaining {
    Remaining::in_round(status.round, status.subtrees_done, status.subtrees, shares)
}
