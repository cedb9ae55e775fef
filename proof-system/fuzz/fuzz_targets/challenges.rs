//! Any bytes either decode to challenges with exactly these bytes or are refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofyard_proof_system::challenges::Challenges;
use proofyard_proof_system_fuzz::overlay;

fuzz_target!(|bytes: &[u8]| {
    for bytes in [bytes.to_vec(), overlay(vec![0; bytes.len() / 32 * 32], bytes)] {
        if let Ok(challenges) = Challenges::decode(&bytes) {
            assert_eq!(challenges.encode(), bytes);
        }
    }
});
