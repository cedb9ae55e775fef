//! Lies about the key, the two multiples, the challenge and its cut.
//!
//! The nonce point enters the challenge's hash, so a lie before it cannot come out with the right challenge. To see the
//! one constraint alone, the hash's output is replaced by the challenge in use: its last transition then fails as well,
//! and nothing else.

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::BigInteger;
use ark_grumpkin::Affine;

use super::*;

const KEY: &str = "sender's key";
const MULTIPLE: &str = "key multiple";
const GENERATOR: &str = "generator multiple";
const NONCE: &str = "nonce point";
const HIGH: &str = "challenge high part";
const BOUND: &str = "challenge bound";

fn hash_failure() -> Failure {
    gate("challenge", 0, "hash", 1)
}

/// The failures with the challenge's hash made to be `e`, less the one of the hash.
fn failures_without_hash(values: &SlotValues, e: Fr, tamper: Tamper) -> Vec<Failure> {
    let failures = Trial::new(values, tamper.and(output("challenge", 0, "hash", e))).failures();
    assert!(failures.contains(&hash_failure()), "{failures:?}");
    failures.into_iter().filter(|failure| *failure != hash_failure()).collect()
}

fn lie(tamper: Tamper) -> Vec<Failure> {
    let values = Forge::default().values();
    let e = Fr::from(values.signature.e);
    failures_without_hash(&values, e, tamper)
}

#[test]
fn a_hash_of_the_provers_own() {
    assert_eq!(lie(Tamper::default()), []);
}

#[test]
fn a_signature_of_something_else() {
    let forge = Forge { signed_digest: Some(Fr::from(8u64)), ..Forge::default() };
    assert_eq!(forge.failures(Tamper::default()), [gate(HIGH, 16, "last accumulator", 0)]);
    let forge = Forge { signed_to: Fr::from(4u64), ..Forge::default() };
    assert_eq!(forge.failures(Tamper::default()), [gate(HIGH, 16, "last accumulator", 0)]);
    let mut values = Forge::default().values();
    values.signature.s += Scalar::from(1u64);
    assert_eq!(Trial::new(&values, Tamper::default()).failures(), [gate(HIGH, 16, "last accumulator", 0)]);
}

#[test]
fn a_digest_other_than_the_transfers() {
    let digest = Fr::from(8u64);
    let forge = Forge { signed_digest: Some(digest), ..Forge::default() };
    assert_eq!(forge.failures(output("transfer", 0, "digest", digest)), [gate("transfer", 0, "digest", 1)]);
}

#[test]
fn a_key_off_the_curve() {
    let honest = Forge::default();
    let (x, y) = (honest.sender_key().0, honest.sender_key().1 + Fr::ONE);
    let values = Forge { key: Some((x, y)), ..honest }.values();
    let e = Fr::from(values.signature.e);
    assert_eq!(failures_without_hash(&values, e, Tamper::default()), [gate(KEY, 0, "y^2 = x^3 - 17", 0)]);
    let cube = y.square() + Fr::from(17u64);
    let tamper = cell(KEY, 0, "x^3", 2, Lie::Set(cube));
    assert_eq!(failures_without_hash(&values, e, tamper), [gate(KEY, 0, "x^3", 0)]);
    let square = cube / x;
    let tamper = cell(KEY, 0, "x^2", 2, Lie::Set(square));
    assert_eq!(failures_without_hash(&values, e, tamper), [gate(KEY, 0, "x^2", 0)]);
}

#[test]
fn a_challenge_digit_other_than_one_and_minus_one() {
    let values = Forge::default().values();
    let bit = 5;
    let step = 127 - bit;
    for digit in [3u64, 5] {
        let weight = |value: u64| Fr::from(value) * power_of_two(bit as u64);
        let old = (values.signature.e >> bit & 1) as u64;
        let e = Fr::from(values.signature.e) - weight(old) + weight(digit.div_ceil(2));
        let failures = failures_without_hash(&values, e, choose("sign", step, Fr::from(digit)));
        assert_eq!(failures, [gate(MULTIPLE, step, "add", 4)]);
    }
}

#[test]
fn a_wrong_addition_or_doubling_of_the_key() {
    let one = Lie::Add(Fr::ONE);
    for step in [0, 64, 127] {
        let add = |constraint| gate(MULTIPLE, step, "add", constraint);
        let double = |constraint| gate(MULTIPLE, step, "double", constraint);
        // The point added is not s times the key.
        assert_eq!(lie(cell(MULTIPLE, step, "add", 3, one)), [add(3)]);
        // The double.
        assert_eq!(lie(cell(MULTIPLE, step, "add", 0, one)), [double(1), double(2)]);
        assert_eq!(lie(cell(MULTIPLE, step, "add", 1, one)), [double(2)]);
        // The sum, on the row after.
        let (section, row) = if step == 127 { (step, "result") } else { (step + 1, "double") };
        assert_eq!(lie(cell(MULTIPLE, section, row, 0, one)), [add(1), add(2)]);
        assert_eq!(lie(cell(MULTIPLE, section, row, 1, one)), [add(2)]);
    }
}

#[test]
fn a_response_digit_out_of_its_set() {
    for step in [0, 60, 126] {
        for digit in [0u64, 2, 5] {
            let failures = lie(choose("digit", step, Fr::from(digit)));
            assert_eq!(failures, [gate(GENERATOR, step, "add", 1)]);
        }
    }
}

#[test]
fn a_wrong_addition_of_a_table_point() {
    let one = Lie::Add(Fr::ONE);
    for step in [0, 60, 125] {
        let add = |constraint| gate(GENERATOR, step, "add", constraint);
        assert_eq!(lie(cell(GENERATOR, step, "add", 3, one)), [add(2)]);
        assert_eq!(lie(cell(GENERATOR, step + 1, "add", 0, one)), [add(3), add(4)]);
        assert_eq!(lie(cell(GENERATOR, step + 1, "add", 1, one)), [add(4)]);
    }
    let last = |constraint| gate(GENERATOR, 126, "add", constraint);
    assert_eq!(lie(cell(NONCE, 0, "subtract the key multiple", 0, one)), [last(3), last(4)]);
}

#[test]
fn a_wrong_last_addition() {
    let one = Lie::Add(Fr::ONE);
    let first = |constraint| gate(NONCE, 0, "subtract the key multiple", constraint);
    assert_eq!(lie(cell(NONCE, 0, "subtract the key multiple", 3, one)), [first(3)]);
    assert_eq!(lie(cell(NONCE, 0, "with offset", 0, one)), [first(1), first(2)]);
    let second = |constraint| gate(NONCE, 0, "subtract the offset", constraint);
    assert_eq!(lie(cell(NONCE, 0, "subtract the offset", 3, one)), [second(3)]);
    assert_eq!(lie(cell(NONCE, 0, "result", 0, one)), [second(1), second(2)]);
}

#[test]
fn the_key_multiple_added_instead_of_subtracted() {
    let forge = Forge::default();
    let values = forge.values();
    let multiple = (forge.secret.public_key().point() * effective_challenge(values.signature.e)).into_affine();
    let tamper = cell(NONCE, 0, "subtract the key multiple", 3, Lie::Set(multiple.y));
    let failures = lie(tamper.and(cell(NONCE, 0, "with offset", 2, Lie::Set(Fr::ONE))));
    assert!(
        !failures.is_empty() && failures.iter().all(|failure| matches!(failure, Failure::Copy(..))),
        "{failures:?}"
    );
}

#[test]
fn a_challenge_that_is_not_its_digits() {
    let values = Forge::default().values();
    for step in [0, 20, 63] {
        let wrong = Fr::from(values.signature.e) + power_of_two(126 - 2 * step);
        let tamper = cell("challenge bits", step as usize, "accumulate", 3, Lie::Add(Fr::ONE));
        assert_eq!(
            failures_without_hash(&values, wrong, tamper),
            [gate("challenge bits", step as usize, "accumulate", 0)]
        );
    }
}

/// The first nonce k for which `pick` gives a challenge of the prover's own, with the high part that goes with it.
fn other_cut(forge: &Forge, pick: impl Fn(ark_ff::BigInt<4>) -> Option<(u128, Fr)>) -> (SlotValues, Fr) {
    let mut values = forge.values();
    for k in 1..1000u64 {
        let nonce = (Affine::generator() * Scalar::from(k)).into_affine();
        let hash = hash3(HashDomain::Challenge, [nonce.x, forge.sender_key().0, forge.digest()]);
        if let Some((e, high)) = pick(hash.into_bigint()) {
            values.signature = forge.respond(k, e);
            return (values, high);
        }
    }
    panic!("a third of the hashes has another cut");
}

fn halves(value: ark_ff::BigInt<4>) -> (u128, u128) {
    let [a, b, c, d] = value.0;
    (u128::from(a) | u128::from(b) << 64, u128::from(c) | u128::from(d) << 64)
}

#[test]
fn a_challenge_cut_from_the_hash_plus_the_modulus() {
    let (values, high) = other_cut(&Forge::default(), |mut hash| {
        hash.add_with_carry(&Fr::MODULUS);
        let (low, high) = halves(hash);
        (high < 1 << 126).then(|| (low, Fr::from(high)))
    });
    let failures = Trial::new(&values, choose(HIGH, 0, high)).failures();
    assert_eq!(failures, [gate(BOUND, 0, "digits", 2)]);
    // The bound's number denied.
    let tamper = choose(HIGH, 0, high).and(choose(BOUND, 0, Fr::ZERO));
    assert_eq!(Trial::new(&values, tamper).failures(), [gate(BOUND, 16, "last accumulator", 0)]);
}

#[test]
fn a_challenge_cut_with_a_negative_high_part() {
    let (values, high) = other_cut(&Forge::default(), |hash| {
        // hash = e + 2^128 high modulo r with high = -j.
        let mut rest = Fr::MODULUS;
        rest.sub_with_borrow(&hash);
        let (low, j) = halves(rest);
        let j = j + 1;
        let room = (1u128 << 126) - halves(Fr::MODULUS).1;
        (low != 0 && j < room).then(|| (low.wrapping_neg(), -Fr::from(j)))
    });
    let failures = Trial::new(&values, choose(HIGH, 0, high)).failures();
    assert_eq!(failures, [gate(HIGH, 0, "digits", 2)]);
}

#[test]
fn small_nonces_meet_no_exceptional_sum() {
    // Without the offset point the sums of the fixed-base rows would pass through infinity here.
    let forge = Forge::default();
    for k in [1u64, 2, 3, 4, 6, 12] {
        for nonce in [Scalar::from(k), -Scalar::from(k)] {
            let point = (Affine::generator() * nonce).into_affine();
            let key = forge.secret.public_key();
            let e = crate::schnorr::challenge(point.x, &key, forge.digest());
            let mut values = forge.values();
            values.signature = SignatureValues { e, s: nonce + effective_challenge(e) * Scalar::from(7u64) };
            assert_eq!(Trial::new(&values, Tamper::default()).failures(), []);
        }
    }
}
