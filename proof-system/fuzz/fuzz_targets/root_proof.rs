//! Any bytes either decode to a root proof with exactly these bytes or are refused.
#![no_main]

use ark_bn254::Fr;
use libfuzzer_sys::fuzz_target;
use proofyard_proof_system::proof::{END_BYTES, GROUPS_MAX, PROOF_BYTES, RootProof};
use proofyard_proof_system_fuzz::overlay;

fn check(bytes: &[u8]) -> bool {
    let decoded = RootProof::decode(bytes, [Fr::from(1), Fr::from(2), Fr::from(3)]);
    decoded.is_ok_and(|proof| {
        assert_eq!(proof.encode(), bytes);
        true
    })
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    let Some((groups, bytes)) = bytes.split_first() else { return };
    let groups = usize::from(*groups) % GROUPS_MAX + 1;
    // Groups of one subtree in which every point is infinity and every scalar zero.
    let stride = PROOF_BYTES + END_BYTES;
    let mut valid = vec![0; groups * stride - END_BYTES];
    (0..groups).for_each(|group| valid[group * stride + 31] = 1);
    assert!(check(&valid));
    check(&overlay(valid, bytes));
});
