//! Poseidon2 permutations on the device (`poseidon2.cu`).

use ark_bn254::Fr;
use ark_ff::One;
use proofyard_kernels::{
    KernelError,
    poseidon2::{self, WIDTH},
};

use crate::{
    context::{Column, Context},
    device::{Device, Shape},
    polynomial,
};

/// Threads of a block.
const THREADS: u32 = 32;

/// The constants as the kernel reads them.
fn constants() -> Vec<[u64; 4]> {
    let full = poseidon2::full_constants().as_flattened();
    let all = full.iter().chain(poseidon2::partial_constants()).chain(poseidon2::diagonal());
    all.map(|value| value.0.0).collect()
}

/// The column for writing: a copy if somebody else has it too.
fn own<D: Device>(context: &Context<D>, column: Column<D>) -> Result<Column<D>, KernelError> {
    if column.is_shared() { polynomial::linear_combination(context, &[(Fr::one(), &column)]) } else { Ok(column) }
}

/// Fills in the rows after each first row.
pub(crate) fn expand<D: Device>(
    context: &Context<D>,
    wires: [Column<D>; WIDTH],
    first_rows: &[u32],
) -> Result<[Column<D>; WIDTH], KernelError> {
    poseidon2::check_first_rows(wires.each_ref().map(Column::len), first_rows)?;
    if first_rows.is_empty() {
        return Ok(wires);
    }
    let count = context.size(first_rows.len())?;
    let [first, second, third, fourth] = wires.map(|wire| own(context, wire));
    let wires = [first?, second?, third?, fourth?];
    let rows = context.upload(first_rows)?;
    let constants = context.upload(&constants())?;
    let mut arguments: Vec<_> = wires.iter().map(Column::start).collect();
    arguments.extend([rows.at(0), count, constants.at(0)]);
    context.launch("poseidon2_rows", Shape::covering(first_rows.len(), THREADS), &arguments)?;
    drop(arguments);
    Ok(wires)
}
