//! The block file: one encoding a block, everything else refused, and no bytes make the reader panic.

use crate::fixture::*;
use ark_bn254::Fr;
use ark_ff::PrimeField;
use proofyard_rollup::block::{BLOCK_BYTES_MAX, Block, HEADER_BYTES, LEAVES_MAX, SIBLINGS_MAX, TRANSFER_BYTES};
use proofyard_rollup::block_error::BlockError;
use proofyard_rollup::encoding::{DecodeError, Place};
use proofyard_rollup::generate;
use proofyard_rollup::schnorr::KeyError;
use proptest::prelude::*;

/// Offsets inside a transfer: from, to, nonce, amount, fee, key x, key y, e, s.
const KEY_Y: usize = 12 + 16 + 32;
const S: usize = KEY_Y + 32 + 16;

fn transfer_offset(index: usize) -> usize {
    HEADER_BYTES + index * TRANSFER_BYTES
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_make_decode_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(Block::decode(&bytes).is_err());
    }

    #[test]
    fn spoiled_files_are_refused_or_canonical(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        keep in any::<bool>(),
    ) {
        let mut bytes = good_block().encode();
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if !keep {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(block) = Block::decode(&bytes) {
            prop_assert_eq!(block.encode(), bytes);
        }
    }
}

#[test]
fn a_block_survives_its_file() {
    for block in [good_block(), generate::block(9, 1).unwrap()] {
        let bytes = block.encode();
        assert_eq!(Block::decode(&bytes).unwrap(), block);
        assert_eq!(Block::decode(&bytes).unwrap().id(), block.id());
        assert!(bytes.len() <= BLOCK_BYTES_MAX);
    }
    let mut other = good_block();
    other.transfers[0].transfer.amount += 1;
    assert_ne!(other.id(), good_block().id());
}

#[test]
fn every_shorter_or_longer_file_is_refused() {
    let bytes = good_block().encode();
    for length in 0..bytes.len() {
        let error = Block::decode(&bytes[..length]).unwrap_err();
        assert_eq!(code(&error), if length < 8 { "PY-B-001" } else { "PY-B-003" }, "length {length}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(Block::decode(&longer), Err(DecodeError::Trailing { extra: 1 }));
}

#[test]
fn another_magic_or_version_is_refused() {
    let mut bytes = good_block().encode();
    bytes[11] = 2;
    assert_eq!(Block::decode(&bytes), Err(DecodeError::Version { got: 2, supported: 1 }));
    bytes[0] = b'Q';
    assert_eq!(Block::decode(&bytes), Err(DecodeError::Magic { expected: "block file" }));
}

#[test]
fn counts_are_checked_before_anything_is_allocated() {
    for (at, what, max) in
        [(0, "transfers", 65_536), (4, "pre-state entries", 131_072), (8, "sibling hashes", SIBLINGS_MAX)]
    {
        let mut bytes = good_block().encode();
        let at = HEADER_BYTES - 12 + at;
        bytes[at..at + 4].copy_from_slice(&[0xff; 4]);
        let expected = DecodeError::TooMany { what, count: u64::from(u32::MAX), max: max as u64 };
        assert_eq!(Block::decode(&bytes), Err(expected));
        bytes[at..at + 4].copy_from_slice(&(max as u32).to_be_bytes());
        assert_eq!(code(&Block::decode(&bytes).unwrap_err()), "PY-B-003", "{what}");
    }
}

#[test]
fn words_that_are_not_reduced_are_refused() {
    let modulus = |name: &str| match name {
        "r" => Fr::MODULUS,
        _ => ark_grumpkin::Fr::MODULUS,
    };
    let siblings = good_block().encode().len() - 32;
    for (at, place, what, order) in [
        (12, Place::Header, "previous root", "r"),
        (44, Place::Header, "previous data hash", "r"),
        (transfer_offset(1) + KEY_Y, Place::Transfer(1), "recipient key", "r"),
        (transfer_offset(2) + S, Place::Transfer(2), "signature response s", "q"),
        (transfer_offset(3) + 5, Place::Leaf(0), "account key", "r"),
        (siblings, Place::Sibling(good_block().pre_state.siblings.len() - 1), "value", "r"),
    ] {
        let mut bytes = good_block().encode();
        let words = modulus(order).0;
        for (chunk, word) in bytes[at..at + 32].chunks_mut(8).zip(words.iter().rev()) {
            chunk.copy_from_slice(&word.to_be_bytes());
        }
        assert_eq!(Block::decode(&bytes), Err(DecodeError::NotCanonical { place, what }));
    }
}

#[test]
fn a_key_off_the_curve_is_refused_with_its_transaction() {
    let mut bytes = good_block().encode();
    bytes[transfer_offset(2) + KEY_Y + 31] ^= 1;
    let error = BlockError::from(Block::decode(&bytes).unwrap_err());
    assert_eq!(error.transaction(), Some(2));
    assert_eq!(
        error,
        DecodeError::Key { place: Place::Transfer(2), what: "recipient key", source: KeyError::OffCurve }.into()
    );
    assert!(error.to_string().starts_with("[PY-B-007] transaction 2: recipient key is no public key"));
}

#[test]
fn a_flag_that_is_neither_0_nor_1_is_refused() {
    let mut bytes = good_block().encode();
    bytes[transfer_offset(3) + 4] = 2;
    assert_eq!(Block::decode(&bytes), Err(DecodeError::NotCanonical { place: Place::Leaf(0), what: "flag" }));
}

#[test]
fn pre_state_entries_out_of_order_are_refused() {
    let mut block = good_block();
    block.pre_state.leaves.swap(0, 1);
    let expected = DecodeError::Order { place: Place::Leaf(1), leaf: ALICE, previous: BOB };
    assert_eq!(Block::decode(&block.encode()), Err(expected));
    block.pre_state.leaves[0].leaf = ALICE;
    assert_eq!(code(&Block::decode(&block.encode()).unwrap_err()), "PY-B-008");
}

#[test]
fn the_documented_limits_hold() {
    assert_eq!(HEADER_BYTES, 88);
    assert_eq!(TRANSFER_BYTES, 140);
    assert_eq!(LEAVES_MAX, 131_072);
    assert_eq!(SIBLINGS_MAX, 7 * 3 * 131_072 + 3 * ((1 << 18) - 1) / 3);
}

#[test]
fn the_bytes_of_a_known_block_stay_the_same() {
    let block = generate::block(4, 1).unwrap();
    let id: String = block.id().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(id, "20d9fb3e3f32b66d7a493432033f95de0440364e846e119a32979fa8bf0d5a39");
}
