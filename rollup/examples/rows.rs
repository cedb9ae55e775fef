//! Prints the rows of the transfer circuit, section by section, and the slots of each size class.

use proofyard_rollup::circuit::{
    ROWS_LOG2_MAX, ROWS_LOG2_MIN, capacity, rows_by_section, rows_per_permutation, rows_per_signature,
    rows_per_transfer,
};

fn main() {
    println!("rows of a Poseidon2 permutation with feed-forward: {}", rows_per_permutation());
    println!("rows of a signature: {}", rows_per_signature());
    println!("rows of a transfer: {}", rows_per_transfer());
    for (section, rows) in rows_by_section() {
        println!("  {section}: {rows}");
    }
    for rows_log2 in ROWS_LOG2_MIN..=ROWS_LOG2_MAX {
        println!("slots in 2^{rows_log2} rows: {}", capacity(rows_log2));
    }
}
