//! Schnorr signatures on Grumpkin (`y^2 = x^3 - 17` over the scalar field of BN254, prime order, cofactor 1).
//!
//! For a key `P = sk * G` and a transfer digest m:
//! `R = k * G`, `e` = low 128 bits of `hash3(Challenge, [R.x, P.x, m])` as a canonical integer, `c = 2e + 1`,
//! `s = k + c * sk`; the signature is `(e, s)`. It is valid when `R' = s * G - c * P` is not the point at infinity and
//! gives the same e. The effective challenge c is odd, so that the circuit can write it with the digits -3, -1, 1, 3. A
//! 128-bit challenge makes a forgery by guessing as unlikely as 2^-128 a try.

use std::fmt;

use ark_bn254::Fr;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField, Zero};
use ark_grumpkin::{Affine, Fr as Scalar};
use proofyard_proof_system::poseidon2::{Domain, hash3};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// A point or a scalar that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The coordinates do not satisfy `y^2 = x^3 - 17`.
    #[error("[PY-K-001] public key: the point is not on Grumpkin; give both coordinates of a point of the curve")]
    OffCurve,
    /// The point at infinity, whose signatures anybody can make.
    #[error("[PY-K-002] public key: the point at infinity is no key; give a finite point")]
    Infinity,
    /// Zero, or not below the group order.
    #[error("[PY-K-003] secret key: expected a canonical scalar in 1..order; give another one")]
    SecretOutOfRange,
}

/// A public key: a finite point of Grumpkin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey(Affine);

impl PublicKey {
    /// Takes a point that is on the curve and finite.
    pub fn from_point(point: Affine) -> Result<Self, KeyError> {
        if point.is_zero() {
            Err(KeyError::Infinity)
        } else if !point.is_on_curve() {
            Err(KeyError::OffCurve)
        } else {
            Ok(Self(point))
        }
    }

    /// Takes the affine coordinates of a finite point.
    pub fn from_coordinates(x: Fr, y: Fr) -> Result<Self, KeyError> {
        Self::from_point(Affine::new_unchecked(x, y))
    }

    /// The point.
    pub fn point(&self) -> Affine {
        self.0
    }

    /// First coordinate.
    pub fn x(&self) -> Fr {
        self.0.x
    }

    /// Second coordinate.
    pub fn y(&self) -> Fr {
        self.0.y
    }
}

/// A signature `(e, s)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Low 128 bits of the challenge hash; the effective challenge is `2e + 1`.
    pub e: u128,
    /// Response, below the order of Grumpkin.
    pub s: Scalar,
}

impl Signature {
    /// `R = s * G - (2e + 1) * P`, the nonce point this signature claims; None for the point at infinity.
    pub fn nonce_point(&self, key: &PublicKey) -> Option<Affine> {
        let c = [(self.e << 1 | 1) as u64, (self.e >> 63) as u64, (self.e >> 127) as u64];
        let r = Affine::generator() * self.s - key.0.mul_bigint(c);
        (!r.is_zero()).then(|| r.into_affine())
    }
}

/// A secret key, a scalar in 1..order.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(Scalar);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

impl SecretKey {
    /// Derives a key from any bytes: SHA-256 of label, counter and seed, 512 bits reduced modulo the order.
    pub fn from_seed(seed: &[u8]) -> Self {
        Self(nonzero_scalar(b"proofyard/secret-key/v1", &[seed]))
    }

    /// Reads a canonical big-endian scalar in 1..order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        match crate::encoding::field_from_bytes::<Scalar>(bytes) {
            Some(scalar) if !scalar.is_zero() => Ok(Self(scalar)),
            _ => Err(KeyError::SecretOutOfRange),
        }
    }

    /// `sk * G`.
    pub fn public_key(&self) -> PublicKey {
        // sk is not 0 and the group has prime order, so the point is finite.
        PublicKey((Affine::generator() * self.0).into_affine())
    }

    /// Signs a transfer digest. The nonce k is derived from the secret and the digest, so equal inputs give equal
    /// bytes.
    pub fn sign(&self, digest: Fr) -> Signature {
        let key = self.public_key();
        let secret = self.0.into_bigint().to_bytes_be();
        let message = digest.into_bigint().to_bytes_be();
        let k = nonzero_scalar(b"proofyard/nonce/v1", &[&secret, &message]);
        let r = (Affine::generator() * k).into_affine();
        let e = challenge(r.x, &key, digest);
        Signature { e, s: k + effective_challenge(e) * self.0 }
    }
}

/// `e`: the low 128 bits of `hash3(Challenge, [R.x, P.x, digest])`.
pub fn challenge(nonce_x: Fr, key: &PublicKey, digest: Fr) -> u128 {
    let hash = hash3(Domain::Challenge, [nonce_x, key.x(), digest]).into_bigint();
    u128::from(hash.0[0]) | (u128::from(hash.0[1]) << 64)
}

/// `c = 2e + 1`, below 2^129.
pub fn effective_challenge(e: u128) -> Scalar {
    Scalar::from(e).double() + Scalar::ONE
}

/// Whether the signature is valid for key and digest.
pub fn verify(key: &PublicKey, digest: Fr, signature: &Signature) -> bool {
    signature.nonce_point(key).is_some_and(|r| challenge(r.x, key, digest) == signature.e)
}

/// One signature to check.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// The signer.
    pub key: PublicKey,
    /// The signed digest.
    pub digest: Fr,
    /// The signature.
    pub signature: Signature,
}

/// Checks all signatures in parallel; the error is the lowest index that fails.
pub fn verify_all(claims: &[Claim]) -> Result<(), usize> {
    match claims.par_iter().position_first(|claim| !verify(&claim.key, claim.digest, &claim.signature)) {
        None => Ok(()),
        Some(index) => Err(index),
    }
}

/// 512 bits of SHA-256 output reduced modulo the order (bias below 2^-250); a zero, never seen, moves on to the next
/// counter.
fn nonzero_scalar(label: &[u8], parts: &[&[u8]]) -> Scalar {
    let mut counter = 0u32;
    loop {
        let mut wide = [0u8; 64];
        for half in wide.chunks_exact_mut(32) {
            let mut hash = Sha256::new().chain_update(label).chain_update(counter.to_be_bytes());
            for part in parts {
                hash.update(part);
            }
            half.copy_from_slice(&hash.finalize());
            counter += 1;
        }
        let scalar = Scalar::from_be_bytes_mod_order(&wide);
        if !scalar.is_zero() {
            return scalar;
        }
    }
}
