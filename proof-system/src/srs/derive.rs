//! Rows from monomials: the path of a real ceremony, where nobody knows the secrets.
//!
//! `R_i(Y) = 1/M sum_k g^(-ik) Y^k` and `L_j(X) = 1/T sum_k w^(-jk) X^k`, so rows come from monomials by an inverse
//! transform over i and, for the Lagrange form, another one over j, both on points instead of scalars. A row of T
//! points costs about `T (t + m + 2) / 2` scalar multiplications, so this is minutes for T = 2^16 and is done once per
//! setup.

use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::CurveGroup;
use ark_ff::{Field, One};
use proofyard_kernels::{AffinePoint, backend::PointSource};
use rayon::prelude::*;

use super::{Progress, SetupError, Srs, check_sizes};
use crate::domain::Domain;

/// Columns j that are transformed together: bounds the memory to `96 M` bytes times this.
const BLOCK: usize = 4096;
/// Butterflies too few to be worth splitting.
const BUTTERFLIES_MIN: usize = 16;

/// Takes points of row i.
pub type EmitRow<'a> = &'a mut dyn FnMut(usize, &[AffinePoint]) -> Result<(), SetupError>;

/// Computes `[R_i(ty) tx^j]` for j < T and all i < M from an SRS of at least that size. `emit(i, points)` takes row i
/// piece by piece in the order of j.
pub fn monomial_rows(
    srs: &Srs,
    rows_log2: u32,
    subtrees: usize,
    emit: EmitRow<'_>,
    progress: Progress<'_>,
) -> Result<(), SetupError> {
    check_sizes(rows_log2, subtrees)?;
    if rows_log2 > srs.rows_log2() {
        let expected = format!("at most {}, the SRS's", srs.rows_log2());
        return Err(SetupError::Size { what: "log2 of the rows", expected, got: rows_log2.into() });
    }
    let domain = domain(subtrees)?;
    let monomials = (0..subtrees).map(|i| srs.monomials(i)).collect::<Result<Vec<PointSource>, _>>()?;
    let rows = 1 << rows_log2;
    for start in (0..rows).step_by(BLOCK) {
        progress("rows from monomials", start as u64, rows as u64);
        let columns = start..rows.min(start + BLOCK);
        let mut points: Vec<G1Projective> = columns
            .clone()
            .flat_map(|j| monomials.iter().map(move |row| G1Affine::from(&(**row).as_ref()[j]).into()))
            .collect();
        points.par_chunks_exact_mut(subtrees).for_each(|column| inverse_transform(column, &domain));
        let points = G1Projective::normalize_batch(&points);
        for i in 0..subtrees {
            let row: Vec<AffinePoint> = points.iter().skip(i).step_by(subtrees).map(AffinePoint::from).collect();
            emit(i, &row)?;
        }
    }
    progress("rows from monomials", rows as u64, rows as u64);
    Ok(())
}

/// Computes `[R_i(ty) L_j(tx)]` for j < T from `[R_i(ty) tx^j]`; T is the number of points and a power of two.
pub fn lagrange_row(monomial: &[AffinePoint]) -> Result<Vec<AffinePoint>, SetupError> {
    let mut points: Vec<G1Projective> = monomial.iter().map(|point| G1Affine::from(point).into()).collect();
    inverse_transform(&mut points, &domain(monomial.len())?);
    Ok(G1Projective::normalize_batch(&points).iter().map(AffinePoint::from).collect())
}

fn domain(size: usize) -> Result<Domain, SetupError> {
    Domain::of_size(size).ok_or_else(|| {
        let expected = "a power of two up to 2^28".to_owned();
        SetupError::Size { what: "points of a transform", expected, got: size as u64 }
    })
}

/// `out_i = 1/n sum_k root^(-ik) in_k`, in place; there are n points.
fn inverse_transform(points: &mut [G1Projective], domain: &Domain) {
    let size = points.len();
    for index in 0..size {
        let reversed = index.reverse_bits().checked_shr(usize::BITS - domain.log2).unwrap_or(0);
        if index < reversed {
            points.swap(index, reversed);
        }
    }
    let root = domain.generator.pow([size as u64 - 1]);
    let twiddles: Vec<Fr> =
        std::iter::successors(Some(Fr::one()), |power| Some(*power * root)).take(size / 2).collect();
    let mut width = 2;
    while width <= size {
        let stride = size / width;
        points.par_chunks_exact_mut(width).for_each(|block| {
            let (low, high) = block.split_at_mut(width / 2);
            let pairs = low.par_iter_mut().zip(high).enumerate().with_min_len(BUTTERFLIES_MIN);
            pairs.for_each(|(index, (low, high))| {
                if index > 0 {
                    *high *= twiddles[index * stride];
                }
                let difference = *low - *high;
                *low += *high;
                *high = difference;
            });
        });
        width *= 2;
    }
    if let Some(scale) = Fr::from(size as u64).inverse().filter(|_| size > 1) {
        points.par_iter_mut().with_min_len(BUTTERFLIES_MIN).for_each(|point| *point *= scale);
    }
}
