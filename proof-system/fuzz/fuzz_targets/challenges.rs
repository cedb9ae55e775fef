//! Any bytes either decode to challenges with exactly these bytes or are refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofyard_proof_system::challenges::Challenges;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(challenges) = Challenges::decode(bytes) {
        assert_eq!(challenges.encode(), bytes);
    }
});
