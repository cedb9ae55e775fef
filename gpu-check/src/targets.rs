//! What the kernels must reach: milliseconds on an H100, by log2 of the size.
//!
//! On other devices the targets are those of an H100 too, which says how far off they are; the floor is the device's own.

/// A row of the table.
type Targets = &'static [(u32, f64)];

/// One MSM.
const MSM: Targets = &[(14, 0.3), (16, 0.4), (18, 0.95), (20, 3.0), (22, 10.5)];
/// Eight MSMs at once.
const MSM_BATCH: Targets = &[(14, 0.7), (16, 1.9), (18, 6.5), (20, 23.0), (22, 83.0)];
/// A transform.
const NTT: Targets = &[(16, 0.02), (18, 0.06), (20, 0.24), (22, 1.0), (24, 4.4)];
/// The five rounds of a subtree.
const SUBTREE: Targets = &[(20, 150.0)];

/// What is measured against a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// One MSM.
    Msm,
    /// [`BATCH`] MSMs at once.
    MsmBatch,
    /// A transform.
    Ntt,
    /// The five rounds of a subtree.
    Subtree,
}

/// MSMs of a batch.
pub const BATCH: usize = 8;

impl Task {
    /// Its target in milliseconds, where there is one.
    pub fn target(self, log2: u32) -> Option<f64> {
        let table = match self {
            Self::Msm => MSM,
            Self::MsmBatch => MSM_BATCH,
            Self::Ntt => NTT,
            Self::Subtree => SUBTREE,
        };
        table.iter().find(|(size, _)| *size == log2).map(|(_, target)| *target)
    }
}
