//! What L1's logs and views say about heights, as facts for the groups.

use std::collections::BTreeSet;

use alloy_primitives::B256;
use proofyard_settlement::{
    chain::Log,
    contracts::bindings::IProvingSidecar::IProvingSidecarEvents as Sidecar,
    sidecar_client::events::{self, L1Event},
};
use tracing::warn;

use super::{SettleError, chain, chronicle::Entry, office::Office};
use crate::submission::Fact;

impl Office {
    /// What a log says, if that concerns groups. Views are of the newest block: when a reorg has changed them since, the log is taken
    /// back soon, and what was made of it with it.
    pub async fn fact_of(&self, log: &Log) -> Result<Option<Entry>, SettleError> {
        let event = match events::decode(self.client.deployment(), log) {
            Ok(Some(L1Event::Sidecar(event))) => *event,
            Ok(_) => return Ok(None),
            Err(error) => {
                warn!(%error, "a log is passed over");
                return Ok(None);
            }
        };
        let block = log.block_number;
        let of = |height: u64, commitment: Option<B256>, group: Option<u32>, fact: Fact| Entry {
            block,
            height,
            commitment,
            group,
            fact,
        };
        let proposal = |height: u64, index: u32| self.books().chronicle.proposal(height, index);
        Ok(match event {
            Sidecar::HeightOpened(event) => {
                let fact = self.scheduled(event.height, event.version).await?;
                fact.map(|(_, fact)| of(event.height, None, None, fact))
            }
            Sidecar::Proposed(event) => {
                let commitment = event.blockCommitment;
                self.books().chronicle.proposed(block, event.height, event.proposal, commitment);
                Some(of(event.height, Some(commitment), None, Fact::Proposed))
            }
            Sidecar::Revealed(event) => {
                proposal(event.height, event.proposal).map(|at| of(event.height, Some(at), None, Fact::Revealed))
            }
            Sidecar::Committed(event) => proposal(event.height, event.proposal)
                .map(|at| of(event.height, Some(at), Some(event.group), Fact::Committed { prover: event.prover })),
            Sidecar::GroupProven(event) => self
                .winner(event.height)
                .await?
                .map(|at| of(event.height, Some(at), Some(event.group), Fact::GroupProven { rescued: event.rescued })),
            Sidecar::HeightProven(event) => {
                self.winner(event.height).await?.map(|at| of(event.height, Some(at), None, Fact::HeightProven))
            }
            Sidecar::HeightSlashed(event) => {
                self.winner(event.height).await?.map(|at| of(event.height, Some(at), None, Fact::HeightSlashed))
            }
            Sidecar::HeightVoided(event) => Some(of(event.height, None, None, Fact::HeightVoided)),
            _ => None,
        })
    }

    /// A height's schedule as a fact, with the block in which the height opened; `None` while it is not open.
    async fn scheduled(&self, height: u64, version: u32) -> Result<Option<(u64, Fact)>, SettleError> {
        let first = self.client.schedule(height).await?;
        let version = self.client.version_of(version).await?;
        Ok(chain::schedule(first, version.fixedWindow).map(|schedule| (first[0], Fact::Scheduled(schedule))))
    }

    /// The block commitment that leads or has won a height.
    async fn winner(&self, height: u64) -> Result<Option<B256>, SettleError> {
        let winner = self.client.height_of(height).await?.winner;
        if winner == u32::MAX {
            return Ok(None);
        }
        let known = self.books().chronicle.proposal(height, winner);
        match known {
            Some(commitment) => Ok(Some(commitment)),
            None => Ok(Some(self.client.proposal_of(height, winner).await?.blockCommitment)),
        }
    }

    /// Schedules of heights with a committed group that opened before the logs that were read.
    pub async fn missed_schedules(&self) -> Result<Vec<Entry>, SettleError> {
        let unknown: BTreeSet<u64> = {
            let books = self.books();
            let cases = books.cases.values().filter(|case| {
                let facts = case.group.facts();
                facts.committed_at().is_some() && facts.schedule().is_none() && facts.ended_at().is_none()
            });
            cases.map(|case| case.terms.height).collect()
        };
        let mut entries = Vec::new();
        for height in unknown {
            let version = self.client.height_of(height).await?.version;
            let fact = self.scheduled(height, version).await?;
            entries.extend(fact.map(|(block, fact)| Entry { block, height, commitment: None, group: None, fact }));
        }
        Ok(entries)
    }

    /// Committed groups that have lost: their height's winner is decided by now, and another.
    pub async fn losers(&self, tip: u64) -> Result<Vec<Entry>, SettleError> {
        let undecided: BTreeSet<(u64, B256)> = {
            let books = self.books();
            let open = books.cases.values().filter(|case| {
                let facts = case.group.facts();
                facts.ended_at().is_none() && facts.committed_at().is_some() && facts.schedule().is_some()
            });
            open.map(|case| (case.terms.height, case.terms.block_commitment)).collect()
        };
        let mut losers = Vec::new();
        for (height, commitment) in undecided {
            let decided_from = self.client.schedule(height).await?[3];
            if decided_from == 0 || tip < decided_from {
                continue;
            }
            if self.winner(height).await?.is_some_and(|winner| winner != commitment) {
                let fact = Fact::Lost;
                losers.push(Entry { block: decided_from, height, commitment: Some(commitment), group: None, fact });
            }
        }
        Ok(losers)
    }
}
