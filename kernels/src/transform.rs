//! Sizes of transforms, and their roots of unity.

use ark_bn254::Fr;
use ark_ff::{FftField, Field};

use crate::backend::KernelError;

/// The largest transform is `2^28`: r - 1 has no more factors of two.
pub const MAX_LOG2: u32 = Fr::TWO_ADICITY;

/// log2 of a transform's size, or why there is none of that size.
pub fn log2_of(size: usize) -> Result<u32, KernelError> {
    let log2 = size.trailing_zeros();
    if !size.is_power_of_two() || log2 > MAX_LOG2 {
        return Err(KernelError::TransformSize(size));
    }
    Ok(log2)
}

/// The root of order `2^log2` that the protocol names, `5^((r - 1) / 2^log2)`; log2 is at most [`MAX_LOG2`].
pub fn root(log2: u32) -> Fr {
    (log2..MAX_LOG2).fold(Fr::TWO_ADIC_ROOT_OF_UNITY, |root, _| root.square())
}
