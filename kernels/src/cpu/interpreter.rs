//! The interpreter of pointwise programs: blocks of rows, each step a tight loop over buffers that stay near the core.
//! Columns are read where they lie.

use ark_bn254::Fr;
use ark_ff::Zero;
use rayon::prelude::*;

use crate::{
    compiled::{Compiled, Kind, Operand},
    program::Rotation,
};

use super::{
    field::{add_to, mul_to, sub_to},
    memory::Memory,
};

/// Rows of a block.
const BLOCK: usize = 128;

/// Computes the rows from `start` on that `out` has room for: at most a block, which reaches the last row of the columns
/// only if it is that row alone.
fn run_block(compiled: &Compiled, columns: &[&[Fr]], start: usize, buffers: &mut [Vec<Fr>], out: &mut [Fr]) {
    let rows = out.len();
    for step in &compiled.steps {
        // Taken out, so that the operands can be borrowed; a step never reads the buffer it writes.
        let mut to = std::mem::take(&mut buffers[step.to]);
        let left = Rows::new(step.left, columns, buffers, start, rows);
        let right = Rows::new(step.right, columns, buffers, start, rows);
        match step.kind {
            Kind::Add => apply(add_to, left, right, &mut to[..rows]),
            Kind::Sub => apply(sub_to, left, right, &mut to[..rows]),
            Kind::Mul => apply(mul_to, left, right, &mut to[..rows]),
        }
        buffers[step.to] = to;
    }
    match Rows::new(compiled.output, columns, buffers, start, rows) {
        Rows::Same(value) => out.fill(value),
        Rows::Each(values) => out.copy_from_slice(values),
    }
}

/// An operand on the rows of a block.
enum Rows<'a> {
    Same(Fr),
    Each(&'a [Fr]),
}

impl<'a> Rows<'a> {
    fn new(operand: Operand, columns: &[&'a [Fr]], buffers: &'a [Vec<Fr>], start: usize, rows: usize) -> Self {
        match operand {
            Operand::Value(value) => Self::Same(value),
            Operand::Buffer(buffer) => Self::Each(&buffers[buffer][..rows]),
            Operand::Column(column, rotation) => {
                let column = columns[column];
                let from = match rotation {
                    Rotation::Current => start,
                    Rotation::Next => (start + 1) % column.len(),
                };
                Self::Each(&column[from..from + rows])
            }
        }
    }
}

/// `to = operation(left, right)` row by row.
#[inline(always)]
fn apply(operation: impl Fn(&mut Fr, &Fr, &Fr), left: Rows, right: Rows, to: &mut [Fr]) {
    match (left, right) {
        (Rows::Each(left), Rows::Each(right)) => {
            to.iter_mut().zip(left).zip(right).for_each(|((to, left), right)| operation(to, left, right));
        }
        (Rows::Each(left), Rows::Same(right)) => {
            to.iter_mut().zip(left).for_each(|(to, left)| operation(to, left, &right));
        }
        (Rows::Same(left), Rows::Each(right)) => {
            to.iter_mut().zip(right).for_each(|(to, right)| operation(to, &left, right));
        }
        (Rows::Same(left), Rows::Same(right)) => to.iter_mut().for_each(|to| operation(to, &left, &right)),
    }
}

/// Runs the program on every row of the columns.
pub(super) fn run(compiled: &Compiled, columns: &[&[Fr]], rows: usize) -> Memory {
    let new_buffers = || vec![vec![Fr::zero(); BLOCK]; compiled.buffers];
    let mut out = Memory::unset(rows);
    // The last row's next row is row 0, so it is a block of its own.
    if let Some((last, others)) = out.split_last_mut() {
        others.par_chunks_mut(BLOCK).enumerate().for_each_init(new_buffers, |buffers, (block, out)| {
            run_block(compiled, columns, block * BLOCK, buffers, out);
        });
        run_block(compiled, columns, rows - 1, &mut new_buffers(), std::slice::from_mut(last));
    }
    out
}
