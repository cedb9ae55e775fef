//! Sums of affine points in batches: one field inversion serves a whole level of pairwise additions.

use ark_bn254::{Fq, G1Affine};
use ark_ff::{AdditiveGroup, BigInt, Field};

use crate::point::AffinePoint;

use super::field::{is_zero, mul_to, sub_to};

/// An affine point as coordinates; (0, 0), which is not on the curve, stands for infinity.
#[derive(Clone, Copy)]
pub(super) struct Point {
    x: Fq,
    y: Fq,
}

impl Point {
    /// The point of a base, negated on request.
    #[inline(always)]
    pub(super) fn load(base: &AffinePoint, negated: bool) -> Self {
        let x = Fq::new_unchecked(BigInt(base.x));
        let y = Fq::new_unchecked(BigInt(base.y));
        // Chosen by index: the signs of digits are as good as random, and a wrong guess costs more than a difference.
        // Infinity has y = 0 and stays as it is.
        let mut choice = [y; 2];
        sub_to(&mut choice[1], &Fq::ZERO, &y);
        Self { x, y: choice[usize::from(negated)] }
    }

    fn is_infinity(&self) -> bool {
        is_zero(&self.x) && is_zero(&self.y)
    }

    const INFINITY: Self = Self { x: Fq::ZERO, y: Fq::ZERO };
}

impl From<&Point> for G1Affine {
    fn from(point: &Point) -> Self {
        if point.is_infinity() { G1Affine::identity() } else { G1Affine::new_unchecked(point.x, point.y) }
    }
}

/// Points with keys, equal keys side by side.
#[derive(Default)]
pub(super) struct Runs {
    /// One key a point.
    pub(super) keys: Vec<u32>,
    /// The points.
    pub(super) points: Vec<Point>,
}

impl Runs {
    /// Appends one point.
    #[inline(always)]
    pub(super) fn push(&mut self, key: u32, point: Point) {
        self.keys.push(key);
        self.points.push(point);
    }

    /// Appends the runs of another.
    pub(super) fn append(&mut self, other: &Self) {
        self.keys.extend_from_slice(&other.keys);
        self.points.extend_from_slice(&other.points);
    }

    /// Removes all points; the memory stays.
    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.points.clear();
    }
}

/// How a pair adds.
#[derive(Clone, Copy, PartialEq)]
enum Slope {
    /// Two unlike points: `lambda = (y2 - y1) / (x2 - x1)`.
    Chord,
    /// A point with itself: `lambda = 3 x^2 / 2y`; the order is odd, so y is not zero.
    Tangent,
    /// No slope: one of the points is infinity or the sum is.
    None,
}

/// Classifies a pair and writes the denominator of its slope, if it has one.
#[inline(always)]
fn slope(denominator: &mut Fq, a: &Point, b: &Point) -> Slope {
    sub_to(denominator, &b.x, &a.x);
    if !is_zero(denominator) && !is_zero(&a.x) && !is_zero(&b.x) {
        Slope::Chord
    } else {
        unusual_slope(denominator, a, b)
    }
}

#[cold]
#[inline(never)]
fn unusual_slope(denominator: &mut Fq, a: &Point, b: &Point) -> Slope {
    if a.is_infinity() || b.is_infinity() {
        Slope::None
    } else if !is_zero(denominator) {
        Slope::Chord
    } else if a.y == b.y {
        *denominator = a.y.double();
        Slope::Tangent
    } else {
        Slope::None
    }
}

/// The sum of a pair without a slope.
#[cold]
fn sum_without_slope(a: &Point, b: &Point) -> Point {
    if a.is_infinity() {
        *b
    } else if b.is_infinity() {
        *a
    } else {
        Point::INFINITY
    }
}

/// `*out = a + b` with slope `numerator * inverse`.
#[inline(always)]
fn sum_with_slope(out: &mut Point, a: &Point, b: &Point, numerator: &Fq, inverse: &Fq) {
    let (mut lambda, mut square, mut rest) = (Fq::ZERO, Fq::ZERO, Fq::ZERO);
    mul_to(&mut lambda, numerator, inverse);
    mul_to(&mut square, &lambda, &lambda);
    sub_to(&mut rest, &square, &a.x);
    sub_to(&mut out.x, &rest, &b.x);
    sub_to(&mut rest, &a.x, &out.x);
    mul_to(&mut square, &lambda, &rest);
    sub_to(&mut out.y, &square, &a.y);
}

/// Reusable memory of [`Adder::sum_runs`].
#[derive(Default)]
pub(super) struct Adder {
    /// What a level does: for each point it leaves, where its first operand lies and whether it has a second.
    steps: Vec<(u32, bool)>,
    /// For each step, the product of the denominators of it and the steps behind it; then 1.
    after: Vec<Fq>,
}

impl Adder {
    /// Adds up the points of every run, in place: each key is left once, in the same order.
    ///
    /// A level adds neighbours of a run in pairs; a run of length l takes `log2 l` levels, so the work is the same for
    /// one long run (all scalars equal) as for many short ones.
    pub(super) fn sum_runs(&mut self, runs: &mut Runs) {
        while self.plan(&runs.keys) {
            self.add_pairs(runs);
        }
    }

    /// Pairs the neighbours of every run; false if all runs have length one.
    fn plan(&mut self, keys: &[u32]) -> bool {
        self.steps.clear();
        let mut at = 0;
        while at < keys.len() {
            let pair = keys.get(at + 1) == Some(&keys[at]);
            self.steps.push((at as u32, pair));
            at += 1 + usize::from(pair);
        }
        self.steps.len() < keys.len()
    }

    fn add_pairs(&mut self, runs: &mut Runs) {
        let Self { steps, after } = self;
        let Runs { keys, points } = runs;
        let mut denominator = Fq::ZERO;
        // Backwards: after[i] becomes the product of the denominators of step i and those behind it.
        after.clear();
        after.resize(steps.len() + 1, Fq::ONE);
        for (step, &(at, pair)) in steps.iter().enumerate().rev() {
            let at = at as usize;
            let (here, behind) = after.split_at_mut(step + 1);
            let (here, behind) = (&mut here[step], &behind[0]);
            if pair && slope(&mut denominator, &points[at], &points[at + 1]) != Slope::None {
                mul_to(here, behind, &denominator);
            } else {
                *here = *behind;
            }
        }
        // No denominator is zero. Forwards: the inverse of the product of the denominators not yet used.
        let mut inverse = after[0].inverse().unwrap_or_default();
        let (mut own, mut numerator, mut rest) = (Fq::ZERO, Fq::ZERO, Fq::ZERO);
        for (to, &(at, pair)) in steps.iter().enumerate() {
            // What is written lies before everything still to be read.
            let at = at as usize;
            keys[to] = keys[at];
            let a = points[at];
            if !pair {
                points[to] = a;
                continue;
            }
            let b = points[at + 1];
            match slope(&mut denominator, &a, &b) {
                Slope::None => {
                    points[to] = sum_without_slope(&a, &b);
                    continue;
                }
                Slope::Chord => sub_to(&mut numerator, &b.y, &a.y),
                Slope::Tangent => numerator = three_squares(&a.x),
            }
            mul_to(&mut own, &inverse, &after[to + 1]);
            mul_to(&mut rest, &inverse, &denominator);
            std::mem::swap(&mut inverse, &mut rest);
            sum_with_slope(&mut points[to], &a, &b, &numerator, &own);
        }
        keys.truncate(steps.len());
        points.truncate(steps.len());
    }
}

/// `3 x^2`.
#[cold]
#[inline(never)]
fn three_squares(x: &Fq) -> Fq {
    let square = x.square();
    square.double() + square
}
