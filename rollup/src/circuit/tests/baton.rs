//! Lies about the flag `active`, the roots, the data hash and the fees.

use super::*;
use crate::baton::Baton;

const ROOT: &str = "root";

fn values() -> SlotValues {
    Forge::default().values()
}

#[test]
fn a_transfer_on_another_root() {
    let mut values = values();
    values.baton[0] += Fr::ONE;
    let failures = Trial::new(&values, Tamper::default()).failures();
    assert_eq!(failures, [gate(ROOT, 0, "difference of the roots", 0)]);
    // The difference denied.
    let tamper = cell(ROOT, 0, "difference of the roots", 1, Lie::Set(Fr::ZERO));
    assert_eq!(Trial::new(&values, tamper).failures(), [gate(ROOT, 0, "old root is the baton's", 2)]);
    // The difference hidden by its opposite at place 3.
    let tamper = cell(ROOT, 0, "difference of the roots", 3, Lie::Set(-Fr::ONE));
    assert_eq!(Trial::new(&values, tamper).failures(), [gate(ROOT, 0, "old root is the baton's", 4)]);
    // The old root replaced by the baton's.
    let tamper = cell(ROOT, 0, "old root", 2, Lie::Add(Fr::ONE));
    assert_eq!(Trial::new(&values, tamper).failures(), [gate(ROOT, 0, "old root", 0)]);
}

#[test]
fn places_without_use_are_constrained_too() {
    for (place, constraint) in [(0, 1), (2, 3)] {
        let tamper = cell(ROOT, 0, "difference of the roots", place, Lie::Add(Fr::ONE));
        assert_eq!(Trial::new(&values(), tamper).failures(), [gate(ROOT, 0, "old root is the baton's", constraint)]);
    }
}

#[test]
fn a_flag_that_is_no_bit() {
    for active in [Fr::from(2u64), -Fr::ONE] {
        let values = SlotValues { active, ..values() };
        let failures = Trial::new(&values, Tamper::default()).failures();
        assert_eq!(failures, [gate(ROOT, 0, "old root is the baton's", 5)]);
    }
}

#[test]
fn an_inactive_slot_that_changes_something() {
    let baton = Baton { root: Fr::from(1u64), data_hash: Fr::from(2u64), fees: Fr::from(3u64) };
    let idle = SlotValues::inactive(baton);
    let changed = |section, row, column| Trial::new(&idle, cell(section, 0, row, column, Lie::Add(Fr::ONE))).failures();
    assert_eq!(changed(ROOT, "root after", 3), [gate(ROOT, 0, "root after", 0)]);
    assert_eq!(changed("data hash", "data hash after", 2), [gate("data hash", 0, "data hash before and hashed", 1)]);
    assert_eq!(changed("fees", "fees after", 3), [gate("fees", 0, "fees after", 0)]);
    // Fees without a transfer's effect: the dummy with a fee it does not sign.
    let mut values = idle.clone();
    values.fee = Fr::ONE;
    assert!(!Trial::new(&values, Tamper::default()).failures().is_empty());
}

#[test]
fn a_transfer_that_leaves_the_baton_as_it_was() {
    let values = values();
    let kept =
        |section, row, column, value| Trial::new(&values, cell(section, 0, row, column, Lie::Set(value))).failures();
    assert_eq!(kept(ROOT, "root after", 3, values.baton[0]), [gate(ROOT, 0, "root after", 0)]);
    assert_eq!(
        kept("data hash", "data hash after", 2, values.baton[1]),
        [gate("data hash", 0, "data hash before and hashed", 1)]
    );
    assert_eq!(kept("fees", "fees after", 3, values.baton[2]), [gate("fees", 0, "fees after", 0)]);
}

#[test]
fn a_data_hash_of_the_provers_own() {
    let failures = Trial::new(&values(), output("data hash", 0, "hash", Fr::ONE)).failures();
    assert_eq!(failures, [gate("data hash", 0, "hash", 1)]);
}

#[test]
fn a_baton_that_is_not_handed_on() {
    // Public values other than the slot's: the copies break.
    for k in 0..3 {
        let mut trial = Trial::new(&values(), Tamper::default());
        trial.witness.columns[0][k] += Fr::ONE;
        trial.inputs[k] += Fr::ONE;
        assert!(matches!(trial.failures()[..], [Failure::Copy(..), Failure::Copy(..), ..]));
        let mut trial = Trial::new(&values(), Tamper::default());
        trial.witness.columns[0][3 + k] += Fr::ONE;
        trial.outputs[k] += Fr::ONE;
        assert!(matches!(trial.failures()[..], [Failure::Copy(..), Failure::Copy(..)]));
    }
}
