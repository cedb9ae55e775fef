//! What a contract says when it reverts, in words.

use alloy::sol_types::{Panic, Revert, SolError, SolInterface};
use proofyard_contracts::bindings::{
    ICommitmentPhase, IProverEscrow, IProvingSidecar, ISequencerSet, IVersionRegistry,
};
use proofyard_contracts::rejection::Rejection;

/// Longest part of unknown data that is shown, in bytes.
const SHOWN: usize = 64;

/// The reason in revert data: a contract's error with its arguments, a text, or the data itself.
pub fn explain(data: &[u8]) -> String {
    if data.is_empty() {
        return "reverted without a reason; out of gas, or no such function".to_owned();
    }
    if let Ok(revert) = Revert::abi_decode(data) {
        return revert.reason.chars().filter(|c| !c.is_control()).take(200).collect();
    }
    if let Ok(panic) = Panic::abi_decode(data) {
        return panic.to_string();
    }
    if let Ok(error) = IProvingSidecar::IProvingSidecarErrors::abi_decode(data) {
        return format!("ProvingSidecar: {error:?}");
    }
    if let Ok(error) = IProverEscrow::IProverEscrowErrors::abi_decode(data) {
        return format!("ProverEscrow: {error:?}");
    }
    if let Ok(error) = ICommitmentPhase::ICommitmentPhaseErrors::abi_decode(data) {
        return format!("CommitmentPhase: {error:?}");
    }
    if let Ok(error) = ISequencerSet::ISequencerSetErrors::abi_decode(data) {
        return format!("SequencerSet: {error:?}");
    }
    if let Ok(error) = IVersionRegistry::IVersionRegistryErrors::abi_decode(data) {
        return format!("VersionRegistry: {error:?}");
    }
    match Rejection::decode(data) {
        Rejection::Unknown(_) => {
            let shown = &data[..data.len().min(SHOWN)];
            format!("unknown reason 0x{}{}", hex::encode(shown), if data.len() > SHOWN { "..." } else { "" })
        }
        rejection => rejection.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_of_contracts_are_named_with_their_arguments() {
        let error = IProvingSidecar::GroupUnavailable { height: 7, group: 2 };
        let text = explain(&error.abi_encode());
        assert!(text.contains("GroupUnavailable") && text.contains('7') && text.contains('2'), "{text}");
        assert!(explain(&IProverEscrow::QuoteExpired { expiry: 9 }.abi_encode()).contains("QuoteExpired"));
        assert_eq!(explain(&Revert::from("no\nway").abi_encode()), "noway");
        assert!(explain(&proofyard_contracts::calldata::selector("ProofRejected()")).contains("PY-C-008"));
        assert!(explain(&[]).contains("without a reason"));
        assert_eq!(explain(&[0xab; 80]).len(), "unknown reason 0x...".len() + 2 * SHOWN);
    }
}
