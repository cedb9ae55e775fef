//! Sums of affine points in batches: one field inversion serves a whole level of pairwise additions.

use ark_bn254::{Fq, G1Affine};
use ark_ff::{BigInt, Field, One};

use crate::point::AffinePoint;

use super::field::{add, is_zero, mul, sub};

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
        // Infinity has y = 0 and stays as it is.
        Self { x, y: if negated { -y } else { y } }
    }

    fn is_infinity(&self) -> bool {
        is_zero(&self.x) && is_zero(&self.y)
    }

    const INFINITY: Self = Self { x: Fq::new_unchecked(BigInt([0; 4])), y: Fq::new_unchecked(BigInt([0; 4])) };
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
enum Slope {
    /// Two unlike points: `lambda = (y2 - y1) / (x2 - x1)`.
    Chord(Fq),
    /// A point with itself: `lambda = 3 x^2 / 2y`; the order is odd, so y is not zero.
    Tangent(Fq),
    /// No slope: one of the points is infinity or the sum is.
    None,
}

/// Classifies a pair and gives the denominator of its slope.
#[inline(always)]
fn slope(a: &Point, b: &Point) -> Slope {
    let dx = sub(&b.x, &a.x);
    if !is_zero(&dx) && !is_zero(&a.x) && !is_zero(&b.x) { Slope::Chord(dx) } else { unusual_slope(a, b, dx) }
}

#[cold]
fn unusual_slope(a: &Point, b: &Point, dx: Fq) -> Slope {
    if a.is_infinity() || b.is_infinity() {
        Slope::None
    } else if !is_zero(&dx) {
        Slope::Chord(dx)
    } else if a.y == b.y {
        Slope::Tangent(add(&a.y, &a.y))
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

/// `a + b` with the slope's denominator inverted.
#[inline(always)]
fn sum_with_slope(a: &Point, b: &Point, numerator: &Fq, inverse: &Fq) -> Point {
    let lambda = mul(numerator, inverse);
    let x = sub(&sub(&mul(&lambda, &lambda), &a.x), &b.x);
    let y = sub(&mul(&lambda, &sub(&a.x, &x)), &a.y);
    Point { x, y }
}

/// Reusable memory of [`Adder::sum_runs`].
#[derive(Default)]
pub(super) struct Adder {
    /// What a level does: for each point it leaves, where its first operand lies and whether it has a second.
    steps: Vec<(u32, bool)>,
    /// For each step, the product of the denominators of the steps after it.
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
        let Runs { keys, points } = runs;
        // Backwards: the products of the denominators.
        let mut product = Fq::one();
        self.after.clear();
        for &(at, pair) in self.steps.iter().rev() {
            self.after.push(product);
            if pair {
                match slope(&points[at as usize], &points[at as usize + 1]) {
                    Slope::Chord(denominator) | Slope::Tangent(denominator) => product = mul(&product, &denominator),
                    Slope::None => {}
                }
            }
        }
        // No denominator is zero.
        let mut inverse = product.inverse().unwrap_or_default();
        // Forwards: the sums. What is written lies before everything still to be read.
        for (to, (&(at, pair), after)) in self.steps.iter().zip(self.after.iter().rev()).enumerate() {
            let at = at as usize;
            keys[to] = keys[at];
            let a = points[at];
            if !pair {
                points[to] = a;
                continue;
            }
            let b = points[at + 1];
            points[to] = match slope(&a, &b) {
                Slope::Chord(denominator) => {
                    let own = mul(&inverse, after);
                    inverse = mul(&inverse, &denominator);
                    sum_with_slope(&a, &b, &sub(&b.y, &a.y), &own)
                }
                Slope::Tangent(denominator) => {
                    let own = mul(&inverse, after);
                    inverse = mul(&inverse, &denominator);
                    let square = mul(&a.x, &a.x);
                    sum_with_slope(&a, &b, &add(&add(&square, &square), &square), &own)
                }
                Slope::None => sum_without_slope(&a, &b),
            };
        }
        keys.truncate(self.steps.len());
        points.truncate(self.steps.len());
    }
}
