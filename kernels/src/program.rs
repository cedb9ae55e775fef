//! Pointwise programs: a constraint written once as arithmetic on [`Expr`] and run by every backend on whole columns.

use std::{
    cell::RefCell,
    collections::HashMap,
    ops::{Add, Mul, Sub},
    rc::Rc,
};

use ark_bn254::Fr;

use crate::backend::KernelError;

/// Which row a column is read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// The row itself.
    Current,
    /// The next row, cyclically.
    Next,
}

/// One step; its result is the register with the step's own index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// Reads a column.
    Column(u16, Rotation),
    /// Reads a per-run constant, such as a challenge.
    Uniform(u16),
    /// A constant of the program.
    Constant(Fr),
    /// Sum of two registers.
    Add(u32, u32),
    /// Difference of two registers.
    Sub(u32, u32),
    /// Product of two registers.
    Mul(u32, u32),
}

/// A straight-line program in static single assignment form, common subexpressions merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The steps in order; operands refer to earlier steps.
    pub ops: Vec<Op>,
    /// The register that holds the result.
    pub output: u32,
}

impl Program {
    /// Checks that every step finds its inputs and that the columns are equally long; returns their length, the rows.
    ///
    /// Every backend calls this first, so that all refuse the same programs with the same errors.
    pub fn rows(&self, lengths: impl IntoIterator<Item = usize>, uniforms: usize) -> Result<usize, KernelError> {
        let mut lengths = lengths.into_iter();
        let rows = lengths.next().ok_or(KernelError::Length { what: "columns", expected: 1, got: 0 })?;
        let mut columns = 1;
        for got in lengths {
            if got != rows {
                return Err(KernelError::Length { what: "a column of the program", expected: rows, got });
            }
            columns += 1;
        }
        let within = |what, index: usize, given: usize| {
            if index < given { Ok(()) } else { Err(KernelError::ProgramInput { what, index, given }) }
        };
        for (step, op) in self.ops.iter().enumerate() {
            match *op {
                Op::Column(index, _) => within("column", index as usize, columns)?,
                Op::Uniform(index) => within("uniform", index as usize, uniforms)?,
                Op::Constant(_) => {}
                Op::Add(a, b) | Op::Sub(a, b) | Op::Mul(a, b) => within("register", a.max(b) as usize, step)?,
            }
        }
        within("register", self.output as usize, self.ops.len())?;
        Ok(rows)
    }
}

#[derive(Default)]
struct Recorder {
    ops: Vec<Op>,
    known: HashMap<Op, u32>,
}

/// Records a [`Program`].
#[derive(Clone, Default)]
pub struct ProgramBuilder(Rc<RefCell<Recorder>>);

impl ProgramBuilder {
    fn push(&self, op: Op) -> Expr {
        let mut recorder = self.0.borrow_mut();
        let next = recorder.ops.len() as u32;
        let index = *recorder.known.entry(op).or_insert(next);
        if index == next {
            recorder.ops.push(op);
        }
        Expr { recorder: self.clone(), index }
    }

    /// Reads column `index`.
    pub fn column(&self, index: u16, rotation: Rotation) -> Expr {
        self.push(Op::Column(index, rotation))
    }

    /// Reads uniform `index`.
    pub fn uniform(&self, index: u16) -> Expr {
        self.push(Op::Uniform(index))
    }

    /// A constant.
    pub fn constant(&self, value: Fr) -> Expr {
        self.push(Op::Constant(value))
    }

    /// The program that computes `output`.
    pub fn finish(&self, output: &Expr) -> Program {
        Program { ops: self.0.borrow().ops.clone(), output: output.index }
    }
}

/// A value of a program under construction.
#[derive(Clone)]
pub struct Expr {
    recorder: ProgramBuilder,
    index: u32,
}

impl Add for Expr {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.recorder.push(Op::Add(self.index, other.index))
    }
}

impl Sub for Expr {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.recorder.push(Op::Sub(self.index, other.index))
    }
}

impl Mul for Expr {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        self.recorder.push(Op::Mul(self.index, other.index))
    }
}
