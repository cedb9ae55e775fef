//! Points as they lie in SRS files and in memory.

use ark_bn254::{Fq, G1Affine};
use ark_ec::AffineRepr;
use ark_ff::BigInt;

/// An affine point of BN254 G1: coordinates in Montgomery form (R = 2^256), little-endian limbs; (0, 0) is infinity.
///
/// The 64 bytes of memory are also the file format on little-endian machines, so that rows can be mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct AffinePoint {
    /// Montgomery limbs of x.
    pub x: [u64; 4],
    /// Montgomery limbs of y.
    pub y: [u64; 4],
}

impl AffinePoint {
    /// Whether this is the point at infinity.
    pub fn is_infinity(&self) -> bool {
        *self == Self::default()
    }
}

impl From<&G1Affine> for AffinePoint {
    fn from(point: &G1Affine) -> Self {
        match point.xy() {
            // `Fp.0` holds the Montgomery limbs.
            Some((x, y)) => Self { x: x.0.0, y: y.0.0 },
            None => Self::default(),
        }
    }
}

impl From<&AffinePoint> for G1Affine {
    /// The caller vouches that the point is on the curve (SRS files are checked by digest when they are opened).
    fn from(point: &AffinePoint) -> Self {
        if point.is_infinity() {
            return G1Affine::identity();
        }
        G1Affine::new_unchecked(Fq::new_unchecked(BigInt(point.x)), Fq::new_unchecked(BigInt(point.y)))
    }
}
