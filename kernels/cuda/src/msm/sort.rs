//! Terms in order of their buckets; the kernels are described in `sort.cu`.

use super::{
    Task,
    bases::Bases,
    plan::{PIECE, Plan, WORD_BYTES, Workspace},
};
use crate::{
    context::{Context, FIELD_BYTES},
    device::{Argument, Device, DeviceError, Shape},
};

/// Threads of a block that sorts.
const THREADS: u32 = 256;
/// Threads of the one block that finds the bins' starts.
const SCAN_THREADS: u32 = 1024;
/// The most scalars a thread sees to.
const ROUNDS_MAX: usize = 8;
/// Blocks a multiprocessor that there should be before a thread sees to several scalars.
const BLOCKS_WANTED: usize = 8;
/// Buckets that a thread clears.
const CLEARED: usize = 16;

/// Fills `workspace.sorted` and makes all buckets infinite.
pub(super) fn sort<D: Device>(
    context: &Context<D>,
    plan: &Plan,
    bases: &Bases<D>,
    tasks: &[Task<'_, D>],
    workspace: &Workspace<D>,
) -> Result<(), DeviceError> {
    let word = |value: usize| Argument::Word(value as u32);
    let bins = plan.bins();
    let places = |bin: usize| workspace.bins.at(bin * WORD_BYTES);
    let starts = || workspace.bins.at(plan.bin_words() * WORD_BYTES);
    let pieces = || workspace.bins.at(2 * plan.bin_words() * WORD_BYTES);

    context.launch(
        "msm_clear",
        Shape::covering(plan.keys.div_ceil(CLEARED), THREADS),
        &[places(0), word(bins), workspace.key_places.at(0), workspace.buckets.at(0), word(plan.keys)],
    )?;

    let windows = bases.windows();
    let multiprocessors = context.device.properties().multiprocessors as usize;
    // Shape and arguments of what goes over the scalars of a column.
    let over_scalars = |column: usize| {
        let task = &tasks[column];
        let wanted = multiprocessors * BLOCKS_WANTED * THREADS as usize;
        let rounds = (task.count / wanted).clamp(1, ROUNDS_MAX);
        let shape = Shape::covering(task.count.div_ceil(rounds), THREADS);
        let arguments = vec![
            task.column.block().at(task.first * FIELD_BYTES),
            word(task.count),
            word(rounds),
            word(windows.width),
            word(windows.groups),
            word(plan.low_bits),
            word(plan.column_bins),
            places(column * plan.column_bins),
        ];
        (shape.with_shared(plan.column_bins * WORD_BYTES), arguments)
    };
    for column in 0..tasks.len() {
        let (shape, arguments) = over_scalars(column);
        context.launch("msm_count_bins", shape, &arguments)?;
    }
    context.launch(
        "msm_scan_bins",
        Shape { blocks: 1, threads: (bins as u32).next_power_of_two().clamp(32, SCAN_THREADS), shared_bytes: 0 },
        &[places(0), starts(), pieces(), word(bins), word(PIECE)],
    )?;
    for (column, task) in tasks.iter().enumerate() {
        let (shape, mut arguments) = over_scalars(column);
        arguments.extend([word(bases.len()), word(task.first), workspace.binned.at(0)]);
        context.launch("msm_fill_bins", shape, &arguments)?;
    }

    // Every bin may have one piece that is not full.
    let pieces_max = bins + plan.terms / PIECE;
    let keys_of_bin = 1usize << plan.low_bits;
    let over_pieces = Shape { blocks: pieces_max as u32, threads: THREADS, shared_bytes: keys_of_bin * WORD_BYTES };
    let mut arguments = vec![
        workspace.binned.at(0),
        starts(),
        pieces(),
        word(bins),
        word(PIECE),
        word(plan.low_bits),
        workspace.key_places.at(0),
    ];
    context.launch("msm_count_keys", over_pieces, &arguments)?;
    context.launch(
        "msm_scan_keys",
        Shape { blocks: bins as u32, threads: (keys_of_bin as u32).clamp(32, THREADS), shared_bytes: 0 },
        &[workspace.key_places.at(0), starts(), word(plan.low_bits)],
    )?;
    arguments.push(workspace.sorted.at(0));
    context.launch("msm_fill_keys", over_pieces, &arguments)
}
