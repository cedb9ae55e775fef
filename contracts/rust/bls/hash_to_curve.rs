//! RFC 9380, suite BN254G1_XMD:SHA-256_SVDW_RO_: the map of Shallue and van de Woestijne with Z = 1.

use ark_bn254::{Fq, G1Affine};
use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, BigInteger, Field, MontFp, PrimeField};
use sha2::{Digest, Sha256};

const OVERSIZE: &[u8] = b"H2C-OVERSIZE-DST-";

/// -4 g(Z) / (3 Z^2), with g(x) = x^3 + 3 and Z = 1.
const C4: Fq = MontFp!("7296080957279758407415468581752425029565437052432607887563012631548408736189");
/// The even root of -3 Z^2 g(Z).
const C3: Fq = MontFp!("8815841940592487685674414971303048083897117035520822607866");
/// -Z / 2.
const C2: Fq = MontFp!("10944121435919637611123202872628637544348155578648911831344518947322613104291");

/// The message's point: the sum of the points of two field elements; the cofactor is one.
pub(super) fn hash_to_curve(message: &[u8], dst: &[u8]) -> G1Affine {
    let [u0, u1] = hash_to_field(message, dst);
    (map_to_curve(u0) + map_to_curve(u1)).into_affine()
}

/// Section 5.2: two elements of 48 bytes each.
fn hash_to_field(message: &[u8], dst: &[u8]) -> [Fq; 2] {
    let expanded = expand_message(message, dst);
    [&expanded[..48], &expanded[48..]].map(Fq::from_be_bytes_mod_order)
}

/// Section 5.3.1, expand_message_xmd with SHA-256, for 96 bytes.
pub(super) fn expand_message(message: &[u8], dst: &[u8]) -> [u8; 96] {
    // Section 5.3.3: a domain whose length does not fit a byte is hashed.
    let shortened = (dst.len() > 255).then(|| Sha256::new().chain_update(OVERSIZE).chain_update(dst).finalize());
    let dst = shortened.as_deref().unwrap_or(dst);
    let hash = |parts: &[&[u8]]| -> [u8; 32] {
        let mut hasher = Sha256::new();
        parts.iter().for_each(|part| hasher.update(part));
        hasher.update(dst);
        hasher.update([dst.len() as u8]);
        hasher.finalize().into()
    };
    let first = hash(&[&[0; 64], message, &[0, 96, 0]]);
    let mut expanded = [0; 96];
    let mut block = [0; 32];
    for (number, out) in (1..).zip(expanded.chunks_exact_mut(32)) {
        let mut mixed = first;
        mixed.iter_mut().zip(block).for_each(|(byte, other)| *byte ^= other);
        block = hash(&[&mixed, &[number]]);
        out.copy_from_slice(&block);
    }
    expanded
}

/// Section 6.6.1: of three candidates for x the first that is on the curve, with the sign of u for y.
fn map_to_curve(u: Fq) -> G1Affine {
    let square = u.square() * Fq::from(4u64);
    let (plus, minus) = (Fq::ONE + square, Fq::ONE - square);
    // Zero has the inverse zero here.
    let inverse = (plus * minus).inverse().unwrap_or(Fq::ZERO);
    let step = u * minus * inverse * C3;
    let third = || Fq::ONE + C4 * (plus.square() * inverse).square();
    let root = |x: Fq| (x.square() * x + Fq::from(3u64)).sqrt().map(|y| (x, y));
    let (x, y) = root(C2 - step)
        .or_else(|| root(C2 + step))
        .or_else(|| root(third()))
        .expect("one of the three candidates is on the curve, for every u");
    let sign = |value: Fq| value.into_bigint().is_odd();
    G1Affine::new_unchecked(x, if sign(u) == sign(y) { y } else { -y })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// From testdata/reference_bls.py.
    const FIXTURES: &str = include_str!("../../test/fixtures/bls_vrf.json");

    fn fixtures(list: &str) -> Vec<Value> {
        let mut all: Value = serde_json::from_str(FIXTURES).unwrap();
        let Value::Array(list) = all[list].take() else { panic!("not a list") };
        list
    }

    fn data(value: &Value) -> Vec<u8> {
        hex::decode(value.as_str().unwrap().strip_prefix("0x").unwrap()).unwrap()
    }

    fn element(value: &Value) -> Fq {
        Fq::from_be_bytes_mod_order(&data(value))
    }

    fn point(value: &Value) -> G1Affine {
        G1Affine::new(element(&value[0]), element(&value[1]))
    }

    #[test]
    fn every_step_is_as_the_twin_computes_it() {
        let hashes = fixtures("hashes");
        assert_eq!(hashes.len(), 26);
        for hash in hashes {
            let (message, dst) = (data(&hash["message"]), data(&hash["dst"]));
            assert_eq!(expand_message(&message, &dst).to_vec(), data(&hash["expanded"]));
            let u = hash_to_field(&message, &dst);
            assert_eq!(u, [element(&hash["u"][0]), element(&hash["u"][1])]);
            assert_eq!(u.map(map_to_curve), [point(&hash["maps"][0]), point(&hash["maps"][1])]);
            assert_eq!(hash_to_curve(&message, &dst), point(&hash["point"]));
        }
    }

    #[test]
    fn exceptional_inputs_map_as_the_twin_maps_them() {
        let maps = fixtures("maps");
        assert_eq!(maps.len(), 7);
        for map in maps {
            assert_eq!(map_to_curve(element(&map["u"])), point(&map["point"]));
        }
    }

    #[test]
    fn every_element_maps_to_the_curve() {
        for seed in 0u64..200 {
            let u = Fq::from(seed).pow([seed + 3]);
            assert!(map_to_curve(u).is_on_curve());
        }
    }

    #[test]
    fn the_constants_are_what_they_are_called() {
        assert_eq!(C2 * Fq::from(2u64), -Fq::ONE);
        assert_eq!(C3.square(), -Fq::from(12u64));
        assert!(!C3.into_bigint().is_odd());
        assert_eq!(C4 * Fq::from(3u64), -Fq::from(16u64));
    }
}
