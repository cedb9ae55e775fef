//! Scalars of an MSM cut into signed digits.

use ark_bn254::Fr;
use ark_ff::PrimeField;
use rayon::prelude::*;

use super::field::is_zero;

/// Bits of the largest magnitude: scalars above r/2 are taken as negatives.
const MAX_BITS: usize = 253;
/// The widest window.
const MAX_WIDTH: usize = 16;
/// Fixed cost of a window in batch-affine additions: the field inversions of its levels.
const WINDOW: usize = 400;

/// One scalar that is not zero, as sign and magnitude.
#[derive(Clone, Copy)]
struct Signed {
    /// The magnitude, little-endian; after [`Digits::new`] with half a window's range added in every window but the last.
    limbs: [u64; 4],
    /// Index of the base.
    index: u32,
    /// Bits of the magnitude.
    bits: u16,
    negative: bool,
}

/// A column of scalars in windows of `width` bits: `scalar = sum_w digit_w 2^(w width)`, `|digit_w| <= 2^(width - 1)`.
pub(super) struct Digits {
    /// Longest magnitudes first.
    scalars: Vec<Signed>,
    /// Bits a window.
    pub(super) width: usize,
    /// `scalars[..reach[w]]` may have a digit in window w; one entry a window.
    reach: Vec<usize>,
}

/// A digit that is not zero: which base goes into which bucket.
#[derive(Clone, Copy, Default)]
pub(super) struct Entry {
    /// Magnitude of the digit, from 1.
    pub(super) bucket: u32,
    /// Index of the base, and the digit's sign in the top bit.
    signed_index: u32,
}

impl Entry {
    /// A base that is added to a bucket.
    pub(super) fn added(bucket: u32, index: u32) -> Self {
        Self { bucket, signed_index: index }
    }

    /// Index of the base.
    #[inline(always)]
    pub(super) fn index(self) -> usize {
        (self.signed_index & !(1 << 31)) as usize
    }

    /// Whether the base is subtracted.
    #[inline(always)]
    pub(super) fn negative(self) -> bool {
        self.signed_index >> 31 != 0
    }
}

/// `a - b` and whether it borrowed.
#[inline(always)]
pub(super) fn subtract(a: [u64; 4], b: [u64; 4]) -> ([u64; 4], bool) {
    let mut borrow = false;
    let difference = std::array::from_fn(|i| {
        let (d, b1) = a[i].overflowing_sub(b[i]);
        let (d, b2) = d.overflowing_sub(u64::from(borrow));
        borrow = b1 | b2;
        d
    });
    (difference, borrow)
}

/// `a + b`; the callers' values stay below 2^256.
fn sum(a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
    let mut carry = false;
    std::array::from_fn(|i| {
        let (s, c1) = a[i].overflowing_add(b[i]);
        let (s, c2) = s.overflowing_add(u64::from(carry));
        carry = c1 | c2;
        s
    })
}

fn bits(limbs: &[u64; 4]) -> usize {
    let top = limbs.iter().rposition(|limb| *limb != 0);
    top.map_or(0, |top| 64 * top + 64 - limbs[top].leading_zeros() as usize)
}

/// `width` bits from bit `low` on.
#[inline(always)]
fn field(limbs: &[u64; 4], low: usize, width: usize) -> u32 {
    let (limb, shift) = (low / 64, low % 64);
    let mut value = limbs[limb] >> shift;
    if shift + width > 64 && limb < 3 {
        value |= limbs[limb + 1] << (64 - shift);
    }
    (value & ((1 << width) - 1)) as u32
}

/// How many windows hold magnitudes of up to `bits` bits: the last one must not overflow half its range.
fn windows(bits: usize, width: usize) -> usize {
    (bits + 1).div_ceil(width)
}

/// The width that costs least, given how many magnitudes have at least b bits, for every b.
fn best_width(at_least: &[usize], longest: usize, projective: usize) -> usize {
    let cost = |width: &usize| -> usize {
        let buckets = 1usize << (width - 1);
        let window = |w: usize| {
            let entries = at_least[w * width];
            let outer = (1 << (width / 2)) + (1 << (width - 1 - width / 2));
            entries + 2 * entries.min(buckets) + 2 * projective * outer + WINDOW
        };
        (0..windows(longest, *width)).map(window).sum()
    };
    (2..=MAX_WIDTH).min_by_key(cost).unwrap_or(MAX_WIDTH)
}

impl Digits {
    /// Cuts the scalars into the windows that cost least when a projective addition costs `projective` batch-affine ones.
    ///
    /// Zeros are dropped here, short ones take part in the low windows only.
    pub(super) fn new(scalars: &[Fr], projective: usize) -> Self {
        let half = Fr::MODULUS_MINUS_ONE_DIV_TWO.0;
        let signed = |(index, scalar): (usize, &Fr)| {
            let limbs = scalar.into_bigint().0;
            let negative = subtract(half, limbs).1;
            let limbs = if negative { subtract(Fr::MODULUS.0, limbs).0 } else { limbs };
            Signed { limbs, index: index as u32, bits: bits(&limbs) as u16, negative }
        };
        let unsorted: Vec<Signed> =
            scalars.par_iter().enumerate().filter(|(_, scalar)| !is_zero(*scalar)).map(signed).collect();

        // at_least[b]: how many have b bits or more; also where those with b - 1 bits start, longest first.
        let mut at_least = vec![0usize; MAX_BITS + MAX_WIDTH + 2];
        for scalar in &unsorted {
            at_least[usize::from(scalar.bits)] += 1;
        }
        for bits in (0..at_least.len() - 1).rev() {
            at_least[bits] += at_least[bits + 1];
        }
        let longest = unsorted.iter().map(|scalar| usize::from(scalar.bits)).max().unwrap_or(0);
        let width = best_width(&at_least, longest, projective);
        let windows = if unsorted.is_empty() { 0 } else { windows(longest, width) };

        // With half a range added to every window but the last, plain bit fields less that half are signed digits.
        let mut offset = [0u64; 4];
        for window in 1..windows {
            let bit = window * width - 1;
            offset[bit / 64] |= 1 << (bit % 64);
        }
        let mut next = at_least[1..].to_vec();
        let mut sorted = unsorted.clone();
        for scalar in &unsorted {
            let place = &mut next[usize::from(scalar.bits)];
            sorted[*place] = Signed { limbs: sum(scalar.limbs, offset), ..*scalar };
            *place += 1;
        }
        // With the carries from below, a magnitude of one bit less than the window's first may still carry into it.
        let reach = (0..windows).map(|window| at_least[(window * width).saturating_sub(1)]).collect();
        Self { scalars: sorted, width, reach }
    }

    /// How many windows there are.
    pub(super) fn windows(&self) -> usize {
        self.reach.len()
    }

    /// The digits of a window that are not zero, by bucket; a counting sort.
    pub(super) fn entries(&self, window: usize) -> Vec<Entry> {
        let half = if window + 1 < self.windows() { 1i32 << (self.width - 1) } else { 0 };
        let scalars = &self.scalars[..self.reach[window]];
        let digit = |scalar: &Signed| field(&scalar.limbs, window * self.width, self.width) as i32 - half;
        let mut places = vec![0usize; (1 << (self.width - 1)) + 2];
        for scalar in scalars {
            places[digit(scalar).unsigned_abs() as usize + 1] += 1;
        }
        // Bucket 0 has no place.
        places[1] = 0;
        for bucket in 1..places.len() {
            places[bucket] += places[bucket - 1];
        }
        let mut entries = vec![Entry::default(); places[places.len() - 1]];
        for scalar in scalars {
            let digit = digit(scalar);
            if digit != 0 {
                let bucket = digit.unsigned_abs();
                let place = &mut places[bucket as usize];
                let sign = u32::from(scalar.negative ^ (digit < 0)) << 31;
                entries[*place] = Entry { bucket, signed_index: scalar.index | sign };
                *place += 1;
            }
        }
        entries
    }
}

#[cfg(test)]
mod tests {
    use ark_ff::{AdditiveGroup, Field, One};

    use super::*;

    /// The scalars that the digits of all windows add up to.
    fn recomposed(digits: &Digits, count: usize) -> Vec<Fr> {
        let mut scalars = vec![Fr::ZERO; count];
        for window in 0..digits.windows() {
            let weight = Fr::from(2u64).pow([(window * digits.width) as u64]);
            let entries = digits.entries(window);
            assert!(entries.is_sorted_by_key(|entry| entry.bucket));
            for entry in entries {
                assert!((1..=1 << (digits.width - 1)).contains(&entry.bucket));
                let digit = Fr::from(entry.bucket);
                scalars[entry.index()] += weight * if entry.negative() { -digit } else { digit };
            }
        }
        scalars
    }

    #[test]
    fn digits_add_up_to_the_scalars() {
        let half = Fr::from(Fr::MODULUS_MINUS_ONE_DIV_TWO);
        let mut scalars = vec![Fr::ZERO, Fr::one(), -Fr::one(), half, half + Fr::one(), half - Fr::one()];
        for bit in 0..254u64 {
            let power = Fr::from(2u64).pow([bit]);
            scalars.extend([power, power - Fr::one(), -power, Fr::from(bit).pow([91])]);
        }
        // More of them make wider windows the best; fewer bits, fewer windows.
        for copies in [1, 10, 100] {
            let scalars = scalars.repeat(copies);
            assert_eq!(recomposed(&Digits::new(&scalars, 3), scalars.len()), scalars);
        }
        for bits in [1, 2, 3, 8, 15, 16, 17, 63, 64, 65, 127, 128, 129] {
            let top = Fr::from(2u64).pow([bits]) - Fr::one();
            let scalars = [top, -top, Fr::one()].repeat(40);
            let digits = Digits::new(&scalars, 3);
            assert!(digits.windows() <= (bits as usize + 1).div_ceil(2));
            assert_eq!(recomposed(&digits, scalars.len()), scalars);
        }
        assert_eq!(Digits::new(&[Fr::ZERO; 5], 3).windows(), 0);
        assert_eq!(Digits::new(&[], 3).windows(), 0);
    }
}
