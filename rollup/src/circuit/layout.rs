//! Rows with names: the layer between the gadgets and the proof system's builder.
//!
//! A gadget computes each new value from the values of the wires it uses, so structure and witness come from the same
//! code. Every row has a [`Label`], so that what fails can be named.

use std::fmt;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use proofyard_proof_system::circuit::{Arith, Cell, CircuitBuilder, Gate};
use proofyard_proof_system::poseidon2::{Domain, PERMUTATION_ROWS};

use super::curve::offset_point;

/// What a row of a slot is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    /// Part of the slot.
    pub section: &'static str,
    /// Level, bit, digit or row inside the section, from 0.
    pub index: usize,
    /// What the row does.
    pub row: &'static str,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.section, self.index, self.row)
    }
}

/// A cell and its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Var {
    pub(super) cell: Cell,
    pub(super) value: Fr,
}

/// What goes into a cell of a new row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wire {
    /// Nothing reads the cell; it is zero.
    Empty,
    /// A value that appears here first.
    New(Fr),
    /// A copy.
    Copy(Var),
    /// A copy of the row's own first wire.
    First,
}

impl Wire {
    /// The value that enters the row; of [`Wire::First`] the row knows it.
    pub(super) fn value(self) -> Fr {
        match self {
            Self::Empty | Self::First => Fr::ZERO,
            Self::New(value) => value,
            Self::Copy(var) => var.value,
        }
    }
}

impl From<Var> for Wire {
    fn from(var: Var) -> Self {
        Self::Copy(var)
    }
}

/// The constants that slots use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Constants {
    pub(super) zero: Var,
    pub(super) one: Var,
    pub(super) minus_one: Var,
    /// The offset point of the fixed-base multiplication.
    pub(super) offset: Point,
    tags: [Var; Domain::ALL.len()],
}

impl Constants {
    /// Constant cells that [`Constants::new`] makes.
    pub(super) const COUNT: usize = 5 + Domain::ALL.len();

    fn new(builder: &mut CircuitBuilder) -> Self {
        let mut constant = |value| Var { cell: builder.constant(value), value };
        let (x, y) = offset_point();
        Self {
            zero: constant(Fr::ZERO),
            one: constant(Fr::ONE),
            minus_one: constant(-Fr::ONE),
            offset: Point { x: constant(x), y: constant(y) },
            tags: Domain::ALL.map(|domain| constant(domain.tag())),
        }
    }

    fn tag(&self, domain: Domain) -> Var {
        self.tags[match domain {
            Domain::Account => 0,
            Domain::Transfer => 1,
            Domain::Challenge => 2,
            Domain::DataHash => 3,
        }]
    }
}

/// A point of Grumpkin in two cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) x: Var,
    pub(super) y: Var,
}

/// The rows of one slot as they are laid.
pub(super) struct Layout {
    builder: CircuitBuilder,
    constants: Constants,
    section: &'static str,
    index: usize,
    /// One a row; only of a structure.
    labels: Vec<Label>,
    /// The first relation that the values break.
    broken: Option<Label>,
    #[cfg(test)]
    pub(super) tamper: super::tests::Tamper,
    #[cfg(test)]
    pub(super) empty: Vec<Cell>,
}

impl Layout {
    /// An empty slot of the builder's kind.
    pub(super) fn new(parent: &CircuitBuilder) -> Self {
        let mut builder = parent.fragment();
        let constants = Constants::new(&mut builder);
        Self {
            builder,
            constants,
            section: "",
            index: 0,
            labels: Vec::new(),
            broken: None,
            #[cfg(test)]
            tamper: Default::default(),
            #[cfg(test)]
            empty: Vec::new(),
        }
    }

    pub(super) fn constants(&self) -> Constants {
        self.constants
    }

    /// Rows laid so far.
    pub(super) fn rows(&self) -> usize {
        self.builder.next_row() as usize
    }

    /// Names the part of the slot that the next rows belong to.
    pub(super) fn section(&mut self, section: &'static str, index: usize) {
        self.section = section;
        self.index = index;
    }

    /// Moves on inside the section.
    pub(super) fn at(&mut self, index: usize) {
        self.index = index;
    }

    /// The fragment, its labels, and the first relation that its values break.
    pub(super) fn finish(self) -> (CircuitBuilder, Vec<Label>, Option<Label>) {
        (self.builder, self.labels, self.broken)
    }

    /// A value that the prover chooses freely. Tests replace it here; everything that depends on it follows.
    pub(super) fn choose(&self, what: &'static str, value: Fr) -> Fr {
        self.choose_at(what, 0, value)
    }

    /// One of several such values.
    pub(super) fn choose_at(&self, what: &'static str, index: usize, value: Fr) -> Fr {
        #[cfg(test)]
        let value = self.tamper.chosen(what, index, value);
        #[cfg(not(test))]
        let _ = (what, index);
        value
    }

    /// Notes whether honest values satisfy what a row demands; the gates do not depend on it.
    pub(super) fn expect(&mut self, row: &'static str, holds: bool) {
        if !holds && self.broken.is_none() {
            self.broken = Some(self.label(row));
        }
    }

    /// `numerator / denominator`; a zero denominator is noted and gives 0.
    pub(super) fn quotient(&mut self, row: &'static str, numerator: Fr, denominator: Fr) -> Fr {
        let inverse = denominator.inverse();
        self.expect(row, inverse.is_some());
        numerator * inverse.unwrap_or_default()
    }

    fn label(&self, row: &'static str) -> Label {
        Label { section: self.section, index: self.index, row }
    }

    /// Appends a row.
    pub(super) fn row(&mut self, row: &'static str, gate: Gate, arith: Arith, wires: [Wire; 4]) -> [Var; 4] {
        let values = wires.map(|wire| if matches!(wire, Wire::First) { wires[0].value() } else { wire.value() });
        #[cfg(test)]
        let values = self.tamper.row(self.label(row), values);
        let cells = self.builder.row_with_arith(gate, arith, values);
        self.after_row(row, cells, wires, 1);
        std::array::from_fn(|column| Var { cell: cells[column], value: values[column] })
    }

    /// Appends a row that only carries ARITH.
    pub(super) fn arith(&mut self, row: &'static str, arith: Arith, wires: [Wire; 4]) -> [Var; 4] {
        self.row(row, Gate::Free, arith, wires)
    }

    /// Appends a Poseidon2 permutation; gives its first output, which may be known, and its inputs.
    pub(super) fn permutation(&mut self, row: &'static str, inputs: [Wire; 4], known: Option<Fr>) -> (Var, [Var; 4]) {
        let values = inputs.map(Wire::value);
        #[cfg(test)]
        let values = self.tamper.row(self.label(row), values);
        let permutation = match known {
            Some(output) => self.builder.poseidon2_known(values, output),
            None => self.builder.poseidon2(values),
        };
        self.after_row(row, permutation.input, inputs, PERMUTATION_ROWS);
        let cell = permutation.output[0];
        #[cfg(test)]
        self.tamper.output(self.label(row), cell, &mut self.builder);
        let laid = std::array::from_fn(|column| Var { cell: permutation.input[column], value: values[column] });
        (Var { cell, value: self.builder.value(cell) }, laid)
    }

    /// `hash3(domain, inputs)` and the inputs.
    pub(super) fn hash3(&mut self, row: &'static str, domain: Domain, [a, b, c]: [Wire; 3]) -> (Var, [Var; 3]) {
        let tag = self.constants.tag(domain);
        let (output, [a, b, c, _]) = self.permutation(row, [a, b, c, tag.into()], None);
        (output, [a, b, c])
    }

    fn after_row(&mut self, row: &'static str, cells: [Cell; 4], wires: [Wire; 4], rows: usize) {
        if self.builder.is_witness() {
            return;
        }
        let label = self.label(row);
        self.labels.resize(self.labels.len() + rows, label);
        for (cell, wire) in cells.into_iter().zip(wires) {
            match wire {
                Wire::Copy(var) => self.builder.copy(var.cell, cell),
                Wire::First => self.builder.copy(cells[0], cell),
                Wire::New(_) => {}
                Wire::Empty => {
                    #[cfg(test)]
                    self.empty.push(cell);
                }
            }
        }
    }
}

/// The relation `q1 w1 + q2 w2 + q3 w3 + q4 w4 = 0`.
pub(super) fn linear(q: [Fr; 4]) -> Arith {
    Arith { q, qm: Fr::ZERO }
}

/// `2^bits`.
pub(super) fn power_of_two(bits: u64) -> Fr {
    Fr::from(2u64).pow([bits])
}
