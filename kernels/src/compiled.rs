//! Pointwise programs made ready for an interpreter.
//!
//! Steps that depend on uniforms and constants only are computed while compiling, dead steps are dropped, and a buffer is
//! reused as soon as the last reader of its value is done, so that the working set stays small.

use ark_bn254::Fr;
use ark_ff::Zero;

use crate::program::{Op, Program, Rotation};

/// Where a step finds an operand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Operand {
    /// The same value on every row.
    Value(Fr),
    /// A column on this row or the next.
    Column(usize, Rotation),
    /// A buffer.
    Buffer(usize),
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Adds.
    Add,
    /// Subtracts.
    Sub,
    /// Multiplies.
    Mul,
}

/// `buffers[to] = left kind right`, on every row.
#[derive(Debug, PartialEq)]
pub struct Step {
    /// The operation.
    pub kind: Kind,
    /// The left operand.
    pub left: Operand,
    /// The right operand.
    pub right: Operand,
    /// The buffer; never one that the step reads.
    pub to: usize,
}

/// A program ready to run.
pub struct Compiled {
    /// The steps in order.
    pub steps: Vec<Step>,
    /// How many buffers the steps use.
    pub buffers: usize,
    /// The result.
    pub output: Operand,
}

impl Compiled {
    /// Compiles a checked program.
    pub fn new(program: &Program, uniforms: &[Fr]) -> Self {
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
