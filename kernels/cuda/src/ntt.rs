//! Transforms on the device: how a size is cut into passes, and the tables that the passes read.

use std::sync::{Arc, Mutex, PoisonError};

use ark_bn254::Fr;
use ark_ff::{Field, One, PrimeField, Zero};
use proofyard_kernels::{
    KernelError,
    transform::{MAX_LOG2, log2_of, root},
};

use crate::{
    context::{Column, Context, FIELD_BYTES},
    device::{Device, DeviceError, Properties, Shape},
    memory::Block,
};

/// log2 of the elements of a thread of `ntt_pass`.
const EACH_LOG2: u32 = 3;

/// log2 of the largest tile: 2^11 elements, 64 KiB of shared memory and 256 threads.
const TILE_LOG2_MAX: u32 = 11;

/// log2 of the smallest tile that a device is filled with: one warp.
const TILE_LOG2_FILLING: u32 = 5 + EACH_LOG2;

/// Threads of a block of `ntt_powers`.
const POWERS_THREADS: u32 = 256;

/// Passes of the largest transform. `ntt_pass` knows the order of columns after one or two.
const PASSES_MAX: u32 = 3;

/// log2 of a level of the table of `w^e`, w of order 2^28.
const LEVEL_LOG2: u32 = MAX_LOG2 / 2;

/// What `ntt_pass` does beside its transforms; as in ntt.cu.
mod flags {
    pub const REVERSED: u32 = 1;
    pub const SCALED: u32 = 2;
    pub const BEFORE: u32 = 4;
    pub const AFTER: u32 = 8;
}

/// `base^(2^count)`.
fn squared(base: Fr, count: u32) -> Fr {
    (0..count).fold(base, |power, _| power.square())
}

/// `base^0 .. base^(count - 1)`.
fn powers(base: Fr, count: usize) -> impl Iterator<Item = Fr> {
    std::iter::successors(Some(Fr::one()), move |power| Some(*power * base)).take(count)
}

/// The tables of all sizes, in the order that ntt.cu reads: 1.1 MiB.
fn tables() -> Vec<Fr> {
    let level = 1 << LEVEL_LOG2;
    let mut tables = vec![Fr::zero()];
    (0..=TILE_LOG2_MAX).for_each(|log2| tables.extend(powers(root(log2), 1 << log2)));
    tables.extend(powers(root(MAX_LOG2), level));
    tables.extend(powers(root(MAX_LOG2 - LEVEL_LOG2), level));
    tables
}

/// A pass: transforms of one digit of the index, in tiles of neighbouring columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pass {
    /// Bits of the index that earlier passes have transformed.
    done_log2: u32,
    /// Bits of this pass's digit: the length of a column.
    size_log2: u32,
    /// Columns of a tile.
    columns_log2: u32,
}

impl Pass {
    fn tile_log2(&self) -> u32 {
        self.size_log2 + self.columns_log2
    }

    fn shape(&self, log2: u32) -> Shape {
        Shape {
            blocks: 1 << (log2 - self.tile_log2()),
            threads: 1 << (self.tile_log2() - EACH_LOG2),
            shared_bytes: FIELD_BYTES << self.tile_log2(),
        }
    }
}

/// The passes of a transform of at least eight elements: as few as the shared memory of a block allows, digits as equal
/// as can be, and tiles as large as leaves two blocks to each multiprocessor.
fn passes(log2: u32, properties: &Properties) -> Result<Vec<Pass>, DeviceError> {
    let tile_log2 = (properties.shared_bytes_max / FIELD_BYTES).checked_ilog2().unwrap_or(0).min(TILE_LOG2_MAX);
    // Two columns a tile at least, unless one column is all there is.
    let count = if log2 <= tile_log2 { 1 } else { log2.div_ceil(tile_log2.saturating_sub(1).max(1)) };
    if count > PASSES_MAX || log2 / count < EACH_LOG2 {
        let bytes = properties.shared_bytes_max;
        let text = format!("{bytes} bytes of shared memory a block are too few for a transform of 2^{log2}");
        return Err(DeviceError::Failed(text));
    }
    let size_log2 = |index: u32| log2 / count + u32::from(index < log2 % count);
    let mut passes = Vec::with_capacity(count as usize);
    let mut done_log2 = 0;
    for index in 0..count {
        let size_log2 = size_log2(index);
        let rest_log2 = log2 - done_log2 - size_log2;
        // Neighbours of a tile are neighbours in memory: on both sides, or where the last pass writes.
        let run_log2 = if rest_log2 > 0 { rest_log2 } else { first_log2(&passes) };
        let mut columns_log2 = run_log2.min(tile_log2 - size_log2);
        let few = |columns_log2| 1u64 << (log2 - size_log2 - columns_log2) < 2 * u64::from(properties.multiprocessors);
        while columns_log2 > 1 && few(columns_log2) && size_log2 + columns_log2 > TILE_LOG2_FILLING {
            columns_log2 -= 1;
        }
        passes.push(Pass { done_log2, size_log2, columns_log2 });
        done_log2 += size_log2;
    }
    Ok(passes)
}

/// Bits of the first pass's digit.
fn first_log2(passes: &[Pass]) -> u32 {
    passes.first().map_or(0, |pass| pass.size_log2)
}

/// What a transform computes: `y_k = after^k sum_j w^(jk) scale before^j x_j`, or with
/// `w^(-jk)` when `backwards`. Before or after is 1.
struct Transform {
    before: Fr,
    scale: Fr,
    after: Fr,
    backwards: bool,
}

/// The device's transforms, with the tables that they share.
pub(crate) struct Transforms<D: Device> {
    tables: Mutex<Option<Arc<Block<D>>>>,
}

impl<D: Device> Transforms<D> {
    /// The tables are made when the first transform asks for them.
    pub fn new() -> Self {
        Self { tables: Mutex::new(None) }
    }

    /// Evaluations at `shift * w^i` from coefficients.
    pub fn evaluate(&self, context: &Context<D>, column: &Column<D>, shift: Fr) -> Result<Column<D>, KernelError> {
        let log2 = log2_of(column.len())?;
        let transform = Transform { before: shift, scale: Fr::one(), after: Fr::one(), backwards: false };
        Ok(self.run(context, column, log2, &transform)?)
    }

    /// Coefficients from evaluations at `w^i / unshift`.
    pub fn interpolate(&self, context: &Context<D>, column: &Column<D>, unshift: Fr) -> Result<Column<D>, KernelError> {
        let log2 = log2_of(column.len())?;
        // The size divides r - 1, and its inverse is -(r - 1) / size.
        let scale = -Fr::new((-Fr::one()).into_bigint() >> log2);
        let transform = Transform { before: Fr::one(), scale, after: unshift, backwards: true };
        Ok(self.run(context, column, log2, &transform)?)
    }

    fn tables(&self, context: &Context<D>) -> Result<Arc<Block<D>>, DeviceError> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tables) = &*tables {
            return Ok(tables.clone());
        }
        let words: Vec<[u64; 4]> = self::tables().iter().map(|value| value.0.0).collect();
        Ok(tables.insert(Arc::new(context.upload(&words)?)).clone())
    }

    fn run(
        &self,
        context: &Context<D>,
        input: &Column<D>,
        log2: u32,
        transform: &Transform,
    ) -> Result<Column<D>, DeviceError> {
        let tables = self.tables(context)?;
        let output = context.column(input.len())?;
        if log2 < EACH_LOG2 {
            run_small(context, &tables, [input, &output], log2, transform)?;
        } else {
            run_passes(context, &tables, [input, &output], log2, transform)?;
        }
        Ok(output)
    }
}

/// Transforms of less than a thread's elements.
fn run_small<D: Device>(
    context: &Context<D>,
    tables: &Block<D>,
    [input, output]: [&Column<D>; 2],
    log2: u32,
    transform: &Transform,
) -> Result<(), DeviceError> {
    let shape = Shape { blocks: 1, threads: 1 << log2, shared_bytes: 0 };
    let flags = if transform.backwards { flags::REVERSED } else { 0 };
    let [before, scale, after] = [transform.before, transform.scale, transform.after].map(Into::into);
    let arguments = [input.start(), output.start(), tables.at(0), before, scale, after, flags.into()];
    context.launch("ntt_small", shape, &arguments)
}

fn run_passes<D: Device>(
    context: &Context<D>,
    tables: &Block<D>,
    [input, output]: [&Column<D>; 2],
    log2: u32,
    transform: &Transform,
) -> Result<(), DeviceError> {
    let passes = passes(log2, context.device.properties())?;
    let first_log2 = first_log2(&passes);
    let last = passes.len() - 1;
    let done_log2 = passes[last].done_log2;
    // Passes before the last work here, in place after the first.
    let scratch = if last > 0 { Some(context.column(input.len())?) } else { None };
    let between = scratch.as_ref().unwrap_or(input);

    let mut flags = vec![0; passes.len()];
    if transform.backwards {
        flags[0] |= flags::REVERSED;
    }
    let powers = if !transform.before.is_one() {
        flags[0] |= flags::BEFORE;
        Some(power_table(context, transform.scale, transform.before, log2 - first_log2, log2)?)
    } else if !transform.after.is_one() || last == 0 && !transform.scale.is_one() {
        flags[last] |= flags::AFTER;
        Some(power_table(context, transform.scale, transform.after, done_log2, log2)?)
    } else {
        // No factor at all comes after a single pass, which is then not scaled either.
        flags[0] |= if transform.scale.is_one() { 0 } else { flags::SCALED };
        None
    };

    for (index, (pass, flags)) in passes.iter().zip(flags).enumerate() {
        let from = if index == 0 { input } else { between };
        let to = if index == last { output } else { between };
        let arguments = [
            from.start(),
            to.start(),
            tables.at(0),
            powers.as_ref().unwrap_or(tables).at(0),
            transform.scale.into(),
            log2.into(),
            pass.done_log2.into(),
            pass.size_log2.into(),
            pass.columns_log2.into(),
            first_log2.into(),
            flags.into(),
        ];
        context.launch("ntt_pass", pass.shape(log2), &arguments)?;
    }
    Ok(())
}

/// `scale base^i` for i below `2^split_log2`, then the powers of `base^(2^split_log2)`: together all powers below
/// `base^(2^log2)`.
fn power_table<D: Device>(
    context: &Context<D>,
    scale: Fr,
    base: Fr,
    split_log2: u32,
    log2: u32,
) -> Result<Block<D>, DeviceError> {
    let count = (1 << split_log2) + (1 << (log2 - split_log2));
    let table = context.allocate(count * FIELD_BYTES)?;
    let upper_base = squared(base, split_log2);
    let arguments =
        [table.at(0), scale.into(), base.into(), upper_base.into(), split_log2.into(), (count as u32).into()];
    context.launch("ntt_powers", Shape::covering(count, POWERS_THREADS), &arguments)?;
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(multiprocessors: u32, shared_bytes_max: usize) -> Properties {
        Properties { name: String::new(), multiprocessors, memory_bytes: 1 << 30, shared_bytes_max }
    }

    #[test]
    fn passes_cover_the_index_and_fit_the_device() {
        for (multiprocessors, shared_bytes_max) in
            [(1, 1 << 16), (132, 232_448), (84, 101_376), (132, 1 << 16), (2, 1 << 14)]
        {
            let device = device(multiprocessors, shared_bytes_max);
            for log2 in EACH_LOG2..=MAX_LOG2 {
                let Ok(passes) = passes(log2, &device) else {
                    assert!(shared_bytes_max < 1 << 16 && log2 > 3 * 8);
                    continue;
                };
                let mut done_log2 = 0;
                for pass in &passes {
                    assert_eq!(pass.done_log2, done_log2);
                    done_log2 += pass.size_log2;
                    assert!(pass.size_log2 >= EACH_LOG2 && pass.tile_log2() <= log2);
                    assert!(passes.len() == 1 || pass.columns_log2 > 0, "runs of 64 bytes");
                    let run_log2 = if done_log2 < log2 { log2 - done_log2 } else { first_log2(&passes) };
                    assert!(passes.len() == 1 || pass.columns_log2 <= run_log2);
                    let shape = pass.shape(log2);
                    assert!(shape.shared_bytes <= shared_bytes_max && shape.threads <= 256);
                }
                assert_eq!(done_log2, log2);
            }
        }
    }

    #[test]
    fn large_transforms_take_two_and_three_passes() {
        let count = |log2| passes(log2, &device(132, 232_448)).map(|passes| passes.len());
        assert_eq!([11, 12, 20, 21, 28].map(count), [1, 2, 2, 3, 3].map(Ok));
        assert_eq!([0, 31, 256].map(|bytes| passes(6, &device(132, bytes)).is_ok()), [false; 3]);
    }

    #[test]
    fn small_transforms_spread_over_the_multiprocessors() {
        // 2^16 in tiles of two columns: 128 blocks of 64 threads instead of 32 of 256.
        let blocks = |multiprocessors| passes(16, &device(multiprocessors, 1 << 16)).unwrap()[0].shape(16).blocks;
        assert_eq!([1, 32, 132].map(blocks), [32, 64, 128]);
    }
}
