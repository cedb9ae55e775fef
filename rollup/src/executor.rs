//! Executes a block: checks everything, then gives what each transfer read and wrote.
//!
//! Order of the checks: counts; the pre-state has exactly the touched leaves and hashes to the previous root; then each
//! transfer in turn: sender known, signature, nonce, amount plus fee, balance, recipient's key, recipient's balance,
//! fees. The first transfer that fails is named, with its first reason. Only values are computed, no state is held: a
//! refused block leaves nothing behind.
//!
//! Three passes: balances and nonces one transfer after the other; all signatures in parallel; the tree level by level,
//! the hashes of a level in parallel.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use rayon::prelude::*;

use crate::account::{Account, leaf_hash};
use crate::baton::Baton;
use crate::block::{Block, check_caps};
use crate::block_error::BlockError;
use crate::schnorr::{self, Claim};
use crate::transfer::{SignedTransfer, next_data_hash};
use crate::tree::{DEPTH, LeafUpdate, PartialTree, PreState, TreeNodes, TreePath};

/// All that one transfer changes, enough to fill its part of the witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferTrace {
    /// The transfer.
    pub signed: SignedTransfer,
    /// The sender's account before the transfer.
    pub sender_before: Account,
    /// The recipient's account after the sender's update and before its own; None where the leaf is unused. In a
    /// self-transfer this is the sender's account already debited.
    pub recipient_before: Option<Account>,
    /// Path of the sender's leaf before the sender's update.
    pub sender_path: TreePath,
    /// Path of the recipient's leaf after the sender's update and before the recipient's.
    pub recipient_path: TreePath,
    /// Nodes above the sender's leaf after the sender's update.
    pub sender_nodes: TreeNodes,
    /// Nodes above the recipient's leaf after the recipient's update.
    pub recipient_nodes: TreeNodes,
    /// Baton before the transfer.
    pub baton_before: Baton,
    /// Baton after the transfer.
    pub baton_after: Baton,
}

/// An executed block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// Baton before the block; its fees are 0.
    pub start: Baton,
    /// Baton after the block: end root, data hash, fees.
    pub end: Baton,
    /// Fees of the block in gwei, the number in `end.fees`.
    pub fees: u64,
    /// One trace a transfer, in order.
    pub traces: Vec<TransferTrace>,
}

/// Checks and executes a block.
pub fn execute(block: &Block) -> Result<Executed, BlockError> {
    if block.transfers.is_empty() {
        return Err(BlockError::Empty);
    }
    let start = Start { root: block.previous_root, data_hash: block.previous_data_hash, fees: 0 };
    let (traces, fees) = run(start, &block.transfers, &block.pre_state)?;
    let start = start.baton();
    let end = traces.last().map_or(start, |trace| trace.baton_after);
    Ok(Executed { start, end, fees, traces })
}

/// A baton whose fees are known to fit 64 bits.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    pub(crate) root: Fr,
    pub(crate) data_hash: Fr,
    pub(crate) fees: u64,
}

impl Start {
    pub(crate) fn baton(self) -> Baton {
        Baton { root: self.root, data_hash: self.data_hash, fees: Fr::from(self.fees) }
    }
}

/// Checks and executes a run of transfers on a pre-state; gives the traces and the fees after the run.
pub(crate) fn run(
    start: Start,
    transfers: &[SignedTransfer],
    pre_state: &PreState,
) -> Result<(Vec<TransferTrace>, u64), BlockError> {
    check_caps(transfers.len(), pre_state.leaves.len(), pre_state.siblings.len())?;
    check_touched(transfers, pre_state)?;
    if transfers.is_empty() {
        return match pre_state.siblings.len() {
            0 => Ok((Vec::new(), start.fees)),
            got => Err(BlockError::SiblingCount { expected: 0, got }),
        };
    }
    let mut tree = PartialTree::expand(pre_state).ok_or_else(|| BlockError::SiblingCount {
        expected: PreState::sibling_count(pre_state.leaves.iter().map(|entry| entry.leaf)),
        got: pre_state.siblings.len(),
    })?;
    if tree.root() != start.root {
        return Err(BlockError::WrongPreviousRoot { previous_root: start.root, computed: tree.root() });
    }

    let digests: Vec<Fr> = transfers.par_iter().map(|signed| signed.transfer.digest()).collect();
    let steps = balances_pass(start.fees, transfers, &digests, pre_state)?;
    let writes: Vec<LeafUpdate> = steps
        .par_iter()
        .flat_map_iter(|step| {
            [(step.from_rank, &step.sender_after), (step.to_rank, &step.recipient_after)]
                .map(|(rank, account)| LeafUpdate { rank, value: leaf_hash(Some(account)) })
        })
        .collect();
    let applied = tree.apply(&writes);

    let mut baton_before = start.baton();
    let mut traces = Vec::with_capacity(transfers.len());
    let mut fees = start.fees;
    for (((signed, digest), step), halves) in transfers.iter().zip(&digests).zip(&steps).zip(applied.chunks_exact(2)) {
        let baton_after = Baton {
            root: halves[1].nodes[DEPTH - 1],
            data_hash: next_data_hash(baton_before.data_hash, *digest),
            fees: Fr::from(step.fees_after),
        };
        traces.push(TransferTrace {
            signed: *signed,
            sender_before: step.sender_before,
            recipient_before: step.recipient_before,
            sender_path: halves[0].path,
            recipient_path: halves[1].path,
            sender_nodes: halves[0].nodes,
            recipient_nodes: halves[1].nodes,
            baton_before,
            baton_after,
        });
        baton_before = baton_after;
        fees = step.fees_after;
    }
    Ok((traces, fees))
}

/// The pre-state's leaves are ascending and exactly those that a transfer touches.
fn check_touched(transfers: &[SignedTransfer], pre_state: &PreState) -> Result<(), BlockError> {
    if let Some(pair) = pre_state.leaves.windows(2).find(|pair| pair[0].leaf >= pair[1].leaf) {
        return Err(BlockError::PreStateOrder { leaf: pair[1].leaf, previous: pair[0].leaf });
    }
    let mut first_touch = BTreeMap::new();
    for (transaction, signed) in transfers.iter().enumerate() {
        for leaf in [signed.transfer.from, signed.transfer.to] {
            first_touch.entry(leaf).or_insert(transaction);
            if rank(pre_state, leaf).is_none() {
                return Err(BlockError::MissingPreState { transaction, leaf });
            }
        }
    }
    match pre_state.leaves.iter().find(|entry| !first_touch.contains_key(&entry.leaf)) {
        Some(entry) => Err(BlockError::UnneededPreState { leaf: entry.leaf }),
        None => Ok(()),
    }
}

fn rank(pre_state: &PreState, leaf: u32) -> Option<usize> {
    pre_state.leaves.binary_search_by_key(&leaf, |entry| entry.leaf).ok()
}

/// One transfer's accounts before and after, without the tree.
struct Step {
    from_rank: usize,
    to_rank: usize,
    sender_before: Account,
    sender_after: Account,
    recipient_before: Option<Account>,
    recipient_after: Account,
    fees_after: u64,
}

/// All checks of the transfers: the rules one after the other, then the signatures in parallel. Keys never change once
/// an account is open, so the signers are known without the signatures; a bad one still goes before any later error.
fn balances_pass(
    fees: u64,
    transfers: &[SignedTransfer],
    digests: &[Fr],
    pre_state: &PreState,
) -> Result<Vec<Step>, BlockError> {
    let mut accounts: Vec<Option<Account>> = pre_state.leaves.iter().map(|entry| entry.account).collect();
    let mut steps = Vec::with_capacity(transfers.len());
    let mut claims = Vec::with_capacity(transfers.len());
    let mut fees = fees;
    let mut refused = None;
    for (transaction, (signed, digest)) in transfers.iter().zip(digests).enumerate() {
        match next_step(transaction, signed, *digest, fees, pre_state, &accounts, &mut claims) {
            Ok(step) => {
                accounts[step.from_rank] = Some(step.sender_after);
                accounts[step.to_rank] = Some(step.recipient_after);
                fees = step.fees_after;
                steps.push(step);
            }
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    if let Err(transaction) = schnorr::verify_all(&claims) {
        return Err(BlockError::BadSignature { transaction, from: transfers[transaction].transfer.from });
    }
    match refused {
        Some(error) => Err(error),
        None => Ok(steps),
    }
}

/// Checks one transfer against the accounts so far and pushes its signature's claim as soon as the signer is known.
fn next_step(
    transaction: usize,
    signed: &SignedTransfer,
    digest: Fr,
    fees: u64,
    pre_state: &PreState,
    accounts: &[Option<Account>],
    claims: &mut Vec<Claim>,
) -> Result<Step, BlockError> {
    let transfer = &signed.transfer;
    let (from, to, amount, fee) = (transfer.from, transfer.to, transfer.amount, transfer.fee);
    let from_rank = rank(pre_state, from).ok_or(BlockError::MissingPreState { transaction, leaf: from })?;
    let to_rank = rank(pre_state, to).ok_or(BlockError::MissingPreState { transaction, leaf: to })?;

    let sender_before = accounts[from_rank].ok_or(BlockError::UnknownSender { transaction, from })?;
    claims.push(Claim { key: sender_before.key, digest, signature: signed.signature });
    if transfer.nonce != sender_before.nonce {
        let (expected, got) = (sender_before.nonce, transfer.nonce);
        return Err(BlockError::WrongNonce { transaction, from, expected, got });
    }
    let nonce = transfer.nonce.checked_add(1).ok_or(BlockError::NonceExhausted { transaction, from })?;
    let needed = amount.checked_add(fee).ok_or(BlockError::AmountOverflow { transaction, amount, fee })?;
    let balance = sender_before.balance;
    let left =
        balance.checked_sub(needed).ok_or(BlockError::InsufficientBalance { transaction, from, balance, needed })?;
    let sender_after = Account { key: sender_before.key, balance: left, nonce };

    let recipient_before = if to == from { Some(sender_after) } else { accounts[to_rank] };
    let mut recipient_after = recipient_before.unwrap_or(Account::opened(transfer.to_key));
    if recipient_after.key != transfer.to_key {
        return Err(BlockError::RecipientKeyMismatch { transaction, to });
    }
    let balance = recipient_after.balance;
    recipient_after.balance =
        balance.checked_add(amount).ok_or(BlockError::RecipientOverflow { transaction, to, balance, amount })?;
    let fees_after = fees.checked_add(fee).ok_or(BlockError::FeesOverflow { transaction, fees, fee })?;
    Ok(Step { from_rank, to_rank, sender_before, sender_after, recipient_before, recipient_after, fees_after })
}
