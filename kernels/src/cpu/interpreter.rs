//! The interpreter of pointwise programs: compiled once a call, then run on blocks of rows, each step a tight loop.
//!
//! Steps that depend on uniforms and constants only are computed while compiling, dead steps are dropped, and a block
//! buffer is reused as soon as the last reader of its value is done, so that the working set stays near the core. Columns
//! are read where they lie.

use ark_bn254::Fr;
use ark_ff::Zero;
use rayon::prelude::*;

use crate::program::{Op, Program, Rotation};

use super::{
    field::{add_to, mul_to, sub_to},
    memory::Memory,
};

/// Rows of a block.
const BLOCK: usize = 128;

/// Where a step finds an operand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Operand {
    /// The same value on every row.
    Value(Fr),
    /// A column on this row or the next.
    Column(usize, Rotation),
    /// A block buffer.
    Buffer(usize),
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// Adds.
    Add,
    /// Subtracts.
    Sub,
    /// Multiplies.
    Mul,
}

/// `buffers[to] = left kind right` on every row of a block.
#[derive(Debug, PartialEq)]
pub(super) struct Step {
    pub(super) kind: Kind,
    pub(super) left: Operand,
    pub(super) right: Operand,
    /// The buffer; never one that the step reads.
    pub(super) to: usize,
}

/// A program ready to run.
pub(super) struct Compiled {
    pub(super) steps: Vec<Step>,
    /// How many buffers the steps use.
    pub(super) buffers: usize,
    pub(super) output: Operand,
}

impl Compiled {
    /// Compiles a checked program.
    pub(super) fn new(program: &Program, uniforms: &[Fr]) -> Self {
        // The last step that reads each register; registers without a reader are dead.
        let mut last_reader = vec![None; program.ops.len()];
        last_reader[program.output as usize] = Some(program.ops.len());
        for (step, op) in program.ops.iter().enumerate().rev() {
            if let (Some(_), Op::Add(a, b) | Op::Sub(a, b) | Op::Mul(a, b)) = (last_reader[step], *op) {
                for operand in [a, b] {
                    last_reader[operand as usize].get_or_insert(step);
                }
            }
        }
        let mut compiled = Self { steps: Vec::new(), buffers: 0, output: Operand::Value(Fr::zero()) };
        let mut places: Vec<Operand> = Vec::with_capacity(program.ops.len());
        let mut free = Vec::new();
        for (step, op) in program.ops.iter().enumerate() {
            let place = match *op {
                // Never read; any place will do.
                _ if last_reader[step].is_none() => Operand::Value(Fr::zero()),
                Op::Column(index, rotation) => Operand::Column(index.into(), rotation),
                Op::Uniform(index) => Operand::Value(uniforms[usize::from(index)]),
                Op::Constant(value) => Operand::Value(value),
                Op::Add(a, b) => compiled.step(Kind::Add, places[a as usize], places[b as usize], &mut free),
                Op::Sub(a, b) => compiled.step(Kind::Sub, places[a as usize], places[b as usize], &mut free),
                Op::Mul(a, b) => compiled.step(Kind::Mul, places[a as usize], places[b as usize], &mut free),
            };
            places.push(place);
            // The result has its buffer before the operands give theirs back: a step never reads what it writes.
            if let (Some(_), Op::Add(a, b) | Op::Sub(a, b) | Op::Mul(a, b)) = (last_reader[step], *op) {
                for operand in [Some(a), (a != b).then_some(b)].into_iter().flatten() {
                    if let (true, Operand::Buffer(buffer)) =
                        (last_reader[operand as usize] == Some(step), places[operand as usize])
                    {
                        free.push(buffer);
                    }
                }
            }
        }
        compiled.output = places[program.output as usize];
        compiled
    }

    /// Adds a step, or computes it at once when it does not depend on the row.
    fn step(&mut self, kind: Kind, left: Operand, right: Operand, free: &mut Vec<usize>) -> Operand {
        if let (Operand::Value(left), Operand::Value(right)) = (left, right) {
            return Operand::Value(match kind {
                Kind::Add => left + right,
                Kind::Sub => left - right,
                Kind::Mul => left * right,
            });
        }
        let to = free.pop().unwrap_or_else(|| {
            self.buffers += 1;
            self.buffers - 1
        });
        self.steps.push(Step { kind, left, right, to });
        Operand::Buffer(to)
    }

    /// Computes the rows from `start` on that `out` has room for: at most a block, which reaches the last row of the columns
    /// only if it is that row alone.
    fn run_block(&self, columns: &[&[Fr]], start: usize, buffers: &mut [Vec<Fr>], out: &mut [Fr]) {
        let rows = out.len();
        for step in &self.steps {
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
        match Rows::new(self.output, columns, buffers, start, rows) {
            Rows::Same(value) => out.fill(value),
            Rows::Each(values) => out.copy_from_slice(values),
        }
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
            compiled.run_block(columns, block * BLOCK, buffers, out);
        });
        compiled.run_block(columns, rows - 1, &mut new_buffers(), std::slice::from_mut(last));
    }
    out
}

#[cfg(test)]
mod tests {
    use ark_ff::One;

    use super::*;
    use crate::program::ProgramBuilder;

    #[test]
    fn uniform_arithmetic_and_dead_steps_cost_nothing() {
        let builder = ProgramBuilder::default();
        let column = builder.column(0, Rotation::Next);
        let two = builder.constant(Fr::one()) + builder.uniform(0);
        let _dead = column.clone() * column.clone() * builder.column(1, Rotation::Current);
        let program = builder.finish(&(two.clone() * two * column));
        let compiled = Compiled::new(&program, &[Fr::one()]);
        let next = Operand::Column(0, Rotation::Next);
        let step = Step { kind: Kind::Mul, left: Operand::Value(Fr::from(4u64)), right: next, to: 0 };
        assert_eq!((compiled.steps, compiled.buffers), (vec![step], 1));
    }

    #[test]
    fn buffers_are_reused() {
        let builder = ProgramBuilder::default();
        let mut value = builder.column(0, Rotation::Current);
        for _ in 0..100 {
            value = value.clone() * value.clone() + value;
        }
        assert!(Compiled::new(&builder.finish(&value), &[]).buffers <= 3);
    }
}
