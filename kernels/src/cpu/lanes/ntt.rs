//! Transforms of eight columns at a time: the four-step NTT (Bailey, "FFTs in external or hierarchical memory", 1990).
//!
//! With `n = n1 n2`, input index `j = j1 n2 + j2` and output index `k = k1 + n1 k2`,
//!
//! `y_k = u^k sum_j w^(jk) c s^j x_j = (u^n1)^k2 sum_j2 (w^n1)^(j2 k2) [ c s^j2 (u w^j2)^k1 sum_j1 (w^n2)^(j1 k1) (s^n2)^j1 x_j ]`.
//!
//! A lane transforms one column: no shuffles but those that bring eight numbers of four words into lanes. Both passes read
//! and write runs of eight neighbours, so that both sides are in natural order and nothing is permuted in between.
//! The coset factor s goes into the twiddles of the first pass, the constant c and half of u into the factors between the passes. The transforms are linear:
//! numbers keep their form with R = 2^256 while twiddles have R = 2^260.

use ark_bn254::Fr;
use ark_ff::{BigInt, Field, One};
use rayon::prelude::*;

use crate::transform::root;

use super::{
    super::{memory::Memory, ntt::power_run},
    field::{LIMBS, Lanes, Sum, limbs_of, raised},
    words::{LANES, Words},
};

/// log2 of the smallest transform with a vector of columns in both passes.
pub(in crate::cpu) const MIN_LOG2: u32 = 6;

/// Limbs of a twiddle with R = 2^260.
type Twiddle = [u64; LIMBS];

/// `first ratio^0, .., first ratio^(count - 1)`.
fn twiddles(first: Fr, ratio: Fr, count: usize) -> Vec<Twiddle> {
    let mut powers = vec![Fr::default(); count];
    power_run(&mut powers, raised(&first), ratio);
    powers.iter().map(|power| limbs_of(power.0.0)).collect()
}

/// A vector of the same twiddle.
#[inline(always)]
fn splat<W: Words>(twiddle: &Twiddle) -> Lanes<Fr, W> {
    Lanes::from_limbs(twiddle.map(W::splat))
}

/// `first ratio^0, .., first ratio^7` in lanes, R = 2^260.
#[inline(always)]
fn geometric<W: Words>(first: Fr, ratio: Fr) -> Lanes<Fr, W> {
    let mut powers = [Fr::default(); LANES];
    power_run(&mut powers, raised(&first), ratio);
    Lanes::from_words(W::gather(powers.each_ref().map(|power| &power.0.0)))
}

/// The twiddles of a column's transform of size `2^log2` on the coset of `shift`: level after level, `2^level` each.
struct Column {
    log2: u32,
    levels: Vec<Vec<Twiddle>>,
}

impl Column {
    fn new(log2: u32, shift: Fr) -> Self {
        let level = |level: u32| {
            // Half a transform of size 2^(level + 1) stands at `(shift w)^(2^(log2 - level - 1))`.
            let mut power = shift;
            for _ in level + 1..log2 {
                power.square_in_place();
            }
            twiddles(power, root(level + 1), 1 << level)
        };
        Self { log2, levels: (0..log2).map(level).collect() }
    }

    /// The place of entry `index` before the first level.
    fn place(&self, index: usize) -> usize {
        index.reverse_bits() >> (usize::BITS - self.log2)
    }

    /// Transforms eight columns in place, bit-reversed to natural order.
    ///
    /// Bounds: below 5p on the way in, and 2p a level more on the way out.
    #[inline(always)]
    fn transform<W: Words>(&self, values: &mut [Lanes<Fr, W>]) {
        let mut done = 0;
        if self.log2 % 2 == 1 {
            let turn = splat(&self.levels[0][0]);
            for [a, b] in values.as_chunks_mut().0 {
                let turned = b.mul(turn);
                (*a, *b) = (a.plus(turned).carried(), a.minus::<2>(turned).carried());
            }
            done = 1;
        }
        while done < self.log2 {
            let quarter = 1usize << done;
            let inner = &self.levels[done as usize];
            let (front, back) = self.levels[done as usize + 1].split_at(quarter);
            for block in values.chunks_exact_mut(4 * quarter) {
                let (low, high) = block.split_at_mut(2 * quarter);
                let (v0, v1) = low.split_at_mut(quarter);
                let (v2, v3) = high.split_at_mut(quarter);
                for i in 0..quarter {
                    let turns = [splat(&inner[i]), splat(&front[i]), splat(&back[i])];
                    two_levels([&mut v0[i], &mut v1[i], &mut v2[i], &mut v3[i]], turns);
                }
            }
            done += 2;
        }
    }
}

/// Two levels on four numbers: the twiddle of the inner level, then the outer level's two.
#[inline(always)]
fn two_levels<W: Words>(values: [&mut Lanes<Fr, W>; 4], [inner, front, back]: [Lanes<Fr, W>; 3]) {
    let [v0, v1, v2, v3] = values;
    let turned: Lanes<_, _> = v1.mul(inner);
    let low: [Sum<_, _>; 2] = [v0.plus(turned), v0.minus::<2>(turned)];
    let turned = v3.mul(inner);
    let high = [v2.plus(turned).carried().mul(front), v2.minus::<2>(turned).carried().mul(back)];
    (*v0, *v2) = (low[0].plus(high[0]).carried(), low[0].minus::<2>(high[0]).carried());
    (*v1, *v3) = (low[1].plus(high[1]).carried(), low[1].minus::<2>(high[1]).carried());
}

/// A transform `y_k = after^k sum_j w^(jk) scale before^j x_j`, or with `w^(-jk)` when `backwards`.
pub(in crate::cpu) struct Transform {
    pub(in crate::cpu) before: Fr,
    pub(in crate::cpu) scale: Fr,
    pub(in crate::cpu) after: Fr,
    pub(in crate::cpu) backwards: bool,
}

impl Transform {
    /// The transform of `2^log2` numbers, log2 at least [`MIN_LOG2`].
    pub(in crate::cpu) fn run<W: Words>(&self, input: &[Fr], log2: u32) -> Memory {
        let (rows_log2, columns_log2) = (log2.div_ceil(2), log2 / 2);
        let (rows, columns) = (1usize << rows_log2, 1usize << columns_log2);
        let root = root(log2);

        // `between[j2 n1 + k1]`: a lane writes neighbours.
        let mut between = Memory::unset(input.len());
        let first = Column::new(rows_log2, self.before.pow([columns as u64]));
        let tile = |values: &mut Vec<Lanes<Fr, W>>, column: usize, out: &mut [Fr]| {
            W::vectorize(
                #[inline(always)]
                || {
                    for row in 0..rows {
                        let start = row * columns + column;
                        let entries = std::array::from_fn(|lane| {
                            // Values read backwards are transformed backwards.
                            let index = start + lane;
                            let index = if self.backwards { index.wrapping_neg() & (input.len() - 1) } else { index };
                            &input[index].0.0
                        });
                        values[first.place(row)] = Lanes::from_words(W::gather(entries));
                    }
                    first.transform(values);
                    let mut factor = geometric::<W>(self.scale * self.before.pow([column as u64]), self.before);
                    let ratio = geometric::<W>(self.after * root.pow([column as u64]), root);
                    for (row, value) in values.iter().enumerate() {
                        let words = W::scatter(value.mul(factor).to_words());
                        factor = factor.mul(ratio);
                        for (lane, words) in words.into_iter().enumerate() {
                            out[lane * rows + row].0 = BigInt(words);
                        }
                    }
                },
            );
        };
        let memory = |size: usize| move || vec![Lanes::<Fr, W>::zero(); size];
        between.par_chunks_mut(LANES * rows).enumerate().for_each_init(memory(rows), |values, (index, out)| {
            tile(values, index * LANES, out);
        });

        let mut output = Memory::unset(input.len());
        let second = Column::new(columns_log2, Fr::one());
        let after = (!self.after.is_one()).then(|| twiddles(Fr::one(), self.after.pow([rows as u64]), columns));
        let mut tiles: Vec<Vec<&mut [Fr]>> = (0..rows / LANES).map(|_| Vec::with_capacity(columns)).collect();
        for row in output.chunks_exact_mut(rows) {
            tiles.iter_mut().zip(row.chunks_exact_mut(LANES)).for_each(|(tile, run)| tile.push(run));
        }
        let tile = |values: &mut Vec<Lanes<Fr, W>>, row: usize, out: &mut [&mut [Fr]]| {
            W::vectorize(
                #[inline(always)]
                || {
                    for column in 0..columns {
                        let start = column * rows + row;
                        let entries = std::array::from_fn(|lane| &between[start + lane].0.0);
                        values[second.place(column)] = Lanes::from_words(W::gather(entries));
                    }
                    second.transform(values);
                    for (column, (value, out)) in values.iter().zip(out).enumerate() {
                        let value = match &after {
                            None => *value,
                            Some(powers) => value.mul(splat(&powers[column])),
                        };
                        for (out, words) in out.iter_mut().zip(W::scatter(value.canonical().to_words())) {
                            out.0 = BigInt(words);
                        }
                    }
                },
            );
        };
        tiles.par_iter_mut().enumerate().for_each_init(memory(columns), |values, (index, out)| {
            tile(values, index * LANES, out);
        });
        drop(tiles);
        output
    }
}
