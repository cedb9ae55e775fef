//! Submissions of proofs: intents of the transaction manager, one for each attempt, and what became of them.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes as Data, U256};
use proofyard_proof_system::proof::RootProof;
use proofyard_settlement::{
    sidecar_client::calls,
    transactions::{GivenUp, Intent, IntentId, ManagerError, Record, State},
};
use tracing::{info, warn};

use super::{SettleError, desk::header_of, office::Office, papers};
use crate::{ledger::GroupKey, submission::Sending};

/// Bounds of a submission.
pub(super) struct Bounds {
    /// What is lost without it, in wei.
    pub at_risk: U256,
    /// First L1 block in which it can be.
    pub not_before: u64,
    /// Last L1 block in which it can be.
    pub deadline: u64,
}

struct Sent {
    id: IntentId,
    attempt: u32,
    last: Sending,
}

/// The present submission of each group.
#[derive(Default)]
pub(super) struct Submissions(BTreeMap<GroupKey, Sent>);

/// The name of a submission: one for each attempt, so that it is the same after a restart.
fn name(key: GroupKey, attempt: u32) -> Result<IntentId, SettleError> {
    let GroupKey { commitment, group } = key;
    let missing = |_| SettleError::Missing { what: "name for the submission", commitment };
    IntentId::new(format!("submit/{commitment}/{group}/{attempt}")).map_err(missing)
}

impl Submissions {
    /// Writes a submission into the journal; the transaction manager does the rest.
    pub async fn submit(
        &mut self,
        office: &Office,
        key: GroupKey,
        attempt: u32,
        bounds: Bounds,
    ) -> Result<Sending, SettleError> {
        let commitment = key.commitment;
        let missing = |what| SettleError::Missing { what, commitment };
        let found = office.on_disk(move |ledger| Ok((ledger.block(commitment)?, ledger.proof(commitment)?))).await?;
        let (Some(block), Some(proof)) = found else { return Err(missing("proof")) };
        let header = header_of(&block.header).ok_or_else(|| missing("readable header"))?;
        let proof = group_proof(&proof, key.group).ok_or_else(|| missing("usable proof"))?;
        let id = name(key, attempt)?;
        let deployment = office.client.deployment();
        let (bound, beneficiary) = (papers::bound_header(&header), office.key.address());
        let data = calls::submit_proof(block.height, bound, key.group, beneficiary, proof, &[]);
        let mut intent = Intent::new(id.clone(), deployment.sidecar, data);
        intent.at_risk = bounds.at_risk;
        intent.not_before = Some(bounds.not_before);
        intent.deadline = Some(bounds.deadline);
        intent.obsolete_when = Some(calls::when_proven(deployment, block.height, key.group));
        let state = match office.manager.submit(intent).await {
            // Written by an earlier process with other bounds, as after a reorg or with another configuration: it is the same
            // submission. Should it end without the proof on L1, the next attempt has the present bounds.
            Err(ManagerError::Conflict(_)) => office.manager.record(&id).await?.state,
            other => other?,
        };
        info!(%commitment, group = key.group, attempt, deadline = bounds.deadline, "submission");
        let last = sending(&state);
        self.0.insert(key, Sent { id, attempt, last: last.clone() });
        Ok(last)
    }

    /// A submission is not wanted any more.
    pub async fn withdraw(&self, office: &Office, key: GroupKey, attempt: u32) -> Result<(), SettleError> {
        match self.0.get(&key).filter(|sent| sent.attempt == attempt) {
            Some(sent) => Ok(office.manager.withdraw(&sent.id).await?),
            None => Ok(()),
        }
    }

    /// Submissions whose state has changed.
    pub async fn news(&mut self, office: &Office) -> Vec<(GroupKey, u32, Sending)> {
        {
            let books = &mut *office.books();
            self.0.retain(|key, _| books.cases.contains_key(key));
            let shown = &books.shown;
            books.transactions.retain(|key, _| shown.contains_key(&key.commitment));
        }
        let mut changed = Vec::new();
        for (key, sent) in &mut self.0 {
            if matches!(sent.last, Sending::Failed { .. } | Sending::Succeeded) {
                continue;
            }
            match office.manager.record(&sent.id).await {
                Ok(record) => {
                    if let Some(hash) = newest(&record) {
                        office.books().transactions.insert(*key, hash);
                    }
                    let now = sending(&record.state);
                    if now != sent.last {
                        sent.last = now.clone();
                        changed.push((*key, sent.attempt, now));
                    }
                }
                Err(error) => {
                    warn!(%error, commitment = %key.commitment, group = key.group, "a submission's state is not known")
                }
            }
        }
        changed
    }
}

/// The transaction that landed, else the one sent last.
fn newest(record: &Record) -> Option<B256> {
    match record.state {
        State::Included { hash, .. } | State::Succeeded { hash, .. } | State::Reverted { hash, .. } => Some(hash),
        State::Queued | State::InFlight | State::GivenUp(_) => {
            record.attempts.iter().rfind(|attempt| !attempt.cancels).map(|attempt| attempt.hash)
        }
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
