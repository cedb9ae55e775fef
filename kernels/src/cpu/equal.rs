//! Equal scalars of an MSM: their bases are added up first, so that every different scalar is one term.
//!
//! Columns of a circuit repeat themselves: constants, small numbers, copies of a cell, whole slots that are not in use. An
//! addition of bases costs one batch-affine addition, a term of full length one a window.

use ark_bn254::{Fr, G1Affine};
use rayon::prelude::*;

use crate::point::AffinePoint;

use super::{
    digits::Entry,
    field::is_zero,
    msm::{self, Scratches},
    runs::Adder,
};

/// Scalars below which nothing is looked for.
const MIN: usize = 512;
/// Grouping pays when at most this share of the scalars that are not zero is different, in eighths.
const DIFFERENT_MAX_EIGHTHS: usize = 7;
/// Scalars that are looked at before all of them are sorted.
const SAMPLE: usize = 1024;

/// `sum_i scalars[i] * points[i]` over the scalars given; there are at least as many points.
pub(super) fn msm_of_groups<A: Adder>(points: &[AffinePoint], scalars: &[Fr]) -> G1Affine {
    match group::<A>(points, scalars) {
        Some((points, scalars)) => msm::msm::<A>(&points, &scalars),
        None => msm::msm::<A>(points, scalars),
    }
}

/// A word in which all limbs take part (the multiplier is 2^64 over the golden ratio).
fn fingerprint(scalar: &Fr) -> u64 {
    scalar.0.0.iter().fold(0, |mixed: u64, limb| (mixed.rotate_left(29) ^ limb).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Whether two scalars of a sample are equal, zeros apart. Of scalars that all occur twice a sample finds eight pairs on average.
fn looks_repeated(scalars: &[Fr]) -> bool {
    // A stride coprime to the powers of two, so that the sample does not fall into step with a circuit.
    let sample = (0..SAMPLE.min(scalars.len())).map(|i| &scalars[i * 40_503 % scalars.len()]);
    let mut found: Vec<u64> = sample.filter(|scalar| !is_zero(*scalar)).map(fingerprint).collect();
    found.sort_unstable();
    found.windows(2).any(|pair| pair[0] == pair[1])
}

/// Each different scalar once, with the sum of its bases; `None` when few are repeated. Zeros are left out.
fn group<A: Adder>(points: &[AffinePoint], scalars: &[Fr]) -> Option<(Vec<AffinePoint>, Vec<Fr>)> {
    if scalars.len() < MIN || !looks_repeated(scalars) {
        return None;
    }
    // Two different scalars that share a fingerprint make more groups than needed, not wrong ones.
    let nonzero = scalars.par_iter().enumerate().filter(|(_, scalar)| !is_zero(*scalar));
    let mut order: Vec<(u64, u32)> = nonzero.map(|(index, scalar)| (fingerprint(scalar), index as u32)).collect();
    order.par_sort_unstable();
    let mut different: Vec<Fr> = Vec::new();
    let mut entries = Vec::with_capacity(order.len());
    for &(_, index) in &order {
        let scalar = scalars[index as usize];
        if different.last() != Some(&scalar) {
            different.push(scalar);
        }
        entries.push(Entry::added(different.len() as u32 - 1, index));
    }
    if 8 * different.len() > DIFFERENT_MAX_EIGHTHS * order.len() {
        return None;
    }
    let sums = msm::bucket_sums::<A>(points, &entries, &Scratches::default());
    let points = sums.points.iter().map(|point| AffinePoint::from(&A::to_affine(point))).collect();
    Some((points, different))
}

#[cfg(test)]
mod tests {
    use ark_ec::{AffineRepr, CurveGroup};
    use ark_ff::{AdditiveGroup, Field};

    use super::*;
    use crate::cpu::{
        affine::ScalarAdder,
        lanes::{points::LaneAdder, words::Model},
    };

    fn bases(count: u64) -> Vec<AffinePoint> {
        let multiple = |i: u64| (G1Affine::generator() * Fr::from(7 * i + 1)).into_affine();
        (0..count).map(|i| AffinePoint::from(&multiple(i))).collect()
    }

    #[test]
    fn grouped_and_plain_sums_agree() {
        agree::<ScalarAdder>();
        agree::<LaneAdder<Model>>();
    }

    fn agree<A: Adder>() {
        let mut points = bases(3 * A::BLOCK as u64 / 2);
        // Infinity, and a pair that cancels within a group.
        points[3] = AffinePoint::default();
        points[8] = AffinePoint::from(&-G1Affine::from(&points[1]));
        let large = |i: u64| Fr::from(i + 2).inverse().expect("not zero");
        for period in [1, 7, 1000, 9000] {
            let scalars: Vec<Fr> =
                (0..points.len() as u64).map(|i| if i % 5 == 4 { Fr::ZERO } else { large(i % period) }).collect();
            let (sums, different) = group::<A>(&points, &scalars).expect("repeated");
            assert_eq!(sums.len(), different.len());
            assert!(different.len() as u64 <= period, "{} of {period}", different.len());
            assert_eq!(msm_of_groups::<A>(&points, &scalars), msm::msm::<A>(&points, &scalars), "period {period}");
        }
    }

    #[test]
    fn different_scalars_are_left_alone() {
        let points = bases(MIN as u64);
        let scalars: Vec<Fr> = (1..=MIN as u64).map(Fr::from).collect();
        assert!(group::<ScalarAdder>(&points, &scalars).is_none());
        assert!(group::<ScalarAdder>(&points, &scalars[..9]).is_none());
        // Nothing but zeros is no term at all.
        assert_eq!(msm_of_groups::<ScalarAdder>(&points, &vec![Fr::ZERO; MIN]), G1Affine::identity());
    }
}
