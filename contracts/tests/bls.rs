//! Keys and signatures against the vectors of testdata/reference_bls.py.

use alloy::primitives::{B256, Bytes, U256};
use proofyard_contracts::bls::SecretKey;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fixtures {
    signatures: Vec<Signature>,
    keys_of_small_secrets: Vec<[U256; 4]>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signature {
    secret: B256,
    public_key: [U256; 4],
    message: Bytes,
    dst: Bytes,
    signature: [U256; 2],
}

fn fixtures() -> Fixtures {
    serde_json::from_str(include_str!("../test/fixtures/bls_vrf.json")).unwrap()
}

#[test]
fn keys_and_signatures_are_the_twins() {
    let signatures = fixtures().signatures;
    assert_eq!(signatures.len(), 11);
    for vector in signatures {
        let key = SecretKey::from_bytes(&vector.secret.0).unwrap();
        assert_eq!(key.public_key(), vector.public_key);
        assert_eq!(key.sign(&vector.message, &vector.dst), vector.signature);
    }
}

#[test]
fn keys_of_small_secrets_are_the_twins() {
    for (secret, expected) in (1u64..).zip(fixtures().keys_of_small_secrets) {
        let key = SecretKey::from_bytes(&U256::from(secret).to_be_bytes()).unwrap();
        assert_eq!(key.public_key(), expected);
    }
}
