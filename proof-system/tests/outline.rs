//! Outlines: witnesses whose permutations somebody else fills in.

mod common;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use common::{Stream, toy_circuit, toy_outline, toy_witness};
use proofyard_kernels::{Backend, cpu::CpuBackend};
use proofyard_proof_system::{
    circuit::{Arith, Circuit, CircuitBuilder, CircuitError, Gate, PUBLIC_ROWS, Witness},
    poseidon2::{PERMUTATION_ROWS, permute},
};

/// What a device makes of an outline.
fn filled(circuit: &Circuit, outline: Witness) -> Witness {
    let cpu = CpuBackend::new();
    let wires = outline.columns.map(|column| cpu.upload_owned(column).unwrap());
    let wires = cpu.expand_permutations(wires, circuit.permutations()).unwrap();
    Witness { columns: wires.map(|wire| cpu.download(&wire).unwrap()) }
}

#[test]
fn a_filled_outline_is_the_witness() {
    for rows_log2 in 6..=8 {
        let circuit = toy_circuit(rows_log2);
        let inputs = Stream(5).elements();
        let (witness, outputs) = toy_witness(rows_log2, inputs, 9);
        let (outline, outline_outputs) = toy_outline(rows_log2, inputs, 9);
        assert_eq!(outputs, outline_outputs);
        assert!(matches!(circuit.check(&outline, inputs, outputs), Err(CircuitError::Unsatisfied { .. })));
        for first_row in circuit.permutations() {
            let row = *first_row as usize + 1;
            assert!(outline.columns.iter().all(|column| column[row] == Fr::ZERO));
        }
        assert_eq!(circuit.permutations().len(), 1 << (rows_log2 - 6));
        assert_eq!(filled(&circuit, outline), witness);
    }
}

/// Two permutations, the second one of the first one's output with a gate on its last row.
fn chain(builder: &mut CircuitBuilder, input: [Fr; 4], known: Option<Fr>) {
    let first = match known {
        Some(output) => builder.poseidon2_known(input, output),
        None => builder.poseidon2(input),
    };
    let output = builder.value(first.output[0]);
    let second = builder.poseidon2_then([output, Fr::ONE, Fr::ZERO, Fr::ZERO], Gate::Free, Arith::NONE);
    builder.copy(first.output[0], second.input[0]);
}

#[test]
fn a_known_output_saves_the_hash_in_an_outline_only() {
    let input = Stream(1).elements();
    let known = permute(input)[0];
    let mut structure = CircuitBuilder::structure();
    let mut fragment = structure.fragment();
    chain(&mut fragment, input, Some(Fr::ONE));
    structure.append(&fragment);
    structure.append(&fragment);
    let circuit = structure.finish_structure(7).unwrap();
    let first_rows: Vec<u32> = (0..4).map(|k| (PUBLIC_ROWS + k * PERMUTATION_ROWS) as u32).collect();
    assert_eq!(circuit.permutations(), first_rows);

    let build = |mut builder: CircuitBuilder, output: Option<Fr>| {
        chain(&mut builder, input, output);
        chain(&mut builder, input, None);
        builder.finish_witness(7).unwrap()
    };
    let witness = build(CircuitBuilder::witness(), None);
    circuit.check(&witness, [Fr::ZERO; 3], [Fr::ZERO; 3]).unwrap();
    // Whoever hashes does not believe the value; an outline does, and a wrong one breaks the copy.
    assert_eq!(build(CircuitBuilder::witness(), Some(Fr::ONE)), witness);
    assert_eq!(filled(&circuit, build(CircuitBuilder::outline(), None)), witness);
    assert_eq!(filled(&circuit, build(CircuitBuilder::outline(), Some(known))), witness);
    let wrong = filled(&circuit, build(CircuitBuilder::outline(), Some(known + Fr::ONE)));
    let refused = circuit.check(&wrong, [Fr::ZERO; 3], [Fr::ZERO; 3]).unwrap_err();
    assert!(matches!(refused, CircuitError::BrokenCopy { .. }), "{refused}");
}

#[test]
fn outlines_and_witnesses_do_not_mix() {
    let mode = |expected, found| CircuitError::Mode { expected, found };
    let mut builder = CircuitBuilder::outline();
    builder.append(&CircuitBuilder::witness().fragment());
    assert_eq!(builder.finish_witness(4).unwrap_err(), mode("outline", "witness fragment"));
    let mut builder = CircuitBuilder::witness();
    builder.append(&CircuitBuilder::outline().fragment());
    assert_eq!(builder.finish_witness(4).unwrap_err(), mode("witness", "outline fragment"));
    assert_eq!(CircuitBuilder::outline().finish_structure(4).unwrap_err(), mode("structure", "outline"));
}
