//! The transfer circuit against honest blocks and against provers that lie.
//!
//! A lie replaces one chosen value or one cell; everything that depends on it is synthesised from it, so that only the
//! constraint under test can fail. [`Trial::failures`] lists every constraint that does.

mod baton;
mod cells;
mod honest;
mod numbers;
mod signature;
mod tree;

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, PrimeField, Zero};
use ark_grumpkin::Fr as Scalar;
use proofyard_proof_system::circuit::{Cell, CircuitBuilder, Witness};
use proofyard_proof_system::domain::Domain;
use proofyard_proof_system::gates::{COLUMN_SHIFTS, FIXED_COLUMNS, RowValues, WIRES, gate_constraints};
use proofyard_proof_system::poseidon2::{Domain as HashDomain, compress4, hash3};
use rayon::prelude::*;

use super::layout::{Label, Layout, power_of_two};
use super::signature::SignatureValues;
use super::slot::{SlotValues, slot};
use super::tree::Branch;
use super::{SLOT, TransferCircuit};
use crate::schnorr::{SecretKey, effective_challenge};
use crate::tree::{ARITY, DEPTH, TreePath, empty_subtrees};

/// Values that a lying prover puts in place of the honest ones.
#[derive(Default)]
pub(super) struct Tamper {
    choices: HashMap<(&'static str, usize), Fr>,
    rows: HashMap<Label, Vec<(usize, Lie)>>,
    outputs: HashMap<Label, Fr>,
}

/// What happens to a cell.
#[derive(Clone, Copy)]
enum Lie {
    Set(Fr),
    Add(Fr),
}

impl Tamper {
    pub(super) fn chosen(&self, what: &'static str, index: usize, value: Fr) -> Fr {
        self.choices.get(&(what, index)).copied().unwrap_or(value)
    }

    pub(super) fn row(&self, label: Label, mut values: [Fr; 4]) -> [Fr; 4] {
        for (column, lie) in self.rows.get(&label).into_iter().flatten() {
            match lie {
                Lie::Set(value) => values[*column] = *value,
                Lie::Add(value) => values[*column] += *value,
            }
        }
        values
    }

    pub(super) fn output(&self, label: Label, cell: Cell, builder: &mut CircuitBuilder) {
        if let Some(value) = self.outputs.get(&label) {
            builder.set(cell, *value);
        }
    }
}

fn label(section: &'static str, index: usize, row: &'static str) -> Label {
    Label { section, index, row }
}

/// The circuit with one slot.
static CIRCUIT: LazyLock<TransferCircuit> = LazyLock::new(|| TransferCircuit::new(12).expect("the smallest class"));

/// Index `column * T + row` of the cell that each cell maps to, read from the permutation columns.
static IMAGES: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let circuit = CIRCUIT.structure();
    let rows = circuit.rows();
    let generator = Domain::new(circuit.rows_log2).expect("a size class").generator;
    let mut cells = HashMap::new();
    for (column, shift) in COLUMN_SHIFTS.into_iter().enumerate() {
        let mut label = Fr::from(shift);
        for row in 0..rows {
            cells.insert(label, column * rows + row);
            label *= generator;
        }
    }
    circuit.permutation.iter().flatten().map(|label| cells[label]).collect()
});

/// One constraint that a witness breaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Failure {
    /// The row's name and the number e of the constraint.
    Gate(String, usize),
    /// The name of the row of a cell whose copy differs, and its column.
    Copy(String, usize),
}

fn gate(section: &'static str, index: usize, row: &'static str, constraint: usize) -> Failure {
    Failure::Gate(label(section, index, row).to_string(), constraint)
}

fn row_name(row: usize) -> String {
    CIRCUIT.label(row).map_or_else(|| format!("row {row}"), |(_, label)| label.to_string())
}

fn broken_constraint(witness: &Witness, public: &[Fr], row: usize) -> impl Iterator<Item = usize> {
    let circuit = CIRCUIT.structure();
    let next = (row + 1) % circuit.rows();
    let mut fixed = [Fr::ZERO; FIXED_COLUMNS];
    for (value, column) in fixed.iter_mut().zip(&circuit.fixed) {
        *value = column[row];
    }
    let values = RowValues {
        w: std::array::from_fn(|c| witness.columns[c][row]),
        w_next: std::array::from_fn(|c| witness.columns[c][next]),
        z: Fr::ZERO,
        z_next: Fr::ZERO,
        fixed,
    };
    let mut terms = gate_constraints(&|value| value, &values);
    if let Some(value) = public.get(row) {
        terms[0] -= value;
    }
    terms.into_iter().enumerate().filter(|(_, term)| !term.is_zero()).map(|(constraint, _)| constraint)
}

fn broken_copies(witness: &Witness, row: usize) -> impl Iterator<Item = usize> {
    let rows = CIRCUIT.structure().rows();
    let value = move |index: usize| witness.columns[index / rows][index % rows];
    (0..WIRES).filter(move |column| value(column * rows + row) != value(IMAGES[column * rows + row]))
}

/// A witness of the one-slot circuit with its public values.
struct Trial {
    witness: Witness,
    inputs: [Fr; 3],
    outputs: [Fr; 3],
}

impl Trial {
    fn new(values: &SlotValues, tamper: Tamper) -> Self {
        let mut builder = CircuitBuilder::witness();
        let mut layout = Layout::new(&builder);
        layout.tamper = tamper;
        let laid = slot(&mut layout, values);
        let (fragment, ..) = layout.finish();
        let inputs = laid.input.map(|cell| fragment.value(cell));
        let outputs = laid.output.map(|var| var.value);
        for k in 0..3 {
            let (input, output) = (builder.input(k), builder.output(k));
            builder.set(input, inputs[k]);
            builder.set(output, outputs[k]);
        }
        builder.append(&fragment);
        Self { witness: builder.finish_witness(12).expect("one slot fits"), inputs, outputs }
    }

    /// Whether the circuit's own check refuses it.
    fn is_refused(&self) -> bool {
        CIRCUIT.structure().check(&self.witness, self.inputs, self.outputs).is_err()
    }

    /// Every constraint that is broken, sorted; agrees with the circuit's own check on whether there is one.
    fn failures(&self) -> Vec<Failure> {
        let public = [self.inputs, self.outputs].concat();
        let mut failures: Vec<Failure> = (0..CIRCUIT.structure().rows())
            .into_par_iter()
            .flat_map_iter(|row| {
                let gates = broken_constraint(&self.witness, &public, row);
                let gates = gates.map(move |constraint| Failure::Gate(row_name(row), constraint));
                let copies = broken_copies(&self.witness, row);
                gates.chain(copies.map(move |column| Failure::Copy(row_name(row), column)))
            })
            .collect();
        failures.sort();
        assert_eq!(self.is_refused(), !failures.is_empty(), "{failures:?}");
        failures
    }
}

/// A tree over field elements: leaves need not be accounts.
#[derive(Clone, Default)]
struct FieldTree {
    nodes: BTreeMap<(usize, u32), Fr>,
}

impl FieldTree {
    fn node(&self, level: usize, index: u32) -> Fr {
        self.nodes.get(&(level, index)).copied().unwrap_or(empty_subtrees()[level])
    }

    fn path(&self, leaf: u32) -> TreePath {
        let family = |level: usize| leaf.checked_shr(2 * (level as u32 + 1)).unwrap_or(0) << 2;
        std::array::from_fn(|level| std::array::from_fn(|j| self.node(level, family(level) | j as u32)))
    }

    fn set(&mut self, leaf: u32, value: Fr) {
        self.nodes.insert((0, leaf), value);
        for level in 0..DEPTH {
            let parent = leaf.checked_shr(2 * (level as u32 + 1)).unwrap_or(0);
            let children: [Fr; ARITY] = self.path(leaf)[level];
            self.nodes.insert((level + 1, parent), compress4(children));
        }
    }

    fn root(&self) -> Fr {
        self.node(DEPTH, 0)
    }
}

/// A transfer between two leaves as a lying sequencer would set it up: the tree is made to fit, the sender signs.
#[derive(Clone)]
struct Forge {
    secret: SecretKey,
    from: u32,
    to: u32,
    /// Indices as the signed number has them.
    signed_from: Fr,
    signed_to: Fr,
    amount: Fr,
    fee: Fr,
    nonce: Fr,
    /// What the sender's leaf holds.
    leaf_nonce: Fr,
    sender_balance: Fr,
    /// `balance + nonce 2^64` of the sender's leaf after the transfer.
    sender_after: Option<Fr>,
    is_new: Fr,
    recipient_balance: Fr,
    recipient_nonce: Fr,
    /// What the tree holds at the recipient's leaf instead of what the values say.
    recipient_leaf: Option<Fr>,
    /// Key of the sender's leaf, if not the signer's.
    key: Option<(Fr, Fr)>,
    /// Signs this instead of the digest.
    signed_digest: Option<Fr>,
}

/// An honest transfer of 10 with fee 1 from leaf 6 (balance 100, nonce 3) to its sibling, leaf 5 (balance 20, nonce 7).
impl Default for Forge {
    fn default() -> Self {
        let number = |value: u64| Fr::from(value);
        Self {
            secret: SecretKey::from_bytes(&seven()).expect("7 is a scalar"),
            from: 6,
            to: 5,
            signed_from: number(6),
            signed_to: number(5),
            amount: number(10),
            fee: number(1),
            nonce: number(3),
            leaf_nonce: number(3),
            sender_balance: number(100),
            sender_after: None,
            is_new: number(0),
            recipient_balance: number(20),
            recipient_nonce: number(7),
            recipient_leaf: None,
            key: None,
            signed_digest: None,
        }
    }
}

fn seven() -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[31] = 7;
    bytes
}

fn leaf_value(key: (Fr, Fr), packed: Fr) -> Fr {
    hash3(HashDomain::Account, [key.0, key.1, packed])
}

impl Forge {
    fn sender_key(&self) -> (Fr, Fr) {
        let key = self.secret.public_key();
        self.key.unwrap_or((key.x(), key.y()))
    }

    fn recipient_key() -> (Fr, Fr) {
        let key = SecretKey::from_seed(b"recipient").public_key();
        (key.x(), key.y())
    }

    fn digest(&self) -> Fr {
        let packed = self.signed_from
            + self.signed_to * power_of_two(32)
            + self.nonce * power_of_two(64)
            + self.amount * power_of_two(96)
            + self.fee * power_of_two(160);
        let key = Self::recipient_key();
        self.signed_digest.unwrap_or_else(|| hash3(HashDomain::Transfer, [packed, key.0, key.1]))
    }

    fn recipient_packed(&self) -> Fr {
        self.recipient_balance + self.recipient_nonce * power_of_two(64)
    }

    /// The tree before the transfer.
    fn tree(&self) -> FieldTree {
        let mut tree = FieldTree::default();
        tree.set(self.from, leaf_value(self.sender_key(), self.sender_balance + self.leaf_nonce * power_of_two(64)));
        let hash = leaf_value(Self::recipient_key(), self.recipient_packed());
        let held = hash - self.is_new * hash;
        tree.set(self.to, self.recipient_leaf.unwrap_or(held));
        tree
    }

    /// The tree after the sender's update.
    fn tree_between(&self) -> FieldTree {
        let mut tree = self.tree();
        let next = self.leaf_nonce + Fr::ONE;
        let after = self.sender_balance - self.amount - self.fee + next * power_of_two(64);
        tree.set(self.from, leaf_value(self.sender_key(), self.sender_after.unwrap_or(after)));
        tree
    }

    fn values(&self) -> SlotValues {
        let (tree, between) = (self.tree(), self.tree_between());
        let signature = self.secret.sign(self.digest());
        SlotValues {
            active: Fr::ONE,
            baton: [tree.root(), Fr::from(11u64), Fr::from(500u64)],
            from: self.from,
            to: self.to,
            amount: self.amount,
            fee: self.fee,
            nonce: self.nonce,
            signature: SignatureValues { e: signature.e, s: signature.s },
            sender_key: self.sender_key(),
            sender_balance: self.sender_balance,
            recipient_key: Self::recipient_key(),
            is_new: self.is_new,
            recipient_balance: self.recipient_balance,
            recipient_nonce: self.recipient_nonce,
            sender_branch: Branch::unknown(tree.path(self.from)),
            recipient_branch: Branch::unknown(between.path(self.to)),
        }
    }

    fn failures(&self, tamper: Tamper) -> Vec<Failure> {
        Trial::new(&self.values(), tamper).failures()
    }

    /// `s` for a challenge e of the prover's own and the nonce k.
    fn respond(&self, nonce: u64, e: u128) -> SignatureValues {
        SignatureValues { e, s: Scalar::from(nonce) + effective_challenge(e) * Scalar::from(7u64) }
    }
}

fn choose(what: &'static str, index: usize, value: Fr) -> Tamper {
    Tamper { choices: HashMap::from([((what, index), value)]), ..Tamper::default() }
}

fn cell(section: &'static str, index: usize, row: &'static str, column: usize, lie: Lie) -> Tamper {
    Tamper { rows: HashMap::from([(label(section, index, row), vec![(column, lie)])]), ..Tamper::default() }
}

fn output(section: &'static str, index: usize, row: &'static str, value: Fr) -> Tamper {
    Tamper { outputs: HashMap::from([(label(section, index, row), value)]), ..Tamper::default() }
}

impl Tamper {
    fn and(mut self, other: Self) -> Self {
        self.choices.extend(other.choices);
        for (label, lies) in other.rows {
            self.rows.entry(label).or_default().extend(lies);
        }
        self.outputs.extend(other.outputs);
        self
    }
}

#[test]
fn the_forge_is_honest_by_default() {
    assert_eq!(Forge::default().failures(Tamper::default()), []);
}

#[test]
fn every_row_of_a_slot_has_a_label() {
    assert_eq!(SLOT.labels.len(), SLOT.fragment.next_row() as usize);
    assert_eq!(super::rows_by_section().iter().map(|(_, rows)| rows).sum::<usize>(), SLOT.labels.len());
    let last = SLOT.labels.len() + proofyard_proof_system::circuit::PUBLIC_ROWS;
    assert_eq!((CIRCUIT.label(5), CIRCUIT.label(last)), (None, None));
    assert_eq!(CIRCUIT.label(last - 1), Some((0, label("fees", 0, "fees after"))));
}
