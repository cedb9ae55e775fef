//! Number-theoretic transforms: decimation in time, two levels a pass, quarters first, so that small ones stay in cache.
//!
//! The bit reversal (and a coset's scaling) happens while the input is copied. An inverse transform is the forward one of
//! the values read backwards, so one set of twiddle factors serves both; and as level k uses the powers of the root of order
//! `2^(k+1)` whatever the size of the transform, one table a level serves all sizes.

use std::sync::OnceLock;

use ark_bn254::Fr;
use ark_ff::{Field, One};
use rayon::prelude::*;

use crate::transform::{MAX_LOG2, root};

use super::{
    field::{halve_times, lazy_butterfly, mul, mul_to, plain_lazy_butterfly, reduce_lazy},
    memory::Memory,
};

/// Elements below which work is not split between threads.
const CHUNK: usize = 1024;

/// log2 of the size up to which a transform runs pass by pass: its elements fit the first cache.
const FLAT_LOG2: u32 = 9;

/// `LEVELS[k]` holds `w^0 .. w^(2^k - 1)` for the root w of order `2^(k+1)`; computed once a process.
static LEVELS: [OnceLock<Vec<Fr>>; MAX_LOG2 as usize] = [const { OnceLock::new() }; MAX_LOG2 as usize];

fn level(k: u32) -> &'static [Fr] {
    // Not in parallel: a thread that waits inside an initialiser may steal work that needs the same initialiser.
    LEVELS[k as usize].get_or_init(|| {
        let mut twiddles = vec![Fr::one(); 1 << k];
        power_run(&mut twiddles, Fr::one(), root(k + 1));
        twiddles
    })
}

/// Fills with `first, first * base, first * base^2, ..`
pub(super) fn power_run(run: &mut [Fr], first: Fr, base: Fr) {
    let mut power = first;
    for entry in run {
        *entry = power;
        power = mul(&power, &base);
    }
}

/// `base^0, base^1, .. base^(count - 1)`.
fn powers(base: Fr, count: usize) -> Memory {
    let mut powers = Memory::unset(count);
    powers.par_chunks_mut(CHUNK).enumerate().for_each(|(index, chunk)| {
        power_run(chunk, base.pow([(index * CHUNK) as u64]), base);
    });
    powers
}

/// The lowest `log2` bits of an index in reverse.
#[inline(always)]
fn reverse(index: usize, log2: u32) -> usize {
    // Shifted in two steps, because a shift by all bits is not defined.
    index.reverse_bits() >> (usize::BITS - 1 - log2) >> 1
}

/// log2 of a tile's side.
const TILE_LOG2: u32 = 4;
const TILE: usize = 1 << TILE_LOG2;

/// Copies in bit-reversed order: entry i is `entry(reverse(i))`.
///
/// Plain bit reversal reads with strides of large powers of two, which all fall on the same cache lines. So the index is
/// cut in (high, middle, low) with four bits in high and low, and for each middle a tile is read along low and written
/// along high.
fn reversed(log2: u32, entry: impl Fn(usize) -> Fr + Sync) -> Memory {
    let size = 1usize << log2;
    if log2 < 2 * TILE_LOG2 {
        return (0..size).map(|i| entry(reverse(i, log2))).collect::<Vec<Fr>>().into();
    }
    let mut out = Memory::unset(size);
    let middle_log2 = log2 - 2 * TILE_LOG2;
    let mut tiles: Vec<Vec<&mut [Fr]>> = (0..1 << middle_log2).map(|_| Vec::with_capacity(TILE)).collect();
    for part in out.chunks_exact_mut(size / TILE) {
        tiles.iter_mut().zip(part.chunks_exact_mut(TILE)).for_each(|(tile, row)| tile.push(row));
    }
    tiles.par_iter_mut().with_min_len(CHUNK / TILE / TILE).enumerate().for_each(|(reversed_middle, rows)| {
        let middle = reverse(reversed_middle, middle_log2) << TILE_LOG2;
        for high in 0..TILE {
            let start = (high << (log2 - TILE_LOG2)) + middle;
            for low in 0..TILE {
                rows[reverse(low, TILE_LOG2)][reverse(high, TILE_LOG2)] = entry(start + low);
            }
        }
    });
    drop(tiles);
    out
}

/// Evaluations at `shift * w^i` from coefficients.
pub(super) fn forward(coefficients: &[Fr], log2: u32, shift: Fr) -> Memory {
    let mut values = if shift.is_one() {
        reversed(log2, |i| coefficients[i])
    } else {
        let scale = powers(shift, coefficients.len());
        reversed(log2, |i| mul(&coefficients[i], &scale[i]))
    };
    transform(&mut values, log2);
    values.par_chunks_mut(CHUNK).for_each(|chunk| chunk.iter_mut().for_each(reduce_lazy));
    values
}

/// Coefficients from evaluations at `w^i / unshift`.
pub(super) fn inverse(evaluations: &[Fr], log2: u32, unshift: Fr) -> Memory {
    let mut values = reversed(log2, |i| evaluations[i.wrapping_neg() & (evaluations.len() - 1)]);
    transform(&mut values, log2);
    values.par_chunks_mut(CHUNK).enumerate().for_each(|(index, chunk)| {
        chunk.iter_mut().for_each(reduce_lazy);
        if unshift.is_one() {
            chunk.iter_mut().for_each(|value| *value = halve_times(value, log2));
        } else {
            let mut scale = halve_times(&unshift.pow([(index * CHUNK) as u64]), log2);
            for value in chunk {
                mul_to(value, &{ *value }, &scale);
                scale = mul(&scale, &unshift);
            }
        }
    });
    values
}

/// In place, bit-reversed to natural order, forward; values are below p on the way in and below 4p on the way out.
fn transform(values: &mut [Fr], log2: u32) {
    if log2 <= FLAT_LOG2 {
        return flat(values, log2);
    }
    let quarter = values.len() / 4;
    let (front, back) = values.split_at_mut(2 * quarter);
    let (v0, v1) = front.split_at_mut(quarter);
    let (v2, v3) = back.split_at_mut(quarter);
    let inner = level(log2 - 2);
    let (outer_front, outer_back) = level(log2 - 1).split_at(quarter);
    if quarter < CHUNK {
        for part in [&mut *v0, &mut *v1, &mut *v2, &mut *v3] {
            transform(part, log2 - 2);
        }
        combine([v0, v1, v2, v3], [inner, outer_front, outer_back]);
        return;
    }
    rayon::join(
        || rayon::join(|| transform(v0, log2 - 2), || transform(v1, log2 - 2)),
        || rayon::join(|| transform(v2, log2 - 2), || transform(v3, log2 - 2)),
    );
    let parts =
        (v0.par_chunks_mut(CHUNK), v1.par_chunks_mut(CHUNK), v2.par_chunks_mut(CHUNK), v3.par_chunks_mut(CHUNK));
    let twiddles = (inner.par_chunks(CHUNK), outer_front.par_chunks(CHUNK), outer_back.par_chunks(CHUNK));
    parts.into_par_iter().zip(twiddles.into_par_iter()).for_each(|((v0, v1, v2, v3), (inner, front, back))| {
        combine([v0, v1, v2, v3], [inner, front, back]);
    });
}

/// Two levels on four transformed quarters: the twiddles of the inner level, then the outer level's two halves.
fn combine(values: [&mut [Fr]; 4], twiddles: [&[Fr]; 3]) {
    let [v0, v1, v2, v3] = values;
    let [inner, front, back] = twiddles;
    let values = v0.iter_mut().zip(v1).zip(v2.iter_mut().zip(v3));
    let twiddles = inner.iter().zip(front.iter().zip(back));
    for (((v0, v1), (v2, v3)), (inner, (front, back))) in values.zip(twiddles) {
        lazy_butterfly(v0, v1, inner);
        lazy_butterfly(v2, v3, inner);
        lazy_butterfly(v0, v2, front);
        lazy_butterfly(v1, v3, back);
    }
}

/// A small transform, two levels a pass over all of it.
fn flat(values: &mut [Fr], log2: u32) {
    // The first pass has next to no products: one level if the number of levels is odd, else two.
    let mut done = log2 % 2;
    if done == 1 {
        for [a, b] in values.as_chunks_mut().0 {
            plain_lazy_butterfly(a, b);
        }
    } else if log2 > 0 {
        let quarter_turn = level(1)[1];
        for [v0, v1, v2, v3] in values.as_chunks_mut().0 {
            plain_lazy_butterfly(v0, v1);
            plain_lazy_butterfly(v2, v3);
            plain_lazy_butterfly(v0, v2);
            lazy_butterfly(v1, v3, &quarter_turn);
        }
        done = 2;
    }
    while done < log2 {
        let quarter = 1 << done;
        let inner = level(done);
        let (front, back) = level(done + 1).split_at(quarter);
        for block in values.chunks_exact_mut(4 * quarter) {
            let (low, high) = block.split_at_mut(2 * quarter);
            let (v0, v1) = low.split_at_mut(quarter);
            let (v2, v3) = high.split_at_mut(quarter);
            combine([v0, v1, v2, v3], [inner, front, back]);
        }
        done += 2;
    }
}
