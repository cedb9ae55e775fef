//! Polynomials in coefficient form: weighted sums, evaluation and division by a linear factor.
//!
//! Chunks are worked on in parallel; their size does not depend on the number of threads.

use ark_bn254::Fr;
use ark_ff::{Field, Zero};
use rayon::prelude::*;

use super::{
    field::{add, add_to, mul, mul_to},
    memory::Memory,
};

/// Coefficients a task takes at once.
pub(super) const CHUNK: usize = 4096;

/// Horner's rule: `sum_i coefficients[i] point^i`.
pub(super) fn horner(coefficients: &[Fr], point: Fr) -> Fr {
    coefficients.iter().rev().fold(Fr::zero(), |value, coefficient| add(&mul(&value, &point), coefficient))
}

/// [`horner`] or its twin on lanes.
pub(super) type Horner = fn(&[Fr], Fr) -> Fr;

/// `sum_j weight_j * column_j`, as long as the longest column.
pub(super) fn linear_combination(terms: &[(Fr, &[Fr])]) -> Memory {
    let size = terms.iter().map(|(_, column)| column.len()).max().unwrap_or(0);
    let mut sum = Memory::unset(size);
    sum.par_chunks_mut(CHUNK).enumerate().for_each(|(index, sum)| {
        sum.fill(Fr::zero());
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

/// The values above every chunk: entry k is `sum_{i >= k CHUNK} f_i point^(i - k CHUNK)`, and zero follows the last.
fn values_from(coefficients: &[Fr], point: Fr, horner: Horner) -> Vec<Fr> {
    let mut values: Vec<Fr> = coefficients.par_chunks(CHUNK).map(|chunk| horner(chunk, point)).collect();
    let step = point.pow([CHUNK as u64]);
    let mut above = Fr::zero();
    for value in values.iter_mut().rev() {
        *value += step * above;
        above = *value;
    }
    values.push(Fr::zero());
    values
}

/// `f(point)`.
pub(super) fn evaluate(coefficients: &[Fr], point: Fr, horner: Horner) -> Fr {
    values_from(coefficients, point, horner)[0]
}

/// `(f - f(point)) / (X - point)` with a zero top entry, and `f(point)`.
pub(super) fn divide_by_linear(coefficients: &[Fr], point: Fr, horner: Horner) -> (Memory, Fr) {
    let mut quotient = Memory::unset(coefficients.len());
    let values = values_from(coefficients, point, horner);
    let chunks = quotient.par_chunks_mut(CHUNK).zip(coefficients.par_chunks(CHUNK));
    chunks.zip(&values[1..]).for_each(|((quotient, coefficients), above)| {
        // Entry i is the Horner value of all coefficients above i.
        let mut value = *above;
        let mut product = Fr::zero();
        for (entry, coefficient) in quotient.iter_mut().zip(coefficients).rev() {
            *entry = value;
            mul_to(&mut product, &value, &point);
            add_to(&mut value, &product, coefficient);
        }
    });
    (quotient, values[0])
}
