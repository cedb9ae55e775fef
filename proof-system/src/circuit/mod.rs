//! Circuits and witnesses: rows of gates, copy constraints and the values that satisfy them.
//!
//! A [`CircuitBuilder`] runs the same synthesis code once for the structure and once per witness. The first six rows
//! hold the public values: rows 0..2 what comes in, rows 3..5 what goes out, always on wire 1.

mod builder;
mod error;
mod gate;
mod permutation;
mod validate;

use std::fmt;

use ark_bn254::Fr;
use ark_ff::Zero;
use rayon::prelude::*;

pub use builder::{CircuitBuilder, Permutation, Placement};
pub use error::CircuitError;
pub use gate::{Arith, Gate, Left, Right};
pub use validate::check_column_shifts;

use crate::gates::{FIXED_COLUMNS, GATE_COLUMNS, RowValues, WIRES, gate_constraints};
use gate::active_gates;

/// Public values that come in; as many go out.
pub const PUBLIC_VALUES: usize = 3;
/// Rows reserved for the public values.
pub const PUBLIC_ROWS: usize = 2 * PUBLIC_VALUES;
/// The smallest log2 T.
pub const ROWS_LOG2_MIN: u32 = 3;
/// The largest log2 T.
pub const ROWS_LOG2_MAX: u32 = 24;

/// A cell of the wires, or a constant of the builder that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// 0..4: wires 1..4; 4: the table of constants.
    pub column: u8,
    /// The row, or the constant's index.
    pub row: u32,
}

impl Cell {
    /// The column number of constants.
    const CONSTANTS: u8 = WIRES as u8;

    fn is_constant(self) -> bool {
        self.column == Self::CONSTANTS
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_constant() {
            write!(formatter, "constant {}", self.row)
        } else {
            write!(formatter, "wire {} of row {}", u32::from(self.column) + 1, self.row)
        }
    }
}

/// The structure of a subtree's circuit: evaluations over H in natural order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circuit {
    /// log2 of T.
    pub rows_log2: u32,
    /// The twelve fixed columns of the gates, section 2.
    pub fixed: [Vec<Fr>; GATE_COLUMNS],
    /// The four permutation columns: the label `k_c w^j` of each cell's image.
    pub permutation: [Vec<Fr>; WIRES],
    /// First rows of the permutations, ascending.
    permutations: Vec<u32>,
    /// Each cell's image, column by column.
    links: Vec<u32>,
}

/// The wires of one subtree: evaluations over H, padded with zeros.
///
/// Either whole or an outline, which satisfies the circuit once the rows of [`Circuit::permutations`] are filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Wires 1..4.
    pub columns: [Vec<Fr>; WIRES],
}

impl Circuit {
    /// T.
    pub fn rows(&self) -> usize {
        1 << self.rows_log2
    }

    /// First rows of the permutations that the builder laid, ascending: where a device fills in an outline.
    pub fn permutations(&self) -> &[u32] {
        &self.permutations
    }

    /// Whether the wires satisfy every gate and every copy constraint with these public values; names what fails first.
    ///
    /// The slow and exact counterpart of the row identity.
    pub fn check(
        &self,
        witness: &Witness,
        inputs: [Fr; PUBLIC_VALUES],
        outputs: [Fr; PUBLIC_VALUES],
    ) -> Result<(), CircuitError> {
        let rows = self.rows();
        for column in &witness.columns {
            check_length("a wire of the witness", rows, column.len())?;
        }
        let public = [inputs, outputs].concat();
        (0..rows)
            .into_par_iter()
            .map(|row| self.check_row(witness, &public, row))
            .find_first(Result::is_err)
            .transpose()?;
        let cell = |index: usize| Cell { column: (index / rows) as u8, row: (index % rows) as u32 };
        let value = |cell: Cell| witness.columns[cell.column as usize][cell.row as usize];
        for (index, image) in self.links.iter().enumerate() {
            let (from, to) = (cell(index), cell(*image as usize));
            if value(from) != value(to) {
                return Err(CircuitError::BrokenCopy { from, to });
            }
        }
        Ok(())
    }

    /// The twelve fixed columns on one row.
    fn gate_columns(&self, row: usize) -> [Fr; GATE_COLUMNS] {
        std::array::from_fn(|column| self.fixed[column][row])
    }

    fn check_row(&self, witness: &Witness, public: &[Fr], row: usize) -> Result<(), CircuitError> {
        let columns = self.gate_columns(row);
        let next = (row + 1) % self.rows();
        let mut fixed = [Fr::zero(); FIXED_COLUMNS];
        fixed[..GATE_COLUMNS].copy_from_slice(&columns);
        let values = RowValues {
            w: std::array::from_fn(|c| witness.columns[c][row]),
            w_next: std::array::from_fn(|c| witness.columns[c][next]),
            z: Fr::zero(),
            z_next: Fr::zero(),
            fixed,
        };
        let mut terms = gate_constraints(&|value| value, &values);
        if let Some(value) = public.get(row) {
            terms[0] -= value;
        }
        let Some(constraint) = terms.iter().position(|term| !term.is_zero()) else {
            return Ok(());
        };
        let gate = match (constraint, row) {
            (0, 0..PUBLIC_ROWS) => "the public value".to_owned(),
            (0, _) => "ARITH".to_owned(),
            _ => active_gates(&columns),
        };
        Err(CircuitError::Unsatisfied { row, gate, constraint })
    }
}

fn check_length(what: &'static str, expected: usize, got: usize) -> Result<(), CircuitError> {
    if got == expected { Ok(()) } else { Err(CircuitError::Length { what, expected, got }) }
}
