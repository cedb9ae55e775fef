//! The same scalars and points in each library's types, by way of canonical bytes.

use anyhow::{Context, Result};
use ark_bn254::{Fq, G1Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, PrimeField};

/// 32 bytes, little-endian, below the modulus.
type Canonical = [u8; 32];

fn bytes_of(value: impl PrimeField) -> Canonical {
    let mut bytes = Canonical::default();
    bytes.copy_from_slice(&value.into_bigint().to_bytes_le());
    bytes
}

/// Coordinates of a point, zeros for infinity.
fn coordinates(point: &G1Affine) -> [Canonical; 2] {
    point.xy().map_or([Canonical::default(); 2], |(x, y)| [bytes_of(x), bytes_of(y)])
}

fn point(coordinates: [Canonical; 2]) -> G1Affine {
    let [x, y] = coordinates.map(|bytes| Fq::from_le_bytes_mod_order(&bytes));
    if coordinates == [Canonical::default(); 2] { G1Affine::identity() } else { G1Affine::new_unchecked(x, y) }
}

/// Conversions for one of the two libraries that share their API.
macro_rules! conversions {
    ($name:ident, $library:ident) => {
        pub mod $name {
            use $library::{
                CurveAffine,
                bn256::{Fq, Fr, G1, G1Affine},
                ff::PrimeField,
                group::Curve,
            };

            use super::{Context, Result, bytes_of};

            /// The library's scalar.
            pub fn scalar(value: &ark_bn254::Fr) -> Result<Fr> {
                Option::from(Fr::from_repr(bytes_of(*value).into())).context("a canonical scalar is refused")
            }

            /// The library's scalars.
            pub fn scalars(values: &[ark_bn254::Fr]) -> Result<Vec<Fr>> {
                values.iter().map(scalar).collect()
            }

            /// The library's points.
            pub fn points(points: &[ark_bn254::G1Affine]) -> Result<Vec<G1Affine>> {
                points
                    .iter()
                    .map(|point| {
                        let [x, y] =
                            super::coordinates(point).map(|bytes| Option::<Fq>::from(Fq::from_repr(bytes.into())));
                        let (x, y) = x.zip(y).context("a canonical coordinate is refused")?;
                        Option::from(G1Affine::from_xy(x, y)).context("a point of the curve is refused")
                    })
                    .collect()
            }

            /// arkworks' scalars.
            pub fn scalars_back(values: &[Fr]) -> Vec<ark_bn254::Fr> {
                let back = |value: &Fr| ark_ff::PrimeField::from_le_bytes_mod_order(value.to_repr().as_ref());
                values.iter().map(back).collect()
            }

            /// arkworks' point.
            pub fn point_back(point: &G1) -> ark_bn254::G1Affine {
                let affine = point.to_affine();
                let mut found = [super::Canonical::default(); 2];
                // Infinity has no coordinates.
                if let Some(coordinates) = Option::<$library::Coordinates<_>>::from(affine.coordinates()) {
                    found[0].copy_from_slice(coordinates.x().to_repr().as_ref());
                    found[1].copy_from_slice(coordinates.y().to_repr().as_ref());
                }
                super::point(found)
            }
        }
    };
}

conversions!(halo2, halo2curves);
conversions!(axiom, halo2curves_axiom);
