//! Row-by-row synthesis, the same code for structure and witness.

use std::collections::HashMap;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use proofyard_kernels::poseidon2::FIRST_GROUP;

use super::{
    Arith, Cell, Circuit, CircuitError, Gate, Left, PUBLIC_ROWS, PUBLIC_VALUES, ROWS_LOG2_MAX, Right, Witness,
    gate::active_gates,
    permutation::{Cycles, labels},
    validate::check_rows,
};
use crate::{
    gates::{GATE_COLUMNS, WIRES},
    poseidon2::{self, GROUPS, PERMUTATION_ROWS},
};

/// More rows than any T; a builder stops there.
const ROWS_MAX: usize = 1 << ROWS_LOG2_MAX;

/// Input and output cells of a permutation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permutation {
    /// The first row.
    pub input: [Cell; 4],
    /// The last row.
    pub output: [Cell; 4],
}

/// Where an appended builder's cells went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    offset: u32,
    constants: Vec<u32>,
}

impl Placement {
    /// The cell of the combined builder that was `cell` in the appended one.
    pub fn cell(&self, cell: Cell) -> Cell {
        if cell.is_constant() {
            let row = self.constants.get(cell.row as usize).copied().unwrap_or(u32::MAX);
            return Cell { row, ..cell };
        }
        Cell { row: cell.row.saturating_add(self.offset), ..cell }
    }

    /// The row of the combined builder that was `row` in the appended one.
    pub fn row(&self, row: u32) -> u32 {
        row.saturating_add(self.offset)
    }
}

/// What only a structure needs.
#[derive(Debug, Clone, Default)]
struct Structure {
    fixed: [Vec<Fr>; GATE_COLUMNS],
    copies: Vec<(Cell, Cell)>,
    /// First rows of permutations.
    permutations: Vec<u32>,
}

/// Constants by value; their rows follow all others.
#[derive(Debug, Clone, Default)]
struct Constants {
    values: Vec<Fr>,
    indices: HashMap<Fr, u32>,
}

impl Constants {
    fn index(&mut self, value: Fr) -> u32 {
        *self.indices.entry(value).or_insert_with(|| {
            self.values.push(value);
            (self.values.len() - 1) as u32
        })
    }

    /// Rows that hold the constants: a zero, a row of zeros, then four constants a row; none when there are none.
    fn rows(&self) -> usize {
        if self.values.is_empty() { 0 } else { 2 + self.values.len().div_ceil(WIRES) }
    }
}

/// The rows of a permutation of which only the ends are known.
fn outline(input: [Fr; WIRES], output: [Fr; WIRES]) -> [[Fr; WIRES]; PERMUTATION_ROWS] {
    let mut rows = [[Fr::ZERO; WIRES]; PERMUTATION_ROWS];
    rows[0] = input;
    rows[PERMUTATION_ROWS - 1] = output;
    rows
}

/// Builds a circuit's structure or a witness, row by row.
///
/// Which rows, copies and constants there are must not depend on values. The first mistake is kept and returned by the
/// `finish_` methods; what follows it has no effect.
#[derive(Debug, Clone)]
pub struct CircuitBuilder {
    /// `None` in a witness builder.
    structure: Option<Structure>,
    /// Whether the rows of permutations between the first and the last one are left to somebody else.
    outline: bool,
    columns: [Vec<Fr>; WIRES],
    constants: Constants,
    /// Whether the first rows are those of the public values; not so in fragments.
    public: bool,
    error: Option<CircuitError>,
}

impl CircuitBuilder {
    /// A builder that records gates and copies (and values).
    pub fn structure() -> Self {
        Self::whole(Some(Structure::default()), false)
    }

    /// A builder that records values only.
    pub fn witness() -> Self {
        Self::whole(None, false)
    }

    /// A builder of witnesses for a prover that [fills in](crate::subtree::DeviceKey::fills_permutations) the rows of
    /// permutations from the first of them: the others are zero, but for what is read of the last one.
    pub fn outline() -> Self {
        Self::whole(None, true)
    }

    fn whole(structure: Option<Structure>, outline: bool) -> Self {
        let mut builder = Self {
            structure,
            outline,
            columns: Default::default(),
            constants: Constants::default(),
            public: true,
            error: None,
        };
        let held = Gate::Arith { q: [Fr::ONE, Fr::ZERO, Fr::ZERO, Fr::ZERO], qm: Fr::ZERO };
        for _ in 0..PUBLIC_ROWS {
            builder.row(held, [Fr::ZERO; WIRES]);
        }
        builder
    }

    /// An empty builder of the same kind without rows for public values, to be [appended](Self::append).
    ///
    /// Fragments are independent, so that slots can be synthesised in parallel.
    pub fn fragment(&self) -> Self {
        Self {
            structure: self.structure.as_ref().map(|_| Structure::default()),
            outline: self.outline,
            columns: Default::default(),
            constants: Constants::default(),
            public: false,
            error: None,
        }
    }

    /// Whether values matter only: gates and copies are ignored.
    pub fn is_witness(&self) -> bool {
        self.structure.is_none()
    }

    /// Makes room for more rows.
    pub fn reserve(&mut self, rows: usize) {
        let rows = rows.min(ROWS_MAX);
        self.columns.iter_mut().for_each(|column| column.reserve(rows));
        if let Some(structure) = &mut self.structure {
            structure.fixed.iter_mut().for_each(|column| column.reserve(rows));
        }
    }

    /// The cell of public value k = 0..2 that comes in.
    pub fn input(&self, k: usize) -> Cell {
        self.public_cell(0, k)
    }

    /// The cell of public value k = 0..2 that goes out.
    pub fn output(&self, k: usize) -> Cell {
        self.public_cell(PUBLIC_VALUES, k)
    }

    /// A cell that does not exist, whose use is refused, for k > 2 and in fragments.
    fn public_cell(&self, first: usize, k: usize) -> Cell {
        let row = if self.public && k < PUBLIC_VALUES { (first + k) as u32 } else { u32::MAX };
        Cell { column: 0, row }
    }

    /// The row that will be appended next; for a finished fragment, its height.
    pub fn next_row(&self) -> u32 {
        self.columns[0].len() as u32
    }

    /// Appends a row.
    pub fn row(&mut self, gate: Gate, values: [Fr; WIRES]) -> [Cell; WIRES] {
        self.row_with_arith(gate, Arith::NONE, values)
    }

    /// Appends a row that carries an ARITH beside a gate that leaves q1..q4 and qm unused.
    pub fn row_with_arith(&mut self, gate: Gate, arith: Arith, values: [Fr; WIRES]) -> [Cell; WIRES] {
        let row = self.columns[0].len();
        let cells = std::array::from_fn(|column| Cell { column: column as u8, row: row as u32 });
        if row >= ROWS_MAX {
            self.fail(CircuitError::Capacity { needed: row + 1, available: ROWS_MAX });
            return cells;
        }
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(value);
        }
        if let Some(structure) = &mut self.structure {
            for (column, value) in structure.fixed.iter_mut().zip(gate.columns(&arith)) {
                column.push(value);
            }
            if gate.owns_coefficients() && arith != Arith::NONE {
                self.fail(CircuitError::Arith { row: row as u32, gate: gate.name() });
            }
        }
        cells
    }

    /// Appends `q1 w1 + q2 w2 + q3 w3 + q4 w4 + qm w1 w2 = 0`.
    pub fn arith(&mut self, q: [Fr; 4], qm: Fr, values: [Fr; WIRES]) -> [Cell; WIRES] {
        self.row(Gate::Arith { q, qm }, values)
    }

    /// Appends the 23 rows of a Poseidon2 permutation of `values`.
    pub fn poseidon2(&mut self, values: [Fr; WIRES]) -> Permutation {
        self.poseidon2_then(values, Gate::Free, Arith::NONE)
    }

    /// Appends a Poseidon2 permutation whose last row, the output, also carries another gate.
    pub fn poseidon2_then(&mut self, values: [Fr; WIRES], last: Gate, arith: Arith) -> Permutation {
        let rows = if self.outline { outline(values, poseidon2::permute(values)) } else { poseidon2::trace(values) };
        self.poseidon2_rows(&rows, last, arith)
    }

    /// The same as [`Self::poseidon2`] where the output's first value is known and no other one is read: an outline takes it
    /// unseen, all others compute it.
    pub fn poseidon2_known(&mut self, values: [Fr; WIRES], first_output: Fr) -> Permutation {
        if !self.outline {
            return self.poseidon2(values);
        }
        let rows = outline(values, [first_output, Fr::ZERO, Fr::ZERO, Fr::ZERO]);
        self.poseidon2_rows(&rows, Gate::Free, Arith::NONE)
    }

    fn poseidon2_rows(&mut self, rows: &[[Fr; WIRES]; PERMUTATION_ROWS], last: Gate, arith: Arith) -> Permutation {
        const LAST_GROUP: usize = FIRST_GROUP + GROUPS - 1;
        let first_row = self.next_row();
        if let Some(structure) = &mut self.structure {
            structure.permutations.push(first_row);
        }
        let mut input = None;
        let mut output = [Cell { column: 0, row: u32::MAX }; 4];
        for (index, values) in rows.iter().enumerate() {
            let left = match index {
                0 => Left::Initial,
                FIRST_GROUP..=LAST_GROUP => Left::Partial,
                _ => Left::Full,
            };
            let right = if (FIRST_GROUP - 1..LAST_GROUP).contains(&index) { Right::Partial } else { Right::Full };
            output = if index == PERMUTATION_ROWS - 1 {
                self.row_with_arith(last, arith, *values)
            } else {
                self.row(Gate::Poseidon2 { left, right, constants: poseidon2::row_constants()[index] }, *values)
            };
            input.get_or_insert(output);
        }
        Permutation { input: input.unwrap_or(output), output }
    }

    /// A cell that holds a constant; equal constants share one. Only to be copied.
    pub fn constant(&mut self, value: Fr) -> Cell {
        Cell { column: Cell::CONSTANTS, row: self.constants.index(value) }
    }

    /// Demands that two cells hold the same value.
    pub fn copy(&mut self, a: Cell, b: Cell) {
        if self.is_witness() {
            return;
        }
        for cell in [a, b] {
            if !self.exists(cell) {
                self.fail(CircuitError::NoSuchCell(cell));
                return;
            }
        }
        if let Some(structure) = &mut self.structure {
            structure.copies.push((a, b));
        }
    }

    /// The value of a cell; zero for one that does not exist.
    pub fn value(&self, cell: Cell) -> Fr {
        let column =
            if cell.is_constant() { Some(&self.constants.values) } else { self.columns.get(cell.column as usize) };
        column.and_then(|values| values.get(cell.row as usize)).copied().unwrap_or_default()
    }

    /// Sets the value of a cell, as a rule of a public value.
    pub fn set(&mut self, cell: Cell, value: Fr) {
        if cell.is_constant() {
            return self.fail(CircuitError::ConstantCell(cell));
        }
        let slot = self.columns.get_mut(cell.column as usize).and_then(|column| column.get_mut(cell.row as usize));
        match slot {
            Some(slot) => *slot = value,
            None => self.fail(CircuitError::NoSuchCell(cell)),
        }
    }

    /// Appends all rows, copies and constants of a fragment; one fragment may be appended many times.
    pub fn append(&mut self, fragment: &Self) -> Placement {
        let constants = fragment.constants.values.iter().map(|value| self.constants.index(*value)).collect();
        let placement = Placement { offset: self.next_row(), constants };
        if let Some(error) = &fragment.error {
            self.fail(error.clone());
        }
        if fragment.is_witness() != self.is_witness() || fragment.outline != self.outline || fragment.public {
            self.fail(CircuitError::Mode { expected: self.kind(), found: fragment.kind() });
            return placement;
        }
        let needed = self.columns[0].len() + fragment.columns[0].len();
        if needed > ROWS_MAX {
            self.fail(CircuitError::Capacity { needed, available: ROWS_MAX });
            return placement;
        }
        for (column, values) in self.columns.iter_mut().zip(&fragment.columns) {
            column.extend_from_slice(values);
        }
        if let (Some(structure), Some(other)) = (&mut self.structure, &fragment.structure) {
            for (column, values) in structure.fixed.iter_mut().zip(&other.fixed) {
                column.extend_from_slice(values);
            }
            structure.copies.extend(other.copies.iter().map(|(a, b)| (placement.cell(*a), placement.cell(*b))));
            structure.permutations.extend(other.permutations.iter().map(|row| placement.row(*row)));
        }
        placement
    }

    /// The circuit, checked with [`Circuit::validate`].
    pub fn finish_structure(mut self, rows_log2: u32) -> Result<Circuit, CircuitError> {
        let found = self.kind();
        let first_constant = self.finish(rows_log2)?;
        let Some(Structure { mut fixed, copies, permutations }) = self.structure.take() else {
            return Err(CircuitError::Mode { expected: "structure", found });
        };
        let domain = check_rows(rows_log2)?;
        let rows = domain.size();
        let mut cycles = Cycles::new(rows);
        let index = |cell: Cell| {
            let (column, row) = match cell.is_constant() {
                true => (cell.row as usize % WIRES, first_constant + cell.row as usize / WIRES),
                false => (cell.column as usize, cell.row as usize),
            };
            (column * rows + row) as u32
        };
        for (a, b) in copies {
            cycles.join(index(a), index(b));
        }
        fixed.iter_mut().for_each(|column| column.resize(rows, Fr::ZERO));
        let links = cycles.into_links();
        let circuit = Circuit { rows_log2, fixed, permutation: labels(&links, domain.generator), permutations, links };
        circuit.validate()?;
        Ok(circuit)
    }

    /// The witness or its outline, padded with zeros.
    pub fn finish_witness(mut self, rows_log2: u32) -> Result<Witness, CircuitError> {
        let found = self.kind();
        self.finish(rows_log2)?;
        if self.structure.is_some() {
            return Err(CircuitError::Mode { expected: "witness", found });
        }
        let mut columns = self.columns;
        columns.iter_mut().for_each(|column| column.resize(1 << rows_log2, Fr::ZERO));
        Ok(Witness { columns })
    }

    fn exists(&self, cell: Cell) -> bool {
        if cell.is_constant() {
            return (cell.row as usize) < self.constants.values.len();
        }
        self.columns.get(cell.column as usize).is_some_and(|column| (cell.row as usize) < column.len())
    }

    fn fail(&mut self, error: CircuitError) {
        self.error.get_or_insert(error);
    }

    fn kind(&self) -> &'static str {
        match (self.public, &self.structure, self.outline) {
            (true, Some(_), _) => "structure",
            (true, None, false) => "witness",
            (true, None, true) => "outline",
            (false, Some(_), _) => "structure fragment",
            (false, None, false) => "witness fragment",
            (false, None, true) => "outline fragment",
        }
    }

    /// Reports mistakes and appends the constants; returns the row of the first ones.
    fn finish(&mut self, rows_log2: u32) -> Result<usize, CircuitError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        if !self.public {
            return Err(CircuitError::Mode { expected: "structure or witness", found: self.kind() });
        }
        let available = check_rows(rows_log2)?.size();
        let own = self.columns[0].len();
        let needed = own + self.constants.rows();
        if needed > available {
            return Err(CircuitError::Capacity { needed, available });
        }
        if let Some(structure) = &self.structure {
            let columns = std::array::from_fn(|column| structure.fixed[column][own - 1]);
            let gate = active_gates(&columns);
            if !gate.is_empty() {
                return Err(CircuitError::NextRow { row: own - 1, gate });
            }
        }
        self.append_constants();
        match self.error.take() {
            Some(error) => Err(error),
            None => Ok(own + 2),
        }
    }

    /// There is no column for constants, so they enter as those of Poseidon2 rows: `E S(0) + q = w'`, then
    /// `E S(w) + q = w'` with w already known.
    fn append_constants(&mut self) {
        if self.constants.values.is_empty() {
            return;
        }
        let batch = |chunk: &[Fr]| std::array::from_fn(|c| chunk.get(c).copied().unwrap_or_default());
        let batches: Vec<[Fr; WIRES]> = self.constants.values.chunks(WIRES).map(batch).collect();
        let [zero, ..] =
            self.row(Gate::Arith { q: [Fr::ONE, Fr::ZERO, Fr::ZERO, Fr::ZERO], qm: Fr::ZERO }, [Fr::ZERO; WIRES]);
        let mut held = [Fr::ZERO; WIRES];
        for (index, batch) in batches.into_iter().enumerate() {
            let mixed = poseidon2::full_layer(held);
            let constants = std::array::from_fn(|c| batch[c] - mixed[c]);
            let cells = self.row(Gate::Poseidon2 { left: Left::Full, right: Right::Full, constants }, held);
            if index == 0 {
                for cell in cells {
                    self.copy(cell, zero);
                }
            }
            held = batch;
        }
        self.row(Gate::Free, held);
    }
}
