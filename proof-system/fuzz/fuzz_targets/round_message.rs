//! Any bytes either decode to a message of the round (the first byte) with exactly these bytes or are refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofyard_proof_system::messages::{ROUND_BYTES, RoundMessage};
use proofyard_proof_system_fuzz::overlay;

fn check(round: u8, bytes: &[u8]) {
    if let Ok(message) = RoundMessage::decode(round, bytes) {
        assert_eq!(message.round(), round);
        assert_eq!(message.encode(), bytes);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((round, bytes)) = bytes.split_first() else { return };
    check(*round, bytes);
    for (length, round) in ROUND_BYTES.into_iter().zip(1..) {
        check(round, &overlay(vec![0; length], bytes));
    }
});
