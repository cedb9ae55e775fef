//! What a key build demands of a circuit.

use ark_bn254::Fr;
use ark_ff::{Field, One, Zero};

use super::{
    Cell, Circuit, CircuitError, PUBLIC_ROWS, ROWS_LOG2_MAX, ROWS_LOG2_MIN, check_length, gate::active_gates,
    permutation::labels,
};
use crate::{
    domain::Domain,
    gates::{GATE_COLUMNS, WIRES, check_degree, column, column_shift, row_identity},
};

impl Circuit {
    /// Checks everything that a key build relies on: T, lengths, the rows of the public values, consistent selectors,
    /// no gate that reads past row T - 1, distinct cosets of labels, the permutation columns, the identity's degrees.
    pub fn validate(&self) -> Result<(), CircuitError> {
        let domain = check_rows(self.rows_log2)?;
        let rows = self.rows();
        for column in &self.fixed {
            check_length("a fixed column", rows, column.len())?;
        }
        for column in &self.permutation {
            check_length("a permutation column", rows, column.len())?;
        }
        check_length("a wire's permutation", WIRES * rows, self.links.len())?;
        for row in 0..rows {
            self.validate_row(row)?;
        }
        check_column_shifts(&std::array::from_fn::<_, WIRES, _>(column_shift), self.rows_log2)?;
        for (column, (found, expected)) in
            self.permutation.iter().zip(labels(&self.links, domain.generator)).enumerate()
        {
            if let Some(row) = found.iter().zip(&expected).position(|(found, expected)| found != expected) {
                return Err(CircuitError::Permutation(Cell { column: column as u8, row: row as u32 }));
            }
        }
        check_degree(|lift, inputs| {
            row_identity(lift, &inputs.row, &inputs.challenges, inputs.x, inputs.l0, inputs.pi)
        })?;
        Ok(())
    }

    fn validate_row(&self, row: usize) -> Result<(), CircuitError> {
        let columns = self.gate_columns(row);
        if row < PUBLIC_ROWS && !(columns[0].is_one() && columns[1..].iter().all(Fr::is_zero)) {
            return Err(CircuitError::PublicRow { row });
        }
        check_selectors(&columns).map_err(|rule| CircuitError::Selector { row, rule })?;
        if row == self.rows() - 1 {
            let gate = active_gates(&columns);
            if !gate.is_empty() {
                return Err(CircuitError::NextRow { row, gate });
            }
        }
        Ok(())
    }
}

/// T and its domain.
pub(super) fn check_rows(rows_log2: u32) -> Result<Domain, CircuitError> {
    if !(ROWS_LOG2_MIN..=ROWS_LOG2_MAX).contains(&rows_log2) {
        return Err(CircuitError::RowsLog2(rows_log2));
    }
    Domain::new(rows_log2).ok_or(CircuitError::RowsLog2(rows_log2))
}

/// The rules of sections 2 and 4 for one row's selectors.
fn check_selectors(columns: &[Fr; GATE_COLUMNS]) -> Result<(), &'static str> {
    let below = |index: usize, bound: u64| (0..bound).any(|value| columns[index] == Fr::from(value));
    let on = |index: usize| columns[index].is_one();
    if !(column::P0..=column::FB).all(|index| below(index, 2)) {
        return Err("p0, pl, pi, pr and fb are 0 or 1");
    }
    if !below(column::K, 4) {
        return Err("k is 0 to 3");
    }
    if !below(column::L, 3) {
        return Err("l is 0 to 2");
    }
    if !on(column::P0) && (on(column::PL) || on(column::PI) || on(column::PR)) {
        return Err("pl, pi and pr need p0");
    }
    if on(column::PL) && on(column::PI) {
        return Err("pl and pi exclude each other");
    }
    if on(column::P0) && on(column::FB) {
        return Err("p0 and fb exclude each other");
    }
    Ok(())
}

/// Refuses column shifts whose cosets of H meet: `(k_a / k_b)^T = 1` for some a < b (or a shift of zero).
pub fn check_column_shifts(shifts: &[Fr], rows_log2: u32) -> Result<(), CircuitError> {
    let power = |shift: &Fr| shift.pow([1u64 << rows_log2.min(ROWS_LOG2_MAX)]);
    let powers: Vec<Fr> = shifts.iter().map(power).collect();
    for (b, second) in powers.iter().enumerate() {
        if second.is_zero() {
            return Err(CircuitError::CosetRatio { a: b + 1, b: b + 1 });
        }
        if let Some(a) = powers[..b].iter().position(|first| first == second) {
            return Err(CircuitError::CosetRatio { a: a + 1, b: b + 1 });
        }
    }
    Ok(())
}
