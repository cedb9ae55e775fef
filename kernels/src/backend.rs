//! The trait that every device implements.

use std::sync::Arc;

use ark_bn254::{Fr, G1Affine};

use crate::{
    point::AffinePoint,
    poseidon2::{PERMUTATION_ROWS, WIDTH},
    program::Program,
};

/// Why a backend refused or failed an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KernelError {
    /// A length that the operation cannot take.
    #[error("[PY-K-001] {what}: expected length {expected}, got {got}")]
    Length {
        /// The operand.
        what: &'static str,
        /// Elements expected.
        expected: usize,
        /// Elements found.
        got: usize,
    },
    /// A transform of a size that is no power of two or exceeds 2^28.
    #[error("[PY-K-002] {0} is no transform size: it must be a power of two up to 2^28")]
    TransformSize(usize),
    /// A division by zero: which operand.
    #[error("[PY-K-003] {0} is zero where it must be invertible")]
    ZeroDenominator(&'static str),
    /// A program that names a column or uniform it was not given, or a register not yet computed.
    #[error("[PY-K-004] the program needs {what} {index}, but {given} were given")]
    ProgramInput {
        /// "column", "uniform" or "register".
        what: &'static str,
        /// The index asked for.
        index: usize,
        /// How many there are.
        given: usize,
    },
    /// Rows of permutations that overlap, are out of order or exceed the columns.
    #[error(
        "[PY-K-007] a permutation from row {first_row} does not fit into rows {free} to {rows}; give first rows in ascending \
         order, {PERMUTATION_ROWS} rows for each"
    )]
    PermutationRows {
        /// The permutation's first row.
        first_row: u32,
        /// The first row after the permutation before it.
        free: usize,
        /// Rows of the columns.
        rows: usize,
    },
    /// The device ran out of memory.
    #[error("[PY-K-005] the device is out of memory: {0}")]
    OutOfMemory(String),
    /// The device or its driver failed.
    #[error("[PY-K-006] the device failed: {0}")]
    Device(String),
}

/// Memory of a device, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceMemory {
    /// What may be used.
    pub budget: usize,
    /// What of it is not in use.
    pub available: usize,
}

/// Fixed bases shared between threads: owned memory or a mapped file.
pub type PointSource = Arc<dyn AsRef<[AffinePoint]> + Send + Sync>;

/// A device that holds columns and bases and computes on them.
///
/// Handles are opaque: data goes in by `upload` and comes out by `download` only. Columns are vectors of field elements in
/// natural order: evaluations over `H = <w>` (entry i at w^i), over a coset `c H` (entry i at c w^i), or coefficients
/// (entry i of X^i); which of them is the caller's to know.
pub trait Backend: Send + Sync + 'static {
    /// A vector of field elements on the device.
    type Column: Send + Sync + Clone;
    /// Fixed MSM bases on the device.
    type Bases: Send + Sync + Clone;

    /// Short name for logs and figures: "cpu", "cpu-avx512ifma", "naive", "cuda".
    fn name(&self) -> &'static str;

    /// The device's own memory; none if columns and bases lie in the host's.
    fn memory(&self) -> Option<DeviceMemory> {
        None
    }

    /// Copies values to the device.
    fn upload(&self, values: &[Fr]) -> Result<Self::Column, KernelError>;
    /// The same for values that the caller needs no more; a device that computes in the host's memory takes them as they are.
    fn upload_owned(&self, values: Vec<Fr>) -> Result<Self::Column, KernelError> {
        self.upload(&values)
    }
    /// Copies a column back.
    fn download(&self, column: &Self::Column) -> Result<Vec<Fr>, KernelError>;
    /// Makes fixed bases available to [`Backend::msm`].
    fn upload_bases(&self, points: PointSource) -> Result<Self::Bases, KernelError>;

    /// `sum_i scalars[i] * bases[i]` for each column of scalars; a column may be shorter than the bases, never longer.
    fn msm(&self, bases: &Self::Bases, scalars: &[&Self::Column]) -> Result<Vec<G1Affine>, KernelError>;

    /// Coefficients from evaluations over H: the inverse NTT.
    fn interpolate(&self, evaluations: &Self::Column) -> Result<Self::Column, KernelError>;
    /// Evaluations over `shift * H` from coefficients.
    fn evaluate_on_coset(&self, coefficients: &Self::Column, shift: Fr) -> Result<Self::Column, KernelError>;
    /// Coefficients from evaluations over `shift * H`.
    fn interpolate_from_coset(&self, evaluations: &Self::Column, shift: Fr) -> Result<Self::Column, KernelError>;

    /// Runs a pointwise program on every index of equally long columns; `Rotation::Next` reads index i + 1, cyclically.
    fn run(&self, program: &Program, columns: &[&Self::Column], uniforms: &[Fr]) -> Result<Self::Column, KernelError>;

    /// `z[0] = 1, z[i+1] = z[i] * numerators[i] / denominators[i]`; also the product over all rows, 1 when z closes.
    fn grand_product(
        &self,
        numerators: &Self::Column,
        denominators: &Self::Column,
    ) -> Result<(Self::Column, Fr), KernelError>;

    /// `sum_j weight_j * column_j`; columns may differ in length, the result has the longest.
    fn linear_combination(&self, terms: &[(Fr, &Self::Column)]) -> Result<Self::Column, KernelError>;

    /// Coefficients of `(f(X) - f(point)) / (X - point)` (same length as f, top entry zero) and `f(point)`.
    fn divide_by_linear(&self, coefficients: &Self::Column, point: Fr) -> Result<(Self::Column, Fr), KernelError>;

    /// `f(point)` from coefficients.
    fn evaluate(&self, coefficients: &Self::Column, point: Fr) -> Result<Fr, KernelError>;

    /// Fills in Poseidon2 permutations: from the input in each first row, the 22 rows after it as
    /// [`crate::poseidon2::trace`] has them; all other rows stay. First rows ascend and their permutations do not overlap.
    fn expand_permutations(
        &self,
        wires: [Self::Column; WIDTH],
        first_rows: &[u32],
    ) -> Result<[Self::Column; WIDTH], KernelError>;
}
