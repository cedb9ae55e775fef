//! Honest blocks, executed natively, and the counted rows.

use std::collections::BTreeMap;

use proofyard_proof_system::poseidon2::trace;

use super::*;
use crate::account::Account;
use crate::baton::Baton;
use crate::block::Block;
use crate::circuit::{
    ROWS_LOG2_MAX, ROWS_LOG2_MIN, TransferCircuitError, WitnessError, capacity, rows_per_permutation,
    rows_per_signature, rows_per_transfer,
};
use crate::executor::{Executed, execute};
use crate::transfer::Transfer;
use crate::tree::StateTree;

fn secret(leaf: u32) -> SecretKey {
    SecretKey::from_seed(&leaf.to_be_bytes())
}

/// Executes transfers (from, to, amount, fee) on accounts at leaves 0, 1, 2, 3 and 2^32 - 1, each with 1000 and nonce
/// 0.
fn executed(transfers: &[(u32, u32, u64, u64)]) -> Executed {
    let account = |leaf| Account { key: secret(leaf).public_key(), balance: 1000, nonce: 0 };
    let tree = StateTree::new([0, 1, 2, 3, u32::MAX].into_iter().map(|leaf| (leaf, account(leaf))).collect());
    let mut nonces = BTreeMap::new();
    let mut signed = Vec::new();
    for &(from, to, amount, fee) in transfers {
        let nonce = nonces.entry(from).or_insert(0);
        let transfer = Transfer { from, to, to_key: secret(to).public_key(), amount, fee, nonce: *nonce };
        *nonce += 1;
        signed.push(transfer.sign(&secret(from)));
    }
    execute(&Block {
        previous_root: tree.root(),
        previous_data_hash: Fr::from(5u64),
        pre_state: tree.pre_state(transfers.iter().flat_map(|transfer| [transfer.0, transfer.1])),
        transfers: signed,
    })
    .expect("a good block")
}

/// The witness that a prover makes of an outline.
fn expanded(circuit: &TransferCircuit, outline: Witness) -> Witness {
    let mut columns = outline.columns;
    for first_row in circuit.structure().permutations() {
        let first = *first_row as usize;
        for (offset, row) in trace(columns.each_ref().map(|column| column[first])).into_iter().enumerate() {
            columns.iter_mut().zip(row).for_each(|(column, value)| column[first + offset] = value);
        }
    }
    Witness { columns }
}

fn accepted(circuit: &TransferCircuit, executed: &Executed) {
    let (witness, end) = circuit.witness(executed.start, &executed.traces).expect("a witness");
    assert_eq!(end, executed.end);
    circuit.structure().check(&witness, executed.start.to_array(), end.to_array()).expect("satisfied");
    let (outline, same_end) = circuit.outline(executed.start, &executed.traces).expect("an outline");
    assert_eq!(same_end, end);
    assert!(expanded(circuit, outline) == witness);
    let mut wrong = end.to_array();
    for k in 0..3 {
        wrong[k] += Fr::ONE;
        assert!(circuit.structure().check(&witness, executed.start.to_array(), wrong).is_err());
        wrong[k] -= Fr::ONE;
    }
}

#[test]
fn single_transfers() {
    let kinds = [
        ("plain", (0, 1, 10, 1)),
        ("far leaves", (u32::MAX, 2, 10, 1)),
        ("to oneself", (2, 2, 10, 1)),
        ("nothing at all", (1, 0, 0, 0)),
        ("nothing to oneself", (3, 3, 0, 0)),
        ("everything", (3, 0, 990, 10)),
        ("opens a leaf", (0, 0x89ab_cdef, 7, 2)),
        ("opens a leaf with nothing", (0, 17, 0, 0)),
    ];
    for (kind, transfer) in kinds {
        println!("{kind}");
        accepted(&CIRCUIT, &executed(&[transfer]));
    }
}

#[test]
fn several_slots_and_the_ones_left() {
    let circuit = TransferCircuit::new(13).expect("a size class");
    assert_eq!(circuit.slots(), 3);
    // The account opened first pays next; then one slot is left.
    accepted(&circuit, &executed(&[(0, 77, 500, 3), (77, 77, 10, 1), (77, 1, 480, 0)]));
    accepted(&circuit, &executed(&[(0, 1, 5, 1), (1, 0, 5, 1)]));
    let start = executed(&[(0, 1, 5, 1)]).start;
    let (witness, end) = circuit.witness(start, &[]).expect("inactive slots only");
    assert_eq!(end, start);
    circuit.structure().check(&witness, start.to_array(), end.to_array()).expect("satisfied");
}

#[test]
fn a_witness_does_not_depend_on_the_threads() {
    let circuit = TransferCircuit::new(13).expect("a size class");
    let executed = executed(&[(0, 1, 5, 1), (1, 0, 5, 1), (2, 3, 1, 1)]);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| circuit.witness(executed.start, &executed.traces)).expect("a witness")
    };
    assert!(with(1) == with(3));
}

#[test]
fn bad_traces_are_refused() {
    let good = executed(&[(0, 1, 5, 1), (1, 0, 5, 1)]);
    let refused = |traces: &[_]| TransferCircuit::new(13).expect("a size class").witness(good.start, traces).err();
    let changed = |change: &dyn Fn(&mut crate::executor::TransferTrace)| {
        let mut traces = good.traces.clone();
        change(&mut traces[1]);
        refused(&traces)
    };
    let too_many: Vec<_> = good.traces.iter().cycle().take(4).cloned().collect();
    assert_eq!(refused(&too_many), Some(WitnessError::TooMany { transfers: 4, slots: 3 }));
    assert_eq!(refused(&good.traces[1..]), Some(WitnessError::Baton { slot: 0 }));
    assert_eq!(changed(&|trace| trace.baton_after.fees += Fr::ONE), Some(WitnessError::Outcome { slot: 1 }));
    let broken = |section, index, row| Some(WitnessError::Broken { slot: 1, label: label(section, index, row) });
    assert_eq!(changed(&|trace| trace.signed.signature.e ^= 1), broken("challenge high part", 16, "last accumulator"));
    assert_eq!(
        changed(&|trace| trace.signed.signature.s += Scalar::ONE),
        broken("challenge high part", 16, "last accumulator")
    );
    assert_eq!(changed(&|trace| trace.sender_before.balance = 0), broken("sender's new balance", 0, "digits"));
    assert_eq!(changed(&|trace| trace.recipient_before = None), broken("recipient's path", 0, "children"));
    assert_eq!(changed(&|trace| trace.sender_path[4][3] += Fr::ONE), broken("sender's path", 5, "children"));
    let message = changed(&|trace| trace.recipient_path[15][3] += Fr::ONE).expect("refused").to_string();
    assert!(message.starts_with("[PY-T-012] transfer 1:") && message.contains("root between"), "{message}");
}

/// An outline takes the hashes of a path from the trace; when they are wrong, the witness that comes of it is.
#[test]
fn an_outline_of_a_trace_at_odds_with_itself_is_not_satisfied() {
    let good = executed(&[(0, 1, 5, 1)]);
    let refused = |change: &dyn Fn(&mut crate::executor::TransferTrace)| {
        let mut traces = good.traces.clone();
        change(&mut traces[0]);
        let (outline, end) = CIRCUIT.outline(good.start, &traces).expect("not noticed yet");
        let witness = expanded(&CIRCUIT, outline);
        CIRCUIT.structure().check(&witness, good.start.to_array(), end.to_array()).is_err()
    };
    assert!(!refused(&|_| ()));
    assert!(refused(&|trace| trace.sender_path[4][3] += Fr::ONE));
    assert!(refused(&|trace| trace.sender_nodes[7] += Fr::ONE));
    assert!(refused(&|trace| trace.recipient_nodes[0] += Fr::ONE));
}

#[test]
fn size_classes() {
    for rows_log2 in [0, ROWS_LOG2_MIN - 1, ROWS_LOG2_MAX + 1, 64] {
        assert_eq!(capacity(rows_log2), 0);
        assert_eq!(TransferCircuit::new(rows_log2).err(), Some(TransferCircuitError::SizeClass(rows_log2)));
    }
    assert_eq!([12, 13, 14, 15, 16].map(capacity), [1, 3, 6, 13, 26]);
    // The class must be as tall as counted: one slot more does not fit.
    assert_eq!(TransferCircuit::new(14).map(|circuit| circuit.slots()), Ok(6));
}

#[test]
fn rows_are_within_their_targets() {
    assert_eq!(rows_per_transfer(), 2515);
    assert_eq!(rows_per_signature(), 512);
    assert_eq!(rows_per_permutation(), 24);
    assert!(rows_per_transfer() <= 3400 && rows_per_signature() <= 1000 && rows_per_permutation() <= 27);
}

#[test]
fn inactive_slots_pass_any_baton() {
    let baton = Baton { root: Fr::from(1u64), data_hash: -Fr::ONE, fees: Fr::from(3u64) };
    let trial = Trial::new(&SlotValues::inactive(baton), Tamper::default());
    assert_eq!(trial.failures(), []);
    assert_eq!((trial.inputs, trial.outputs), (baton.to_array(), baton.to_array()));
}
