//! Polynomials in coefficient form: weighted sums, evaluation and division by a linear factor.
//!
//! Chunks are worked on in parallel; their size does not depend on the number of threads.

use ark_bn254::Fr;
use ark_ff::{Field, Zero};
use rayon::prelude::*;

use super::field::{add, add_to, mul, mul_to};

/// Coefficients a task takes at once.
const CHUNK: usize = 4096;

/// Horner's rule with a carry from above: `carry * point^len + sum_i coefficients[i] point^i`.
fn horner(coefficients: &[Fr], point: Fr, carry: Fr) -> Fr {
    coefficients.iter().rev().fold(carry, |value, coefficient| add(&mul(&value, &point), coefficient))
}

/// `sum_j weight_j * column_j`, as long as the longest column.
pub(super) fn linear_combination(terms: &[(Fr, &[Fr])]) -> Vec<Fr> {
    let size = terms.iter().map(|(_, column)| column.len()).max().unwrap_or(0);
    let mut sum = vec![Fr::zero(); size];
    sum.par_chunks_mut(CHUNK).enumerate().for_each(|(index, sum)| {
        let start = index * CHUNK;
        let mut product = Fr::zero();
        for (weight, column) in terms {
            let Some(column) = column.get(start..) else { continue };
            for (sum, value) in sum.iter_mut().zip(column) {
                mul_to(&mut product, weight, value);
                add_to(sum, &{ *sum }, &product);
            }
        }
    });
    sum
}

/// The carry into every chunk from the chunks above it: entry k is `sum_{i >= (k + 1) CHUNK} f_i point^(i - (k+1) CHUNK)`.
fn carries(coefficients: &[Fr], point: Fr) -> Vec<Fr> {
    let mut carries: Vec<Fr> = coefficients.par_chunks(CHUNK).map(|chunk| horner(chunk, point, Fr::zero())).collect();
    let step = point.pow([CHUNK as u64]);
    let mut above = Fr::zero();
    for carry in carries.iter_mut().rev() {
        let with_above = *carry + step * above;
        *carry = std::mem::replace(&mut above, with_above);
    }
    carries
}

/// `f(point)`.
pub(super) fn evaluate(coefficients: &[Fr], point: Fr) -> Fr {
    match coefficients.chunks(CHUNK).next() {
        None => Fr::zero(),
        Some(first) => horner(first, point, carries(coefficients, point)[0]),
    }
}

/// `(f - f(point)) / (X - point)` with a zero top entry, and `f(point)`.
pub(super) fn divide_by_linear(coefficients: &[Fr], point: Fr) -> (Vec<Fr>, Fr) {
    let mut quotient = vec![Fr::zero(); coefficients.len()];
    let carries = carries(coefficients, point);
    let values: Vec<Fr> = quotient
        .par_chunks_mut(CHUNK)
        .zip(coefficients.par_chunks(CHUNK))
        .zip(&carries)
        .map(|((quotient, coefficients), carry)| {
            // Entry i is the Horner value of all coefficients above i.
            let mut value = *carry;
            let mut product = Fr::zero();
            for (entry, coefficient) in quotient.iter_mut().zip(coefficients).rev() {
                *entry = value;
                mul_to(&mut product, &value, &point);
                add_to(&mut value, &product, coefficient);
            }
            value
        })
        .collect();
    (quotient, values.first().copied().unwrap_or_default())
}
