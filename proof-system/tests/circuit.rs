//! Circuits, witnesses and the checks of a key build.

mod common;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, FftField, Field};
use common::{Stream, toy_circuit, toy_first_hash, toy_witness};
use proofyard_proof_system::{
    circuit::{
        Arith, Cell, Circuit, CircuitBuilder, CircuitError, Gate, Left, PUBLIC_ROWS, Right, Witness,
        check_column_shifts,
    },
    gates::{column, column_shift},
    poseidon2::permute,
};

fn cell(column: u8, row: u32) -> Cell {
    Cell { column, row }
}

#[test]
fn the_toy_is_satisfied_at_every_size() {
    for rows_log2 in 6..=8 {
        let circuit = toy_circuit(rows_log2);
        for seed in 0..8 {
            let inputs = Stream(seed).elements();
            let (witness, outputs) = toy_witness(rows_log2, inputs, seed);
            circuit.check(&witness, inputs, outputs).unwrap();
            let bodies = Fr::from(1u64 << (rows_log2 - 6));
            assert_eq!(outputs[1], inputs[1] + bodies);
            if rows_log2 == 6 {
                assert_eq!(outputs[0], toy_first_hash(inputs[0], seed));
            }
        }
    }
}

#[test]
fn wrong_public_values_are_named() {
    let circuit = toy_circuit(6);
    let inputs = Stream(1).elements();
    let (witness, outputs) = toy_witness(6, inputs, 1);
    for k in 0..3 {
        let mut wrong = inputs;
        wrong[k] += Fr::ONE;
        let gate = "the public value".to_owned();
        let error = CircuitError::Unsatisfied { row: k, gate: gate.clone(), constraint: 0 };
        assert_eq!(circuit.check(&witness, wrong, outputs), Err(error));
        let mut wrong = outputs;
        wrong[k] += Fr::ONE;
        let error = CircuitError::Unsatisfied { row: 3 + k, gate, constraint: 0 };
        assert_eq!(circuit.check(&witness, inputs, wrong), Err(error));
    }
}

/// Which cells the gates of `row` and of the row before read, from section 3.
fn is_read(circuit: &Circuit, row: usize, wire: usize) -> bool {
    let fixed = |column: usize, row: usize| circuit.fixed[column][row];
    let rows = circuit.rows();
    let before = (row + rows - 1) % rows;
    let number = |column: usize, row: usize| (0..4).find(|n| fixed(column, row) == Fr::from(*n as u64)).unwrap();
    let poseidon = |row: usize| fixed(column::P0, row) == Fr::ONE;
    let fixed_base = |row: usize| fixed(column::FB, row) == Fr::ONE;
    let (current, previous) = (number(column::K, row), number(column::K, before));
    let coefficients = fixed(wire, row) != Fr::ZERO || (wire < 2 && fixed(column::QM, row) != Fr::ZERO);
    let arith = coefficients && !poseidon(row) && !fixed_base(row);
    let here = poseidon(row)
        || fixed_base(row)
        || current == 1
        || (current == 2 && wire < 2)
        || current == 3
        || number(column::L, row) > 0;
    let from_before = poseidon(before)
        || (fixed_base(before) && wire < 2)
        || previous == 1
        || (previous == 2 && wire < 2)
        || (previous == 3 && wire < 3)
        || (number(column::L, before) == 1 && wire == 0)
        || number(column::L, before) == 2;
    arith || here || from_before
}

/// Every cell that a gate reads or a copy ties is changed, one by one, and every change is seen.
#[test]
fn every_gate_rejects_a_wrong_cell() {
    let circuit = toy_circuit(6);
    let inputs = Stream(2).elements();
    let (witness, outputs) = toy_witness(6, inputs, 5);
    let generator = Fr::get_root_of_unity(64).unwrap();
    let mut gates = std::collections::BTreeSet::new();
    let mut unseen = Vec::new();
    for row in 0..64 {
        for wire in 0..4 {
            let mut wrong = witness.clone();
            wrong.columns[wire][row] += Fr::from(1_000_003);
            let copied = circuit.permutation[wire][row] != column_shift(wire) * generator.pow([row as u64]);
            match circuit.check(&wrong, inputs, outputs) {
                Ok(()) => {
                    assert!(!copied, "wire {wire} of row {row} is copied");
                    if is_read(&circuit, row, wire) {
                        unseen.push((row, wire));
                    }
                }
                Err(CircuitError::Unsatisfied { gate, constraint, .. }) => {
                    assert!(is_read(&circuit, row, wire));
                    gates.insert((gate, constraint));
                }
                Err(CircuitError::BrokenCopy { .. }) => assert!(copied),
                Err(other) => panic!("{other}"),
            }
        }
    }
    // The three candidates that SELECT does not pick are read with factor zero.
    assert_eq!(unseen.len(), 3, "{unseen:?}");
    assert!(unseen.iter().all(|(row, _)| circuit.fixed[column::K][*row] == Fr::from(3)));
    let names: Vec<&str> = gates.iter().map(|(gate, _)| gate.as_str()).collect();
    for name in ["ARITH", "POSEIDON2", "FIXED-BASE", "ADD", "DBL", "SELECT", "RANGE", "DEMUX", "the public value"] {
        assert!(names.contains(&name), "{name} rejected nothing: {gates:?}");
    }
}

/// One row of a gate and the row it ends on; `expected` is the constraint that must reject it, `None` if satisfied.
fn try_rows(gate: Gate, first: [Fr; 4], second: [Fr; 4], expected: Option<usize>) {
    let synthesise = |builder: &mut CircuitBuilder| {
        builder.row(gate, first);
        builder.row(Gate::Free, second);
    };
    let mut structure = CircuitBuilder::structure();
    synthesise(&mut structure);
    let circuit = structure.finish_structure(3).unwrap();
    let mut values = CircuitBuilder::witness();
    synthesise(&mut values);
    let witness = values.finish_witness(3).unwrap();
    let result = circuit.check(&witness, [Fr::ZERO; 3], [Fr::ZERO; 3]);
    let error = expected.map(|constraint| CircuitError::Unsatisfied {
        row: PUBLIC_ROWS,
        gate: gate.name().to_owned(),
        constraint,
    });
    assert_eq!(result.err(), error, "{gate:?} {first:?} {second:?}");
}

#[test]
fn single_gates_accept_right_rows_and_name_the_broken_constraint() {
    let int = |values: [i64; 4]| values.map(Fr::from);
    // RANGE: digits 0..3 only, in every place.
    try_rows(Gate::Range, int([1, 7, 28, 114]), int([457, 0, 0, 0]), None);
    try_rows(Gate::Range, int([1, 8, 32, 128]), int([512, 0, 0, 0]), Some(1));
    try_rows(Gate::Range, int([1, 7, 27, 108]), int([432, 0, 0, 0]), Some(2));
    try_rows(Gate::Range, int([1, 7, 28, 116]), int([464, 0, 0, 0]), Some(3));
    try_rows(Gate::Range, int([1, 7, 28, 114]), int([460, 0, 0, 0]), Some(4));
    // SELECT: digit b0 + 2 b1.
    for (digit, (b0, b1)) in [(0, 0), (1, 0), (0, 1), (1, 1)].into_iter().enumerate() {
        let value = [11, 22, 33, 44][digit];
        try_rows(Gate::Select, int([11, 22, 33, 44]), int([b0, b1, value, 9]), None);
        try_rows(Gate::Select, int([11, 22, 33, 44]), int([b0, b1, value + 1, 9]), Some(1));
        // DEMUX: the difference goes to the digit's place, zeros elsewhere.
        let mut places = [0; 4];
        places[digit] = 5;
        try_rows(Gate::Demux, int([b0, b1, 10, 15]), int(places), None);
        for place in 0..4 {
            let mut wrong = places;
            wrong[place] += 1;
            try_rows(Gate::Demux, int([b0, b1, 10, 15]), int(wrong), Some(1 + place));
        }
    }
    // DEMUX: digits are bits, even when the routing fits.
    try_rows(Gate::Demux, int([2, 0, 10, 15]), int([-5, 10, 0, 0]), Some(5));
    try_rows(Gate::Demux, int([0, 2, 10, 15]), int([-5, 0, 10, 0]), Some(6));
    // FIXED-BASE: digits 1, -1, 3, -3 only.
    let (once, thrice) = (common::generator(), common::double_point(common::generator()));
    let gate = Gate::fixed_base(once, thrice);
    let start = common::add_points(once, common::double_point(once));
    for (digit, entry) in [(1, once), (-1, (once.0, -once.1)), (3, thrice), (-3, (thrice.0, -thrice.1))] {
        let sum = common::add_points(start, entry);
        let row = |digit: i64, x: Fr| [start.0, start.1, Fr::from(digit), x];
        try_rows(gate, row(digit, entry.0), [sum.0, sum.1, Fr::ZERO, Fr::ZERO], None);
        try_rows(gate, row(digit, entry.0), [sum.0 + Fr::ONE, sum.1, Fr::ZERO, Fr::ZERO], Some(3));
        try_rows(gate, row(digit, entry.0), [sum.0, -sum.1, Fr::ZERO, Fr::ZERO], Some(4));
        try_rows(gate, row(digit, start.0), [sum.0, sum.1, Fr::ZERO, Fr::ZERO], Some(2));
        try_rows(gate, row(2, entry.0), [sum.0, sum.1, Fr::ZERO, Fr::ZERO], Some(1));
    }
    // ADD: the sign is 1 or -1 and is the entry's.
    let other = common::double_point(thrice);
    for sign in [Fr::ONE, -Fr::ONE] {
        let sum = common::add_points(start, (other.0, sign * other.1));
        let row = [start.0, start.1, other.0, sign * other.1];
        try_rows(Gate::Add, row, [sum.0, sum.1, sign, other.1], None);
        try_rows(Gate::Add, row, [sum.0 + Fr::ONE, sum.1, sign, other.1], Some(1));
        try_rows(Gate::Add, row, [sum.0, -sum.1, sign, other.1], Some(2));
        try_rows(Gate::Add, row, [sum.0, sum.1, -sign, other.1], Some(3));
        try_rows(Gate::Add, row, [sum.0, sum.1, sign.double(), other.1 / Fr::from(2)], Some(4));
    }
    // DBL.
    let (start, twice) = (other, common::double_point(other));
    let row = [start.0, start.1, Fr::ZERO, Fr::ZERO];
    try_rows(Gate::Double, row, [twice.0, twice.1, Fr::ZERO, Fr::ZERO], None);
    try_rows(Gate::Double, row, [start.0, start.1, Fr::ZERO, Fr::ZERO], Some(1));
    try_rows(Gate::Double, row, [twice.0, -twice.1, Fr::ZERO, Fr::ZERO], Some(2));
    // ARITH.
    let gate = Gate::Arith { q: Arith::small([2, 0, -1, 5], 0).q, qm: Fr::ONE };
    try_rows(gate, int([3, 4, 23, 1]), int([0; 4]), None);
    try_rows(gate, int([3, 4, 23, 2]), int([0; 4]), Some(0));
    // A forged Poseidon2 transition.
    let gate = Gate::Poseidon2 { left: Left::Full, right: Right::Full, constants: int([1, 2, 3, 4]) };
    try_rows(gate, int([0; 4]), int([1, 2, 3, 4]), None);
    try_rows(gate, int([0; 4]), int([1, 2, 4, 4]), Some(3));
}

#[test]
fn a_permutation_takes_23_rows() {
    let mut builder = CircuitBuilder::structure();
    let before = builder.next_row();
    let input = Stream(3).elements();
    let permutation = builder.poseidon2(input);
    assert_eq!(builder.next_row() - before, 23);
    assert_eq!(permutation.input.map(|cell| builder.value(cell)), input);
    assert_eq!(permutation.output.map(|cell| builder.value(cell)), permute(input));
    // The output row is free to carry another gate.
    let shared = builder.poseidon2_then(input, Gate::Free, Arith::small([1, 0, 0, 0], 0));
    assert_eq!(shared.output[0].row, permutation.output[0].row + 23);
    let circuit = builder.finish_structure(6).unwrap();
    assert_eq!(circuit.fixed[0][shared.output[0].row as usize], Fr::ONE);
}

/// Synthesises the same constants in a structure and in a witness.
fn constants(builder: &mut CircuitBuilder, values: &[u64], shift: u64) -> Vec<Cell> {
    let cells: Vec<Cell> = values.iter().map(|value| builder.constant(Fr::from(*value))).collect();
    for (value, constant) in values.iter().zip(&cells) {
        let [used, ..] = builder.row(Gate::Free, [Fr::from(value + shift), Fr::ZERO, Fr::ZERO, Fr::ZERO]);
        builder.copy(used, *constant);
    }
    cells
}

#[test]
fn constants_are_enforced_and_shared() {
    let values = [5, 6, 7, 5, 8, 9, 0, 10, 11, 12];
    let mut structure = CircuitBuilder::structure();
    let cells = constants(&mut structure, &values, 0);
    assert_eq!(cells[0], cells[3]);
    assert_eq!(structure.value(cells[4]), Fr::from(8));
    let circuit = structure.finish_structure(5).unwrap();
    // Nine constants: a zero, one row to start from and three rows.
    let first = PUBLIC_ROWS + values.len();
    let poseidon = |row: usize| circuit.fixed[column::P0][row] == Fr::ONE;
    assert_eq!((first..32).map(poseidon).collect::<Vec<_>>()[..6], [false, true, true, true, false, false]);
    let build = |shift: u64| {
        let mut builder = CircuitBuilder::witness();
        constants(&mut builder, &values, shift);
        builder.finish_witness(5).unwrap()
    };
    let check = |witness: &Witness| circuit.check(witness, [Fr::ZERO; 3], [Fr::ZERO; 3]);
    check(&build(0)).unwrap();
    assert!(matches!(check(&build(1)), Err(CircuitError::Unsatisfied { .. } | CircuitError::BrokenCopy { .. })));
    // Other constants, consistently used everywhere, are refused by the gates.
    let mut other = build(0);
    for row in 0..32 {
        for column in &mut other.columns {
            if column[row] == Fr::from(11) {
                column[row] = Fr::from(99);
            }
        }
    }
    assert!(matches!(check(&other), Err(CircuitError::Unsatisfied { gate, .. }) if gate == "POSEIDON2"));
    // A start other than zero, with outputs that fit it, is refused too.
    let mut forged = build(0);
    let start = first + 1;
    forged.columns[2][start] = Fr::ONE;
    assert!(check(&forged).is_err());
}

#[test]
fn fragments_build_the_same_as_one_builder() {
    let body = |builder: &mut CircuitBuilder, input: Cell, values: [u64; 2]| {
        let hash = builder.poseidon2([Fr::from(values[0]), Fr::ZERO, Fr::ZERO, Fr::from(values[1])]);
        let tag = builder.constant(Fr::from(values[1]));
        builder.copy(hash.input[3], tag);
        let zero = builder.constant(Fr::ZERO);
        builder.copy(hash.input[1], zero);
        builder.copy(hash.input[0], input);
        hash
    };
    let mut direct = CircuitBuilder::structure();
    let input = direct.input(0);
    body(&mut direct, input, [3, 50]);
    body(&mut direct, input, [3, 51]);
    let direct = direct.finish_structure(6).unwrap();

    let mut combined = CircuitBuilder::structure();
    let fragments = [[3, 50], [3, 51]].map(|values| {
        let mut fragment = combined.fragment();
        let [input, ..] = fragment.row(Gate::Free, [Fr::from(values[0]), Fr::ZERO, Fr::ZERO, Fr::ZERO]);
        body(&mut fragment, input, values);
        fragment
    });
    let placements = fragments.map(|fragment| combined.append(&fragment));
    assert_eq!(placements[1].row(0), 6 + 24);
    for placement in &placements {
        let public = combined.input(0);
        combined.copy(public, placement.cell(cell(0, 0)));
    }
    // The second fragment's first constant is the combined builder's third.
    assert_eq!(placements[1].cell(cell(4, 0)), cell(4, 2));
    assert_eq!(combined.value(placements[1].cell(cell(4, 0))), Fr::from(51));
    let combined = combined.finish_structure(6).unwrap();
    assert_eq!(combined.fixed[column::P0].iter().sum::<Fr>(), direct.fixed[column::P0].iter().sum::<Fr>());

    let mut witness = CircuitBuilder::witness();
    for values in [[3, 50], [3, 51]] {
        let mut fragment = witness.fragment();
        let [input, ..] = fragment.row(Gate::Free, [Fr::from(values[0]), Fr::ZERO, Fr::ZERO, Fr::ZERO]);
        body(&mut fragment, input, values);
        witness.append(&fragment);
    }
    witness.set(witness.input(0), Fr::from(3));
    let witness = witness.finish_witness(6).unwrap();
    combined.check(&witness, [Fr::from(3), Fr::ZERO, Fr::ZERO], [Fr::ZERO; 3]).unwrap();
}

#[test]
fn the_permutation_is_one_cycle_per_class_and_deterministic() {
    let build = || {
        let mut builder = CircuitBuilder::structure();
        let rows: Vec<[Cell; 4]> = (0..5).map(|_| builder.row(Gate::Free, [Fr::ZERO; 4])).collect();
        // A chain, a redundant copy, a self-copy, and two classes joined late.
        builder.copy(rows[0][0], rows[1][1]);
        builder.copy(rows[1][1], rows[2][2]);
        builder.copy(rows[2][2], rows[0][0]);
        builder.copy(rows[3][3], rows[3][3]);
        builder.copy(rows[4][0], rows[4][1]);
        builder.copy(rows[4][1], rows[0][0]);
        (rows, builder.finish_structure(4).unwrap())
    };
    let (rows, circuit) = build();
    assert_eq!(circuit, build().1);
    let generator = Fr::get_root_of_unity(16).unwrap();
    let label = |cell: Cell| column_shift(cell.column as usize) * generator.pow([u64::from(cell.row)]);
    let all = (0..4).flat_map(|column| (0..16).map(move |row| cell(column, row)));
    let image = |from: Cell| {
        let found = circuit.permutation[from.column as usize][from.row as usize];
        all.clone().find(|to| label(*to) == found).unwrap()
    };
    let class = [rows[0][0], rows[1][1], rows[2][2], rows[4][0], rows[4][1]];
    let mut walked = vec![class[0]];
    while image(walked[walked.len() - 1]) != class[0] {
        walked.push(image(walked[walked.len() - 1]));
    }
    walked.sort();
    let mut expected = class.to_vec();
    expected.sort();
    assert_eq!(walked, expected);
    for other in all.clone().filter(|cell| !class.contains(cell)) {
        assert_eq!(image(other), other);
    }
}

#[test]
fn a_broken_copy_is_named() {
    let build = |mut builder: CircuitBuilder, second: u64| {
        let a = builder.row(Gate::Free, [Fr::from(4), Fr::ZERO, Fr::ZERO, Fr::ZERO])[0];
        let b = builder.row(Gate::Free, [Fr::ZERO, Fr::from(second), Fr::ZERO, Fr::ZERO])[1];
        builder.copy(a, b);
        builder
    };
    let circuit = build(CircuitBuilder::structure(), 0).finish_structure(3).unwrap();
    let witness = |second| build(CircuitBuilder::witness(), second).finish_witness(3).unwrap();
    circuit.check(&witness(4), [Fr::ZERO; 3], [Fr::ZERO; 3]).unwrap();
    let error = circuit.check(&witness(5), [Fr::ZERO; 3], [Fr::ZERO; 3]).unwrap_err();
    assert_eq!(error, CircuitError::BrokenCopy { from: cell(0, 6), to: cell(1, 7) });
    assert_eq!(error.to_string(), "[PY-C-021] wire 1 of row 6 and wire 2 of row 7 must be equal, but differ");
}

#[test]
fn builders_refuse_what_cannot_be_built() {
    let finish = |edit: &dyn Fn(&mut CircuitBuilder)| {
        let mut builder = CircuitBuilder::structure();
        edit(&mut builder);
        builder.finish_structure(4).unwrap_err()
    };
    let free = |builder: &mut CircuitBuilder| builder.row(Gate::Free, [Fr::ZERO; 4])[0];
    // Cells that do not exist.
    assert_eq!(
        finish(&|builder| {
            let real = free(builder);
            builder.copy(real, cell(0, 7));
        }),
        CircuitError::NoSuchCell(cell(0, 7))
    );
    for missing in [cell(4, 0), cell(5, 0), cell(3, u32::MAX)] {
        assert_eq!(finish(&|builder| builder.copy(cell(0, 0), missing)), CircuitError::NoSuchCell(missing));
    }
    assert_eq!(
        finish(&|builder| {
            let (first, fourth) = (builder.input(0), builder.output(3));
            builder.copy(first, fourth);
        }),
        CircuitError::NoSuchCell(cell(0, u32::MAX))
    );
    assert_eq!(finish(&|builder| builder.set(cell(1, 6), Fr::ONE)), CircuitError::NoSuchCell(cell(1, 6)));
    assert_eq!(
        finish(&|builder| {
            let constant = builder.constant(Fr::ONE);
            builder.set(constant, Fr::ONE);
        }),
        CircuitError::ConstantCell(cell(4, 0))
    );
    // The first mistake is the one reported, also from a fragment.
    assert_eq!(
        finish(&|builder| {
            let mut fragment = builder.fragment();
            fragment.copy(cell(2, 3), cell(2, 3));
            builder.append(&fragment);
            builder.copy(cell(0, 9), cell(0, 9));
        }),
        CircuitError::NoSuchCell(cell(2, 3))
    );
    // Capacity: sixteen rows, six of them taken.
    let rows = |count: usize, constant: bool| {
        let mut builder = CircuitBuilder::structure();
        for _ in 0..count {
            free(&mut builder);
        }
        if constant {
            builder.constant(Fr::ONE);
        }
        builder.finish_structure(4).map(|_| ())
    };
    assert_eq!(rows(10, false), Ok(()));
    assert_eq!(rows(11, false), Err(CircuitError::Capacity { needed: 17, available: 16 }));
    assert_eq!(rows(7, true), Ok(()));
    assert_eq!(rows(8, true), Err(CircuitError::Capacity { needed: 17, available: 16 }));
    // ARITH beside gates that use the coefficients.
    assert_eq!(
        finish(&|builder| {
            let gate = Gate::FixedBase { constants: [Fr::ONE; 4] };
            builder.row_with_arith(gate, Arith::small([1, 0, 0, 0], 0), [Fr::ZERO; 4]);
            free(builder);
        }),
        CircuitError::Arith { row: 6, gate: "FIXED-BASE" }
    );
    // A gate at the very end has no next row, and must not read the constants' rows.
    for gate in [Gate::Add, Gate::Double, Gate::Select, Gate::Range, Gate::Demux] {
        let error = finish(&|builder| {
            builder.constant(Fr::ONE);
            builder.row(gate, [Fr::ZERO; 4]);
        });
        assert_eq!(error, CircuitError::NextRow { row: 6, gate: gate.name().to_owned() });
    }
    // T out of range.
    for rows_log2 in [0, 2, 25, 64, u32::MAX] {
        let result = CircuitBuilder::structure().finish_structure(rows_log2);
        assert_eq!(result.unwrap_err(), CircuitError::RowsLog2(rows_log2));
        let result = CircuitBuilder::witness().finish_witness(rows_log2);
        assert_eq!(result.unwrap_err(), CircuitError::RowsLog2(rows_log2));
    }
    // The wrong kind of builder.
    let mode = |expected, found| CircuitError::Mode { expected, found };
    assert_eq!(CircuitBuilder::witness().finish_structure(4).unwrap_err(), mode("structure", "witness"));
    assert_eq!(CircuitBuilder::structure().finish_witness(4).unwrap_err(), mode("witness", "structure"));
    let fragment = CircuitBuilder::structure().fragment();
    assert_eq!(fragment.finish_structure(4).unwrap_err(), mode("structure or witness", "structure fragment"));
    let mut builder = CircuitBuilder::structure();
    builder.append(&CircuitBuilder::witness().fragment());
    assert_eq!(builder.finish_structure(4).unwrap_err(), mode("structure", "witness fragment"));
    let mut builder = CircuitBuilder::witness();
    builder.append(&CircuitBuilder::witness());
    assert_eq!(builder.finish_witness(4).unwrap_err(), mode("witness", "witness"));
}

#[test]
fn a_key_build_refuses_a_tampered_circuit() {
    let circuit = CircuitBuilder::structure().finish_structure(4).unwrap();
    circuit.validate().unwrap();
    let tampered = |edit: &dyn Fn(&mut Circuit)| {
        let mut circuit = circuit.clone();
        edit(&mut circuit);
        circuit.validate().unwrap_err()
    };
    // Next-row gates on row T - 1.
    for (columns, gate) in [
        (&[column::P0][..], "POSEIDON2"),
        (&[column::P0, column::PR], "POSEIDON2"),
        (&[column::FB], "FIXED-BASE"),
        (&[column::K], "ADD"),
        (&[column::L], "RANGE"),
    ] {
        let error = tampered(&|circuit| columns.iter().for_each(|column| circuit.fixed[*column][15] = Fr::ONE));
        assert_eq!(error, CircuitError::NextRow { row: 15, gate: gate.to_owned() });
    }
    // Rows of public values.
    for row in 0..PUBLIC_ROWS {
        for column in 0..12 {
            let error = tampered(&|circuit| circuit.fixed[column][row] += Fr::ONE);
            assert_eq!(error, CircuitError::PublicRow { row });
        }
    }
    // Selectors.
    for (column, value) in [
        (column::P0, 2),
        (column::PL, 1),
        (column::PI, 1),
        (column::PR, 1),
        (column::FB, 3),
        (column::K, 4),
        (column::L, 3),
    ] {
        let error = tampered(&|circuit| circuit.fixed[column][9] = Fr::from(value));
        assert!(matches!(error, CircuitError::Selector { row: 9, .. }), "{error}");
    }
    for columns in [[column::PL, column::PI], [column::FB, column::FB]] {
        let error = tampered(&|circuit| {
            circuit.fixed[column::P0][9] = Fr::ONE;
            columns.iter().for_each(|column| circuit.fixed[*column][9] = Fr::ONE);
        });
        assert!(matches!(error, CircuitError::Selector { row: 9, .. }), "{error}");
    }
    // Lengths, T, the permutation.
    let error = tampered(&|circuit| circuit.fixed[3].push(Fr::ZERO));
    assert_eq!(error, CircuitError::Length { what: "a fixed column", expected: 16, got: 17 });
    let error = tampered(&|circuit| circuit.permutation[3].truncate(8));
    assert_eq!(error, CircuitError::Length { what: "a permutation column", expected: 16, got: 8 });
    assert!(matches!(tampered(&|circuit| circuit.rows_log2 = 5), CircuitError::Length { .. }));
    assert_eq!(tampered(&|circuit| circuit.rows_log2 = 25), CircuitError::RowsLog2(25));
    let error = tampered(&|circuit| circuit.permutation.swap(1, 2));
    assert_eq!(error, CircuitError::Permutation(cell(1, 0)));
    let error = tampered(&|circuit| circuit.permutation[2].swap(3, 4));
    assert_eq!(error, CircuitError::Permutation(cell(2, 3)));
}

#[test]
fn column_shifts_must_give_disjoint_cosets() {
    let shifts: Vec<Fr> = (0..4).map(column_shift).collect();
    for rows_log2 in 3..=24 {
        check_column_shifts(&shifts, rows_log2).unwrap();
    }
    let generator = Fr::get_root_of_unity(16).unwrap();
    let meeting = [Fr::ONE, Fr::from(5), Fr::from(25), Fr::from(5) * generator.square()];
    assert_eq!(check_column_shifts(&meeting, 4), Err(CircuitError::CosetRatio { a: 2, b: 4 }));
    check_column_shifts(&meeting, 2).unwrap();
    assert_eq!(check_column_shifts(&[Fr::ONE, Fr::ZERO], 4), Err(CircuitError::CosetRatio { a: 2, b: 2 }));
}

#[test]
fn a_witness_of_the_wrong_height_is_refused() {
    let circuit = toy_circuit(6);
    let (witness, outputs) = toy_witness(7, [Fr::ZERO; 3], 0);
    let error = circuit.check(&witness, [Fr::ZERO; 3], outputs).unwrap_err();
    assert_eq!(error, CircuitError::Length { what: "a wire of the witness", expected: 64, got: 128 });
}
