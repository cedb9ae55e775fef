//! Pointwise programs on the device (`program.cu`).

use ark_bn254::Fr;
use proofyard_kernels::{
    KernelError, Program, Rotation,
    compiled::{Compiled, Kind, Operand},
};

use crate::{
    context::{Column, Context, FIELD_BYTES},
    device::{Device, Shape},
};

/// Threads of a block. Shared memory decides how many blocks a multiprocessor runs (the row identity has 16 buffers, 32 KiB a
/// block): small ones leave less of it over.
const THREADS: u32 = 64;

/// Blocks a multiprocessor when the buffers lie in memory: they are as many as threads run, not as there are rows.
const BLOCKS_IN_MEMORY: u32 = 16;

const TAG_SHIFT: u32 = 30;

/// A program as the kernel reads it.
struct Encoded {
    steps: Vec<[u32; 3]>,
    output: u32,
    /// Uniforms and constants that the steps read.
    values: Vec<[u64; 4]>,
}

impl Encoded {
    /// Indices fit: a program has at most 2^16 columns and far fewer than 2^30 steps.
    fn new(compiled: &Compiled) -> Self {
        let mut encoded = Self { steps: Vec::with_capacity(compiled.steps.len()), output: 0, values: Vec::new() };
        for step in &compiled.steps {
            let kind = match step.kind {
                Kind::Add => 0,
                Kind::Sub => 1,
                Kind::Mul => 2,
            };
            let (left, right) = (encoded.operand(step.left), encoded.operand(step.right));
            encoded.steps.push([kind << TAG_SHIFT | step.to as u32, left, right]);
        }
        encoded.output = encoded.operand(compiled.output);
        encoded
    }

    fn operand(&mut self, operand: Operand) -> u32 {
        let (tag, index) = match operand {
            Operand::Value(value) => {
                let known = self.values.iter().position(|known| *known == value.0.0);
                let index = known.unwrap_or_else(|| {
                    self.values.push(value.0.0);
                    self.values.len() - 1
                });
                (0, index)
            }
            Operand::Column(index, Rotation::Current) => (1, index),
            Operand::Column(index, Rotation::Next) => (2, index),
            Operand::Buffer(index) => (3, index),
        };
        tag << TAG_SHIFT | index as u32
    }
}

/// Runs a program on every row.
pub(crate) fn run<D: Device>(
    context: &Context<D>,
    program: &Program,
    columns: &[&Column<D>],
    uniforms: &[Fr],
) -> Result<Column<D>, KernelError> {
    let rows = program.rows(columns.iter().map(|column| column.len()), uniforms.len())?;
    let out = context.column(rows)?;
    if rows == 0 {
        return Ok(out);
    }
    let compiled = Compiled::new(program, uniforms);
    let encoded = Encoded::new(&compiled);
    let steps = context.upload(&encoded.steps)?;
    let values = context.upload(&encoded.values)?;
    let addresses: Vec<u64> = columns.iter().map(|column| context.address(column)).collect();
    let addresses = context.upload(&addresses)?;
    let (count, last) = (encoded.steps.len() as u32, encoded.output);
    let mut arguments =
        vec![steps.at(0), count.into(), last.into(), values.at(0), addresses.at(0), out.start(), context.size(rows)?];
    let properties = context.device.properties();
    let block_bytes = compiled.buffers * THREADS as usize * FIELD_BYTES;
    let shape = Shape::covering(rows, THREADS);
    if block_bytes <= properties.shared_bytes_max {
        context.launch("program_in_shared", shape.with_shared(block_bytes), &arguments)?;
    } else {
        let blocks = shape.blocks.min(BLOCKS_IN_MEMORY * properties.multiprocessors);
        let memory = context.allocate(block_bytes * blocks as usize)?;
        arguments.extend([memory.at(0), (compiled.buffers as u32).into()]);
        context.launch("program_in_memory", Shape { blocks, ..shape }, &arguments)?;
    }
    Ok(out)
}
