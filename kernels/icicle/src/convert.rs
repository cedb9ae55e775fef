//! Field elements and points as ICICLE reads and writes them: 256-bit little-endian limbs.
//!
//! ICICLE's "standard" form is the plain residue; its "Montgomery" form is ours (R = 2^256). What comes back from a library
//! is checked: below the modulus, and on the curve.

use ark_bn254::{Fq, Fr, G1Affine};
use ark_ff::{BigInt, Field, PrimeField, Zero};
use proofyard_kernels::AffinePoint;

/// One field element: `storage<8>` of `icicle/math/storage.h`.
pub(crate) type Limbs = [u64; 4];

/// An element as it lies in our memory; ICICLE's transforms are linear, so they may be run on this form unconverted.
pub(crate) fn montgomery(value: &Fr) -> Limbs {
    value.0.0
}

/// The inverse of [`montgomery`]; none if the limbs are no canonical value.
pub(crate) fn from_montgomery(limbs: Limbs) -> Option<Fr> {
    let limbs = BigInt(limbs);
    (limbs < Fr::MODULUS).then(|| Fr::new_unchecked(limbs))
}

/// The plain residue.
pub(crate) fn standard(value: &Fr) -> Limbs {
    value.into_bigint().0
}

/// An affine point in standard form; (0, 0) is infinity for both sides.
pub(crate) fn standard_point(point: &AffinePoint) -> [Limbs; 2] {
    let plain = |limbs| Fq::new_unchecked(BigInt(limbs)).into_bigint().0;
    [plain(point.x), plain(point.y)]
}

/// The affine point of homogeneous coordinates X, Y, Z in standard form (x = X/Z, y = Y/Z; Z = 0 is infinity); none if they
/// are not canonical or not on the curve.
pub(crate) fn from_projective([x, y, z]: [Limbs; 3]) -> Option<G1Affine> {
    let read = |limbs| Fq::from_bigint(BigInt(limbs));
    let (x, y, z) = (read(x)?, read(y)?, read(z)?);
    let Some(inverse) = z.inverse() else {
        return (x.is_zero() && !y.is_zero()).then(G1Affine::default);
    };
    let point = G1Affine::new_unchecked(x * inverse, y * inverse);
    point.is_on_curve().then_some(point)
}

#[cfg(test)]
mod tests {
    use ark_ec::AffineRepr;
    use ark_ff::One;

    use super::*;

    #[test]
    fn points_come_back_from_any_representative() {
        let point = G1Affine::generator();
        let z = Fq::from(7u64);
        let limbs = |value: Fq| value.into_bigint().0;
        let (x, y) = point.xy().unwrap();
        assert_eq!(from_projective([limbs(x * z), limbs(y * z), limbs(z)]), Some(point));
        assert_eq!(standard_point(&AffinePoint::from(&point)), [limbs(x), limbs(y)]);
        let zero = [0; 4];
        assert_eq!(from_projective([zero, limbs(y), zero]), Some(G1Affine::identity()));
        assert_eq!(standard_point(&AffinePoint::default()), [zero, zero]);
    }

    #[test]
    fn what_is_not_canonical_or_not_on_the_curve_is_refused() {
        let one = [1, 0, 0, 0];
        assert_eq!(from_projective([one, one, one]), None);
        assert_eq!(from_projective([[0; 4]; 3]), None);
        assert_eq!(from_projective([Fq::MODULUS.0, one, [0; 4]]), None);
        assert_eq!(from_montgomery(Fr::MODULUS.0), None);
        let minus_one = -Fr::one();
        assert_eq!(from_montgomery(montgomery(&minus_one)), Some(minus_one));
    }
}
