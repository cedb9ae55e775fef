//! The running product of the permutation argument.

use ark_bn254::Fr;
use ark_ff::{Field, One};
use rayon::prelude::*;

use crate::backend::KernelError;

use super::{field::mul, memory::Memory};

/// Rows a task takes at once; one inversion each.
const CHUNK: usize = 2048;

/// `z[0] = 1, z[i+1] = z[i] * numerators[i] / denominators[i]` and the product over all rows.
pub(super) fn grand_product(numerators: &[Fr], denominators: &[Fr]) -> Result<(Memory, Fr), KernelError> {
    if numerators.len() != denominators.len() {
        return Err(KernelError::Length { what: "denominators", expected: numerators.len(), got: denominators.len() });
    }
    let mut z = Memory::unset(numerators.len());
    // Each chunk's own running products, starting at one, and its total.
    let totals: Vec<Fr> = z
        .par_chunks_mut(CHUNK)
        .zip(numerators.par_chunks(CHUNK))
        .zip(denominators.par_chunks(CHUNK))
        .map(|((z, numerators), denominators)| running_products(z, numerators, denominators))
        .collect::<Result<_, _>>()?;
    let mut product = Fr::one();
    let mut factors = Vec::with_capacity(totals.len());
    for total in totals {
        factors.push(product);
        product *= total;
    }
    z.par_chunks_mut(CHUNK).zip(factors).skip(1).for_each(|(z, factor)| {
        z.iter_mut().for_each(|z| *z = mul(z, &factor));
    });
    Ok((z, product))
}

/// Fills `z` with the running products of one chunk and returns the product of the whole chunk.
fn running_products(z: &mut [Fr], numerators: &[Fr], denominators: &[Fr]) -> Result<Fr, KernelError> {
    // With N_i and D_i the products of the first i numerators and denominators, z_i = N_i / D_i, and 1 / D_i comes
    // down from 1 / D_n by multiplying denominators back in.
    let mut numerator = Fr::one();
    let mut denominator = Fr::one();
    for ((z, n), d) in z.iter_mut().zip(numerators).zip(denominators) {
        *z = numerator;
        numerator = mul(&numerator, n);
        denominator = mul(&denominator, d);
    }
    let mut inverse = denominator.inverse().ok_or(KernelError::ZeroDenominator("a denominator of the product"))?;
    let total = numerator * inverse;
    for (z, d) in z.iter_mut().zip(denominators).rev() {
        inverse = mul(&inverse, d);
        *z = mul(z, &inverse);
    }
    Ok(total)
}
