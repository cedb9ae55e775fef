//! Many multiples of the generator of G1 at once, for a setup whose secrets are known.
//!
//! Scalars are cut into signed digits of c bits; a table per digit position holds `d 2^(ck) G` for `1 <= d <= 2^(c-1)`,
//! so that a multiple is a sum of one table entry per position. The sums run in affine coordinates, a block of scalars
//! in lockstep, so that one field inversion serves a whole block.

use ark_bn254::{Fq, Fr, G1Affine};
use ark_ec::{AdditiveGroup, AffineRepr, CurveGroup};
use ark_ff::{Field, PrimeField};
use rayon::prelude::*;

/// Bits the signed digits must cover: scalars have 254, the last carry needs one.
const BITS: u32 = 255;
/// Scalars that share an inversion: large enough to hide it, small enough to stay in the cache.
const BLOCK: usize = 1024;

/// Tables of multiples of the generator of G1.
pub struct FixedBase {
    digit_bits: u32,
    /// Entry `k * half + d - 1` is `d 2^(k digit_bits) G`.
    table: Vec<G1Affine>,
}

impl FixedBase {
    /// Tables sized for about `expected` multiples: larger ones cost more to fill and save additions afterwards.
    pub fn new(expected: usize) -> Self {
        let cost = |bits: u32| u64::from(BITS.div_ceil(bits)) * (expected as u64 + (1 << (bits - 1)));
        let digit_bits = (4..=16).min_by_key(|bits| cost(*bits)).unwrap_or(8);
        let half = 1 << (digit_bits - 1);
        let mut bases = Vec::new();
        let mut power = G1Affine::generator().into_group();
        for _ in 0..BITS.div_ceil(digit_bits) {
            bases.push(power);
            for _ in 0..digit_bits {
                power.double_in_place();
            }
        }
        let mut table = vec![G1Affine::identity(); bases.len() * half];
        let bases = ark_bn254::G1Projective::normalize_batch(&bases);
        table.par_chunks_mut(half).zip(bases).for_each(|(multiples, base)| fill_multiples(multiples, base));
        Self { digit_bits, table }
    }

    /// `scalars[i] G`, in order.
    pub fn multiply(&self, scalars: &[Fr]) -> Vec<G1Affine> {
        let mut products = vec![G1Affine::identity(); scalars.len()];
        products.par_chunks_mut(BLOCK).zip(scalars.par_chunks(BLOCK)).for_each(|(products, scalars)| {
            self.multiply_block(products, scalars);
        });
        products
    }

    fn multiply_block(&self, products: &mut [G1Affine], scalars: &[Fr]) {
        let half = 1_usize << (self.digit_bits - 1);
        let mut limbs: Vec<[u64; 4]> = scalars.iter().map(|scalar| scalar.into_bigint().0).collect();
        let mut carries = vec![0_u64; scalars.len()];
        let mut addends = vec![G1Affine::identity(); scalars.len()];
        let mut scratch = Vec::with_capacity(scalars.len());
        for multiples in self.table.chunks_exact(half) {
            for ((addend, limbs), carry) in addends.iter_mut().zip(&mut limbs).zip(&mut carries) {
                let digit = take_low_bits(limbs, self.digit_bits) + *carry;
                *carry = u64::from(digit > half as u64);
                *addend = match digit as usize {
                    0 => G1Affine::identity(),
                    digit if digit <= half => multiples[digit - 1],
                    // digit - 2^c is between -(2^(c-1) - 1) and 0.
                    digit if digit == 2 * half => G1Affine::identity(),
                    digit => -multiples[2 * half - digit - 1],
                };
            }
            add_pairwise(products, &addends, &mut scratch);
        }
    }
}

/// Removes and returns the low `bits` bits of a 256-bit number.
fn take_low_bits(limbs: &mut [u64; 4], bits: u32) -> u64 {
    let low = limbs[0] & ((1 << bits) - 1);
    for index in 0..3 {
        limbs[index] = (limbs[index] >> bits) | (limbs[index + 1] << (64 - bits));
    }
    limbs[3] >>= bits;
    low
}

/// Fills `multiples[d - 1] = d base`, doubling the filled part each time.
fn fill_multiples(multiples: &mut [G1Affine], base: G1Affine) {
    multiples[0] = base;
    let mut filled = 1;
    let mut scratch = Vec::new();
    while filled < multiples.len() {
        let (known, rest) = multiples.split_at_mut(filled);
        let count = rest.len().min(filled);
        let top = known[filled - 1];
        for (known, rest) in known[..count].chunks(BLOCK).zip(rest[..count].chunks_mut(BLOCK)) {
            rest.fill(top);
            add_pairwise(rest, known, &mut scratch);
        }
        filled += count;
    }
}

/// `sums[i] += addends[i]`, with one field inversion for all; `scratch` keeps its memory between calls.
fn add_pairwise(sums: &mut [G1Affine], addends: &[G1Affine], scratch: &mut Vec<(Fq, Fq)>) {
    // (denominator of the slope, product of the denominators before it)
    scratch.clear();
    let mut product = Fq::ONE;
    for (sum, addend) in sums.iter().zip(addends) {
        let denominator = if sum.is_zero() || addend.is_zero() {
            Fq::ONE
        } else if sum.x != addend.x {
            addend.x - sum.x
        } else if sum.y == addend.y {
            // No point has y = 0: the group's order is odd.
            sum.y.double()
        } else {
            Fq::ONE
        };
        scratch.push((denominator, product));
        product *= denominator;
    }
    // A product of non-zero factors is never zero.
    let mut inverse = product.inverse().unwrap_or(Fq::ONE);
    for ((sum, addend), (denominator, before)) in sums.iter_mut().zip(addends).zip(scratch.iter()).rev() {
        let inverted = inverse * before;
        inverse *= denominator;
        if addend.is_zero() {
            continue;
        }
        if sum.is_zero() {
            *sum = *addend;
            continue;
        }
        let slope = if sum.x != addend.x {
            (addend.y - sum.y) * inverted
        } else if sum.y == addend.y {
            let square = sum.x.square();
            (square.double() + square) * inverted
        } else {
            *sum = G1Affine::identity();
            continue;
        };
        let x = slope.square() - sum.x - addend.x;
        let y = slope * (sum.x - x) - sum.y;
        *sum = G1Affine::new_unchecked(x, y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{One, Zero};

    #[test]
    fn multiples_agree_with_double_and_add() {
        let mut scalars =
            vec![Fr::zero(), Fr::one(), -Fr::one(), Fr::from(2), Fr::from(u64::MAX), -Fr::from(1_u64 << 40)];
        for bits in 1..=254 {
            // Around every digit boundary, where carries are made and passed on.
            let power = Fr::from(2).pow([bits]);
            scalars.extend([power, power - Fr::one(), power + Fr::one(), -power]);
        }
        let mut seed = Fr::from(7);
        scalars.extend((0..2 * BLOCK).map(|_| {
            seed = seed.square() + Fr::from(5);
            seed
        }));
        let expected: Vec<G1Affine> =
            scalars.iter().map(|scalar| (G1Affine::generator() * scalar).into_affine()).collect();
        for size in [1, 5_000, 1 << 20] {
            assert_eq!(FixedBase::new(size).multiply(&scalars), expected, "tables for {size}");
        }
    }

    #[test]
    fn exceptional_sums() {
        let g = G1Affine::generator();
        let double = (g + g).into_affine();
        let o = G1Affine::identity();
        let mut sums = [g, g, o, g, o, double];
        add_pairwise(&mut sums, &[g, -g, g, o, o, g], &mut Vec::new());
        assert_eq!(sums, [double, o, g, g, o, (double + g).into_affine()]);
    }
}
