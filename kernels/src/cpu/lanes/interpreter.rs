//! Pointwise programs on eight rows at a time.
//!
//! A block's columns are brought into lanes first; from then on every value is carried, below 2p and has R = 2^260.

use ark_bn254::Fr;
use ark_ff::{BigInt, One};
use rayon::prelude::*;

use crate::{
    compiled::{Compiled, Kind, Operand},
    program::Rotation,
};

use super::{
    super::memory::Memory,
    field::{Lanes, raised},
    words::{LANES, Words},
};

/// Vectors of a block: with some 30 columns and a few buffers it stays near the core.
const BLOCK: usize = 8;

/// The values of a block.
type Block<W> = [Lanes<Fr, W>; BLOCK];

/// An operand of a step.
#[derive(Clone, Copy)]
enum Place {
    Same(Fr),
    Loaded(usize),
    Buffer(usize),
}

/// A compiled program that finds its columns in lanes.
struct OnLanes<'a> {
    /// The columns that are read and the rows to read them on.
    loads: Vec<(&'a [Fr], Rotation)>,
    /// Kind, operands and buffer of each step.
    steps: Vec<(Kind, Place, Place, usize)>,
    output: Place,
}

impl<'a> OnLanes<'a> {
    fn new(compiled: &Compiled, columns: &[&'a [Fr]]) -> Self {
        let mut known = Vec::new();
        let mut place = |operand| match operand {
            Operand::Value(value) => Place::Same(value),
            Operand::Buffer(buffer) => Place::Buffer(buffer),
            Operand::Column(column, rotation) => {
                let index = known.iter().position(|load| *load == (column, rotation)).unwrap_or_else(|| {
                    known.push((column, rotation));
                    known.len() - 1
                });
                Place::Loaded(index)
            }
        };
        let steps =
            compiled.steps.iter().map(|step| (step.kind, place(step.left), place(step.right), step.to)).collect();
        let output = place(compiled.output);
        Self { loads: known.into_iter().map(|(column, rotation)| (columns[column], rotation)).collect(), steps, output }
    }

    /// Computes the rows from `start` on that `out` has room for, at most a block.
    #[inline(always)]
    fn run_block<W: Words>(&self, start: usize, loaded: &mut [Block<W>], buffers: &mut [Block<W>], out: &mut [Fr]) {
        for ((column, rotation), block) in self.loads.iter().zip(loaded.iter_mut()) {
            for (vector, value) in block.iter_mut().enumerate() {
                // Beyond the last row anything will do; the row after the last is the first.
                let first = start + vector * LANES + usize::from(*rotation == Rotation::Next);
                let entries = std::array::from_fn(|lane| {
                    let row = first + lane;
                    &column[if row < column.len() { row } else { 0 }].0.0
                });
                *value = Lanes::raised_from_words(W::gather(entries)).reduced();
            }
        }
        for &(kind, left, right, to) in &self.steps {
            let (left, right) = (Values::new(left, loaded, buffers), Values::new(right, loaded, buffers));
            let mut result = [Lanes::zero(); BLOCK];
            let values = result.iter_mut().enumerate();
            match kind {
                Kind::Add => {
                    for (i, value) in values {
                        *value = left.get(i).plus(right.get(i)).reduced();
                    }
                }
                Kind::Sub => {
                    for (i, value) in values {
                        *value = left.get(i).minus::<2>(right.get(i)).reduced();
                    }
                }
                Kind::Mul => {
                    for (i, value) in values {
                        *value = left.get(i).mul(right.get(i));
                    }
                }
            }
            buffers[to] = result;
        }
        let output = Values::new(self.output, loaded, buffers);
        // A product with the number 2^256 brings R = 2^256 back.
        let lower = Lanes::splat(&Fr::one());
        for (vector, out) in out.chunks_mut(LANES).enumerate() {
            let words = W::scatter(output.get(vector).mul(lower).canonical().to_words());
            for (out, words) in out.iter_mut().zip(words) {
                out.0 = BigInt(words);
            }
        }
    }
}

/// An operand on the rows of a block.
enum Values<'a, W> {
    Same(Lanes<Fr, W>),
    Each(&'a Block<W>),
}

impl<'a, W: Words> Values<'a, W> {
    #[inline(always)]
    fn new(place: Place, loaded: &'a [Block<W>], buffers: &'a [Block<W>]) -> Self {
        match place {
            Place::Same(value) => Self::Same(Lanes::splat(&raised(&value))),
            Place::Loaded(index) => Self::Each(&loaded[index]),
            Place::Buffer(index) => Self::Each(&buffers[index]),
        }
    }

    #[inline(always)]
    fn get(&self, vector: usize) -> Lanes<Fr, W> {
        match self {
            Self::Same(value) => *value,
            Self::Each(values) => values[vector],
        }
    }
}

/// Runs the program on every row of the columns.
pub(in crate::cpu) fn run<W: Words>(compiled: &Compiled, columns: &[&[Fr]], rows: usize) -> Memory {
    let program = OnLanes::new(compiled, columns);
    let memory = |count: usize| vec![[Lanes::<Fr, W>::zero(); BLOCK]; count];
    let memories = || (memory(program.loads.len()), memory(compiled.buffers));
    let mut out = Memory::unset(rows);
    let blocks = out.par_chunks_mut(BLOCK * LANES).enumerate();
    blocks.for_each_init(memories, |(loaded, buffers), (block, out)| {
        W::vectorize(
            #[inline(always)]
            || program.run_block::<W>(block * BLOCK * LANES, loaded, buffers, out),
        );
    });
    out
}
