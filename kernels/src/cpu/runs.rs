//! Points sorted by bucket, and what adds them up.

use ark_bn254::G1Affine;

use crate::point::AffinePoint;

/// Points with keys, equal keys side by side.
pub(super) struct Runs<P> {
    /// One key a point.
    pub(super) keys: Vec<u32>,
    /// The points.
    pub(super) points: Vec<P>,
}

impl<P> Default for Runs<P> {
    fn default() -> Self {
        Self { keys: Vec::new(), points: Vec::new() }
    }
}

impl<P: Copy> Runs<P> {
    /// Appends one point.
    #[inline(always)]
    pub(super) fn push(&mut self, key: u32, point: P) {
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

/// Adds up the points of runs.
pub(super) trait Adder: Default + Send + 'static {
    /// A point in the adder's own form.
    type Point: Copy + Send + Sync;

    /// Points a task adds up at once: enough to make its inversions cheap, few enough to stay near the core.
    const BLOCK: usize;

    /// Cost of one projective addition in this adder's affine ones.
    const PROJECTIVE: usize;

    /// The point of a base, negated on request.
    fn load(base: &AffinePoint, negated: bool) -> Self::Point;

    /// The point on the curve.
    fn to_affine(point: &Self::Point) -> G1Affine;

    /// Adds up the points of every run, in place: each key is left once, in the same order.
    ///
    /// A level adds neighbours of a run in pairs; a run of length l takes `log2 l` levels, so the work is the same for
    /// one long run (all scalars equal) as for many short ones.
    fn sum_runs(&mut self, runs: &mut Runs<Self::Point>);
}

/// What a level does: for each point it leaves, where its first operand lies and whether it has a second.
pub(super) type Steps = Vec<(u32, bool)>;

/// Pairs the neighbours of every run; false if all runs have length one.
pub(super) fn plan(keys: &[u32], steps: &mut Steps) -> bool {
    steps.clear();
    let mut at = 0;
    while at < keys.len() {
        let pair = keys.get(at + 1) == Some(&keys[at]);
        steps.push((at as u32, pair));
        at += 1 + usize::from(pair);
    }
    steps.len() < keys.len()
}
