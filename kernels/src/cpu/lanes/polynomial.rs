//! Weighted sums and evaluations, eight coefficients at a time.
//!
//! Both are linear: columns keep R = 2^256, weights and powers have R = 2^260.

use ark_bn254::Fr;
use ark_ff::{BigInt, Field, Zero};
use rayon::prelude::*;

use super::{
    super::{
        field::{add, mul},
        memory::Memory,
        polynomial::CHUNK,
    },
    field::{Lanes, raised},
    words::{LANES, Words},
};

/// Eight coefficients from `start` on; zero beyond the end.
#[inline(always)]
fn load<W: Words>(column: &[Fr], start: usize) -> Lanes<Fr, W> {
    let mut rows = [&[0; 4]; LANES];
    for (row, entry) in rows.iter_mut().zip(column.get(start..).unwrap_or_default()) {
        *row = &entry.0.0;
    }
    Lanes::from_words(W::gather(rows))
}

/// `sum_j weight_j * column_j`, as long as the longest column.
pub(in crate::cpu) fn linear_combination<W: Words>(terms: &[(Fr, &[Fr])]) -> Memory {
    let size = terms.iter().map(|(_, column)| column.len()).max().unwrap_or(0);
    let terms: Vec<(Fr, &[Fr])> = terms.iter().map(|(weight, column)| (raised(weight), *column)).collect();
    let mut sum = Memory::unset(size);
    sum.par_chunks_mut(CHUNK).enumerate().for_each(|(index, sum)| {
        W::vectorize(
            #[inline(always)]
            || add_up::<W>(&terms, index * CHUNK, sum),
        );
    });
    sum
}

/// Fills `sum` with the weighted sums of the entries from `start` on; the weights have R = 2^260.
#[inline(always)]
fn add_up<W: Words>(terms: &[(Fr, &[Fr])], start: usize, sum: &mut [Fr]) {
    for (vector, sum) in sum.chunks_mut(LANES).enumerate() {
        let mut total = Lanes::<Fr, W>::zero();
        for (weight, column) in terms {
            let product = Lanes::splat(weight).mul(load(column, start + vector * LANES));
            total = total.plus(product).reduced();
        }
        for (sum, words) in sum.iter_mut().zip(W::scatter(total.canonical().to_words())) {
            sum.0 = BigInt(words);
        }
    }
}

/// `sum_i coefficients[i] point^i`: lane l sums the powers that are l modulo eight.
pub(in crate::cpu) fn horner<W: Words>(coefficients: &[Fr], point: Fr) -> Fr {
    let step = raised(&point.pow([LANES as u64]));
    let sums = W::vectorize(
        #[inline(always)]
        || {
            let mut total = Lanes::<Fr, W>::zero();
            for vector in (0..coefficients.len().div_ceil(LANES)).rev() {
                total = total.mul(Lanes::splat(&step)).plus(load(coefficients, vector * LANES)).carried();
            }
            W::scatter(total.canonical().to_words())
        },
    );
    sums.iter().rev().fold(Fr::zero(), |value, sum| add(&mul(&value, &point), &Fr::new_unchecked(BigInt(*sum))))
}
