//! Polynomials in coefficient form on the device (`polynomial.cu`).

use ark_bn254::Fr;
use ark_ff::{Field, Zero};
use proofyard_kernels::KernelError;

use crate::{
    context::{Column, Context, FIELD_BYTES},
    device::{Device, DeviceError, Shape},
    memory::Block,
};

/// Threads of a block, and log2 of them.
const THREADS: u32 = 256;
const THREADS_LOG2: usize = 8;

/// Coefficients of a thread.
const ENTRIES: u64 = 8;

/// Coefficients of a block.
const BLOCK_ENTRIES: usize = ENTRIES as usize * THREADS as usize;

/// A term of [`linear_combination`] as the kernel reads it.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Term {
    weight: [u64; 4],
    column: u64,
    size: u64,
}

/// `sum_j weight_j * column_j`, as long as the longest column.
pub(crate) fn linear_combination<D: Device>(
    context: &Context<D>,
    terms: &[(Fr, &Column<D>)],
) -> Result<Column<D>, KernelError> {
    let size = terms.iter().map(|(_, column)| column.len()).max().unwrap_or(0);
    let out = context.column(size)?;
    if size == 0 {
        return Ok(out);
    }
    let encode = |(weight, column): &(Fr, &Column<D>)| Term {
        weight: weight.0.0,
        column: context.address(column),
        size: column.len() as u64,
    };
    let encoded = context.upload(&terms.iter().map(encode).collect::<Vec<_>>())?;
    let arguments = [encoded.at(0), (terms.len() as u32).into(), out.start(), context.size(size)?];
    context.launch("polynomial_sum", Shape::covering(size, THREADS), &arguments)?;
    Ok(out)
}

/// `base^(2^k)` for the rounds of a block's scan.
fn ratios<D: Device>(context: &Context<D>, base: Fr) -> Result<Block<D>, DeviceError> {
    let squares = std::iter::successors(Some(base), |ratio| Some(ratio.square()));
    context.upload(&squares.take(THREADS_LOG2).map(|ratio| ratio.0.0).collect::<Vec<_>>())
}

/// What a scan from the top has found out about its blocks.
struct Scanned<D: Device> {
    shape: Shape,
    /// For the scan within a block.
    ratios: Block<D>,
    /// Horner's value of what lies above each block.
    above: Block<D>,
    /// Horner's value of all.
    value: Block<D>,
}

fn scan<D: Device>(context: &Context<D>, coefficients: &Column<D>, point: Fr) -> Result<Scanned<D>, DeviceError> {
    let blocks = coefficients.len().div_ceil(BLOCK_ENTRIES);
    let shape = Shape { blocks: blocks as u32, threads: THREADS, shared_bytes: 0 };
    let within = ratios(context, point.pow([ENTRIES]))?;
    let above = context.allocate(blocks * FIELD_BYTES)?;
    let arguments = [coefficients.start(), context.size(coefficients.len())?, point.into(), within.at(0), above.at(0)];
    context.launch("polynomial_of_blocks", shape, &arguments)?;
    let value = context.allocate(FIELD_BYTES)?;
    let step = point.pow([BLOCK_ENTRIES as u64]);
    let run = blocks.div_ceil(THREADS as usize) as u32;
    let between = ratios(context, step.pow([u64::from(run)]))?;
    let arguments = [above.at(0), shape.blocks.into(), run.into(), step.into(), between.at(0), value.at(0)];
    context.launch("polynomial_above_blocks", Shape { blocks: 1, ..shape }, &arguments)?;
    Ok(Scanned { shape, ratios: within, above, value })
}

/// `(f - f(point)) / (X - point)` with a zero top entry, and `f(point)`.
pub(crate) fn divide_by_linear<D: Device>(
    context: &Context<D>,
    coefficients: &Column<D>,
    point: Fr,
) -> Result<(Column<D>, Fr), KernelError> {
    let quotient = context.column(coefficients.len())?;
    if coefficients.len() == 0 {
        return Ok((quotient, Fr::zero()));
    }
    let Scanned { shape, ratios, above, value } = scan(context, coefficients, point)?;
    let size = context.size(coefficients.len())?;
    let arguments = [coefficients.start(), size, point.into(), ratios.at(0), above.at(0), quotient.start()];
    context.launch("polynomial_quotient", shape, &arguments)?;
    Ok((quotient, context.read_fields(&value, 1)?[0]))
}

/// `f(point)`.
pub(crate) fn evaluate<D: Device>(
    context: &Context<D>,
    coefficients: &Column<D>,
    point: Fr,
) -> Result<Fr, KernelError> {
    if coefficients.len() == 0 {
        return Ok(Fr::zero());
    }
    let scanned = scan(context, coefficients, point)?;
    Ok(context.read_fields(&scanned.value, 1)?[0])
}
