//! Calldata of what coordinator and sidecar send. The contract each goes to is in the [`Deployment`].

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::{SolCall, SolValue};
use proofyard_contracts::bindings::IProvingSidecar::Header;
use proofyard_contracts::bindings::{ICommitmentPhase, IERC20, IProverEscrow, IProvingSidecar, ISequencerSet};

use super::Deployment;
use crate::transactions::ObsoleteWhen;

/// To the sidecar: proposes a block. An ETH tip must be sent along.
pub fn propose(
    height: u64,
    block_commitment: B256,
    tip_token: Address,
    tip: U256,
    reward_share_bps: u16,
    vrf_output: [U256; 2],
) -> Bytes {
    IProvingSidecar::proposeCall {
        height,
        blockCommitment: block_commitment,
        tipToken: tip_token,
        tip,
        rewardShareBps: reward_share_bps,
        vrfOutput: vrf_output,
    }
    .abi_encode()
    .into()
}

/// To the sidecar: shows the block behind the sender's proposal.
pub fn reveal(height: u64, header: Header, salt: B256) -> Bytes {
    IProvingSidecar::revealCall { height, header, salt }.abi_encode().into()
}

/// To the commitment phase: the sender's own deposit, by allowance, for a group of its proposal.
pub fn commit_own(height: u64, proposal: u32, group: u32, prover: Address, deposit: U256) -> Bytes {
    ICommitmentPhase::commitOwnCall { height, proposal, group, prover, deposit }.abi_encode().into()
}

/// To the commitment phase: a prover's quote for a group of the sender's proposal.
pub fn commit_quote(height: u64, proposal: u32, group: u32, quote: IProverEscrow::Quote, signature: Bytes) -> Bytes {
    ICommitmentPhase::commitQuoteCall { height, proposal, group, quote, signature }.abi_encode().into()
}

/// To the sidecar: one group's proof, with the verifier's hint words behind the arguments (none: it computes them itself).
pub fn submit_proof(
    height: u64,
    header: Header,
    group: u32,
    beneficiary: Address,
    proof: Bytes,
    hints: &[B256],
) -> Bytes {
    let mut data = IProvingSidecar::submitProofCall { height, header, group, beneficiary, proof }.abi_encode();
    data.extend(hints.iter().flatten());
    data.into()
}

/// To the sidecar: brings a height to its end if its time has come.
pub fn settle(height: u64) -> Bytes {
    IProvingSidecar::settleCall { height }.abi_encode().into()
}

/// To the sidecar: credits tip and deposits of a proposal that did not win.
pub fn refund(height: u64, proposal: u32) -> Bytes {
    IProvingSidecar::refundCall { height, proposal }.abi_encode().into()
}

/// To the sidecar: pays out what is credited to the sender.
pub fn withdraw(token: Address) -> Bytes {
    IProvingSidecar::withdrawCall { token }.abi_encode().into()
}

/// To the escrow: the sender's deposit, by allowance.
pub fn escrow_deposit(token: Address, amount: U256) -> Bytes {
    IProverEscrow::depositCall { token, amount }.abi_encode().into()
}

/// To the escrow: announces a withdrawal.
pub fn escrow_request_withdrawal(token: Address, amount: U256) -> Bytes {
    IProverEscrow::requestWithdrawalCall { token, amount }.abi_encode().into()
}

/// To the escrow: pays an announced withdrawal out.
pub fn escrow_withdraw(token: Address) -> Bytes {
    IProverEscrow::withdrawCall { token }.abi_encode().into()
}

/// To the escrow: makes a quote that was not drawn worthless.
pub fn cancel_nonce(nonce: U256) -> Bytes {
    IProverEscrow::cancelNonceCall { nonce }.abi_encode().into()
}

/// To the sequencer set: registers the sender's VRF key.
pub fn register(public_key: [U256; 4], possession: [U256; 2]) -> Bytes {
    ISequencerSet::registerCall { publicKey: public_key, possession }.abi_encode().into()
}

/// To a token: lets `spender` take that much.
pub fn approve(spender: Address, amount: U256) -> Bytes {
    IERC20::approveCall { spender, value: amount }.abi_encode().into()
}

/// A submission is obsolete when the chain calls its group proven.
pub fn when_proven(deployment: &Deployment, height: u64, group: u32) -> ObsoleteWhen {
    ObsoleteWhen {
        to: deployment.sidecar,
        data: IProvingSidecar::isProvenCall { height, group }.abi_encode().into(),
        answer: true.abi_encode().into(),
    }
}
