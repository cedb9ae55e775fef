//! Field elements in eight lanes: five limbs of 52 bits, Montgomery form with R = 2^260.
//!
//! Values need not be reduced. p is below 2^253.6, so that 2^260 is above 84 p and 2^256 above 5 p; every function says what
//! bounds it takes and gives. Limbs are *carried* (each below 2^52) wherever a [`Lanes`] stands; a [`Sum`] is not carried.

use std::marker::PhantomData;

use super::{
    super::field::Limbs,
    words::{BITS, Words},
};

/// Limbs of a value.
pub(super) const LIMBS: usize = 5;

const MASK: u64 = (1 << BITS) - 1;

/// Eight field elements, below 2^260.
pub(in crate::cpu) struct Lanes<F, W> {
    limbs: [W; LIMBS],
    field: PhantomData<F>,
}

impl<F, W: Copy> Clone for Lanes<F, W> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<F, W: Copy> Copy for Lanes<F, W> {}

/// A sum of values before its carries are passed on.
pub(in crate::cpu) struct Sum<F, W>(Lanes<F, W>);

/// The constants of a field.
struct Constants<F>(PhantomData<F>);

/// The element whose number with R = 2^256 is the given one's with R = 2^260.
pub(super) fn raised<F: Limbs>(element: &F) -> F {
    *element * F::from(16u64)
}

/// Four words as five limbs.
pub(super) const fn limbs_of(words: [u64; 4]) -> [u64; LIMBS] {
    [
        words[0] & MASK,
        (words[0] >> 52 | words[1] << 12) & MASK,
        (words[1] >> 40 | words[2] << 24) & MASK,
        (words[2] >> 28 | words[3] << 36) & MASK,
        words[3] >> 16,
    ]
}

/// `limbs * factor`, carried; the product is below 2^260.
const fn multiple(limbs: [u64; LIMBS], factor: u64) -> [u64; LIMBS] {
    let mut product = [0; LIMBS];
    let mut carry = 0u128;
    let mut i = 0;
    while i < LIMBS {
        carry += limbs[i] as u128 * factor as u128;
        product[i] = carry as u64 & MASK;
        carry >>= BITS;
        i += 1;
    }
    product
}

impl<F: Limbs> Constants<F> {
    /// p.
    const P: [u64; LIMBS] = {
        let [p0, p1, p2, p3, _] = F::MODULUS_AND_INVERSE;
        limbs_of([p0, p1, p2, p3])
    };
    /// `-p^-1 mod 2^52`.
    const INVERSE: u64 = F::MODULUS_AND_INVERSE[4] & MASK;
    /// `floor(2^260 / p)`, which is 84 for both fields: the top limb times this over 2^52 is the quotient by p or a little less.
    const QUOTIENT: u64 = (1 << BITS) / (Self::P[4] + 1);
    /// Limb by limb, the multiples of p from 0 to 15.
    const MULTIPLES: [[u64; 16]; LIMBS] = {
        let mut table = [[0; 16]; LIMBS];
        let mut factor = 0;
        while factor < 16 {
            let limbs = multiple(Self::P, factor as u64);
            let mut i = 0;
            while i < LIMBS {
                table[i][factor] = limbs[i];
                i += 1;
            }
            factor += 1;
        }
        table
    };
}

impl<F: Limbs, W: Words> Lanes<F, W> {
    #[inline(always)]
    fn of(limbs: [W; LIMBS]) -> Self {
        Self { limbs, field: PhantomData }
    }

    /// Eight numbers by their limbs, which are carried.
    #[inline(always)]
    pub(super) fn from_limbs(limbs: [W; LIMBS]) -> Self {
        Self::of(limbs)
    }

    /// The element with the given limbs of a field's four-word form in every lane, as a number: no change of form.
    #[inline(always)]
    pub(super) fn splat(element: &F) -> Self {
        Self::of(limbs_of(*element.limbs()).map(W::splat))
    }

    /// Eight numbers of four words.
    #[inline(always)]
    pub(super) fn from_words([w0, w1, w2, w3]: [W; 4]) -> Self {
        let mask = W::splat(MASK);
        Self::of([
            w0.and(mask),
            w0.shr::<52>().or(w1.shl::<12>()).and(mask),
            w1.shr::<40>().or(w2.shl::<24>()).and(mask),
            w2.shr::<28>().or(w3.shl::<36>()).and(mask),
            w3.shr::<16>(),
        ])
    }

    /// Eight numbers of four words, times 16: from R = 2^256 to R = 2^260.
    #[inline(always)]
    pub(super) fn raised_from_words([w0, w1, w2, w3]: [W; 4]) -> Self {
        let mask = W::splat(MASK);
        Self::of([
            w0.shl::<4>().and(mask),
            w0.shr::<48>().or(w1.shl::<16>()).and(mask),
            w1.shr::<36>().or(w2.shl::<28>()).and(mask),
            w2.shr::<24>().or(w3.shl::<40>()).and(mask),
            w3.shr::<12>(),
        ])
    }

    /// The numbers as four words; they are below 2^256.
    #[inline(always)]
    pub(super) fn to_words(self) -> [W; 4] {
        let [l0, l1, l2, l3, l4] = self.limbs;
        [
            l0.or(l1.shl::<52>()),
            l1.shr::<12>().or(l2.shl::<40>()),
            l2.shr::<24>().or(l3.shl::<28>()),
            l3.shr::<36>().or(l4.shl::<16>()),
        ]
    }

    /// `self * other / 2^260`, below `self * other / 2^260 + p`: below 2p when the product of the bounds is at most 84 p^2.
    #[inline(always)]
    pub(super) fn mul(self, other: Self) -> Self {
        let p = Constants::<F>::P.map(W::splat);
        let inverse = W::splat(Constants::<F>::INVERSE);
        let a = self.limbs;
        let zero = W::splat(0);
        let mut sum = [zero; LIMBS];
        for b in other.limbs {
            let mut above = zero;
            // Low halves first and high halves after: fewer of these additions wait for each other.
            for i in 0..LIMBS {
                sum[i] = sum[i].madd_lo(a[i], b);
            }
            let factor = zero.madd_lo(sum[0], inverse);
            for i in 0..LIMBS - 1 {
                sum[i + 1] = sum[i + 1].madd_hi(a[i], b);
            }
            above = above.madd_hi(a[LIMBS - 1], b);
            for i in 0..LIMBS {
                sum[i] = sum[i].madd_lo(factor, p[i]);
            }
            for i in 0..LIMBS - 1 {
                sum[i + 1] = sum[i + 1].madd_hi(factor, p[i]);
            }
            above = above.madd_hi(factor, p[LIMBS - 1]);
            // The lowest limb is a multiple of 2^52 now.
            sum = [sum[1].add(sum[0].shr::<BITS>()), sum[2], sum[3], sum[4], above];
        }
        Sum(Self::of(sum)).carried()
    }

    /// `self + other`.
    #[inline(always)]
    pub(super) fn plus(self, other: Self) -> Sum<F, W> {
        Sum(Self::of(std::array::from_fn(|i| self.limbs[i].add(other.limbs[i]))))
    }

    /// `self - other + P p`; `other` is below `P p`, P is at most 15.
    #[inline(always)]
    pub(super) fn minus<const P: usize>(self, other: Self) -> Sum<F, W> {
        self.plus(Self::zero()).minus::<P>(other)
    }

    /// Zero.
    #[inline(always)]
    pub(super) fn zero() -> Self {
        Self::of([W::splat(0); LIMBS])
    }

    /// A number congruent to this one, which is below 16p: below 1.2p.
    #[inline(always)]
    pub(super) fn reduced(self) -> Self {
        Sum(self).reduced()
    }

    /// The one number below p that this value, below 16p, is congruent to.
    #[inline(always)]
    pub(super) fn canonical(self) -> Self {
        let p = Constants::<F>::P.map(W::splat);
        let reduced = self.reduced();
        let less = Sum(Self::of(std::array::from_fn(|i| reduced.limbs[i].sub(p[i])))).carried();
        Self::of(std::array::from_fn(|i| less.limbs[i].or_where_negative(less.limbs[LIMBS - 1], reduced.limbs[i])))
    }
}

impl<F: Limbs, W: Words> Sum<F, W> {
    /// `self + other`.
    #[inline(always)]
    pub(super) fn plus(&self, other: Lanes<F, W>) -> Self {
        Self(Lanes::of(std::array::from_fn(|i| self.0.limbs[i].add(other.limbs[i]))))
    }

    /// `self - other + P p`; `other` is below `P p`, P is at most 15.
    #[inline(always)]
    pub(super) fn minus<const P: usize>(&self, other: Lanes<F, W>) -> Self {
        let raised = |i: usize| self.0.limbs[i].add(W::splat(Constants::<F>::MULTIPLES[i][P]));
        Self(Lanes::of(std::array::from_fn(|i| raised(i).sub(other.limbs[i]))))
    }

    /// The same value with carried limbs.
    #[inline(always)]
    pub(super) fn carried(self) -> Lanes<F, W> {
        let mask = W::splat(MASK);
        let mut limbs = self.0.limbs;
        for i in 0..LIMBS - 1 {
            let carry = limbs[i].sar::<BITS>();
            limbs[i] = limbs[i].and(mask);
            limbs[i + 1] = limbs[i + 1].add(carry);
        }
        Lanes::of(limbs)
    }

    /// A number congruent to the value, which is not negative and below 16p: below 1.2 p, carried.
    #[inline(always)]
    pub(super) fn reduced(self) -> Lanes<F, W> {
        // The top limb is off by the carries from below, a few units of 2^208. The quotient by p is estimated 0.7 % low,
        // which is more, so that it is never too high.
        let limbs = self.0.limbs;
        let quotient = W::splat(0).madd_hi(limbs[LIMBS - 1], W::splat(Constants::<F>::QUOTIENT));
        let multiples = &const { Constants::<F>::MULTIPLES };
        Self(Lanes::of(std::array::from_fn(|i| limbs[i].sub(quotient.lookup(&multiples[i]))))).carried()
    }
}

#[cfg(test)]
mod tests {
    use ark_bn254::{Fq, Fr};
    use ark_ff::{BigInt, BigInteger};

    use super::*;
    use crate::cpu::lanes::words::{LANES, Model};

    /// A number of four words in one lane and others beside it.
    fn lanes<F: Limbs, W: Words>(number: BigInt<4>) -> Lanes<F, W> {
        let rows: [[u64; 4]; LANES] = std::array::from_fn(|lane| if lane == 3 { number.0 } else { [lane as u64; 4] });
        Lanes::from_words(W::gather(rows.each_ref()))
    }

    fn lane<F: Limbs, W: Words>(value: Lanes<F, W>) -> BigInt<4> {
        BigInt(W::scatter(value.to_words())[3])
    }

    /// Numbers below 4p, reduced or not, at the edges of the field and of the limbs.
    fn numbers<F: Limbs<BigInt = BigInt<4>>>() -> Vec<BigInt<4>> {
        let p = F::MODULUS;
        let mut numbers = vec![BigInt::zero(), BigInt::from(1u64), p];
        for bit in [51, 52, 103, 104, 156, 207, 208, 253] {
            let power = BigInt::from(1u64) << bit;
            let mut below = power;
            below.sub_with_borrow(&BigInt::from(1u64));
            numbers.extend([power, below]);
        }
        let mut walk = F::from(3u64);
        for _ in 0..20 {
            walk = walk.square() + F::from(7u64);
            numbers.push(walk.into_bigint());
        }
        let mut below = p;
        below.sub_with_borrow(&BigInt::from(1u64));
        numbers.push(below);
        let mut unreduced = numbers.clone();
        for multiple in [1, 3] {
            unreduced.extend(numbers.iter().take(8).map(|number| {
                let mut number = *number;
                (0..multiple).for_each(|_| assert!(!number.add_with_carry(&p)));
                number
            }));
        }
        unreduced
    }

    fn agrees<F: Limbs<BigInt = BigInt<4>>, W: Words>() {
        let element = |number: BigInt<4>| F::from_le_bytes_mod_order(&number.to_bytes_le());
        let lower = F::from(2u64).pow([260]).inverse().unwrap();
        let numbers = numbers::<F>();
        for a in &numbers {
            let x = lanes::<F, W>(*a);
            assert_eq!(lane(x), *a);
            assert_eq!(lane(x.canonical()), element(*a).into_bigint());
            assert_eq!(element(lane(x.reduced())), element(*a));
            assert!(lane(x.reduced()) < BigInt::<4>::from(29u64) << 249);
            for b in &numbers {
                let y = lanes::<F, W>(*b);
                let canonical = |value: Lanes<F, W>| lane(value.canonical());
                assert_eq!(canonical(x.mul(y)), (element(*a) * element(*b) * lower).into_bigint());
                assert_eq!(canonical(x.plus(y).carried()), (element(*a) + element(*b)).into_bigint());
                assert_eq!(canonical(x.minus::<5>(y).carried()), (element(*a) - element(*b)).into_bigint());
                let sum = x.plus(x).minus::<5>(y).minus::<2>(y.reduced()).reduced();
                assert_eq!(canonical(sum), (element(*a).double() - element(*b).double()).into_bigint());
            }
        }
        let words = W::gather(std::array::from_fn(|_| &numbers[25].0));
        let raised = lane(Lanes::<F, W>::raised_from_words(words).canonical());
        assert_eq!(raised, (element(numbers[25]) * F::from(16u64)).into_bigint());
    }

    #[test]
    fn both_fields_agree_with_arkworks() {
        agrees::<Fr, Model>();
        agrees::<Fq, Model>();
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_instructions_agree_with_arkworks_where_they_are() {
        use crate::cpu::lanes::words::Ifma;
        if Ifma::available() {
            Ifma::vectorize(agrees::<Fr, Ifma>);
            Ifma::vectorize(agrees::<Fq, Ifma>);
        }
    }
}
