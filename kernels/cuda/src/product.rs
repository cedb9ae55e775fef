//! The grand product on the device (`product.cu`).

use ark_bn254::Fr;
use ark_ff::{One, Zero};
use proofyard_kernels::KernelError;

use crate::{
    context::{Column, Context, FIELD_BYTES},
    device::{Device, Shape},
};

/// Threads of a block.
const THREADS: u32 = 256;

/// Rows of a block: eight a thread.
const BLOCK_ROWS: usize = 8 * THREADS as usize;

/// `z[0] = 1, z[i+1] = z[i] * numerators[i] / denominators[i]`, and the product over all rows.
pub(crate) fn grand_product<D: Device>(
    context: &Context<D>,
    numerators: &Column<D>,
    denominators: &Column<D>,
) -> Result<(Column<D>, Fr), KernelError> {
    let rows = numerators.len();
    if rows != denominators.len() {
        return Err(KernelError::Length { what: "denominators", expected: rows, got: denominators.len() });
    }
    let z = context.column(rows)?;
    if rows == 0 {
        return Ok((z, Fr::one()));
    }
    let size = || context.size(rows);
    let blocks = rows.div_ceil(BLOCK_ROWS);
    let shape = Shape { blocks: blocks as u32, threads: THREADS, shared_bytes: 0 };
    let before = context.allocate(blocks * FIELD_BYTES)?;
    let after = context.allocate(blocks * FIELD_BYTES)?;
    let results = context.allocate(2 * FIELD_BYTES)?;
    context.launch(
        "product_of_blocks",
        shape,
        &[numerators.start(), denominators.start(), size()?, before.at(0), after.at(0)],
    )?;
    context.launch(
        "product_before_blocks",
        Shape { blocks: 1, ..shape },
        &[before.at(0), after.at(0), (blocks as u32).into(), results.at(0)],
    )?;
    context.launch(
        "product_of_rows",
        shape,
        &[numerators.start(), denominators.start(), size()?, before.at(0), after.at(0), z.start()],
    )?;
    let results = context.read_fields(&results, 2)?;
    if results[1].is_zero() {
        return Err(KernelError::ZeroDenominator("a denominator of the product"));
    }
    Ok((z, results[0]))
}
