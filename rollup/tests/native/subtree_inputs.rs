//! Cutting a block into subtrees and carrying them to workers.

use std::sync::LazyLock;

use crate::fixture::code;
use proofyard_rollup::executor::{Executed, execute};
use proofyard_rollup::generate;
use proofyard_rollup::subtree_inputs::{SplitError, SubtreeInputs, subtrees_needed};
use proptest::prelude::*;

static EXECUTED: LazyLock<Executed> = LazyLock::new(|| execute(&generate::block(22, 5).unwrap()).unwrap());

#[test]
fn runs_are_aligned_even_and_chained() {
    for (subtrees, expected) in [(1, vec![22]), (4, vec![6, 6, 5, 5]), (32, [vec![1; 22], vec![0; 10]].concat())] {
        let runs = EXECUTED.split(subtrees, 22).unwrap();
        assert_eq!(runs.iter().map(|run| run.traces.len()).collect::<Vec<_>>(), expected);
        assert_eq!(runs[0].start, EXECUTED.start);
        for pair in runs.windows(2) {
            assert_eq!(pair[0].end(), pair[1].start);
        }
        assert_eq!(runs[subtrees - 1].end(), EXECUTED.end);
        let all: Vec<_> = runs.into_iter().flat_map(|run| run.traces).collect();
        assert_eq!(all, EXECUTED.traces);
    }
}

#[test]
fn a_split_that_does_not_fit_names_the_subtrees_needed() {
    assert_eq!(
        EXECUTED.split(2, 5),
        Err(SplitError::TooFewSubtrees { transfers: 22, subtrees: 2, capacity: 5, needed: 8 })
    );
    assert!(EXECUTED.split(8, 5).is_ok());
    assert_eq!(EXECUTED.split(1, 0), Err(SplitError::TooLarge { transfers: 22, capacity: 0 }));
    for subtrees in [0, 3, 512] {
        assert_eq!(EXECUTED.split(subtrees, 22), Err(SplitError::Subtrees { subtrees }));
    }
    assert_eq!(subtrees_needed(297, 19), Some(16));
    assert_eq!(subtrees_needed(304, 19), Some(16));
    assert_eq!(subtrees_needed(305, 19), Some(32));
    assert_eq!(subtrees_needed(0, 19), Some(1));
    assert_eq!(subtrees_needed(19 * 256 + 1, 19), None);
}

#[test]
fn inputs_survive_their_encoding_and_stay_small() {
    for subtrees in [1, 2, 8, 32] {
        for run in EXECUTED.split(subtrees, 22).unwrap() {
            let bytes = run.encode();
            assert!(bytes.len() <= SubtreeInputs::bytes_max(run.traces.len()));
            assert!(bytes.len() <= 200 + 5_000 * run.traces.len(), "{} bytes", bytes.len());
            assert_eq!(SubtreeInputs::decode(&bytes, 22).unwrap(), run);
            assert_eq!(SubtreeInputs::digest(&bytes), SubtreeInputs::digest(&run.encode()));
        }
    }
}

#[test]
fn more_transfers_than_slots_are_refused() {
    let run = EXECUTED.split(2, 11).unwrap().remove(0);
    assert_eq!(code(&SubtreeInputs::decode(&run.encode(), 10).unwrap_err()), "PY-B-005");
}

#[test]
fn a_start_baton_the_state_does_not_match_is_refused() {
    let run = EXECUTED.split(4, 6).unwrap().remove(1);
    let mut other = run.clone();
    other.start = EXECUTED.start;
    assert_eq!(code(&SubtreeInputs::decode(&other.encode(), 6).unwrap_err()), "PY-B-014");
    let mut bytes = run.encode();
    bytes[12 + 64 + 23] = 1;
    assert_eq!(code(&SubtreeInputs::decode(&bytes, 6).unwrap_err()), "PY-B-006");
}

#[test]
fn traces_that_skip_a_transfer_are_refused() {
    let mut run = EXECUTED.split(1, 22).unwrap().remove(0);
    run.traces.remove(4);
    assert!(SubtreeInputs::decode(&run.encode(), 22).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn spoiled_inputs_never_panic(at in any::<prop::sample::Index>(), value: u8, cut in any::<prop::sample::Index>()) {
        let good = EXECUTED.split(8, 3).unwrap().remove(2).encode();
        let mut bytes = good.clone();
        let at = at.index(bytes.len());
        bytes[at] = value;
        if let Ok(run) = SubtreeInputs::decode(&bytes, 3) {
            prop_assert_eq!(run.encode(), bytes);
        }
        prop_assert!(SubtreeInputs::decode(&good[..cut.index(good.len())], 3).is_err());
    }
}
