//! Proofs of the independent prover `testdata/reference_prover.py`, which was written from docs/protocol.md: the contract's tests
//! read the same files.

use std::{fs, path::Path};

use ark_bn254::Fr;
use proofyard_proof_system::{codec, key::VerifyingKey, proof::RootProof, statement::Statement, verifier};
use serde_json::Value;

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("a string");
    hex::decode(text.strip_prefix("0x").expect("0x")).expect("hexadecimal")
}

fn baton(value: &Value) -> [Fr; 3] {
    std::array::from_fn(|i| codec::scalar_from_bytes(&bytes(&value[i]), "baton", 0).expect("a scalar"))
}

fn address(value: &Value) -> [u8; 20] {
    bytes(value).try_into().expect("20 bytes")
}

#[test]
fn proofs_of_the_independent_prover_are_accepted_and_bound_to_their_statement() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/test/fixtures");
    for name in ["one_subtree", "two_subtrees", "four_subtrees", "two_groups", "three_groups"] {
        let text = fs::read_to_string(folder.join(name).with_extension("json")).expect("a fixture");
        let fixture: Value = serde_json::from_str(&text).expect("JSON");
        let key = VerifyingKey::decode(&bytes(&fixture["key"])).expect("a key");
        assert_eq!(key.digest().to_vec(), bytes(&fixture["keyDigest"]), "{name}");
        let statement = Statement {
            chain_id: fixture["chainId"].as_u64().expect("a number"),
            contract: address(&fixture["contract"]),
            beneficiary: address(&fixture["beneficiary"]),
            start: baton(&fixture["start"]),
            end: baton(&fixture["end"]),
        };
        let encoded = bytes(&fixture["proof"]);
        let proof = RootProof::decode(&encoded, statement.end).expect("a proof");
        assert_eq!(proof.encode(), encoded, "{name}");
        verifier::verify(&key, &statement, &proof).expect(name);

        let others = [
            Statement { chain_id: 1, ..statement.clone() },
            Statement { beneficiary: [0; 20], ..statement.clone() },
            Statement { start: statement.end, ..statement.clone() },
        ];
        for other in others {
            assert!(verifier::verify(&key, &other, &proof).is_err(), "{name}: {other:?}");
        }
    }
}
