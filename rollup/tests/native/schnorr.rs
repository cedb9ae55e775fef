//! Signatures: what verifies, what does not, and that signing is deterministic.

use ark_bn254::Fr;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, Field, PrimeField, Zero};
use ark_grumpkin::{Affine, Fr as Scalar};
use proofyard_rollup::encoding::{field_from_bytes, field_to_bytes};
use proofyard_rollup::schnorr::{
    Claim, KeyError, PublicKey, SecretKey, Signature, challenge, effective_challenge, verify, verify_all,
};
use proptest::prelude::*;

fn secret(n: u8) -> SecretKey {
    SecretKey::from_seed(&[n])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_signature_verifies_for_its_key_and_digest_only(seed: [u8; 4], digest: u64, bit in 0u32..128) {
        let secret = SecretKey::from_seed(&seed);
        let (key, digest) = (secret.public_key(), Fr::from(digest));
        let signature = secret.sign(digest);
        prop_assert!(verify(&key, digest, &signature));
        prop_assert_eq!(secret.sign(digest), signature);
        prop_assert!(!verify(&key, digest + Fr::ONE, &signature));
        prop_assert!(!verify(&SecretKey::from_seed(b"other").public_key(), digest, &signature));
        let negated = PublicKey::from_point(-key.point()).unwrap();
        prop_assert!(!verify(&negated, digest, &signature));
        let changed = Signature { e: signature.e ^ (1 << bit), ..signature };
        prop_assert!(!verify(&key, digest, &changed));
        let changed = Signature { s: signature.s + Scalar::ONE, ..signature };
        prop_assert!(!verify(&key, digest, &changed));
        let changed = Signature { s: -signature.s, ..signature };
        prop_assert!(!verify(&key, digest, &changed));
    }

    #[test]
    fn the_nonce_point_is_s_g_minus_c_p(e: u128, s: u64, sk in 1u64..) {
        let key = PublicKey::from_point((Affine::generator() * Scalar::from(sk)).into_affine()).unwrap();
        let signature = Signature { e, s: Scalar::from(s) };
        // c = 2e + 1 put together bit by bit.
        let mut c = Scalar::ONE;
        for bit in 0..128 {
            if e >> bit & 1 == 1 {
                c += Scalar::from(2u64).pow([bit + 1]);
            }
        }
        prop_assert_eq!(c, effective_challenge(e));
        let r = Affine::generator() * (signature.s - c * Scalar::from(sk));
        prop_assert_eq!(signature.nonce_point(&key), Some(r.into_affine()));
    }
}

#[test]
fn nonces_differ_between_digests_and_keys() {
    let (a, b) = (secret(1).sign(Fr::from(1u64)), secret(1).sign(Fr::from(2u64)));
    let key = secret(1).public_key();
    assert_ne!(a.nonce_point(&key), b.nonce_point(&key));
    let other = secret(2).sign(Fr::from(1u64));
    assert_ne!(a.nonce_point(&key), other.nonce_point(&secret(2).public_key()));
}

#[test]
fn a_nonce_point_at_infinity_is_refused() {
    // s = c * sk makes R infinite for any e.
    let sk = Scalar::from(7u64);
    let key = PublicKey::from_point((Affine::generator() * sk).into_affine()).unwrap();
    let e = challenge(Fr::zero(), &key, Fr::ONE);
    let signature = Signature { e, s: effective_challenge(e) * sk };
    assert_eq!(signature.nonce_point(&key), None);
    assert!(!verify(&key, Fr::ONE, &signature));
}

#[test]
fn batch_verification_names_the_first_bad_signature() {
    let mut claims: Vec<Claim> = (0..40u8)
        .map(|n| {
            let digest = Fr::from(n);
            Claim { key: secret(n).public_key(), digest, signature: secret(n).sign(digest) }
        })
        .collect();
    assert_eq!(verify_all(&claims), Ok(()));
    assert_eq!(verify_all(&[]), Ok(()));
    claims[31].signature.e ^= 1;
    claims[17].digest.double_in_place();
    assert_eq!(verify_all(&claims), Err(17));
}

#[test]
fn keys_must_be_finite_points_and_canonical_scalars() {
    assert_eq!(PublicKey::from_coordinates(Fr::ONE, Fr::ONE), Err(KeyError::OffCurve));
    assert_eq!(PublicKey::from_coordinates(Fr::zero(), Fr::zero()), Err(KeyError::Infinity));
    assert_eq!(PublicKey::from_point(Affine::zero()), Err(KeyError::Infinity));
    assert_eq!(SecretKey::from_bytes(&[0; 32]), Err(KeyError::SecretOutOfRange));
    assert_eq!(SecretKey::from_bytes(&[0xff; 32]), Err(KeyError::SecretOutOfRange));
    let mut two = [0; 32];
    two[31] = 2;
    let key = SecretKey::from_bytes(&two).unwrap().public_key();
    assert_eq!(key.point(), (Affine::generator() * Scalar::from(2u64)).into_affine());
    assert_eq!(format!("{:?}", SecretKey::from_bytes(&two).unwrap()), "SecretKey(..)");
}

#[test]
fn field_elements_have_one_encoding() {
    let largest = field_to_bytes(-Scalar::ONE);
    assert_eq!(field_from_bytes::<Scalar>(&largest), Some(-Scalar::ONE));
    let mut order = largest;
    order[31] += 1;
    assert_eq!(field_from_bytes::<Scalar>(&order), None);
    assert_eq!(field_from_bytes::<Fr>(&field_to_bytes(Fr::from(258u64))), Some(Fr::from(258u64)));
    assert_eq!(field_to_bytes(Fr::from(258u64))[30..], [1, 2]);
    assert!(Scalar::MODULUS > Fr::MODULUS);
}
