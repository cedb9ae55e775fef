//! Every way a block can be bad, refused with its code, transaction and reason.

use crate::fixture::*;
use ark_bn254::Fr;
use ark_ff::Field;
use proofyard_rollup::block::{Block, TRANSFERS_MAX};
use proofyard_rollup::block_error::BlockError;
use proofyard_rollup::encoding::DecodeError;
use proofyard_rollup::executor::execute;
use proofyard_rollup::transfer::Transfer;
use proofyard_rollup::tree::{PreLeaf, StateTree};

/// Executes a good transfer and then the given ones; the block must be refused, and must be as it was before.
#[track_caller]
fn refusal(bad: impl IntoIterator<Item = Transfer>) -> BlockError {
    let mut transfers = vec![signed(transfer(ALICE, BOB, 1, 1, 7))];
    transfers.extend(bad.into_iter().map(signed));
    refused(&block_on(&state(), transfers))
}

#[track_caller]
fn refused(block: &Block) -> BlockError {
    let before = block.clone();
    let error = execute(block).expect_err("the block is bad");
    assert_eq!(*block, before);
    // A second run finds the same: nothing was kept.
    assert_eq!(execute(block), Err(error.clone()));
    error
}

#[track_caller]
fn assert_text(error: &BlockError, text: &str) {
    assert_eq!(error.to_string(), text);
}

#[test]
fn valid_edge_cases_are_accepted() {
    let executed = execute(&good_block()).unwrap();
    assert_eq!(executed.fees, 4);
    assert_eq!(executed.traces[1].recipient_before, None);
    // Zero amount to oneself, zero amount that opens an account, the whole balance, a recipient filled to the brim.
    let transfers = [
        transfer(ALICE, ALICE, 0, 0, 7),
        transfer(ALICE, DAVE, 0, 0, 8),
        transfer(ALICE, BOB, 990, 0, 9),
        transfer(ALICE, CAROL, 10, 0, 10),
    ];
    let executed = execute(&block_on(&state(), transfers.map(signed).to_vec())).unwrap();
    assert_eq!(executed.fees, 0);
    assert_eq!(executed.traces[3].recipient_before.unwrap().balance, u64::MAX - 10);
    // An account opened in the block can send in the same block.
    let transfers = [transfer(ALICE, DAVE, 100, 0, 7), transfer(DAVE, BOB, 50, 50, 0)];
    assert_eq!(execute(&block_on(&state(), transfers.map(signed).to_vec())).unwrap().fees, 50);
}

#[test]
fn a_bad_signature_is_refused() {
    let mut block = good_block();
    block.transfers[1].signature.s += ark_grumpkin::Fr::ONE;
    assert_text(
        &refused(&block),
        "[PY-B-021] transaction 1: the signature is not valid for account 5; sign with its key",
    );
}

#[test]
fn a_signature_of_another_key_is_refused() {
    let mut block = good_block();
    block.transfers[0] = block.transfers[0].transfer.sign(&secret(BOB));
    assert_eq!(refused(&block), BlockError::BadSignature { transaction: 0, from: ALICE });
}

#[test]
fn a_bad_signature_goes_before_a_later_error() {
    let mut block =
        block_on(&state(), [transfer(ALICE, BOB, 1, 1, 7), transfer(ALICE, BOB, 1, 1, 7)].map(signed).to_vec());
    assert_eq!(code(&refused(&block)), "PY-B-022");
    block.transfers[0].signature.e ^= 1;
    assert_eq!(refused(&block), BlockError::BadSignature { transaction: 0, from: ALICE });
}

#[test]
fn changing_any_signed_field_breaks_the_signature() {
    let changes: [fn(&mut Transfer); 4] =
        [|t| t.amount -= 1, |t| t.fee += 1, |t| t.to = ALICE, |t| t.to_key = secret(9).public_key()];
    for change in changes {
        let mut block = good_block();
        change(&mut block.transfers[0].transfer);
        block.pre_state = state().pre_state([ALICE, BOB, DAVE]);
        assert_eq!(refused(&block), BlockError::BadSignature { transaction: 0, from: ALICE });
    }
}

#[test]
fn a_wrong_nonce_is_refused() {
    assert_text(
        &refusal([transfer(ALICE, BOB, 1, 1, 7)]),
        "[PY-B-022] transaction 1: nonce 7, account 5 expects 8; sign it again",
    );
    assert_eq!(code(&refusal([transfer(ALICE, BOB, 1, 1, 9)])), "PY-B-022");
}

#[test]
fn an_exhausted_nonce_is_refused() {
    let error = refusal([transfer(CAROL, BOB, 1, 1, u32::MAX)]);
    assert_eq!(error, BlockError::NonceExhausted { transaction: 1, from: CAROL });
}

#[test]
fn an_insufficient_balance_is_refused() {
    let error = refusal([transfer(BOB, ALICE, 50, 2, 0)]);
    assert_eq!(error, BlockError::InsufficientBalance { transaction: 1, from: BOB, balance: 51, needed: 52 });
    assert_text(&error, "[PY-B-025] transaction 1: account 6 has 51 gwei, needs 52; send less");
    // A self-transfer needs its amount too.
    assert_eq!(code(&refusal([transfer(BOB, BOB, 52, 0, 0)])), "PY-B-025");
}

#[test]
fn amount_plus_fee_over_64_bits_is_refused() {
    let error = refusal([transfer(ALICE, BOB, u64::MAX, 1, 8)]);
    assert_eq!(error, BlockError::AmountOverflow { transaction: 1, amount: u64::MAX, fee: 1 });
}

#[test]
fn a_recipient_balance_over_64_bits_is_refused() {
    let error = refusal([transfer(ALICE, CAROL, 11, 0, 8)]);
    assert_eq!(error, BlockError::RecipientOverflow { transaction: 1, to: CAROL, balance: u64::MAX - 10, amount: 11 });
}

#[test]
fn fees_over_64_bits_are_refused() {
    let rich = StateTree::new([ALICE, BOB].map(|leaf| (leaf, account(leaf, u64::MAX, 0))).into());
    let transfers = [transfer(ALICE, ALICE, 0, u64::MAX, 0), transfer(BOB, BOB, 0, 1, 0)];
    let block = block_on(&rich, transfers.map(signed).to_vec());
    assert_eq!(refused(&block), BlockError::FeesOverflow { transaction: 1, fees: u64::MAX, fee: 1 });
}

#[test]
fn an_unknown_sender_is_refused() {
    let error = refusal([transfer(DAVE, BOB, 0, 0, 0)]);
    assert_text(&error, "[PY-B-020] transaction 1: no account at sender leaf 4294967295; fund it first");
}

#[test]
fn an_account_cannot_be_opened_by_its_own_transfer() {
    assert_eq!(code(&refusal([transfer(DAVE, DAVE, 0, 0, 0)])), "PY-B-020");
}

#[test]
fn a_recipient_key_that_is_not_the_accounts_is_refused() {
    let wrong = Transfer { to_key: secret(ALICE).public_key(), ..transfer(ALICE, BOB, 1, 0, 8) };
    assert_eq!(refusal([wrong]), BlockError::RecipientKeyMismatch { transaction: 1, to: BOB });
    let to_oneself = Transfer { to_key: secret(BOB).public_key(), ..transfer(ALICE, ALICE, 1, 0, 8) };
    assert_eq!(refusal([to_oneself]), BlockError::RecipientKeyMismatch { transaction: 1, to: ALICE });
    // Also where the account was opened in this very block.
    let second = Transfer { to_key: secret(BOB).public_key(), ..transfer(ALICE, DAVE, 1, 0, 9) };
    let error = refusal([transfer(ALICE, DAVE, 1, 0, 8), second]);
    assert_eq!(error, BlockError::RecipientKeyMismatch { transaction: 2, to: DAVE });
}

#[test]
fn a_wrong_previous_root_is_refused() {
    let mut block = good_block();
    let computed = block.previous_root;
    block.previous_root += Fr::ONE;
    assert_eq!(refused(&block), BlockError::WrongPreviousRoot { previous_root: block.previous_root, computed });
}

#[test]
fn a_pre_state_that_lies_is_refused() {
    let lies: [fn(&mut Block); 5] = [
        |block| block.pre_state.siblings[3] += Fr::ONE,
        |block| block.pre_state.siblings.swap(4, 5),
        |block| block.pre_state.leaves[0].account.as_mut().unwrap().balance += 1,
        |block| block.pre_state.leaves[1].account = None,
        |block| block.pre_state.leaves[2].account = Some(account(DAVE, 0, 0)),
    ];
    for lie in lies {
        let mut block = good_block();
        lie(&mut block);
        assert_eq!(code(&refused(&block)), "PY-B-014");
    }
}

#[test]
fn a_missing_pre_state_entry_is_refused() {
    let mut block = good_block();
    block.pre_state = state().pre_state([ALICE, BOB]);
    assert_eq!(refused(&block), BlockError::MissingPreState { transaction: 1, leaf: DAVE });
}

#[test]
fn an_unneeded_pre_state_entry_is_refused() {
    let mut block = good_block();
    block.pre_state = state().pre_state([ALICE, BOB, DAVE, CAROL]);
    assert_eq!(refused(&block), BlockError::UnneededPreState { leaf: CAROL });
}

#[test]
fn a_wrong_number_of_siblings_is_refused() {
    let mut block = good_block();
    let expected = block.pre_state.siblings.len();
    block.pre_state.siblings.push(Fr::ONE);
    assert_eq!(refused(&block), BlockError::SiblingCount { expected, got: expected + 1 });
    block.pre_state.siblings.truncate(expected - 1);
    assert_eq!(refused(&block), BlockError::SiblingCount { expected, got: expected - 1 });
}

#[test]
fn pre_state_entries_out_of_order_are_refused() {
    let mut block = good_block();
    block.pre_state.leaves.swap(0, 1);
    assert_eq!(refused(&block), BlockError::PreStateOrder { leaf: ALICE, previous: BOB });
    let mut block = good_block();
    block.pre_state.leaves.insert(0, PreLeaf { leaf: ALICE, account: None });
    assert_eq!(refused(&block), BlockError::PreStateOrder { leaf: ALICE, previous: ALICE });
}

#[test]
fn an_empty_block_is_refused() {
    assert_eq!(refused(&block_on(&state(), Vec::new())), BlockError::Empty);
}

#[test]
fn too_many_transfers_are_refused_unread() {
    let mut block = good_block();
    block.transfers = vec![block.transfers[0]; TRANSFERS_MAX + 1];
    let (count, max) = (TRANSFERS_MAX as u64 + 1, TRANSFERS_MAX as u64);
    let expected = DecodeError::TooMany { what: "transfers", count, max };
    assert_eq!(refused(&block), BlockError::Encoding(expected.clone()));
    assert_eq!(Block::decode(&block.encode()), Err(expected));
}
