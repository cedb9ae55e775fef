//! Any bytes either decode to a verifying key with exactly these bytes or are refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofyard_proof_system::key::VerifyingKey;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(key) = VerifyingKey::decode(bytes) {
        assert_eq!(key.encode(), bytes);
    }
});
