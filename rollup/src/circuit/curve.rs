//! Grumpkin in rows: `y^2 = x^3 - 17`, coordinates in the circuit's field.
//!
//! ADD, DBL and FIXED-BASE are incomplete: where both points of a sum have the same x, the constraints no longer fix
//! the result. No prover can bring that about:
//!
//! - *Key multiple* `c P`, `c = 2^128 + sum s_i 2^i` (s_i = 1 or -1), from `acc = P`: before an addition acc is `2m P`
//!   with m odd and `m < 2^128`. The group's order is an odd prime near 2^254 and P is on the curve (checked) and
//!   finite, so `2m P` is neither P nor -P, and no doubling meets y = 0.
//! - *Generator multiple*: it starts at the offset point O, whose x comes out of a hash, so that nobody knows o with
//!   `O = o G`. An addition of `d 4^i G` to `O + k G` with equal x means `O + k G = d 4^i G` or `-d 4^i G`, which
//!   gives o.
//! - The last two additions, `(O + s G) + (-c P)` and `(O + R) + (-O)`: equal x means `a O + b G + c' P = 0` with a = 1
//!   or 2, b and c' known to the prover. With `P = p G` and p known that gives o. For a key made as `P = k O + j G`,
//!   whose p nobody knows, it needs one value of the challenge, fixed by k, and the key enters the hash that gives the
//!   challenge: as hard as guessing a signature. `O + R = O` (R infinite) has no solution: the gate then demands
//!   `(v - y)^2 = 0` with `v = -y`, y not 0.

use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use ark_grumpkin::{Affine, Fr as Scalar, Projective};
use proofyard_proof_system::circuit::{Arith, Gate};
use sha2::{Digest, Sha256};

use super::layout::{Constants, Layout, Point, Var, Wire};

/// Bits of a challenge.
pub(super) const CHALLENGE_BITS: usize = 128;
/// Base-4 digits of a response.
pub(super) const RESPONSE_DIGITS: usize = 127;
/// What the offset point is hashed from.
const OFFSET_SEED: &[u8] = b"proofyard/offset-point/v1";

/// The offset point O: for counter = 0, 1, ... let x be the 64 bytes `SHA-256(seed || 2c) || SHA-256(seed || 2c + 1)`
/// (counters as 4 bytes big-endian) as a big-endian integer modulo r; the first x on the curve, with the even y.
pub(super) fn offset_point() -> (Fr, Fr) {
    static OFFSET: LazyLock<(Fr, Fr)> = LazyLock::new(|| {
        let block =
            |counter: u32| Sha256::new().chain_update(OFFSET_SEED).chain_update(counter.to_be_bytes()).finalize();
        let on_curve = |counter: u32| {
            let x = Fr::from_be_bytes_mod_order(&[block(2 * counter), block(2 * counter + 1)].concat());
            let y = (x.square() * x - Fr::from(17u64)).sqrt()?;
            Some((x, if y.into_bigint().is_even() { y } else { -y }))
        };
        // Every second x is on the curve.
        (0..u32::MAX / 2).find_map(on_curve).unwrap_or_default()
    });
    *OFFSET
}

/// The constants of the fixed-base rows: of `4^i G` and `3 * 4^i G` for i = 0..126.
fn tables() -> &'static [[Fr; 4]] {
    static TABLES: LazyLock<Vec<[Fr; 4]>> = LazyLock::new(|| {
        let mut points = Vec::with_capacity(2 * RESPONSE_DIGITS);
        let mut power = Affine::generator().into_group();
        for _ in 0..RESPONSE_DIGITS {
            let double = power.double();
            points.extend([power, double + power]);
            power = double.double();
        }
        let coordinates: Vec<_> = Projective::normalize_batch(&points).iter().map(|point| (point.x, point.y)).collect();
        coordinates.as_chunks::<2>().0.iter().map(|[once, thrice]| fixed_base_constants(*once, *thrice)).collect()
    });
    &TABLES
}

fn fixed_base_constants(once: (Fr, Fr), thrice: (Fr, Fr)) -> [Fr; 4] {
    match Gate::fixed_base(once, thrice) {
        Gate::FixedBase { constants } => constants,
        // The constructor gives this variant only.
        _ => [Fr::ZERO; 4],
    }
}

/// Lays a key and demands that it is on the curve: three rows.
pub(super) fn point_on_curve(layout: &mut Layout, (x, y): (Fr, Fr)) -> Point {
    let product = Arith::small([0, 0, -1, 0], 1);
    let [x, _, x2, _] = layout.arith("x^2", product, [Wire::New(x), Wire::First, Wire::New(x.square()), Wire::Empty]);
    let x3 = Wire::New(x2.value * x.value);
    let [_, _, x3, _] = layout.arith("x^3", product, [x2.into(), x.into(), x3, Wire::Empty]);
    layout.expect("y^2 = x^3 - 17", y.square() + Fr::from(17u64) == x3.value);
    let one = layout.constants().one;
    let equation = Arith::small([0, 0, -1, 17], 1);
    let [y, ..] = layout.arith("y^2 = x^3 - 17", equation, [Wire::New(y), Wire::First, x3.into(), one.into()]);
    Point { x, y }
}

/// `acc + s Q` for a digit s of 1 or -1 given as wire: an ADD row, whose result opens the next row. Returns the wires
/// of that row: the sum, s and Q's y.
fn add_signed(layout: &mut Layout, row: &'static str, acc: [Wire; 2], point: Point, sign: Wire) -> [Wire; 4] {
    let v = Wire::New(sign.value() * point.y.value);
    let [x, y, u, v] = layout.row(row, Gate::Add, Arith::NONE, [acc[0], acc[1], point.x.into(), v]);
    let [x, y] = chord(layout, row, [x.value, y.value], [u.value, v.value]);
    [Wire::New(x), Wire::New(y), sign, point.y.into()]
}

/// The sum of two points with different x.
fn chord(layout: &mut Layout, row: &'static str, [x, y]: [Fr; 2], [u, v]: [Fr; 2]) -> [Fr; 2] {
    let slope = layout.quotient(row, v - y, u - x);
    let sum = slope.square() - x - u;
    [sum, slope * (x - sum) - y]
}

/// Twice a point, as the DBL gate writes it.
fn double(layout: &mut Layout, x: Fr, y: Fr) -> [Fr; 2] {
    let inverse = layout.quotient("double", Fr::ONE, y.double());
    let triple = |value: Fr| value.double() + value;
    let double_x = triple(triple(x * (y.square() + Fr::from(17u64)))) * inverse.square() - x.double();
    [double_x, triple(x.square()) * (x - double_x) * inverse - y]
}

/// `(2^128 + sum s_i 2^i) P`: two rows a bit and one for the result. The signs come and go with the highest bit first.
pub(super) fn key_multiple(layout: &mut Layout, key: Point, signs: &[Fr; CHALLENGE_BITS]) -> (Point, Vec<Var>) {
    let mut wires = [key.x.into(), key.y.into(), Wire::Empty, Wire::Empty];
    let mut laid = Vec::with_capacity(CHALLENGE_BITS);
    for (step, sign) in signs.iter().enumerate() {
        layout.section("key multiple", step);
        let [x, y, previous, _] = layout.row("double", Gate::Double, Arith::NONE, wires);
        if step > 0 {
            laid.push(previous);
        }
        let doubled = double(layout, x.value, y.value);
        wires = add_signed(layout, "add", doubled.map(Wire::New), key, Wire::New(*sign));
    }
    let [x, y, previous, _] = layout.row("result", Gate::Free, Arith::NONE, wires);
    laid.push(previous);
    (Point { x, y }, laid)
}

/// `R = s G - Q` for `s = sum d_i 4^i`, the digits -3, -1, 1 or 3 with the lowest first: 131 rows.
pub(super) fn nonce_point(layout: &mut Layout, digits: &[Fr; RESPONSE_DIGITS], subtracted: Point) -> Point {
    let Constants { offset, minus_one, .. } = layout.constants();
    let mut acc = [offset.x.into(), offset.y.into()];
    for (step, (digit, constants)) in digits.iter().zip(tables()).enumerate() {
        layout.section("generator multiple", step);
        let [q1, q2, q3, q4] = *constants;
        let square = digit.square();
        let wires = [acc[0], acc[1], Wire::New(*digit), Wire::New(q1 + q2 * square)];
        let gate = Gate::FixedBase { constants: *constants };
        let [x, y, digit, u] = layout.row("add", gate, Arith::NONE, wires).map(|var| var.value);
        // As the gate writes it; u^3 - 17 is the square of the table point's y.
        let v = digit * (q3 + q4 * digit.square());
        let inverse = layout.quotient("add", Fr::ONE, u - x);
        let squares = u.square() * u - Fr::from(17u64) + y.square();
        let sum = (squares - v * y.double()) * inverse.square() - x - u;
        acc = [sum, (v - y) * (x - sum) * inverse - y].map(Wire::New);
    }
    layout.section("nonce point", 0);
    let wires = add_signed(layout, "subtract the key multiple", acc, subtracted, minus_one.into());
    let [x, y, ..] = layout.row("with offset", Gate::Free, Arith::NONE, wires);
    let wires = add_signed(layout, "subtract the offset", [x.into(), y.into()], offset, minus_one.into());
    let [x, y, ..] = layout.row("result", Gate::Free, Arith::NONE, wires);
    Point { x, y }
}

/// The digits `s_i = 2 b_i - 1` of `2e + 1 = 2^128 + sum s_i 2^i`, b_i the bits of e; the highest first.
pub(super) fn challenge_signs(e: u128) -> [Fr; CHALLENGE_BITS] {
    std::array::from_fn(|step| sign(e >> (CHALLENGE_BITS - 1 - step) & 1 == 1))
}

/// Digits d_i of -3, -1, 1 or 3 with `sum d_i 4^i = s` modulo the group's order, the lowest first.
pub(super) fn response_digits(s: Scalar) -> [Fr; RESPONSE_DIGITS] {
    // An odd v below 2^254 is the sum of (2 b_j - 1) 2^j, b = (v + 2^254 - 1) / 2; an even s is replaced by s - order =
    // -v.
    let value = s.into_bigint();
    let odd = if value.is_odd() { value } else { (-s).into_bigint() };
    let odd = if odd.is_odd() { odd } else { Scalar::MODULUS };
    let negate = value.is_even();
    let digit = |bit: usize| sign((bit == 2 * RESPONSE_DIGITS - 1 || odd.get_bit(bit + 1)) != negate);
    std::array::from_fn(|i| digit(2 * i) + digit(2 * i + 1).double())
}

fn sign(positive: bool) -> Fr {
    if positive { Fr::ONE } else { -Fr::ONE }
}
