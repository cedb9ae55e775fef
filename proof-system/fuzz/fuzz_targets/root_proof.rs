//! Any bytes either decode to a root proof with exactly these bytes or are refused.
#![no_main]

use ark_bn254::Fr;
use libfuzzer_sys::fuzz_target;
use proofyard_proof_system::proof::RootProof;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(proof) = RootProof::decode(bytes, [Fr::from(1), Fr::from(2), Fr::from(3)]) {
        assert_eq!(proof.encode(), bytes);
    }
});
