//! Sizes of a chain of launches, and its memory.

use super::windows::Windows;
use crate::{
    context::Context,
    device::{Device, DeviceError},
    memory::Block,
};

/// Threads of the blocks that sum up.
pub(super) const THREADS: usize = 128;
/// Blocks of such threads that a multiprocessor holds: 128 registers a thread.
const BLOCKS_RESIDENT: usize = 4;
/// Terms that a thread takes at least: with fewer, the border sums outweigh the terms.
pub(super) const SHARE_MIN: usize = 8;
/// Terms a thread from which on another wave of threads pays.
const SHARE_LONG: usize = 256;
/// The most waves of threads: equal shares, so that the last wave is as full as the others.
const WAVES_MAX: usize = 8;
/// Border sums that a thread of a join takes one after the other.
pub(super) const JOIN_SHARE: usize = 4;
/// Segments that a block weighs.
const SEGMENTS_MAX: usize = 128;
/// Buckets of a segment, as powers of two: enough to outweigh the joining, few enough not to be waited for.
const SEGMENT_LOG2: std::ops::RangeInclusive<u32> = 2..=6;
/// Bits of a key that the second level of the sort sees to: 8 KiB of counters.
const LOW_BITS_MAX: usize = 11;
/// Terms of a piece of a bin.
pub(super) const PIECE: usize = 8192;
/// Terms and keys are counted with 31 bits.
const COUNT_MAX: usize = (1 << 31) - 1;

/// Bytes of an entry of the list of terms.
const ENTRY_BYTES: usize = 8;
/// Bytes of a point in XYZZ coordinates.
const POINT_BYTES: usize = 128;
/// Bytes of a counter or key.
pub(super) const WORD_BYTES: usize = 4;
/// Bytes of a segment: two points.
const SEGMENT_BYTES: usize = 2 * POINT_BYTES;

/// A step of the weighing: blocks of `segments` segments of `2^log2` parts each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Weighing {
    pub blocks: usize,
    pub segments: usize,
    pub log2: u32,
}

impl Weighing {
    /// Weighs `sets` sets of `parts` (a power of two), `2^log2` of them a segment or more where one block must do.
    fn new(sets: usize, parts: usize, log2: u32) -> Self {
        let log2 = log2.min(parts.ilog2());
        let segments = (parts >> log2).min(SEGMENTS_MAX);
        Self { blocks: sets * ((parts >> log2) / segments), segments, log2 }
    }
}

/// Sizes of a chain of launches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// Columns, or parts of them.
    pub columns: usize,
    /// Bucket sets of all columns.
    pub sets: usize,
    /// The most terms there can be.
    pub terms: usize,
    /// Buckets of all sets.
    pub keys: usize,
    /// Bits of a key below its bin.
    pub low_bits: usize,
    /// Bins of a column.
    pub column_bins: usize,
    /// Blocks that sum up terms.
    pub sum_blocks: usize,
    /// Weighing of buckets, then of segments where a set has several blocks.
    pub weighings: (Weighing, Option<Weighing>),
}

impl Plan {
    /// The sizes for `points` scalars in `columns` columns; out of memory if they cannot be counted.
    pub fn new(windows: Windows, columns: usize, points: usize, multiprocessors: usize) -> Result<Self, DeviceError> {
        let sets = columns.saturating_mul(windows.groups);
        let keys = sets.saturating_mul(windows.buckets());
        let terms = points.saturating_mul(windows.count());
        if keys.max(terms) > COUNT_MAX {
            return Err(DeviceError::OutOfMemory { bytes: keys.max(terms).saturating_mul(ENTRY_BYTES) });
        }
        let low_bits = (windows.width - 1).min(LOW_BITS_MAX);
        let resident = multiprocessors.max(1) * BLOCKS_RESIDENT;
        let waves = (terms / (resident * THREADS * SHARE_LONG)).clamp(1, WAVES_MAX);
        let sum_blocks = terms.div_ceil(THREADS * SHARE_MIN).clamp(1, resident * waves);
        let log2 = (keys / (resident * THREADS)).max(1).next_power_of_two().ilog2();
        let log2 = log2.clamp(*SEGMENT_LOG2.start(), *SEGMENT_LOG2.end());
        let buckets = Weighing::new(sets, windows.buckets(), log2);
        let parts = buckets.blocks / sets;
        let segments =
            (parts > 1).then(|| Weighing::new(sets, parts, parts.ilog2().saturating_sub(SEGMENTS_MAX.ilog2())));
        Ok(Self {
            columns,
            sets,
            terms,
            keys,
            low_bits,
            column_bins: (windows.groups * windows.buckets()) >> low_bits,
            sum_blocks,
            weighings: (buckets, segments),
        })
    }

    /// Bins of all columns.
    pub fn bins(&self) -> usize {
        self.columns * self.column_bins
    }

    /// Border sums that the terms leave: two a thread.
    pub fn borders(&self) -> usize {
        2 * self.sum_blocks * THREADS
    }

    /// Border sums that a join of `borders` leaves at most.
    fn joined(&self) -> usize {
        2 * self.borders().div_ceil(THREADS * JOIN_SHARE)
    }

    /// Words of one of the three arrays about bins.
    pub fn bin_words(&self) -> usize {
        self.bins() + 1
    }
}

/// Sums (key, point) in order of their keys, with gaps.
pub(super) struct Borders<D: Device> {
    pub keys: Block<D>,
    pub points: Block<D>,
}

/// The memory of a chain of launches.
pub(super) struct Workspace<D: Device> {
    /// Terms in their bins.
    pub binned: Block<D>,
    /// Terms in order of their keys.
    pub sorted: Block<D>,
    /// Places of the bins' next terms, their starts, and their first pieces: three arrays of [`Plan::bin_words`].
    pub bins: Block<D>,
    /// Places of the keys' next terms.
    pub key_places: Block<D>,
    /// Bucket sums.
    pub buckets: Block<D>,
    /// Border sums, and what a join leaves of them.
    pub borders: [Borders<D>; 2],
    /// What each weighing leaves.
    pub segments: [Block<D>; 2],
}

impl<D: Device> Workspace<D> {
    /// Takes it from the arena, all of it before anything is launched.
    pub fn allocate(context: &Context<D>, plan: &Plan) -> Result<Self, DeviceError> {
        let (buckets, segments) = plan.weighings;
        let bytes = 2 * plan.terms * ENTRY_BYTES
            + 3 * plan.bin_words() * WORD_BYTES
            + plan.keys * (WORD_BYTES + POINT_BYTES)
            + (plan.borders() + plan.joined()) * (WORD_BYTES + POINT_BYTES)
            + (buckets.blocks + segments.map_or(0, |weighing| weighing.blocks)) * SEGMENT_BYTES;
        if bytes > context.arena.available() {
            return Err(DeviceError::OutOfMemory { bytes });
        }
        let borders = |count: usize| {
            Ok::<_, DeviceError>(Borders {
                keys: context.allocate(count * WORD_BYTES)?,
                points: context.allocate(count * POINT_BYTES)?,
            })
        };
        let weighed = |blocks: usize| context.allocate(blocks * SEGMENT_BYTES);
        Ok(Self {
            binned: context.allocate(plan.terms * ENTRY_BYTES)?,
            sorted: context.allocate(plan.terms * ENTRY_BYTES)?,
            bins: context.allocate(3 * plan.bin_words() * WORD_BYTES)?,
            key_places: context.allocate(plan.keys * WORD_BYTES)?,
            buckets: context.allocate(plan.keys * POINT_BYTES)?,
            borders: [borders(plan.borders())?, borders(plan.joined())?],
            segments: [weighed(buckets.blocks)?, weighed(segments.map_or(0, |weighing| weighing.blocks))?],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weighings_cover_every_bucket() {
        for log2 in 0..=20 {
            for tables_max in [1, 3, 1000] {
                let windows = Windows::best(1 << log2, tables_max);
                for columns in [1, 2, 8, 15] {
                    let plan = Plan::new(windows, columns, columns << log2, 132).unwrap();
                    let (buckets, segments) = plan.weighings;
                    assert_eq!((buckets.blocks * buckets.segments) << buckets.log2, plan.keys);
                    assert!(buckets.segments <= SEGMENTS_MAX);
                    match segments {
                        None => assert_eq!(buckets.blocks, plan.sets),
                        Some(last) => {
                            assert_eq!(last.blocks, plan.sets);
                            assert_eq!((last.blocks * last.segments) << last.log2, buckets.blocks);
                            assert!(last.segments <= SEGMENTS_MAX);
                        }
                    }
                    assert_eq!(plan.bins() << plan.low_bits, plan.keys);
                    assert!(plan.column_bins * WORD_BYTES <= 48 << 10, "shared memory that every device has");
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_counted_does_not_fit() {
        let windows = Windows::best(1 << 24, 13);
        assert!(Plan::new(windows, 1, 1 << 24, 132).is_ok());
        assert!(matches!(Plan::new(windows, 32, 32 << 24, 132), Err(DeviceError::OutOfMemory { .. })));
        assert!(matches!(Plan::new(windows, usize::MAX, usize::MAX, 132), Err(DeviceError::OutOfMemory { .. })));
    }
}
