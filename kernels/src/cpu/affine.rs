//! Sums of affine points in batches: one field inversion serves a whole level of pairwise additions.

use ark_bn254::{Fq, G1Affine};
use ark_ff::{AdditiveGroup, BigInt, Field};

use crate::point::AffinePoint;

use super::{
    field::{is_zero, mul_to, sub_to},
    runs::{Adder, Runs, Steps, plan},
};

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

/// The adder of one pair after the other.
#[derive(Default)]
pub(super) struct ScalarAdder {
    steps: Steps,
    /// For each step, the product of the denominators of it and the steps behind it; then 1.
    after: Vec<Fq>,
}

impl Adder for ScalarAdder {
    type Point = Point;
    const BLOCK: usize = 1 << 13;
    const PROJECTIVE: usize = 3;

    #[inline(always)]
    fn load(base: &AffinePoint, negated: bool) -> Point {
        Point::load(base, negated)
    }

    fn to_affine(point: &Point) -> G1Affine {
        point.into()
    }

    fn sum_runs(&mut self, runs: &mut Runs<Point>) {
        while plan(&runs.keys, &mut self.steps) {
            self.add_pairs(runs);
        }
    }
}

impl ScalarAdder {
    fn add_pairs(&mut self, runs: &mut Runs<Point>) {
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
