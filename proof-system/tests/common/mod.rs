//! A small circuit that uses every gate, shared by the tests of the proof system.
#![allow(dead_code, reason = "every test binary uses a part of this module")]

pub mod farm;
pub mod reference;

use std::sync::Arc;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField};
use proofyard_proof_system::{
    circuit::{Arith, Cell, Circuit, CircuitBuilder, Gate, Witness},
    poseidon2::permute,
};

/// A reproducible stream of field elements (SplitMix64).
pub struct Stream(pub u64);

impl Stream {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn element(&mut self) -> Fr {
        let bytes: Vec<u8> = (0..5).flat_map(|_| self.word().to_le_bytes()).collect();
        Fr::from_le_bytes_mod_order(&bytes)
    }

    pub fn elements<const N: usize>(&mut self) -> [Fr; N] {
        std::array::from_fn(|_| self.element())
    }
}

/// An affine point of Grumpkin, `y^2 = x^3 - 17`.
pub type Point = (Fr, Fr);

pub fn generator() -> Point {
    (Fr::ONE, (-Fr::from(16)).sqrt().expect("-16 is a square"))
}

fn chord(a: Point, b: Point, slope: Fr) -> Point {
    let x = slope.square() - a.0 - b.0;
    (x, slope * (a.0 - x) - a.1)
}

pub fn add_points(a: Point, b: Point) -> Point {
    chord(a, b, (b.1 - a.1) / (b.0 - a.0))
}

pub fn double_point(a: Point) -> Point {
    chord(a, a, Fr::from(3) * a.0.square() / a.1.double())
}

/// Tag in the capacity of the toy's hash.
const TOY_TAG: u64 = 0x746f79;
/// Rows per repetition of the body in T.
const ROWS_PER_BODY: usize = 64;

/// Cells of one body: baton in, baton out.
struct Body {
    inputs: [Cell; 3],
    outputs: [Cell; 3],
}

/// out0 = hash(in0, secret), out1 = in1 + 1, out2 = in2 + x with x a 16-bit number, and a few curve operations.
fn synthesise_body(builder: &mut CircuitBuilder, inputs: [Fr; 3], stream: &mut Stream) -> Body {
    let (zero, one) = (Fr::ZERO, Fr::ONE);
    let secret = stream.element();
    let bits = stream.word();

    // The hash.
    let tag = Fr::from(TOY_TAG);
    let hash = builder.poseidon2([inputs[0], secret, Fr::from(7), tag]);
    let seven = builder.constant(Fr::from(7));
    let tag = builder.constant(tag);
    builder.copy(hash.input[2], seven);
    builder.copy(tag, hash.input[3]);

    // The counter.
    let counter = builder
        .row(Gate::Arith { q: Arith::small([1, 1, -1, 0], 0).q, qm: zero }, [inputs[1], one, inputs[1] + one, zero]);
    let one_cell = builder.constant(one);
    builder.copy(counter[1], one_cell);

    // Eight base-4 digits of x; the row of x also adds it to in2.
    let x = bits & 0xffff;
    let prefix = |digits: u32| Fr::from(x >> (16 - 2 * digits));
    let start = builder.row(Gate::Range, [zero, prefix(1), prefix(2), prefix(3)]);
    builder.row(Gate::Range, [prefix(4), prefix(5), prefix(6), prefix(7)]);
    let sum = builder.row(
        Gate::Arith { q: Arith::small([1, 1, -1, 0], 0).q, qm: zero },
        [Fr::from(x), inputs[2], inputs[2] + Fr::from(x), zero],
    );
    let zero_cell = builder.constant(zero);
    builder.copy(start[0], zero_cell);

    // A product with the secret.
    let product = builder.arith([zero, zero, -one, zero], one, [Fr::from(x), secret, Fr::from(x) * secret, zero]);
    builder.copy(product[0], sum[0]);
    builder.copy(product[1], hash.input[1]);

    // P = 2 (G + d-th table point) + (u, +-h).
    let start = generator();
    let once = double_point(start);
    let thrice = add_points(double_point(once), once);
    let (digit, entry) = if bits >> 16 & 1 == 0 { (1, once) } else { (3, thrice) };
    let negative = bits >> 17 & 1 == 1;
    let signed = |negative: bool, value: Fr| if negative { -value } else { value };
    let entry = (entry.0, signed(negative, entry.1));
    let digit = signed(negative, Fr::from(digit));
    let first = builder.row(Gate::fixed_base(once, thrice), [start.0, start.1, digit, entry.0]);
    for (cell, value) in first.into_iter().zip([start.0, start.1]) {
        let constant = builder.constant(value);
        builder.copy(cell, constant);
    }
    let point = add_points(start, entry);
    builder.row(Gate::Double, [point.0, point.1, zero, zero]);
    let point = double_point(point);
    let other = double_point(double_point(once));
    let sign = signed(bits >> 18 & 1 == 1, one);
    builder.row(Gate::Add, [point.0, point.1, other.0, sign * other.1]);
    let point = add_points(point, (other.0, sign * other.1));
    builder.row(Gate::Free, [point.0, point.1, sign, other.1]);

    // One of four candidates; new = candidate + b0 goes to one of four places.
    let candidates: [Fr; 4] = stream.elements();
    let (low, high) = (bits >> 19 & 1, bits >> 20 & 1);
    let chosen = (low + 2 * high) as usize;
    builder.row(Gate::Select, candidates);
    let new = candidates[chosen] + Fr::from(low);
    builder.row_with_arith(
        Gate::Demux,
        Arith::small([1, 0, 1, -1], 0),
        [Fr::from(low), Fr::from(high), candidates[chosen], new],
    );
    let mut places = [zero; 4];
    places[chosen] = Fr::from(low);
    builder.row(Gate::Free, places);

    Body { inputs: [hash.input[0], counter[0], sum[1]], outputs: [hash.output[0], counter[2], sum[2]] }
}

fn synthesise(builder: &mut CircuitBuilder, rows_log2: u32, inputs: [Fr; 3], seed: u64) -> [Fr; 3] {
    let bodies = (1usize << rows_log2) / ROWS_PER_BODY;
    assert!(bodies > 0, "the toy needs 2^6 rows");
    let mut stream = Stream(seed);
    let mut baton = [0, 1, 2].map(|k| builder.input(k));
    let mut values = inputs;
    for (cell, value) in baton.into_iter().zip(inputs) {
        builder.set(cell, value);
    }
    for _ in 0..bodies {
        let mut fragment = builder.fragment();
        let body = synthesise_body(&mut fragment, values, &mut stream);
        values = body.outputs.map(|cell| fragment.value(cell));
        let placement = builder.append(&fragment);
        for (previous, input) in baton.into_iter().zip(body.inputs) {
            builder.copy(previous, placement.cell(input));
        }
        baton = body.outputs.map(|cell| placement.cell(cell));
    }
    for k in 0..3 {
        builder.set(builder.output(k), values[k]);
        builder.copy(baton[k], builder.output(k));
    }
    values
}

/// A circuit with every gate and T = 2^rows_log2, at least 2^6.
pub fn toy_circuit(rows_log2: u32) -> Arc<Circuit> {
    let mut builder = CircuitBuilder::structure();
    synthesise(&mut builder, rows_log2, [Fr::ZERO; 3], 0);
    Arc::new(builder.finish_structure(rows_log2).expect("the toy circuit is sound"))
}

/// A satisfying witness of [`toy_circuit`] and the baton that goes out.
pub fn toy_witness(rows_log2: u32, inputs: [Fr; 3], seed: u64) -> (Witness, [Fr; 3]) {
    finish_toy(CircuitBuilder::witness(), rows_log2, inputs, seed)
}

/// The same without the rows of permutations.
pub fn toy_outline(rows_log2: u32, inputs: [Fr; 3], seed: u64) -> (Witness, [Fr; 3]) {
    finish_toy(CircuitBuilder::outline(), rows_log2, inputs, seed)
}

fn finish_toy(mut builder: CircuitBuilder, rows_log2: u32, inputs: [Fr; 3], seed: u64) -> (Witness, [Fr; 3]) {
    let outputs = synthesise(&mut builder, rows_log2, inputs, seed);
    (builder.finish_witness(rows_log2).expect("the toy witness is sound"), outputs)
}

/// The first hash of the toy, to compare with: `permute([in0, secret, 7, tag])[0]`.
pub fn toy_first_hash(input: Fr, seed: u64) -> Fr {
    let secret = Stream(seed).element();
    permute([input, secret, Fr::from(7), Fr::from(TOY_TAG)])[0]
}

/// A field element from 32 big-endian bytes in hex.
pub fn from_hex(text: &str) -> Fr {
    let limb = |index: usize| u64::from_str_radix(&text[16 * index..16 * (index + 1)], 16).expect("hex");
    Fr::from_bigint(BigInt([limb(3), limb(2), limb(1), limb(0)])).expect("below r")
}
