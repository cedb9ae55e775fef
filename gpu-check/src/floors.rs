//! How fast a device could be at best: the multiplications of an algorithm over the device's measured rates.
//!
//! A product of 8 x 8 limbs is 64 wide multiplications. Its Montgomery reduction has for each of 8 limbs a factor (1 low
//! multiplication) and 8 products with the modulus, of which the lowest is only needed for its high half: 7 wide, 1 high. A
//! square saves the 28 products that occur twice. So
//!
//! - a product with its reduction: 120 wide, 8 high, 8 low;
//! - a mixed addition in XYZZ coordinates (madd-2008-s: 8 products, 2 squares), where `R (V - X) - Y H^3` shares one
//!   reduction: 8 x 64 + 2 x 36 + 9 x 56 = 1,088 wide, 72 high, 72 low;
//! - a full addition (add-2008-s: 12 products, 2 squares, the same merging): 12 x 64 + 2 x 36 + 13 x 56 = 1,568 wide, 104
//!   high, 104 low.
//!
//! Additions, memory latency and launches are not in it: no kernel reaches 100 %.

use crate::{
    report::Figure,
    targets::{BATCH, Task},
};

/// Names of the figures that floors are made of.
pub const MULTIPLY_ADD: &str = "IMAD";
/// High halves.
pub const MULTIPLY_HIGH: &str = "IMAD.HI";
/// Wide products.
pub const MULTIPLY_WIDE: &str = "IMAD.WIDE";
/// Bytes read and written.
pub const COPY: &str = "copy on the device";

/// What a device does in a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Low multiplications.
    pub low: f64,
    /// High halves.
    pub high: f64,
    /// Wide multiplications.
    pub wide: f64,
    /// Bytes.
    pub bytes: f64,
}

/// Multiplications.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Work {
    wide: f64,
    high: f64,
    low: f64,
}

const PRODUCT: Work = Work { wide: 120.0, high: 8.0, low: 8.0 };
const MIXED_ADDITION: Work = Work { wide: 1_088.0, high: 72.0, low: 72.0 };
const FULL_ADDITION: Work = Work { wide: 1_568.0, high: 104.0, low: 104.0 };

/// Bits that the signed digits of a scalar cover: 254, and a last carry.
const SCALAR_BITS: u32 = 255;
/// Digits of more bits would need more memory for buckets than a device has.
const DIGIT_BITS_MAX: u32 = 24;
/// Bytes of a field element.
const FIELD_BYTES: f64 = 32.0;

/// Commitments of a subtree: wires, z, the quotient's chunks, both openings.
const SUBTREE_MSMS: f64 = 4.0 + 1.0 + 5.0 + 2.0;
/// Transforms of a subtree: z and the wires to coefficients, these five onto five cosets, five pieces and PI back.
const SUBTREE_TRANSFORMS: f64 = 5.0 + 5.0 * 5.0 + 5.0 + 1.0;

impl Rates {
    /// From the figures of the part `micro`: the medians, in units of 10^12 operations and 10^9 bytes a second.
    pub fn of(figures: &[Figure]) -> Option<Self> {
        let median = |name: &str| figures.iter().find(|figure| figure.what == name).map(|figure| figure.median);
        Some(Self {
            low: median(MULTIPLY_ADD)? * 1e12,
            high: median(MULTIPLY_HIGH)? * 1e12,
            wide: median(MULTIPLY_WIDE)? * 1e12,
            bytes: median(COPY)? * 1e9,
        })
    }

    fn milliseconds(&self, work: Work, times: f64) -> f64 {
        (work.wide / self.wide + work.high / self.high + work.low / self.low) * times * 1e3
    }

    /// Field products a second at best, in units of 10^9.
    pub fn products(&self) -> f64 {
        1e3 / self.milliseconds(PRODUCT, 1.0) / 1e9
    }

    /// One MSM over a fixed base: a mixed addition for each digit, then two full additions for each bucket; with the width
    /// of digits that is best.
    fn msm(&self, log2: u32) -> f64 {
        let floor = |bits: u32| {
            let additions = f64::from(SCALAR_BITS.div_ceil(bits)) * f64::from(log2).exp2();
            let buckets = f64::from(bits - 1).exp2();
            self.milliseconds(MIXED_ADDITION, additions) + self.milliseconds(FULL_ADDITION, 2.0 * buckets)
        };
        (2..=DIGIT_BITS_MAX).map(floor).fold(f64::INFINITY, f64::min)
    }

    /// A transform: `n/2 log n` butterflies, of which n multiply by 1; or, if that is more, each element read and written
    /// once in each of the passes over global memory.
    fn ntt(&self, log2: u32) -> f64 {
        let size = f64::from(log2).exp2();
        let products = (size / 2.0 * f64::from(log2) - size).max(0.0);
        let passes = if log2 <= 20 { 2.0 } else { 3.0 };
        let moved = 2.0 * FIELD_BYTES * size * passes / self.bytes * 1e3;
        self.milliseconds(PRODUCT, products).max(moved)
    }

    /// The floor of a task in milliseconds.
    pub fn floor(&self, task: Task, log2: u32) -> f64 {
        match task {
            Task::Msm => self.msm(log2),
            Task::MsmBatch => BATCH as f64 * self.msm(log2),
            Task::Ntt => self.ntt(log2),
            Task::Subtree => SUBTREE_MSMS * self.msm(log2) + SUBTREE_TRANSFORMS * self.ntt(log2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The assumptions under which the design derived its floors: 132 multiprocessors at 1.98 GHz, 64 low and 32 wide or high
    /// multiplications a clock.
    fn assumed() -> Rates {
        let clocks = 132.0 * 1.98e9;
        Rates { low: 64.0 * clocks, high: 32.0 * clocks, wide: 32.0 * clocks, bytes: 3.0e12 }
    }

    #[test]
    fn the_floors_of_the_design_come_out() {
        let near = |task, log2, expected: f64| {
            let floor = assumed().floor(task, log2);
            assert!((floor / expected - 1.0).abs() < 0.05, "{task:?} 2^{log2}: {floor} instead of {expected}");
        };
        for (log2, expected) in [(16, 0.164), (18, 0.592), (20, 2.18), (22, 8.05)] {
            near(Task::Msm, log2, expected);
        }
        for (log2, expected) in [(18, 0.033), (20, 0.149), (22, 0.663), (24, 2.92)] {
            near(Task::Ntt, log2, expected);
        }
    }

    #[test]
    fn floors_lie_below_targets() {
        for task in [Task::Msm, Task::MsmBatch, Task::Ntt, Task::Subtree] {
            for log2 in 14..=24 {
                if let Some(target) = task.target(log2) {
                    assert!(assumed().floor(task, log2) < target, "{task:?} 2^{log2}");
                }
            }
        }
    }
}
