//! Sums of affine points, eight pairs at a time; the levels of [`super::super::runs`] on vectors.
//!
//! Points lie on the isomorphic curve with `x' = x / 4` and `y' = y / 8`: with R = 2^260 instead of 2^256 their
//! coordinates are the bases' own numbers shifted left by two bits and by one. Chords and tangents do not know the
//! curve's constant, so that nothing else changes; sums are moved back when they leave.

use ark_bn254::{Fq, G1Affine};
use ark_ff::{AdditiveGroup, BigInt, PrimeField, batch_inversion_and_mul};

use crate::point::AffinePoint;

use super::{
    super::{
        affine::ScalarAdder,
        digits::subtract,
        field::{halve_times, twice_modulus},
        runs::{Adder, Runs, Steps, plan},
    },
    field::Lanes,
    words::{LANES, Words},
};

/// Coordinates in four words each: x' below 4p, y' below 2p; all zero for infinity.
#[derive(Clone, Copy, Default)]
pub(in crate::cpu) struct Point {
    x: [u64; 4],
    y: [u64; 4],
}

/// `words << BITS` of numbers below `2^(256 - BITS)`.
#[inline(always)]
fn shifted_left<const BITS: u32>(words: &[u64; 4]) -> [u64; 4] {
    let [w0, w1, w2, w3] = *words;
    let carry = |low: u64| low >> (64 - BITS);
    [w0 << BITS, w1 << BITS | carry(w0), w2 << BITS | carry(w1), w3 << BITS | carry(w2)]
}

/// The number `2^260 mod p`: one, with R = 2^260.
const ONE: Fq = Fq::new_unchecked(BigInt(SIXTEEN.0.0));
const SIXTEEN: Fq = ark_ff::MontFp!("16");

/// The adder of eight pairs at a time.
pub(in crate::cpu) struct LaneAdder<W> {
    steps: Steps,
    /// Where the pairs lie.
    pairs: Vec<u32>,
    /// For each vector of pairs, the product of the denominators of the vectors behind it.
    after: Vec<Lanes<Fq, W>>,
    /// The sums of the pairs.
    sums: Vec<Point>,
    /// Takes over where pairs have no chord.
    scalar: ScalarAdder,
}

impl<W> Default for LaneAdder<W> {
    fn default() -> Self {
        let (steps, pairs, after, sums) = Default::default();
        Self { steps, pairs, after, sums, scalar: ScalarAdder::default() }
    }
}

impl<W: Words> Adder for LaneAdder<W> {
    type Point = Point;
    const BLOCK: usize = 1 << 14;
    const PROJECTIVE: usize = 9;

    #[inline(always)]
    fn load(base: &AffinePoint, negated: bool) -> Point {
        let x = shifted_left::<2>(&base.x);
        let y = shifted_left::<1>(&base.y);
        // Chosen by index, see the scalar adder; infinity stays as it is.
        let choice = [y, subtract(twice_modulus::<Fq>(), y).0];
        Point { x, y: choice[usize::from(negated & !base.is_infinity())] }
    }

    fn to_affine(point: &Point) -> G1Affine {
        G1Affine::from(&AffinePoint::from(*point))
    }

    fn sum_runs(&mut self, runs: &mut Runs<Point>) {
        while plan(&runs.keys, &mut self.steps) {
            self.pairs.clear();
            self.pairs.extend(self.steps.iter().filter(|(_, pair)| *pair).map(|(at, _)| *at));
            let Self { pairs, after, sums, .. } = self;
            if !W::vectorize(
                #[inline(always)]
                || add_pairs::<W>(pairs, &runs.points, after, sums),
            ) {
                return self.sum_runs_of_any_points(runs);
            }
            let mut sums = self.sums.iter();
            for (to, &(at, pair)) in self.steps.iter().enumerate() {
                // What is written lies before everything still to be read.
                let at = at as usize;
                runs.keys[to] = runs.keys[at];
                runs.points[to] = if pair { *sums.next().expect("a sum for each pair") } else { runs.points[at] };
            }
            runs.keys.truncate(self.steps.len());
            runs.points.truncate(self.steps.len());
        }
    }
}

impl<W: Words> LaneAdder<W> {
    /// The sums of runs in which a pair has equal x or infinity: rare enough for the scalar code.
    #[cold]
    fn sum_runs_of_any_points(&mut self, runs: &mut Runs<Point>) {
        let load = |point: &Point| ScalarAdder::load(&AffinePoint::from(*point), false);
        let mut scalar =
            Runs { keys: std::mem::take(&mut runs.keys), points: runs.points.iter().map(load).collect::<Vec<_>>() };
        self.scalar.sum_runs(&mut scalar);
        runs.keys = scalar.keys;
        runs.points.clear();
        let store = |point| Self::load(&AffinePoint::from(&ScalarAdder::to_affine(point)), false);
        runs.points.extend(scalar.points.iter().map(store));
    }
}

/// Back to the curve itself, reduced.
impl From<Point> for AffinePoint {
    fn from(point: Point) -> Self {
        let reduced = |mut words: [u64; 4]| {
            while words.iter().rev().ge(Fq::MODULUS.0.iter().rev()) {
                words = subtract(words, Fq::MODULUS.0).0;
            }
            Fq::new_unchecked(BigInt(words))
        };
        Self { x: halve_times(&reduced(point.x), 2).0.0, y: halve_times(&reduced(point.y), 1).0.0 }
    }
}

/// The pairs' first points, or second points.
#[inline(always)]
fn operands(pairs: [u32; LANES], second: usize, points: &[Point]) -> [&Point; LANES] {
    let mut operands = [&points[0]; LANES];
    for (operand, at) in operands.iter_mut().zip(pairs) {
        *operand = &points[at as usize + second];
    }
    operands
}

#[inline(always)]
fn load_x<W: Words>(points: [&Point; LANES]) -> [W; 4] {
    W::gather(points.map(|point| &point.x))
}

#[inline(always)]
fn load_y<W: Words>(points: [&Point; LANES]) -> Lanes<Fq, W> {
    Lanes::from_words(W::gather(points.map(|point| &point.y)))
}

/// Puts the sums of the pairs into `sums`; false when a pair may have no chord: then `sums` means nothing.
///
/// Bounds: x below 4p and y below 2p on the way in, both below 1.2p on the way out.
#[inline(always)]
fn add_pairs<W: Words>(pairs: &[u32], points: &[Point], after: &mut Vec<Lanes<Fq, W>>, sums: &mut Vec<Point>) -> bool {
    // The last vector is filled up with its last pair.
    let vectors = pairs.len().div_ceil(LANES);
    let vector = |index: usize| -> [u32; LANES] {
        std::array::from_fn(|lane| pairs[(index * LANES + lane).min(pairs.len() - 1)])
    };
    // Backwards: the products of the denominators.
    let mut product = Lanes::<Fq, W>::splat(&ONE);
    let mut zeros = 0;
    after.clear();
    after.resize(vectors, product);
    for index in (0..vectors).rev() {
        let at = vector(index);
        let (a, b) = (load_x::<W>(operands(at, 0, points)), load_x::<W>(operands(at, 1, points)));
        let is_zero = |[w0, w1, w2, w3]: [W; 4]| w0.or(w1).or(w2.or(w3)).zeros();
        zeros |= is_zero(a) | is_zero(b);
        after[index] = product;
        product = product.mul(Lanes::from_words(b).minus::<4>(Lanes::from_words(a)).carried());
    }
    let mut products = W::scatter(product.canonical().to_words()).map(|words| Fq::new_unchecked(BigInt(words)));
    if zeros != 0 || products.contains(&Fq::ZERO) {
        return false;
    }
    // Inverted with R = 2^256, these are 2^8 short of R = 2^260.
    batch_inversion_and_mul(&mut products, &Fq::from(256u64));
    let inverses: [[u64; 4]; LANES] = products.map(|inverse| inverse.0.0);
    let mut inverse = Lanes::<Fq, W>::from_words(W::gather(inverses.each_ref()));
    // Forwards: the inverse of the product of the denominators not yet used.
    sums.clear();
    sums.resize(pairs.len(), Point::default());
    for (index, sums) in sums.chunks_mut(LANES).enumerate() {
        let at = vector(index);
        let (a, b) = (operands(at, 0, points), operands(at, 1, points));
        let (ax, bx) = (Lanes::from_words(load_x(a)), Lanes::from_words(load_x(b)));
        let (ay, by) = (load_y(a), load_y(b));
        let own = inverse.mul(after[index]);
        inverse = inverse.mul(bx.minus::<4>(ax).carried());
        let lambda = by.minus::<2>(ay).carried().mul(own);
        let x = lambda.mul(lambda).minus::<4>(ax).minus::<4>(bx).reduced();
        let y = lambda.mul(ax.minus::<2>(x).carried()).minus::<2>(ay).reduced();
        let (x, y) = (W::scatter(x.to_words()), W::scatter(y.to_words()));
        for (sum, (x, y)) in sums.iter_mut().zip(x.into_iter().zip(y)) {
            *sum = Point { x, y };
        }
    }
    true
}
