//! Small states and blocks shared by the tests.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use proofyard_rollup::account::{Account, leaf_hash};
use proofyard_rollup::baton::Baton;
use proofyard_rollup::block::Block;
use proofyard_rollup::executor::TransferTrace;
use proofyard_rollup::schnorr::{self, SecretKey};
use proofyard_rollup::transfer::{SignedTransfer, Transfer, next_data_hash};
use proofyard_rollup::tree::{DEPTH, StateTree, nodes_of_path};

/// Leaves of the three accounts that exist at the start.
pub const ALICE: u32 = 5;
pub const BOB: u32 = 6;
pub const CAROL: u32 = 0xdead_beef;
/// An unused leaf.
pub const DAVE: u32 = u32::MAX;

/// The key of a leaf in these tests.
pub fn secret(leaf: u32) -> SecretKey {
    SecretKey::from_seed(&leaf.to_be_bytes())
}

pub fn account(leaf: u32, balance: u64, nonce: u32) -> Account {
    Account { key: secret(leaf).public_key(), balance, nonce }
}

/// Alice has 1000 gwei and nonce 7, Bob 50 and nonce 0, Carol nearly all a balance can hold.
pub fn state() -> StateTree {
    StateTree::new(BTreeMap::from([
        (ALICE, account(ALICE, 1_000, 7)),
        (BOB, account(BOB, 50, 0)),
        (CAROL, account(CAROL, u64::MAX - 10, u32::MAX)),
    ]))
}

pub fn transfer(from: u32, to: u32, amount: u64, fee: u64, nonce: u32) -> Transfer {
    Transfer { from, to, to_key: secret(to).public_key(), amount, fee, nonce }
}

/// The transfer signed with its sender's key.
pub fn signed(transfer: Transfer) -> SignedTransfer {
    transfer.sign(&secret(transfer.from))
}

pub fn block_on(state: &StateTree, transfers: Vec<SignedTransfer>) -> Block {
    let touched = transfers.iter().flat_map(|signed| [signed.transfer.from, signed.transfer.to]);
    Block {
        previous_root: state.root(),
        previous_data_hash: Fr::from(0u64),
        pre_state: state.pre_state(touched),
        transfers,
    }
}

/// Three valid transfers: Alice to Bob, Alice opens Dave, Bob to himself.
pub fn good_block() -> Block {
    let transfers = [transfer(ALICE, BOB, 100, 3, 7), transfer(ALICE, DAVE, 20, 0, 8), transfer(BOB, BOB, 10, 1, 0)];
    block_on(&state(), transfers.into_iter().map(signed).collect())
}

/// The slow obvious twin of the executor: one transfer after the other on the whole tree. The error is the index of the
/// first bad transfer and its code.
pub fn execute_twin(
    state: &mut StateTree,
    start: Baton,
    transfers: &[SignedTransfer],
) -> Result<Vec<TransferTrace>, (usize, &'static str)> {
    let mut baton = start;
    let mut fees = 0u64;
    let mut traces = Vec::new();
    for (index, signed) in transfers.iter().enumerate() {
        let refuse = |code| (index, code);
        let t = &signed.transfer;
        let sender = *state.account(t.from).ok_or(refuse("PY-B-020"))?;
        if !schnorr::verify(&sender.key, t.digest(), &signed.signature) {
            return Err(refuse("PY-B-021"));
        }
        if sender.nonce != t.nonce {
            return Err(refuse("PY-B-022"));
        }
        let nonce = sender.nonce.checked_add(1).ok_or(refuse("PY-B-023"))?;
        let needed = t.amount.checked_add(t.fee).ok_or(refuse("PY-B-024"))?;
        let balance = sender.balance.checked_sub(needed).ok_or(refuse("PY-B-025"))?;
        let debited = Account { balance, nonce, ..sender };
        let sender_path = state.set(t.from, debited);
        let sender_nodes = nodes_of_path(&sender_path, t.from, leaf_hash(Some(&debited)));
        let recipient_before = state.account(t.to).copied();
        let mut recipient = recipient_before.unwrap_or(Account { key: t.to_key, balance: 0, nonce: 0 });
        if recipient.key != t.to_key {
            return Err(refuse("PY-B-026"));
        }
        recipient.balance = recipient.balance.checked_add(t.amount).ok_or(refuse("PY-B-027"))?;
        let recipient_path = state.set(t.to, recipient);
        let recipient_nodes = nodes_of_path(&recipient_path, t.to, leaf_hash(Some(&recipient)));
        assert_eq!(recipient_nodes[DEPTH - 1], state.root());
        fees = fees.checked_add(t.fee).ok_or(refuse("PY-B-028"))?;
        let after =
            Baton { root: state.root(), data_hash: next_data_hash(baton.data_hash, t.digest()), fees: Fr::from(fees) };
        traces.push(TransferTrace {
            signed: *signed,
            sender_before: sender,
            recipient_before,
            sender_path,
            recipient_path,
            sender_nodes,
            recipient_nodes,
            baton_before: baton,
            baton_after: after,
        });
        baton = after;
    }
    Ok(traces)
}

/// The code in an error's text.
pub fn code(error: &impl ToString) -> String {
    let text = error.to_string();
    let start = text.find("[PY-").expect("every error has a code");
    text[start + 1..start + 9].to_owned()
}
