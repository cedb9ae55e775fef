//! Canonical encodings: round trips, and every other byte string refused.

use ark_bn254::{Fq, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInteger, PrimeField};
use proofyard_proof_system::{
    codec::{self, DecodeError, POINT_BYTES, SCALAR_BYTES},
    key::{INSECURE_LABEL, KEY_BYTES, VerifyingKey},
    messages::{ROUND_BYTES, RoundMessage, RowOpenings},
    proof::{CLAIM_COUNT, Group, GroupProof, PROOF_BYTES, RootProof},
};
use proptest::prelude::*;

/// Distinct points and scalars, deterministic.
struct Values(u64);

impl Values {
    fn scalar(&mut self) -> Fr {
        self.0 += 1;
        -Fr::from(self.0 * self.0)
    }

    fn point(&mut self) -> G1Affine {
        (G1Projective::from(G1Affine::generator()) * self.scalar()).into_affine()
    }

    fn points<const N: usize>(&mut self) -> [G1Affine; N] {
        std::array::from_fn(|_| self.point())
    }

    fn scalars<const N: usize>(&mut self) -> [Fr; N] {
        std::array::from_fn(|_| self.scalar())
    }

    fn group(&mut self, subtrees: usize) -> Group {
        let proof = GroupProof {
            wires: self.points(),
            batons: self.points(),
            z: self.point(),
            chunks: self.points(),
            // M = 1 has no quotient: infinity must pass.
            q: if subtrees == 1 { G1Affine::identity() } else { self.point() },
            claims: self.scalars(),
            wx1: self.point(),
            wx2: self.point(),
            wy: self.point(),
            wy_shifted: self.point(),
        };
        Group { subtrees, end: self.scalars(), proof }
    }

    fn root_proof(&mut self, groups: usize) -> RootProof {
        RootProof { groups: (0..groups).map(|index| self.group(1 << (index % 9))).collect() }
    }

    fn messages(&mut self) -> Vec<RoundMessage> {
        vec![
            RoundMessage::One { wires: self.points() },
            RoundMessage::Two { z: self.point() },
            RoundMessage::Three { chunks: self.points() },
            RoundMessage::Four(Box::new(RowOpenings {
                at_zeta: self.scalars(),
                at_next: self.scalars(),
                z: self.scalar(),
                z_next: self.scalar(),
                t: self.scalar(),
                fixed: self.scalars(),
            })),
            RoundMessage::Five { wx1: self.point(), wx2: self.point() },
        ]
    }

    fn key(&mut self) -> VerifyingKey {
        let tx = (G2Affine::generator() * self.scalar()).into_affine();
        let ty = (G2Affine::generator() * self.scalar()).into_affine();
        VerifyingKey { label: INSECURE_LABEL, rows_log2: 12, fixed: self.points(), tx, ty }
    }
}

fn end(proof: &RootProof) -> [Fr; 3] {
    proof.groups.last().unwrap().end
}

/// Adds `modulus` to the word at `offset`: the same residue, another encoding.
fn add_modulus(bytes: &mut [u8], offset: usize, modulus: ark_ff::BigInt<4>) {
    let word = &mut bytes[offset..offset + SCALAR_BYTES];
    let bits: Vec<bool> = word.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
    let mut value = ark_ff::BigInt::<4>::from_bits_be(&bits);
    assert!(!value.add_with_carry(&modulus), "fits in 256 bits");
    word.copy_from_slice(&value.to_bytes_be());
}

#[test]
fn known_encodings() {
    let mut generator = [0; POINT_BYTES];
    (generator[31], generator[63]) = (1, 2);
    assert_eq!(codec::point_bytes(&G1Affine::generator()), generator);
    assert_eq!(codec::point_bytes(&G1Affine::identity()), [0; POINT_BYTES]);
    assert!(codec::point_from_bytes(&[0; POINT_BYTES], "infinity", 0).unwrap().is_zero());
    let mut word = [0; SCALAR_BYTES];
    word[30..].copy_from_slice(&[2, 1]);
    assert_eq!(codec::scalar_bytes(&Fr::from(0x201)), word);
    // The generator of EIP-197, imaginary parts first.
    let g2 = codec::g2_point_bytes(&G2Affine::generator());
    assert_eq!(&g2[..4], &[0x19, 0x8e, 0x93, 0x93]);
    assert_eq!(&g2[32..36], &[0x18, 0x00, 0xde, 0xef]);
    assert_eq!(codec::g2_point_from_bytes(&g2, "generator", 0).unwrap(), G2Affine::generator());
}

#[test]
fn root_proofs_survive_the_round_trip() {
    for count in 1..=16 {
        let proof = Values(0).root_proof(count);
        let bytes = proof.encode();
        assert_eq!(bytes.len(), 1824 * count - 96);
        assert_eq!(RootProof::decode(&bytes, end(&proof)).unwrap(), proof);
    }
    let group = Values(5).group(4);
    assert_eq!(GroupProof::decode(&group.proof.encode()).unwrap(), group.proof);
}

#[test]
fn layout_is_the_documented_one() {
    let group = Values(9).group(256);
    let proof = &group.proof;
    let bytes = RootProof { groups: vec![group.clone()] }.encode();
    assert_eq!(bytes.len(), PROOF_BYTES);
    assert_eq!(&bytes[..32], &codec::number_bytes(256));
    let body = &bytes[32..];
    for (offset, point) in [
        (0, proof.wires[0]),
        (192, proof.wires[3]),
        (256, proof.batons[0]),
        (448, proof.z),
        (512, proof.chunks[0]),
        (832, proof.q),
        (1440, proof.wx1),
        (1504, proof.wx2),
        (1568, proof.wy),
        (1632, proof.wy_shifted),
    ] {
        assert_eq!(&body[offset..offset + 64], &codec::point_bytes(&point), "point at {offset}");
    }
    for (index, claim) in proof.claims.iter().enumerate() {
        assert_eq!(&body[896 + 32 * index..][..32], &codec::scalar_bytes(claim), "claim {index}");
    }
}

#[test]
fn wrong_lengths_are_refused() {
    let proof = Values(0).root_proof(2);
    let bytes = proof.encode();
    for length in 0..bytes.len() + 200 {
        let mut cut = bytes.clone();
        cut.resize(length, 0);
        // One group's length is right for one group, whose M would be a word of the first group: only 2 groups may
        // pass.
        let decoded = RootProof::decode(&cut, end(&proof));
        match length {
            _ if length == bytes.len() => assert!(decoded.is_ok()),
            PROOF_BYTES => assert!(decoded.is_err(), "the first group carries an end that is no point"),
            _ => assert_eq!(decoded.unwrap_err(), DecodeError::ProofLength { got: length }),
        }
    }
    assert_eq!(RootProof::decode(&[], end(&proof)).unwrap_err(), DecodeError::ProofLength { got: 0 });
    for message in Values(0).messages() {
        let bytes = message.encode();
        for length in (0..bytes.len()).chain([bytes.len() + 1, bytes.len() + 32]) {
            let mut cut = bytes.clone();
            cut.resize(length, 0);
            let error = RoundMessage::decode(message.round(), &cut).unwrap_err();
            assert!(matches!(error, DecodeError::Length { got, .. } if got == length), "{error}");
        }
    }
    let key = Values(0).key().encode();
    for length in (0..KEY_BYTES).chain([KEY_BYTES + 1]) {
        let mut cut = key.clone();
        cut.resize(length, 0);
        assert!(matches!(VerifyingKey::decode(&cut), Err(DecodeError::Length { .. })));
    }
}

#[test]
fn seventeen_groups_are_refused() {
    let proof = Values(0).root_proof(17);
    let bytes = proof.encode();
    assert_eq!(RootProof::decode(&bytes, end(&proof)).unwrap_err(), DecodeError::ProofLength { got: bytes.len() });
}

#[test]
fn bad_numbers_of_subtrees_are_refused() {
    let proof = Values(0).root_proof(1);
    for subtrees in [0_u64, 3, 5, 6, 255, 257, 512, 1 << 32, u64::MAX] {
        let mut bytes = proof.encode();
        bytes[..32].copy_from_slice(&codec::number_bytes(subtrees));
        let error = RootProof::decode(&bytes, end(&proof)).unwrap_err();
        assert!(matches!(error, DecodeError::Number { what: "subtrees of a group", offset: 0, .. }), "{error}");
    }
    for high in [0, 23] {
        // 4 in the low word and something above it.
        let mut bytes = proof.encode();
        bytes[..32].copy_from_slice(&codec::number_bytes(4));
        bytes[high] = 1;
        assert!(RootProof::decode(&bytes, end(&proof)).is_err());
    }
}

#[test]
fn every_word_of_a_proof_is_canonical() {
    let proof = Values(0).root_proof(2);
    let bytes = proof.encode();
    let is_scalar = |word: usize| {
        // Group 0: M, three words of its end, then the body; group 1: M and the body.
        let scalars = |body: usize| body + 28..body + 28 + CLAIM_COUNT;
        (1..4).contains(&word) || scalars(4).contains(&word) || scalars(58).contains(&word)
    };
    for word in 0..bytes.len() / 32 {
        if word == 0 || word == 57 {
            continue; // M, tested above
        }
        let mut changed = bytes.clone();
        let modulus = if is_scalar(word) { Fr::MODULUS } else { Fq::MODULUS };
        add_modulus(&mut changed, word * 32, modulus);
        let error = RootProof::decode(&changed, end(&proof)).unwrap_err();
        match error {
            DecodeError::Scalar { offset, .. } => {
                assert!(is_scalar(word) && offset == word * 32, "word {word}: {error}")
            }
            DecodeError::Coordinate { offset, .. } => {
                assert!(!is_scalar(word) && offset == word * 32, "word {word}: {error}");
            }
            error => panic!("word {word}: {error}"),
        }
        if !is_scalar(word) {
            let mut changed = bytes.clone();
            changed[word * 32 + 31] ^= 1;
            let error = RootProof::decode(&changed, end(&proof)).unwrap_err();
            assert!(matches!(error, DecodeError::OffCurve { .. }), "word {word}: {error}");
        }
    }
}

#[test]
fn every_word_of_a_message_is_canonical() {
    for message in Values(3).messages() {
        let round = message.round();
        let bytes = message.encode();
        assert_eq!(bytes.len(), ROUND_BYTES[usize::from(round) - 1]);
        assert_eq!(RoundMessage::decode(round, &bytes).unwrap(), message);
        for word in 0..bytes.len() / 32 {
            let mut changed = bytes.clone();
            add_modulus(&mut changed, word * 32, if round == 4 { Fr::MODULUS } else { Fq::MODULUS });
            assert!(RoundMessage::decode(round, &changed).is_err(), "round {round}, word {word}");
        }
    }
    for round in [0, 6, 255] {
        assert_eq!(RoundMessage::decode(round, &[0; 64]).unwrap_err(), DecodeError::Round { got: round });
    }
}

#[test]
fn halves_of_infinity_are_off_the_curve() {
    let mut bytes = codec::point_bytes(&G1Affine::generator());
    bytes[..32].fill(0);
    assert!(matches!(codec::point_from_bytes(&bytes, "point", 7), Err(DecodeError::OffCurve { offset: 7, .. })));
}

#[test]
fn keys_are_strict() {
    let key = Values(0).key();
    let bytes = key.encode();
    assert_eq!(bytes.len(), 1344);
    assert_eq!(VerifyingKey::decode(&bytes).unwrap(), key);
    assert!(key.is_insecure());
    // Every byte is bound by the digest, and a changed byte never gives the same key.
    for offset in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[offset] ^= 1;
        if let Ok(other) = VerifyingKey::decode(&changed) {
            assert!(offset < 32, "byte {offset} changed unnoticed");
            assert_ne!(other.digest(), key.digest());
            assert!(!other.is_insecure());
        }
    }
    let mut zero = bytes.clone();
    zero[KEY_BYTES - 128..].fill(0);
    assert!(matches!(VerifyingKey::decode(&zero), Err(DecodeError::Number { what: "[ty]", .. })));
    // A point of the twist whose order is not r.
    let outside = (1_u64..)
        .find_map(|x| G2Affine::get_point_from_x_unchecked(ark_bn254::Fq2::new(Fq::from(x), Fq::from(0)), true))
        .filter(|point| !point.is_in_correct_subgroup_assuming_on_curve())
        .unwrap();
    let mut changed = bytes;
    changed[KEY_BYTES - 256..KEY_BYTES - 128].copy_from_slice(&codec::g2_point_bytes(&outside));
    assert!(matches!(VerifyingKey::decode(&changed), Err(DecodeError::Subgroup { what: "[tx]", .. })));
}

/// Arbitrary bytes, and true encodings with some bytes changed: the second kind gets past the first checks.
fn proof_like() -> impl Strategy<Value = Vec<u8>> {
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    let altered = (1_usize..=3, 0_u64..1000, changes).prop_map(|(groups, seed, changes)| {
        let mut bytes = Values(seed).root_proof(groups).encode();
        for (index, value) in changes {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        bytes
    });
    prop_oneof![proptest::collection::vec(any::<u8>(), 0..4000), altered]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decoding_never_panics_and_is_injective(bytes in proof_like(), end in any::<[u64; 3]>()) {
        if let Ok(proof) = RootProof::decode(&bytes, end.map(Fr::from)) {
            prop_assert_eq!(proof.encode(), bytes);
        }
    }

    #[test]
    fn decoding_messages_never_panics(round in 0_u8..8, bytes in proptest::collection::vec(any::<u8>(), 0..1000)) {
        if let Ok(message) = RoundMessage::decode(round, &bytes) {
            prop_assert_eq!(message.encode(), bytes);
        }
    }

    #[test]
    fn messages_survive_the_round_trip(seed in 0_u64..1_000_000) {
        for message in Values(seed).messages() {
            prop_assert_eq!(RoundMessage::decode(message.round(), &message.encode()).unwrap(), message);
        }
    }
}
