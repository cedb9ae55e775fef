//! Any bytes either decode to a message of the round (the first byte) with exactly these bytes or are refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofyard_proof_system::messages::RoundMessage;

fuzz_target!(|bytes: &[u8]| {
    let Some((round, bytes)) = bytes.split_first() else { return };
    if let Ok(message) = RoundMessage::decode(*round, bytes) {
        assert_eq!(message.round(), *round);
        assert_eq!(message.encode(), bytes);
    }
});
