//! Permutations expanded to their rows.

use ark_bn254::Fr;
use rayon::prelude::*;

use crate::poseidon2::{WIDTH, trace};

/// Permutations whose rows are held beside the columns before they are written there.
const AT_ONCE: usize = 1 << 10;

/// Fills in the rows after each first row, which are known to lie within the wires and apart.
pub(super) fn expand(wires: &mut [&mut [Fr]; WIDTH], first_rows: &[u32]) {
    for first_rows in first_rows.chunks(AT_ONCE) {
        let input = |first_row: &u32| std::array::from_fn(|wire| wires[wire][*first_row as usize]);
        let traces: Vec<_> = first_rows.par_iter().map(|first_row| trace(input(first_row))).collect();
        for (first_row, rows) in first_rows.iter().zip(&traces) {
            for (offset, row) in rows.iter().enumerate() {
                for (wire, value) in wires.iter_mut().zip(row) {
                    wire[*first_row as usize + offset] = *value;
                }
            }
        }
    }
}
