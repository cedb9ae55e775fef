//! Logs of the contracts as typed events.

use alloy::primitives::{Address, Log as RawLog, LogData};
use alloy::sol_types::SolEventInterface;
use proofyard_contracts::bindings::IProverEscrow::IProverEscrowEvents;
use proofyard_contracts::bindings::IProvingSidecar::IProvingSidecarEvents;
use proofyard_contracts::bindings::ISequencerSet::ISequencerSetEvents;
use thiserror::Error;

use super::deployment::Deployment;
use crate::chain::Log;

/// An event of one of the contracts.
#[derive(Clone, Debug)]
pub enum L1Event {
    /// Of the sidecar: heights, proposals, commitments, proofs, credits.
    Sidecar(Box<IProvingSidecarEvents>),
    /// Of the escrow: deposits, withdrawals, draws.
    Escrow(Box<IProverEscrowEvents>),
    /// Of the sequencer set.
    Sequencers(Box<ISequencerSetEvents>),
}

/// A log that is not what its contract's interface says.
#[derive(Debug, Error)]
#[error(
    "[PY-L-031] log {index} of block {block} of contract {contract} is none of its known events: {detail}; is the deployment's address right?"
)]
pub struct UnknownLog {
    /// The contract.
    pub contract: Address,
    /// The L1 block.
    pub block: u64,
    /// Place in the block.
    pub index: u64,
    /// What is wrong.
    pub detail: String,
}

/// The contracts whose logs [`decode`] understands.
pub fn watched(deployment: &Deployment) -> Vec<Address> {
    vec![deployment.sidecar, deployment.escrow, deployment.sequencers]
}

/// Decodes a log of a deployment's contracts; none for a log of any other contract.
pub fn decode(deployment: &Deployment, log: &Log) -> Result<Option<L1Event>, UnknownLog> {
    let raw = RawLog { address: log.address, data: LogData::new_unchecked(log.topics.clone(), log.data.clone()) };
    let decoded = if log.address == deployment.sidecar {
        IProvingSidecarEvents::decode_log(&raw).map(|event| L1Event::Sidecar(Box::new(event.data)))
    } else if log.address == deployment.escrow {
        IProverEscrowEvents::decode_log(&raw).map(|event| L1Event::Escrow(Box::new(event.data)))
    } else if log.address == deployment.sequencers {
        ISequencerSetEvents::decode_log(&raw).map(|event| L1Event::Sequencers(Box::new(event.data)))
    } else {
        return Ok(None);
    };
    decoded.map(Some).map_err(|error| UnknownLog {
        contract: log.address,
        block: log.block_number,
        index: log.log_index,
        detail: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;
    use alloy::sol_types::SolEvent;
    use proofyard_contracts::bindings::IProvingSidecar::GroupProven;

    use super::*;

    #[test]
    fn logs_are_decoded_by_contract_and_strange_ones_are_named() {
        let deployment = Deployment { sidecar: Address::repeat_byte(1), ..Deployment::default() };
        let event = GroupProven {
            height: 3,
            group: 1,
            beneficiary: Address::repeat_byte(2),
            submitter: Address::repeat_byte(4),
            rescued: true,
        };
        let data = event.encode_log_data();
        let mut log = Log {
            address: deployment.sidecar,
            topics: data.topics().to_vec(),
            data: data.data.clone(),
            block_number: 5,
            block_hash: B256::ZERO,
            transaction_hash: B256::ZERO,
            log_index: 6,
        };
        let decoded = decode(&deployment, &log).expect("an event").expect("of the sidecar");
        let L1Event::Sidecar(decoded) = decoded else { panic!("{decoded:?}") };
        assert!(matches!(*decoded, IProvingSidecarEvents::GroupProven(GroupProven { height: 3, rescued: true, .. })));
        log.topics[0] = B256::ZERO;
        assert!(decode(&deployment, &log).is_err());
        log.topics.clear();
        assert!(decode(&deployment, &log).is_err());
        log.address = Address::repeat_byte(9);
        assert!(decode(&deployment, &log).expect("not ours").is_none());
    }
}
