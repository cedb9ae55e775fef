//! The subgroups H (rows) and K (subtrees) and their Lagrange bases, docs/protocol.md section 1.

use ark_bn254::Fr;
use ark_ff::{FftField, Field, One};

/// The largest M a key serves.
pub const SUBTREES_MAX: usize = 256;

/// A multiplicative subgroup of order `2^log2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Domain {
    /// log2 of the order, at most 28.
    pub log2: u32,
    /// The generator: `w` of H or `g` of K.
    pub generator: Fr,
}

impl Domain {
    /// The subgroup of order `2^log2`; `None` above 2^28.
    pub fn new(log2: u32) -> Option<Self> {
        let halvings = <Fr as FftField>::TWO_ADICITY.checked_sub(log2)?;
        let mut generator = <Fr as FftField>::TWO_ADIC_ROOT_OF_UNITY;
        for _ in 0..halvings {
            generator.square_in_place();
        }
        Some(Self { log2, generator })
    }

    /// The subgroup of `size` elements; `None` when `size` is no power of two up to 2^28.
    pub fn of_size(size: usize) -> Option<Self> {
        if !size.is_power_of_two() {
            return None;
        }
        Self::new(size.trailing_zeros())
    }

    /// The order.
    pub fn size(&self) -> usize {
        1 << self.log2
    }

    /// `X^n - 1` at `point`.
    pub fn vanishing_at(&self, point: Fr) -> Fr {
        let mut power = point;
        for _ in 0..self.log2 {
            power.square_in_place();
        }
        power - Fr::one()
    }

    /// `L_index(point) = w^index (point^n - 1) / (n (point - w^index))`; `None` when the denominator is zero.
    pub fn lagrange_at(&self, index: usize, point: Fr) -> Option<Fr> {
        let root = self.generator.pow([index as u64]);
        let denominator = Fr::from(self.size() as u64) * (point - root);
        Some(root * self.vanishing_at(point) * denominator.inverse()?)
    }
}
