//! A Schnorr signature in rows: `R = s G - (2e + 1) P` and e = low 128 bits of `hash3(Challenge, [R.x, P.x, digest])`.
//!
//! The hash is a number below r, cut as `e + 2^128 h` with e of 128 bits (the signs of the key multiple) and h of 126
//! bits. Modulo r there could be a second cut, of the hash plus r. Demanding `h <= H - 1` for `r - 1 = 2^128 H + L`
//! excludes it, since then `e + 2^128 h < 2^128 H < r`. A hash with `h = H` cannot be proven; it comes up with
//! probability below 2^-125 and finding one takes as many tries, so no signature is lost to this, and the comparison of
//! the low halves is saved.

use ark_bn254::Fr;
use ark_ff::{BigInt, Field, PrimeField};
use ark_grumpkin::Fr as Scalar;
use proofyard_proof_system::poseidon2::Domain;

use super::curve::{
    CHALLENGE_BITS, RESPONSE_DIGITS, challenge_signs, key_multiple, nonce_point, point_on_curve, response_digits,
};
use super::layout::{Layout, Point, Var, Wire, linear, power_of_two};
use super::range::{Limb, chain};

/// Base-4 digits of h.
const HIGH_DIGITS: usize = 63;

/// What the prover supplies.
#[derive(Clone, Copy)]
pub(super) struct SignatureValues {
    pub(super) e: u128,
    pub(super) s: Scalar,
}

/// The sender's key, on the curve, and a signature by it over the digest.
pub(super) fn verify(layout: &mut Layout, key: Point, digest: Var, values: SignatureValues) {
    let signs = challenge_signs(values.e);
    let signs: [Fr; CHALLENGE_BITS] = std::array::from_fn(|step| layout.choose_at("sign", step, signs[step]));
    let (multiple, signs) = key_multiple(layout, key, &signs);
    let digits = response_digits(values.s);
    let digits: [Fr; RESPONSE_DIGITS] = std::array::from_fn(|step| layout.choose_at("digit", step, digits[step]));
    let nonce = nonce_point(layout, &digits, multiple);
    let e = recompose(layout, &signs);
    layout.section("challenge", 0);
    let (hash, _) = layout.hash3("hash", Domain::Challenge, [nonce.x.into(), key.x.into(), digest.into()]);
    low_half(layout, hash, e);
}

/// `e = sum (s_i + 1)/2 2^i` from the signs, highest first: 64 rows, two signs a row. The constant
/// `sum 2^i / 2 = (2^128 - 1)/2` enters in the first row, divided by the 4^63 that the later rows multiply it by.
fn recompose(layout: &mut Layout, signs: &[Var]) -> Var {
    let half = Fr::from(2u64).inverse().unwrap_or_default();
    let constant = (power_of_two(CHALLENGE_BITS as u64) - Fr::ONE) * half;
    let spread = constant * power_of_two(CHALLENGE_BITS as u64 - 2).inverse().unwrap_or_default();
    let mut accumulator = layout.constants().one;
    let mut factor = spread;
    for (step, [high, low]) in signs.as_chunks::<2>().0.iter().enumerate() {
        layout.section("challenge bits", step);
        let sum = factor * accumulator.value + high.value + half * low.value;
        let wires = [accumulator.into(), Wire::Copy(*high), Wire::Copy(*low), Wire::New(sum)];
        [_, _, _, accumulator] = layout.arith("accumulate", linear([factor, Fr::ONE, half, -Fr::ONE]), wires);
        factor = Fr::from(4u64);
    }
    accumulator
}

/// e is the low half of the hash as a number below r: 34 rows.
fn low_half(layout: &mut Layout, hash: Var, e: Var) {
    let zero = layout.constants().zero;
    let one = layout.constants().one;
    layout.section("challenge high part", 0);
    let high = layout.choose("challenge high part", high_half(hash.value.into_bigint()));
    let limbs = [Limb { value: high, digits: HIGH_DIGITS }];
    let cut = linear([power_of_two(CHALLENGE_BITS as u64), Fr::ONE, -Fr::ONE, Fr::from(0u64)]);
    let high = chain(layout, zero.into(), &limbs, |_, _| (cut, [e.into(), hash.into(), Wire::Empty])).last[0];
    layout.expect("last accumulator", cut.q[0] * high.value + e.value == hash.value);

    layout.section("challenge bound", 0);
    let bound = high_half(Fr::MODULUS) - Fr::ONE;
    let limbs = [Limb { value: layout.choose("challenge bound", bound - high.value), digits: HIGH_DIGITS }];
    let difference = linear([Fr::ONE, Fr::ONE, -bound, Fr::from(0u64)]);
    chain(layout, zero.into(), &limbs, |_, _| (difference, [high.into(), one.into(), Wire::Empty]));
}

/// `floor(value / 2^128)`.
fn high_half(value: BigInt<4>) -> Fr {
    Fr::from(u128::from(value.0[2]) | u128::from(value.0[3]) << 64)
}

/// The rows of a signature: the key on the curve, then [`verify`].
pub(super) fn signer(layout: &mut Layout, key: (Fr, Fr)) -> Point {
    layout.section("sender's key", 0);
    point_on_curve(layout, key)
}
