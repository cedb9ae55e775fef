//! Cutting a block in two.

use proofyard_rollup::block::Block;
use proofyard_rollup::cut::CutError;
use proofyard_rollup::executor::execute;
use proofyard_rollup::generate;
use proofyard_rollup::tree::PreState;
use proptest::prelude::*;

use crate::fixture::{ALICE, BOB, DAVE, block_on, code, good_block, signed, state, transfer};

/// Both halves execute, chain, and come to what the whole comes to.
fn check_cut(whole: &Block, first: usize) {
    let (head, tail) = whole.split(first).unwrap();
    let all = execute(whole).unwrap();
    let (one, two) = (execute(&head).unwrap(), execute(&tail).unwrap());
    assert_eq!(one.start, all.start);
    assert_eq!((two.start.root, two.start.data_hash), (one.end.root, one.end.data_hash));
    assert_eq!((two.end.root, two.end.data_hash), (all.end.root, all.end.data_hash));
    assert_eq!(one.fees + two.fees, all.fees);
    assert_eq!(one.traces, all.traces[..first]);
    assert_eq!([head.transfers.clone(), tail.transfers.clone()].concat(), whole.transfers);
    for half in [&head, &tail] {
        assert_eq!(Block::decode(&half.encode()).as_ref(), Ok(half));
        let leaves = half.pre_state.leaves.iter().map(|entry| entry.leaf);
        assert_eq!(half.pre_state.siblings.len(), PreState::sibling_count(leaves));
    }
    assert_eq!(all.cut(first).unwrap(), (head, tail));
}

#[test]
fn every_cut_of_a_block_gives_two_blocks_that_chain() {
    let whole = generate::block(12, 3).unwrap();
    for first in 1..12 {
        check_cut(&whole, first);
    }
}

#[test]
fn the_halves_carry_only_the_leaves_they_touch() {
    // Alice to Bob, Alice opens Dave, Bob to himself.
    let (head, tail) = good_block().split(1).unwrap();
    let leaves = |block: &Block| block.pre_state.leaves.iter().map(|entry| entry.leaf).collect::<Vec<_>>();
    assert_eq!(leaves(&head), [ALICE, BOB]);
    assert_eq!(leaves(&tail), [ALICE, BOB, DAVE]);
    let bob = tail.pre_state.leaves[1].account.unwrap();
    assert_eq!(bob.balance, 150, "the second half sees the first half's result");
    assert_eq!(tail.pre_state.leaves[2].account, None, "Dave is opened by the second half");
}

#[test]
fn an_empty_half_is_refused() {
    let whole = good_block();
    for first in [0, 3, 4, usize::MAX] {
        assert_eq!(whole.split(first), Err(CutError::Empty { first, transfers: 3 }));
    }
}

#[test]
fn a_block_that_does_not_execute_is_not_cut() {
    let bad = block_on(&state(), [transfer(ALICE, BOB, 1, 0, 7), transfer(BOB, ALICE, 500, 0, 0)].map(signed).to_vec());
    assert_eq!(code(&bad.split(1).unwrap_err()), "PY-B-025");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn random_blocks_cut_anywhere(transfers in 2usize..20, seed: u64, at in any::<prop::sample::Index>()) {
        check_cut(&generate::block(transfers, seed).unwrap(), 1 + at.index(transfers - 1));
    }
}
