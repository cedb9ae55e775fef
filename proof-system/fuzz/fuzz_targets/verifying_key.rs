//! Any bytes either decode to a verifying key with exactly these bytes or are refused.
#![no_main]

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;
use libfuzzer_sys::fuzz_target;
use proofyard_proof_system::key::{FIXED_COUNT, INSECURE_LABEL, VerifyingKey};
use proofyard_proof_system_fuzz::overlay;

fn check(bytes: &[u8]) -> bool {
    VerifyingKey::decode(bytes).is_ok_and(|key| {
        assert_eq!(key.encode(), bytes);
        true
    })
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    let generator = G2Affine::generator();
    let fixed = [G1Affine::identity(); FIXED_COUNT];
    let key = VerifyingKey { label: INSECURE_LABEL, rows_log2: 12, fixed, tx: generator, ty: generator };
    let valid = key.encode();
    assert!(check(&valid));
    check(&overlay(valid, bytes));
});
