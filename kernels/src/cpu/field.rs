//! Montgomery arithmetic on four limbs, for both fields of BN254.
//!
//! The inner loops spend nearly all their time here, so on x86-64 with BMI2 and ADX the product is written with two carry
//! chains, and sums and differences without branches. Elsewhere arkworks computes the same canonical values.

use ark_bn254::{Fq, Fr};
use ark_ff::{Fp, MontBackend, MontConfig};

/// A field of four limbs whose elements are kept reduced, in Montgomery form with R = 2^256.
pub(super) trait Limbs: ark_ff::PrimeField + sealed::Four {}

impl Limbs for Fr {}
impl Limbs for Fq {}

mod sealed {
    /// Gives the inner loops the limbs and constants of a field.
    pub trait Four: Copy {
        /// The modulus and then `-modulus^-1 mod 2^64`.
        const MODULUS_AND_INVERSE: [u64; 5];
        /// The four limbs, little-endian.
        fn limbs(&self) -> &[u64; 4];
        /// The four limbs to write.
        fn limbs_mut(&mut self) -> &mut [u64; 4];
    }
}

impl<C: MontConfig<4>> sealed::Four for Fp<MontBackend<C, 4>, 4> {
    const MODULUS_AND_INVERSE: [u64; 5] = [C::MODULUS.0[0], C::MODULUS.0[1], C::MODULUS.0[2], C::MODULUS.0[3], C::INV];

    #[inline(always)]
    fn limbs(&self) -> &[u64; 4] {
        &self.0.0
    }

    #[inline(always)]
    fn limbs_mut(&mut self) -> &mut [u64; 4] {
        &mut self.0.0
    }
}

/// p.
pub(super) const fn modulus<F: Limbs>() -> [u64; 4] {
    let [p0, p1, p2, p3, _] = F::MODULUS_AND_INVERSE;
    [p0, p1, p2, p3]
}

/// 2p.
pub(super) const fn twice_modulus<F: Limbs>() -> [u64; 4] {
    let [p0, p1, p2, p3] = modulus::<F>();
    [p0 << 1, p1 << 1 | p0 >> 63, p2 << 1 | p1 >> 63, p3 << 1 | p2 >> 63]
}

/// Whether all limbs are zero.
#[inline(always)]
pub(super) fn is_zero<F: Limbs>(a: &F) -> bool {
    let [a0, a1, a2, a3] = *a.limbs();
    a0 | a1 | a2 | a3 == 0
}

/// `*out = a * b`.
///
/// The results are written where they belong: a value that is stored limb by limb and then moved as a whole has to wait for
/// the stores to leave the core, which costs as much as a product.
#[inline(always)]
pub(super) fn mul_to<F: Limbs>(out: &mut F, a: &F, b: &F) {
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        return x86::mul::<F, true>(out, a, b);
    }
    *out = *a * b;
}

/// `*out = a + b`.
#[inline(always)]
pub(super) fn add_to<F: Limbs>(out: &mut F, a: &F, b: &F) {
    #[cfg(target_arch = "x86_64")]
    x86::add(out, a, b);
    #[cfg(not(target_arch = "x86_64"))]
    {
        *out = *a + b;
    }
}

/// `*out = a - b`.
#[inline(always)]
pub(super) fn sub_to<F: Limbs>(out: &mut F, a: &F, b: &F) {
    #[cfg(target_arch = "x86_64")]
    x86::sub(out, a, b);
    #[cfg(not(target_arch = "x86_64"))]
    {
        *out = *a - b;
    }
}

/// `a * b`.
#[inline(always)]
pub(super) fn mul<F: Limbs>(a: &F, b: &F) -> F {
    let mut product = F::ZERO;
    mul_to(&mut product, a, b);
    product
}

/// `a + b`.
#[inline(always)]
pub(super) fn add<F: Limbs>(a: &F, b: &F) -> F {
    let mut sum = F::ZERO;
    add_to(&mut sum, a, b);
    sum
}

/// `(a + turn b, a - turn b)` in place, for a and b below 4p and turn below p; the results are below 4p again (Harvey, "Faster
/// arithmetic for number-theoretic transforms", 2014).
#[inline(always)]
pub(super) fn lazy_butterfly<F: Limbs>(a: &mut F, b: &mut F, turn: &F) {
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        let mut turned = F::ZERO;
        x86::mul::<F, false>(&mut turned, b, turn);
        return x86::lazy_sum_and_difference(a, b, &turned);
    }
    // Reduced values stay reduced.
    let turned = *b * turn;
    *b = *a - turned;
    *a += turned;
}

/// The same with turn = 1, for b below 2p.
#[inline(always)]
pub(super) fn plain_lazy_butterfly<F: Limbs>(a: &mut F, b: &mut F) {
    let other = *b;
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        return x86::lazy_sum_and_difference(a, b, &other);
    }
    *b = *a - other;
    *a += other;
}

/// The reduced value of one below 4p.
#[inline(always)]
pub(super) fn reduce_lazy<F: Limbs>(a: &mut F) {
    #[cfg(target_arch = "x86_64")]
    {
        let below_2p = x86::subtract_unless_less(*a.limbs(), &const { twice_modulus::<F>() });
        *a.limbs_mut() = x86::subtract_unless_less(below_2p, &const { modulus::<F>() });
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = a;
}

/// `a / 2^times` for up to 63: one step of a Montgomery reduction, by a word of that many bits.
#[inline(always)]
pub(super) fn halve_times<F: Limbs>(a: &F, times: u32) -> F {
    if times == 0 {
        return *a;
    }
    let [p0, p1, p2, p3, inverse] = F::MODULUS_AND_INVERSE;
    let mut halved = *a;
    let limbs = halved.limbs_mut();
    // The multiple of p that clears the low bits. It is at most (2^times - 1) p, so the result is below p.
    let factor = limbs[0].wrapping_mul(inverse) & ((1 << times) - 1);
    let mut carry = 0u128;
    for (limb, p) in limbs.iter_mut().zip([p0, p1, p2, p3]) {
        carry += u128::from(factor) * u128::from(p) + u128::from(*limb);
        *limb = carry as u64;
        carry >>= 64;
    }
    let above = [limbs[1], limbs[2], limbs[3], carry as u64];
    for (limb, above) in limbs.iter_mut().zip(above) {
        *limb = *limb >> times | above << (64 - times);
    }
    halved
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::asm;

    use super::{Limbs, modulus, twice_modulus};

    /// Whether the machine has MULX and the two-chain additions; the answer is cached by the standard library.
    #[inline(always)]
    pub(super) fn available() -> bool {
        std::is_x86_feature_detected!("bmi2") && std::is_x86_feature_detected!("adx")
    }

    /// One row of the product, `t += a * b[i]`, then one word of the reduction, `t = (t + m p) / 2^64`.
    macro_rules! row {
        ($offset:literal) => {
            concat!(
                "mov rdx, [{b} + ",
                $offset,
                "]\n",
                "xor {zero:e}, {zero:e}
                 mulx {high}, {low}, [{a}]
                 adcx {t0}, {low}
                 adox {t1}, {high}
                 mulx {high}, {low}, [{a} + 8]
                 adcx {t1}, {low}
                 adox {t2}, {high}
                 mulx {high}, {low}, [{a} + 16]
                 adcx {t2}, {low}
                 adox {t3}, {high}
                 mulx {t4}, {low}, [{a} + 24]
                 adcx {t3}, {low}
                 adox {t4}, {zero}
                 adcx {t4}, {zero}"
            )
        };
    }

    macro_rules! reduce {
        () => {
            "mov rdx, {t0}
             imul rdx, [{p} + 32]
             xor {zero:e}, {zero:e}
             mulx {high}, {low}, [{p}]
             adcx {low}, {t0}
             mov {t0}, {high}
             adox {t0}, {t1}
             mulx {high}, {low}, [{p} + 8]
             adcx {t0}, {low}
             mov {t1}, {high}
             adox {t1}, {t2}
             mulx {high}, {low}, [{p} + 16]
             adcx {t1}, {low}
             mov {t2}, {high}
             adox {t2}, {t3}
             mulx {t3}, {low}, [{p} + 24]
             adcx {t2}, {low}
             adox {t3}, {t4}
             adcx {t3}, {zero}"
        };
    }

    /// The Montgomery product; if it is not `REDUCED`, it is below 2p for factors below 4p and p. Callers have asked
    /// [`available`].
    #[inline(always)]
    pub(super) fn mul<F: Limbs, const REDUCED: bool>(out: &mut F, a: &F, b: &F) {
        let (t0, t1, t2, t3): (u64, u64, u64, u64);
        // SAFETY: reads 32 bytes at a and b and 40 at the constants, writes registers only; the features were detected.
        unsafe {
            asm!(
                // The first row starts the sum.
                "mov rdx, [{b}]",
                "xor {zero:e}, {zero:e}",
                "mulx {t1}, {t0}, [{a}]",
                "mulx {t2}, {low}, [{a} + 8]",
                "adcx {t1}, {low}",
                "mulx {t3}, {low}, [{a} + 16]",
                "adcx {t2}, {low}",
                "mulx {t4}, {low}, [{a} + 24]",
                "adcx {t3}, {low}",
                "adcx {t4}, {zero}",
                reduce!(),
                row!("8"),
                reduce!(),
                row!("16"),
                reduce!(),
                row!("24"),
                reduce!(),
                a = in(reg) a.limbs().as_ptr(),
                b = in(reg) b.limbs().as_ptr(),
                p = in(reg) const { &F::MODULUS_AND_INVERSE }.as_ptr(),
                t0 = out(reg) t0,
                t1 = out(reg) t1,
                t2 = out(reg) t2,
                t3 = out(reg) t3,
                t4 = out(reg) _,
                low = out(reg) _,
                high = out(reg) _,
                zero = out(reg) _,
                out("rdx") _,
                options(pure, readonly, nostack),
            );
        }
        let product = [t0, t1, t2, t3];
        *out.limbs_mut() = if REDUCED { subtract_unless_less(product, &const { modulus::<F>() }) } else { product };
    }

    /// `a - m` where that is not negative, for m of four limbs.
    #[inline(always)]
    pub(super) fn subtract_unless_less(a: [u64; 4], m: &[u64; 4]) -> [u64; 4] {
        let [mut t0, mut t1, mut t2, mut t3] = a;
        // SAFETY: reads 32 bytes at m, writes registers only.
        unsafe {
            asm!(
                "mov {s0}, {t0}",
                "mov {s1}, {t1}",
                "mov {s2}, {t2}",
                "mov {s3}, {t3}",
                "sub {s0}, [{m}]",
                "sbb {s1}, [{m} + 8]",
                "sbb {s2}, [{m} + 16]",
                "sbb {s3}, [{m} + 24]",
                "cmovnc {t0}, {s0}",
                "cmovnc {t1}, {s1}",
                "cmovnc {t2}, {s2}",
                "cmovnc {t3}, {s3}",
                m = in(reg) m.as_ptr(),
                t0 = inout(reg) t0,
                t1 = inout(reg) t1,
                t2 = inout(reg) t2,
                t3 = inout(reg) t3,
                s0 = out(reg) _,
                s1 = out(reg) _,
                s2 = out(reg) _,
                s3 = out(reg) _,
                options(pure, readonly, nostack),
            );
        }
        [t0, t1, t2, t3]
    }

    /// `(a, b) = (a + t, a - t)` for a below 4p and t below 2p; both are below 4p.
    #[inline(always)]
    pub(super) fn lazy_sum_and_difference<F: Limbs>(a: &mut F, b: &mut F, t: &F) {
        let twice = &const { twice_modulus::<F>() };
        let reduced = subtract_unless_less(*a.limbs(), twice);
        let [mut t0, mut t1, mut t2, mut t3] = reduced;
        let [mut s0, mut s1, mut s2, mut s3] = reduced;
        // SAFETY: reads 32 bytes at t and at twice, writes registers only.
        unsafe {
            asm!(
                "add {t0}, [{t}]",
                "adc {t1}, [{t} + 8]",
                "adc {t2}, [{t} + 16]",
                "adc {t3}, [{t} + 24]",
                "add {s0}, [{m}]",
                "adc {s1}, [{m} + 8]",
                "adc {s2}, [{m} + 16]",
                "adc {s3}, [{m} + 24]",
                "sub {s0}, [{t}]",
                "sbb {s1}, [{t} + 8]",
                "sbb {s2}, [{t} + 16]",
                "sbb {s3}, [{t} + 24]",
                t = in(reg) t.limbs().as_ptr(),
                m = in(reg) twice.as_ptr(),
                t0 = inout(reg) t0,
                t1 = inout(reg) t1,
                t2 = inout(reg) t2,
                t3 = inout(reg) t3,
                s0 = inout(reg) s0,
                s1 = inout(reg) s1,
                s2 = inout(reg) s2,
                s3 = inout(reg) s3,
                options(pure, readonly, nostack),
            );
        }
        *a.limbs_mut() = [t0, t1, t2, t3];
        *b.limbs_mut() = [s0, s1, s2, s3];
    }

    /// The sum, without a branch.
    #[inline(always)]
    pub(super) fn add<F: Limbs>(out: &mut F, a: &F, b: &F) {
        let [mut t0, mut t1, mut t2, mut t3] = *a.limbs();
        // SAFETY: reads 32 bytes at b, writes registers only.
        unsafe {
            asm!(
                "add {t0}, [{b}]",
                "adc {t1}, [{b} + 8]",
                "adc {t2}, [{b} + 16]",
                "adc {t3}, [{b} + 24]",
                b = in(reg) b.limbs().as_ptr(),
                t0 = inout(reg) t0,
                t1 = inout(reg) t1,
                t2 = inout(reg) t2,
                t3 = inout(reg) t3,
                options(pure, readonly, nostack),
            );
        }
        *out.limbs_mut() = subtract_unless_less([t0, t1, t2, t3], &const { modulus::<F>() });
    }

    /// The difference, without a branch.
    #[inline(always)]
    pub(super) fn sub<F: Limbs>(out: &mut F, a: &F, b: &F) {
        let [mut t0, mut t1, mut t2, mut t3] = *a.limbs();
        // SAFETY: reads 32 bytes at b and at the modulus, writes registers only.
        unsafe {
            asm!(
                "sub {t0}, [{b}]",
                "sbb {t1}, [{b} + 8]",
                "sbb {t2}, [{b} + 16]",
                "sbb {t3}, [{b} + 24]",
                // All ones when it borrowed: then the modulus comes back.
                "sbb {s3}, {s3}",
                "mov {s0}, [{p}]",
                "mov {s1}, [{p} + 8]",
                "mov {s2}, [{p} + 16]",
                "and {s0}, {s3}",
                "and {s1}, {s3}",
                "and {s2}, {s3}",
                "and {s3}, [{p} + 24]",
                "add {t0}, {s0}",
                "adc {t1}, {s1}",
                "adc {t2}, {s2}",
                "adc {t3}, {s3}",
                b = in(reg) b.limbs().as_ptr(),
                p = in(reg) const { &F::MODULUS_AND_INVERSE }.as_ptr(),
                t0 = inout(reg) t0,
                t1 = inout(reg) t1,
                t2 = inout(reg) t2,
                t3 = inout(reg) t3,
                s0 = out(reg) _,
                s1 = out(reg) _,
                s2 = out(reg) _,
                s3 = out(reg) _,
                options(pure, readonly, nostack),
            );
        }
        *out.limbs_mut() = [t0, t1, t2, t3];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Edge values and a pseudorandom walk, all pairs, beside arkworks.
    fn agrees<F: Limbs>() {
        let mut values = vec![F::zero(), F::one(), -F::one(), F::from(2u64).inverse().unwrap(), F::from(u64::MAX)];
        for i in 0..60u64 {
            values.push(F::from(i + 3).pow([0x1234_5678_9abc_def1 + i]));
            values.push(-*values.last().unwrap());
            values.push(F::from(2u64).pow([i * 5]));
        }
        for a in &values {
            assert_eq!(is_zero(a), *a == F::ZERO);
            for times in [0, 1, 2, 16, 28, 63] {
                assert_eq!(halve_times(a, times) * F::from(1u64 << times), *a);
            }
            for b in &values {
                assert_eq!(mul(a, b), *a * b);
                assert_eq!(add(a, b), *a + b);
                let mut difference = F::ZERO;
                sub_to(&mut difference, a, b);
                assert_eq!(difference, *a - b);
            }
            assert_eq!(add(a, a), a.double());
        }
    }

    #[test]
    fn both_fields_agree_with_arkworks() {
        agrees::<Fr>();
        agrees::<Fq>();
    }
}
