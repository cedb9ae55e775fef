//! The verifier's constants of Poseidon2 follow from the published parameters.

use std::collections::BTreeMap;
use std::path::Path;

use ark_bn254::Fr;
use ark_ff::{Field, PrimeField};

/// `uint256 constant NAME = 0x...;` lines of the contract's file.
fn constants() -> BTreeMap<String, Fr> {
    let text = read("src/Poseidon2Matrices.sol");
    let mut found = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("uint256 constant ")) {
        let (name, value) = line.trim_end_matches(';').split_once(" = 0x").unwrap();
        let bytes = hex::decode(value).unwrap();
        let value = Fr::from_be_bytes_mod_order(&bytes);
        assert_eq!(hex::encode(to_be_bytes(value)), hex::encode(bytes), "{name} is reduced");
        found.insert(name.to_string(), value);
    }
    found
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn to_be_bytes(value: Fr) -> Vec<u8> {
    use ark_ff::BigInteger;
    value.into_bigint().to_bytes_be()
}

#[test]
fn the_vandermonde_inverse_follows_from_the_diagonal() {
    let constants = constants();
    let mu: Vec<Fr> = (0..4).map(|c| constants[&format!("MU_{c}")]).collect();
    assert_eq!(constants["MINUS_MU_0"], -mu[0]);
    assert_eq!(constants["MINUS_M"], -(mu[1] + mu[2] + mu[3]));
    for (c, a, b) in [(1, 2, 3), (2, 1, 3)] {
        // The polynomial (X - mu_a)(X - mu_b) / ((mu_c - mu_a)(mu_c - mu_b)) is 1 at mu_c and 0 at the others.
        let scale = ((mu[c] - mu[a]) * (mu[c] - mu[b])).inverse().unwrap();
        assert_eq!(constants[&format!("ENTER_{c}3")], scale);
        assert_eq!(constants[&format!("ENTER_{c}2")], -scale * (mu[a] + mu[b]));
        assert_eq!(constants[&format!("ENTER_{c}1")], scale * mu[a] * mu[b]);
    }
    assert_eq!(constants.len(), 6 + 4 + 2 + 4);
}

#[test]
fn the_published_parameters_are_those_of_the_prover() {
    let prover = read("../kernels/src/poseidon2/constants.rs");
    let (diagonal, full) = prover.split_once(" FULL: ").expect("the diagonal, then the full rounds' constants");
    for (name, value) in constants() {
        let text = format!("0x{}", hex::encode(to_be_bytes(value)));
        if name.starts_with("MU_") {
            assert!(diagonal.contains(&text), "{name}");
        } else if name.starts_with("C0_") {
            assert!(full.contains(&text), "{name}");
        }
    }
}
