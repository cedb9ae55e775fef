//! Range checks: a chain of base-4 digits.
//!
//! The cells of a chain, row after row, hold accumulators `a_0, a_1, ...` with `a_{p+1} = 4 a_p + (0, 1, 2 or 3)`,
//! which RANGE enforces. Starting at 0, `a_n` is below `4^n`. Several limbs in one chain share it: after limbs `v_1`
//! and `v_2` of n_1 and n_2 digits the accumulator is `v_1 4^(n_2) + v_2`, so each boundary gives a packed value for
//! nothing. The last accumulator opens one more row, whose other three wires and ARITH are free for the relation that
//! uses it.

use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};
use proofyard_proof_system::circuit::{Arith, Gate};

use super::layout::{Layout, Var, Wire};

/// Digits of a 32-bit limb.
pub(super) const DIGITS_32: usize = 16;
/// Digits of a 64-bit limb.
pub(super) const DIGITS_64: usize = 32;

/// A number with its count of base-4 digits.
#[derive(Clone, Copy)]
pub(super) struct Limb {
    pub(super) value: Fr,
    pub(super) digits: usize,
}

/// The accumulators that a chain exposes.
pub(super) struct Chain {
    /// The accumulator it starts from.
    pub(super) start: Var,
    /// The accumulator after each limb but the last.
    pub(super) marks: Vec<Var>,
    /// The row after the chain: the last accumulator, then the wires given.
    pub(super) last: [Var; 4],
}

/// Lays a chain that starts from `start`. All limbs together must have a multiple of four digits, every boundary too;
/// a first limb one digit short of that gets a leading cell that is forced to the start value 0.
///
/// `closing(start, marks)` gives the relation and the wires 2 to 4 of the row after the chain.
pub(super) fn chain(
    layout: &mut Layout,
    start: Wire,
    limbs: &[Limb],
    closing: impl FnOnce(Var, &[Var]) -> (Arith, [Wire; 3]),
) -> Chain {
    let mut accumulators = vec![start];
    let mut accumulator = start.value();
    let short = limbs.first().is_some_and(|limb| limb.digits % 4 == 3);
    if short {
        accumulators.push(start);
    }
    let mut boundaries = Vec::new();
    for limb in limbs {
        boundaries.push(accumulators.len() - 1 + limb.digits);
        for digit in digits(layout, *limb) {
            accumulator = accumulator * Fr::from(4u64) + digit;
            accumulators.push(Wire::New(accumulator));
        }
    }
    boundaries.pop();

    let mut marks = Vec::new();
    let mut first = None;
    for (row, cells) in accumulators.as_chunks::<4>().0.iter().enumerate() {
        layout.at(row);
        let vars = layout.row("digits", Gate::Range, Arith::NONE, *cells);
        first.get_or_insert(vars[0]);
        if boundaries.contains(&(4 * row)) {
            marks.push(vars[0]);
        }
    }
    layout.at(accumulators.len() / 4);
    let end = Wire::New(accumulator);
    // Every chain here has at least one row of digits.
    let start = first.unwrap_or(layout.constants().zero);
    let (arith, [second, third, fourth]) = closing(start, &marks);
    let last = layout.arith("last accumulator", arith, [end, second, third, fourth]);
    Chain { start, marks, last }
}

/// The digits, most significant first. What does not fit stays in the first one, which RANGE then refuses.
fn digits(layout: &mut Layout, limb: Limb) -> Vec<Fr> {
    let mut value = limb.value.into_bigint();
    let mut digits = Vec::with_capacity(limb.digits);
    for _ in 1..limb.digits {
        digits.push(Fr::from(value.0[0] & 3));
        value >>= 2;
    }
    layout.expect("digits", value.num_bits() <= 2);
    digits.push(Fr::from_bigint(value).unwrap_or_default());
    digits.reverse();
    digits
}
