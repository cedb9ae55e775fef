//! The parallel executor against its sequential twin, on valid and on spoiled blocks.

use std::collections::BTreeMap;

use crate::fixture::*;
use ark_bn254::Fr;
use proofyard_rollup::account::leaf_hash;
use proofyard_rollup::baton::Baton;
use proofyard_rollup::block::Block;
use proofyard_rollup::executor::execute;
use proofyard_rollup::generate;
use proofyard_rollup::transfer::SignedTransfer;
use proofyard_rollup::tree::{DEPTH, StateTree, digit, empty_subtrees, root_of_path};
use proptest::prelude::*;

/// The baton the block starts with.
fn start_of(block: &Block) -> Baton {
    Baton { root: block.previous_root, data_hash: block.previous_data_hash, fees: Fr::from(0u64) }
}

/// Random transfers among eight leaves that are close or far apart, five of them in use; `spoil` makes some of them
/// bad.
fn small_block(seeds: &[(u8, u8, u16, u8)]) -> (StateTree, Block) {
    let leaves = [0, 1, 4, 5, 1 << 31, u32::MAX - 1, u32::MAX, 77];
    let state =
        StateTree::new(leaves[..5].iter().map(|&leaf| (leaf, account(leaf, 100_000, 3))).collect::<BTreeMap<_, _>>());
    let mut nonces = BTreeMap::new();
    let transfers: Vec<SignedTransfer> = seeds
        .iter()
        .map(|&(from, to, amount, spoil)| {
            let (from, to) = (leaves[from as usize % 5], leaves[to as usize % 8]);
            let nonce = nonces.entry(from).or_insert(3u32);
            let mut t = transfer(from, to, u64::from(amount), u64::from(spoil), *nonce);
            *nonce += 1;
            match spoil {
                0 => t.nonce += 1,
                1 => t.from = leaves[7],
                2 => t.to_key = secret(1234).public_key(),
                3 => t.amount = 1_000_000,
                4 => t.fee = u64::MAX,
                _ => {}
            }
            let mut signed = signed(t);
            if spoil == 5 {
                signed.signature.e ^= 1;
            }
            signed
        })
        .collect();
    let block = block_on(&state, transfers);
    (state, block)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_executor_equals_its_twin(
        seeds in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u16>(), 6u8..), 1..12)
    ) {
        let (mut state, block) = small_block(&seeds);
        match (execute(&block), execute_twin(&mut state, start_of(&block), &block.transfers)) {
            (Ok(executed), Ok(traces)) => {
                prop_assert_eq!(executed.end.root, state.root());
                prop_assert_eq!(executed.end.fees, Fr::from(executed.fees));
                prop_assert_eq!(executed.traces, traces);
            }
            (Err(error), Err((transaction, expected))) => {
                prop_assert_eq!(error.transaction(), Some(transaction));
                prop_assert_eq!(code(&error), expected);
            }
            (left, right) => prop_assert!(false, "{left:?} and {right:?} disagree"),
        }
    }

    #[test]
    fn a_spoiled_block_is_refused_for_the_twins_reason(
        seeds in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u16>(), 0u8..24), 1..12)
    ) {
        let (mut state, block) = small_block(&seeds);
        let twin = execute_twin(&mut state, start_of(&block), &block.transfers).map(|_| ());
        let executed = execute(&block).map(|_| ()).map_err(|error| (error.transaction().unwrap(), code(&error)));
        prop_assert_eq!(executed, twin.map_err(|(transaction, code)| (transaction, code.to_owned())));
    }
}

#[test]
fn paths_lead_to_the_batons_roots() {
    let executed = execute(&generate::block(16, 3).unwrap()).unwrap();
    for trace in &executed.traces {
        let t = &trace.signed.transfer;
        let before = leaf_hash(Some(&trace.sender_before));
        assert_eq!(root_of_path(&trace.sender_path, t.from, before), trace.baton_before.root);
        for level in 0..DEPTH {
            assert!(trace.sender_path[level].len() > digit(t.from, level));
        }
        let debited = proofyard_rollup::account::Account {
            balance: trace.sender_before.balance - t.amount - t.fee,
            nonce: trace.sender_before.nonce + 1,
            ..trace.sender_before
        };
        let between = root_of_path(&trace.sender_path, t.from, leaf_hash(Some(&debited)));
        let recipient = leaf_hash(trace.recipient_before.as_ref());
        assert_eq!(root_of_path(&trace.recipient_path, t.to, recipient), between);
        if t.from == t.to {
            assert_eq!(trace.recipient_before, Some(debited));
        }
    }
    for pair in executed.traces.windows(2) {
        assert_eq!(pair[0].baton_after, pair[1].baton_before);
    }
    assert_eq!(executed.start.fees, Fr::from(0u64));
    assert_eq!(executed.end, executed.traces[15].baton_after);
}

#[test]
fn a_tree_built_at_once_equals_one_built_leaf_by_leaf() {
    let leaves = [3, 0, 2, 900, u32::MAX, 1 << 30];
    let at_once = StateTree::new(leaves.iter().map(|&leaf| (leaf, account(leaf, leaf.into(), 1))).collect());
    let mut one_by_one = StateTree::default();
    assert_eq!(one_by_one.root(), empty_subtrees()[DEPTH]);
    for leaf in leaves {
        let path = one_by_one.path(leaf);
        assert_eq!(root_of_path(&path, leaf, Fr::from(0u64)), one_by_one.root());
        assert_eq!(one_by_one.set(leaf, account(leaf, leaf.into(), 1)), path);
    }
    assert_eq!(one_by_one.root(), at_once.root());
    assert_eq!(one_by_one.path(901), at_once.path(901));
    assert_eq!(one_by_one.pre_state([3, 900, 4, 3]), at_once.pre_state([900, 3, 4]));
}
