//! Shared by the fuzz targets.

/// A valid encoding with the fuzzer's bytes XORed over it. Every decoder refuses wrong lengths at once, so that random
/// bytes alone would never reach the fields; zeros leave the encoding valid.
pub fn overlay(mut valid: Vec<u8>, bytes: &[u8]) -> Vec<u8> {
    for (target, byte) in valid.iter_mut().zip(bytes) {
        *target ^= byte;
    }
    valid
}
