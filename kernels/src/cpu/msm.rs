//! Multi-scalar multiplication: Pippenger's buckets, filled by batch-affine additions.
//!
//! A window's digits are sorted by bucket, so that a bucket is a run of neighbours and no two additions of a batch touch
//! the same bucket. The weighted sum of the buckets is split in two: with bucket `b = high 2^k + low`,
//! `sum_b b B_b = 2^k sum_high high (sum_low B) + sum_low low (sum_high B)`, and the inner sums are runs again; only the
//! two short outer sums are projective. All sums are exact, so the result does not depend on the number of threads.

use std::sync::Mutex;

use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::{AdditiveGroup, CurveGroup};
use ark_ff::Zero;
use rayon::prelude::*;

use crate::point::AffinePoint;

use super::{
    digits::{Digits, Entry},
    runs::{Adder, Runs},
};

/// How many entries ahead a base is asked for: the bases of a bucket lie all over the memory.
const AHEAD: usize = 16;

/// Asks for the point's cache lines: two where the bases are not aligned to lines.
#[inline(always)]
fn prefetch(point: &AffinePoint) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of a valid reference has no effect that a program can see.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(&point.x[0]).cast());
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(&point.y[3]).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = point;
}

/// Memory of one task.
struct Scratch<A: Adder> {
    runs: Runs<A::Point>,
    adder: A,
}

/// Memory that tasks hand on to each other.
pub(super) struct Scratches<A: Adder>(Mutex<Vec<Scratch<A>>>);

impl<A: Adder> Default for Scratches<A> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<A: Adder> Scratches<A> {
    /// Runs `task` with memory of its own.
    fn with<T>(&self, task: impl FnOnce(&mut Scratch<A>) -> T) -> T {
        let free = || self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let taken = free().pop();
        let mut scratch = taken.unwrap_or_else(|| Scratch { runs: Runs::default(), adder: A::default() });
        let result = task(&mut scratch);
        free().push(scratch);
        result
    }
}

/// `sum_i scalars[i] * points[i]` over the scalars given; there are at least as many points.
pub(super) fn msm<A: Adder>(points: &[AffinePoint], scalars: &[Fr]) -> G1Affine {
    let digits = Digits::new(scalars, A::PROJECTIVE);
    let scratches = Scratches::<A>::default();
    let windows: Vec<G1Projective> = (0..digits.windows())
        .into_par_iter()
        .with_max_len(1)
        .map(|window| window_sum(points, &digits.entries(window), digits.width, &scratches))
        .collect();
    let mut total = G1Projective::zero();
    for window in windows.iter().rev() {
        for _ in 0..digits.width {
            total.double_in_place();
        }
        total += window;
    }
    total.into_affine()
}

/// The sum of one window: `sum_entries digit * base`.
fn window_sum<A: Adder>(
    points: &[AffinePoint],
    entries: &[Entry],
    width: usize,
    scratches: &Scratches<A>,
) -> G1Projective {
    let mut buckets = bucket_sums(points, entries, scratches);
    let low_bits = width / 2;
    scratches.with(|Scratch { adder, .. }| {
        let mut low = by_low_bits(&buckets, low_bits);
        adder.sum_runs(&mut low);
        let mut sum = weighted_sum::<A>(&low);

        buckets.keys.iter_mut().for_each(|key| *key >>= low_bits);
        adder.sum_runs(&mut buckets);
        let mut high = weighted_sum::<A>(&buckets);
        for _ in 0..low_bits {
            high.double_in_place();
        }
        sum += high;
        sum
    })
}

/// The sums of the buckets, in order; the entries are sorted by bucket.
pub(super) fn bucket_sums<A: Adder>(
    points: &[AffinePoint],
    entries: &[Entry],
    scratches: &Scratches<A>,
) -> Runs<A::Point> {
    let block = |entries: &[Entry]| {
        scratches.with(|Scratch { runs, adder }| {
            runs.clear();
            for (place, entry) in entries.iter().enumerate() {
                if let Some(later) = entries.get(place + AHEAD) {
                    prefetch(&points[later.index()]);
                }
                runs.push(entry.bucket, A::load(&points[entry.index()], entry.negative()));
            }
            adder.sum_runs(runs);
            let mut sums = Runs::default();
            sums.append(runs);
            sums
        })
    };
    let blocks: Vec<Runs<A::Point>> = entries.par_chunks(A::BLOCK).with_max_len(1).map(block).collect();
    // A bucket may continue in the next block.
    let mut sums = Runs::default();
    blocks.iter().for_each(|block| sums.append(block));
    scratches.with(|Scratch { adder, .. }| adder.sum_runs(&mut sums));
    sums
}

/// The buckets in the order of their low bits, with these as keys; a counting sort.
fn by_low_bits<P: Copy>(buckets: &Runs<P>, low_bits: usize) -> Runs<P> {
    let low = |key: u32| key & ((1 << low_bits) - 1);
    let mut places = vec![0usize; (1 << low_bits) + 1];
    for key in &buckets.keys {
        places[low(*key) as usize + 1] += 1;
    }
    for i in 1..places.len() {
        places[i] += places[i - 1];
    }
    let mut sorted = Runs { keys: buckets.keys.clone(), points: buckets.points.clone() };
    for (key, point) in buckets.keys.iter().zip(&buckets.points) {
        let place = &mut places[low(*key) as usize];
        sorted.keys[*place] = low(*key);
        sorted.points[*place] = *point;
        *place += 1;
    }
    sorted
}

/// `sum key * point`, keys ascending and each once: the sum over k >= 1 of the points with keys from k on.
fn weighted_sum<A: Adder>(runs: &Runs<A::Point>) -> G1Projective {
    let (mut from_here, mut sum) = (G1Projective::zero(), G1Projective::zero());
    let mut left = runs.keys.len();
    for weight in (1..=runs.keys.last().copied().unwrap_or(0)).rev() {
        if left > 0 && runs.keys[left - 1] == weight {
            left -= 1;
            from_here += A::to_affine(&runs.points[left]);
        }
        sum += from_here;
    }
    sum
}
