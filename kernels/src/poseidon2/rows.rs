//! A permutation in 23 rows of four elements, docs/protocol.md section 4.

use ark_bn254::Fr;
use ark_ff::AdditiveGroup;

use super::{FULL, FULL_ROUNDS, PARTIAL, PARTIAL_ROUNDS, WIDTH, add, external, fifth_power, full_layer, internal};
use crate::backend::KernelError;

/// Partial rounds in one row.
pub const GROUP: usize = 4;
/// Rows of partial rounds.
pub const GROUPS: usize = PARTIAL_ROUNDS / GROUP;
/// Rows of a permutation: input, full rounds 2 to 4, fourteen groups of partial rounds, full rounds 5 to 8, output.
pub const PERMUTATION_ROWS: usize = 1 + (FULL_ROUNDS / 2 - 1) + GROUPS + FULL_ROUNDS / 2 + 1;

/// Row of the first group of partial rounds.
pub const FIRST_GROUP: usize = FULL_ROUNDS / 2;
/// Row of full round 5.
pub const FIRST_LATE: usize = FIRST_GROUP + GROUPS;

/// The values of the 23 rows of a permutation; the first row is the input, the last one the output. A row of a full round holds
/// the inputs of its S-boxes, a row of partial rounds those of four rounds' one S-box.
pub fn trace(input: [Fr; WIDTH]) -> [[Fr; WIDTH]; PERMUTATION_ROWS] {
    let mut rows = [[Fr::ZERO; WIDTH]; PERMUTATION_ROWS];
    rows[0] = input;
    let mut state = external(input);
    for (round, constants) in FULL[..FULL_ROUNDS / 2].iter().enumerate() {
        let inputs = add(state, constants);
        if round > 0 {
            rows[round] = inputs;
        }
        state = full_layer(inputs);
    }
    for (row, constants) in rows[FIRST_GROUP..].iter_mut().zip(PARTIAL.as_chunks::<GROUP>().0) {
        for (value, constant) in row.iter_mut().zip(constants) {
            *value = state[0] + constant;
            state[0] = fifth_power(*value);
            state = internal(state);
        }
    }
    for (row, constants) in rows[FIRST_LATE..].iter_mut().zip(&FULL[FULL_ROUNDS / 2..]) {
        *row = add(state, constants);
        state = full_layer(*row);
    }
    rows[PERMUTATION_ROWS - 1] = state;
    rows
}

/// What every backend demands before it expands permutations: wires of one length, and first rows in ascending order, so far
/// apart that no permutation reaches into the next one or beyond the end. Returns the wires' length.
pub fn check_first_rows(lengths: [usize; WIDTH], first_rows: &[u32]) -> Result<usize, KernelError> {
    let rows = lengths[0];
    if let Some(got) = lengths.into_iter().find(|length| *length != rows) {
        return Err(KernelError::Length { what: "a wire of the permutations", expected: rows, got });
    }
    let mut free = 0;
    for first_row in first_rows {
        let first = *first_row as usize;
        let end = first.saturating_add(PERMUTATION_ROWS);
        if first < free || end > rows {
            return Err(KernelError::PermutationRows { first_row: *first_row, free, rows });
        }
        free = end;
    }
    Ok(rows)
}
