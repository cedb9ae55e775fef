//! The committed bytecode accepts the reference vectors and refuses changed ones.

use std::collections::BTreeMap;
use std::path::Path;

use proofyard_contracts::address::{DEFAULT_ADDRESS, DEFAULT_CHAIN_ID};
use proofyard_contracts::evm::{Evm, EvmError};
use proofyard_contracts::rejection::Rejection;
use proofyard_contracts::{KEY_WORDS, Word, calldata};
use serde_json::Value;

struct Vector {
    key: [Word; KEY_WORDS],
    start: [Word; 3],
    end: [Word; 3],
    beneficiary: [u8; 20],
    proof: Vec<u8>,
}

fn vector(name: &str) -> Vector {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("test/fixtures").join(format!("{name}.json"));
    let json: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let bytes = |value: &Value| hex::decode(value.as_str().unwrap().strip_prefix("0x").unwrap()).unwrap();
    let words = |value: &Value| -> Vec<Word> {
        value.as_array().unwrap().iter().map(|word| bytes(word).try_into().unwrap()).collect()
    };
    assert_eq!(json["chainId"], DEFAULT_CHAIN_ID);
    assert_eq!(bytes(&json["contract"]), DEFAULT_ADDRESS);
    Vector {
        key: bytes(&json["key"])
            .chunks(32)
            .map(|word| word.try_into().unwrap())
            .collect::<Vec<_>>()
            .try_into()
            .unwrap(),
        start: words(&json["start"]).try_into().unwrap(),
        end: words(&json["end"]).try_into().unwrap(),
        beneficiary: bytes(&json["beneficiary"]).try_into().unwrap(),
        proof: bytes(&json["proof"]),
    }
}

#[test]
fn the_bytecode_accepts_every_vector_at_the_recorded_cost() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/RootProofVerifier.json");
    let recorded: BTreeMap<String, String> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = [
        ("one_subtree", 37, 36),
        ("two_subtrees", 37, 36),
        ("four_subtrees", 37, 36),
        ("two_groups", 59, 61),
        ("three_groups", 81, 83),
    ];
    for (name, multiplications, additions) in cases {
        let v = vector(name);
        let evm = Evm::deploy_default(&v.key).unwrap();
        let plain = evm.verify_plain(&v.start, &v.end, v.beneficiary, &v.proof).unwrap();
        let hinted = evm.verify(&v.start, &v.end, v.beneficiary, &v.proof).unwrap();
        for outcome in [&plain, &hinted] {
            assert_eq!(outcome.rejection, None, "{name}");
            assert_eq!((outcome.multiplications, outcome.additions), (multiplications, additions), "{name}");
        }
        assert!(hinted.gas + 3_500 < plain.gas, "{name}: {} and {} gas", hinted.gas, plain.gas);
        assert_eq!(recorded["runtime_bytes"], evm.runtime_bytes().to_string());
        for (suffix, outcome) in [("", plain), ("_with_hints", hinted)] {
            if let Some(gas) = recorded.get(&format!("gas_{name}{suffix}")) {
                assert_eq!(*gas, outcome.gas.to_string(), "{name}{suffix}");
            }
        }
    }
}

#[test]
fn wrong_hints_change_nothing_but_the_cost() {
    let v = vector("two_groups");
    let evm = Evm::deploy_default(&v.key).unwrap();
    let mut data = calldata::verify(&v.start, &v.end, v.beneficiary, &v.proof);
    data.extend([0x5a; 64]);
    assert!(evm.send(data).unwrap().accepted());
}

#[test]
fn another_statement_chain_or_contract_is_rejected() {
    let v = vector("two_subtrees");
    let evm = Evm::deploy_default(&v.key).unwrap();
    let rejected = |evm: &Evm, start: &[Word; 3], end: &[Word; 3], beneficiary: [u8; 20]| {
        evm.verify(start, end, beneficiary, &v.proof).unwrap().rejection
    };
    assert_eq!(rejected(&evm, &v.start, &v.end, v.beneficiary), None);
    assert_eq!(rejected(&evm, &v.end, &v.start, v.beneficiary), Some(Rejection::ProofRejected));
    assert_eq!(rejected(&evm, &v.start, &v.end, [7; 20]), Some(Rejection::ProofRejected));
    assert_eq!(rejected(&evm, &[[0xff; 32]; 3], &v.end, v.beneficiary), Some(Rejection::StatementNotCanonical(0)));
    let elsewhere = Evm::deploy(&v.key, DEFAULT_CHAIN_ID, [9; 20]).unwrap();
    assert_eq!(rejected(&elsewhere, &v.start, &v.end, v.beneficiary), Some(Rejection::ProofRejected));
    let other_chain = Evm::deploy(&v.key, 1, DEFAULT_ADDRESS).unwrap();
    assert_eq!(rejected(&other_chain, &v.start, &v.end, v.beneficiary), Some(Rejection::ProofRejected));
}

#[test]
fn a_bad_key_is_not_deployed() {
    let v = vector("two_subtrees");
    for (word, part) in [(1, 1), (2, 2), (34, 3)] {
        let mut key = v.key;
        key[word][31] ^= 1;
        let error = Evm::deploy_default(&key).unwrap_err();
        assert!(matches!(error, EvmError::Deployment(Rejection::InvalidKey(p)) if p == part), "{error}");
    }
}
