//! Every cell of a slot, one at a time.

use std::collections::HashSet;

use super::*;

/// The failures on the rows and copies that a cell takes part in.
fn local_failure(trial: &Trial, public: &[Fr], column: usize, row: usize) -> bool {
    let rows = CIRCUIT.structure().rows();
    let before = (row + rows - 1) % rows;
    let index = column * rows + row;
    let value = |index: usize| trial.witness.columns[index / rows][index % rows];
    value(index) != value(IMAGES[index])
        || broken_constraint(&trial.witness, public, row).next().is_some()
        || broken_constraint(&trial.witness, public, before).next().is_some()
}

#[test]
fn every_cell_that_is_used_is_constrained() {
    let mut layout = Layout::new(&CircuitBuilder::structure());
    slot(&mut layout, &SlotValues::idle());
    let first = proofyard_proof_system::circuit::PUBLIC_ROWS;
    let empty: HashSet<(usize, usize)> =
        layout.empty.iter().map(|cell| (cell.column as usize, first + cell.row as usize)).collect();
    assert!(empty.len() < 250, "{} cells are empty", empty.len());

    let opened = Forge { is_new: Fr::ONE, recipient_balance: Fr::ZERO, recipient_nonce: Fr::ZERO, ..Forge::default() };
    for values in [
        Forge::default().values(),
        opened.values(),
        SlotValues::inactive(crate::baton::Baton::from_array([Fr::ONE; 3])),
    ] {
        let mut trial = Trial::new(&values, Tamper::default());
        let public = [trial.inputs, trial.outputs].concat();
        for row in first..first + SLOT.labels.len() {
            for column in 0..WIRES {
                trial.witness.columns[column][row] += Fr::from(1000u64);
                let noticed = local_failure(&trial, &public, column, row);
                assert_eq!(noticed, !empty.contains(&(column, row)), "wire {} of {}", column + 1, row_name(row));
                trial.witness.columns[column][row] -= Fr::from(1000u64);
            }
        }
        assert_eq!(trial.failures(), []);
    }
}

#[test]
fn every_kind_of_row_refuses_a_wrong_value() {
    // A row of each kind, each of its wires, everything after it synthesised from the wrong value.
    let mut kinds: BTreeMap<(&str, &str), Vec<Label>> = BTreeMap::new();
    for label in &SLOT.labels {
        kinds.entry((label.section, label.row)).or_default().push(*label);
    }
    assert!(kinds.len() > 60, "{} kinds", kinds.len());
    let values = Forge::default().values();
    let mut layout = Layout::new(&CircuitBuilder::structure());
    slot(&mut layout, &SlotValues::idle());
    let empty: HashSet<(usize, u32)> = layout.empty.iter().map(|cell| (cell.column as usize, cell.row)).collect();
    for labels in kinds.into_values() {
        let label = labels[labels.len() / 2];
        let row = SLOT.labels.iter().position(|other| *other == label).expect("its own label");
        for column in (0..WIRES).filter(|column| !empty.contains(&(*column, row as u32))) {
            let tamper = cell(label.section, label.index, label.row, column, Lie::Add(Fr::from(1000u64)));
            let trial = Trial::new(&values, tamper);
            // A changed baton before the slot is another statement, not a lie.
            let noticed = trial.inputs != values.baton || trial.is_refused();
            assert!(noticed, "wire {} of {label}", column + 1);
        }
    }
}
