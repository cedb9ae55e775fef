//! Bucket sums and their weighing; the kernels are described in `buckets.cu` and `weigh.cu`.

use super::{
    Point,
    bases::Bases,
    plan::{JOIN_SHARE, Plan, SHARE_MIN, THREADS, WORD_BYTES, Weighing, Workspace},
};
use crate::{
    context::Context,
    device::{Argument, Device, DeviceError, Shape},
    memory::Block,
};

/// A segment as `weigh.cu` lays it out: its weighted sum first.
type Segment = [Point; 2];

fn word<'a, B>(value: usize) -> Argument<'a, B> {
    Argument::Word(value as u32)
}

/// Sums up the sorted terms: afterwards every bucket that has terms is written.
pub(super) fn sum<D: Device>(
    context: &Context<D>,
    plan: &Plan,
    bases: &Bases<D>,
    workspace: &Workspace<D>,
) -> Result<(), DeviceError> {
    let [borders, joined] = &workspace.borders;
    // The last of the bins' starts is the number of terms.
    let terms = workspace.bins.at((2 * plan.bin_words() - 1) * WORD_BYTES);
    context.launch(
        "msm_sum_terms",
        Shape { blocks: plan.sum_blocks as u32, threads: THREADS as u32, shared_bytes: 0 },
        &[
            workspace.sorted.at(0),
            terms,
            word(SHARE_MIN),
            bases.block().at(0),
            workspace.buckets.at(0),
            borders.keys.at(0),
            borders.points.at(0),
        ],
    )?;

    let (mut from, mut to) = (borders, joined);
    let mut count = plan.borders();
    loop {
        // The last join uses all threads of its block before a thread takes several sums.
        let share = if count <= THREADS * JOIN_SHARE { count.div_ceil(THREADS) } else { JOIN_SHARE };
        let threads = count.div_ceil(share).next_power_of_two().min(THREADS);
        let blocks = count.div_ceil(share * threads);
        context.launch(
            "msm_join",
            Shape { blocks: blocks as u32, threads: threads as u32, shared_bytes: 0 },
            &[
                from.keys.at(0),
                from.points.at(0),
                word(count),
                word(share),
                workspace.buckets.at(0),
                to.keys.at(0),
                to.points.at(0),
            ],
        )?;
        if blocks == 1 {
            return Ok(());
        }
        count = 2 * blocks;
        (from, to) = (to, from);
    }
}

/// The weighted sum of each bucket set.
pub(super) fn weigh<D: Device>(
    context: &Context<D>,
    plan: &Plan,
    workspace: &Workspace<D>,
) -> Result<Vec<Point>, DeviceError> {
    let [first, second] = &workspace.segments;
    let step = |kernel: &'static str, weighing: Weighing, from: &Block<D>, to: &Block<D>| {
        // All threads take part in the joining of segments, however few these are.
        let shape = Shape { blocks: weighing.blocks as u32, threads: THREADS as u32, shared_bytes: 0 };
        context.launch(kernel, shape, &[from.at(0), word(weighing.segments), Argument::Word(weighing.log2), to.at(0)])
    };
    let (buckets, segments) = plan.weighings;
    step("msm_weigh_buckets", buckets, &workspace.buckets, first)?;
    let mut result = first;
    if let Some(segments) = segments {
        step("msm_weigh_segments", segments, first, second)?;
        result = second;
    }
    let segments: Vec<Segment> = context.read(result, plan.sets)?;
    Ok(segments.into_iter().map(|[weighted, _]| weighted).collect())
}
