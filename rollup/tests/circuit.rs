//! Generated blocks through the transfer circuit, subtree by subtree.

use ark_bn254::Fr;
use proofyard_proof_system::circuit::CircuitError;
use proofyard_rollup::circuit::TransferCircuit;
use proofyard_rollup::executor::execute;
use proofyard_rollup::generate;

#[test]
fn subtrees_of_a_generated_block_chain() {
    let circuit = TransferCircuit::new(13).expect("a size class");
    // All kinds that a generated block holds, and a last subtree that is not full.
    let executed = execute(&generate::block(11, 7).expect("a block")).expect("a good block");
    let mut baton = executed.start;
    for traces in executed.traces.chunks(circuit.slots()) {
        let (witness, end) = circuit.witness(baton, traces).expect("a witness");
        circuit.structure().check(&witness, baton.to_array(), end.to_array()).expect("satisfied");
        baton = end;
    }
    assert_eq!(baton, executed.end);
}

#[test]
fn a_failing_row_has_a_slot_and_a_name() {
    let circuit = TransferCircuit::new(13).expect("a size class");
    let executed = execute(&generate::block(3, 8).expect("a block")).expect("a good block");
    let (mut witness, end) = circuit.witness(executed.start, &executed.traces).expect("a witness");
    let rows = circuit.structure().rows();
    let row = (0..rows)
        .find(|row| circuit.label(*row).is_some_and(|(slot, label)| slot == 2 && label.row == "root after"))
        .expect("slot 2 has the row");
    witness.columns[3][row] += Fr::from(1u64);
    match circuit.structure().check(&witness, executed.start.to_array(), end.to_array()) {
        Err(CircuitError::Unsatisfied { row: found, .. }) => assert_eq!(found, row),
        other => panic!("{other:?}"),
    }
}
