//! The microbenchmarks compute what they say, so that a compiler cannot have dropped the work that is timed.

use std::sync::Arc;

use ark_bn254::Fr;
use ark_ff::BigInt;
use proofyard_kernels_cuda::micro::{Chain, Micro};
use proofyard_kernels_cuda_emulator::Emulator;

const FACTOR: u32 = 0x9e37_79b9;
const ADDEND: u32 = 0xdead_beef;
const LOOPS: u32 = 3;
/// Rounds of a loop over the values of a thread, and those values.
const ROUNDS: u32 = 16 * LOOPS;
const VALUES: u32 = 8;

fn micro() -> Micro<Emulator> {
    Micro::new(Arc::new(Emulator::new(1 << 24)), 100_000).unwrap()
}

fn words(chain: Chain) -> Vec<u32> {
    let micro = micro();
    let operations = micro.chain(chain, FACTOR, ADDEND, LOOPS).unwrap();
    assert_eq!(operations, u64::from(ROUNDS * VALUES) * u64::from(micro.threads()));
    let bytes = micro.results(chain).unwrap();
    bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect()
}

fn check(chain: Chain, expected: impl Fn(u32) -> u32) {
    for (index, word) in (0u32..).zip(words(chain)) {
        assert_eq!(word, expected(index), "{chain:?}, thread {index}");
    }
}

/// All values of a thread, each stepped by itself.
fn alone(index: u32, step: impl Fn(u32) -> u32) -> u32 {
    (0..VALUES).map(|value| (0..ROUNDS).fold(index + value, |x, _| step(x))).fold(0, |all, x| all ^ x)
}

#[test]
fn low_products_are_right() {
    check(Chain::MultiplyAdd, |index| alone(index, |x| x.wrapping_mul(FACTOR).wrapping_add(ADDEND)));
}

#[test]
fn high_products_are_right() {
    let high = |x: u32| ((u64::from(x) * u64::from(FACTOR)) >> 32) as u32;
    check(Chain::MultiplyHigh, |index| alone(index, |x| high(x).wrapping_add(ADDEND)));
}

#[test]
fn wide_products_are_right() {
    check(Chain::MultiplyWide, |index| {
        let mut values: Vec<u64> = (0..VALUES).map(|value| u64::from(index + value)).collect();
        for _ in 0..ROUNDS {
            for value in 0..VALUES as usize {
                let other = u64::from(values[value ^ 1] as u32);
                values[value] = values[value].wrapping_add(other * u64::from(FACTOR));
            }
        }
        values.into_iter().fold(0, |all, value| all ^ (value >> 32) as u32 ^ value as u32)
    });
}

#[test]
fn field_products_are_right() {
    let micro = micro();
    let operations = micro.chain(Chain::FieldProduct, FACTOR, ADDEND, 5).unwrap();
    assert_eq!(operations, 2 * 5 * u64::from(micro.threads()));
    let bytes = micro.results(Chain::FieldProduct).unwrap();
    let factor = Fr::from(FACTOR);
    for (index, element) in bytes.chunks_exact(32).enumerate() {
        let limbs = std::array::from_fn(|i| u64::from_le_bytes(element[8 * i..8 * i + 8].try_into().unwrap()));
        // The kernel starts from the Montgomery limbs index and index + 1.
        let start = |limb: u64| Fr::new_unchecked(BigInt([limb, 0, 0, 0]));
        let expected = (0..2).map(|chain| (0..5).fold(start(index as u64 + chain), |x, _| x * factor)).sum::<Fr>();
        assert_eq!(Fr::new_unchecked(BigInt(limbs)), expected, "thread {index}");
    }
}

#[test]
fn copies_are_whole() {
    let micro = micro();
    let bytes: Vec<u8> = (0..100_000u32).map(|i| (i.wrapping_mul(FACTOR) >> 24) as u8).collect();
    assert!(micro.copied(&bytes).unwrap() == bytes);
    assert_eq!(micro.copy().unwrap(), 200_000);
}
