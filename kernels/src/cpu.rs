//! The CPU backend: the product where there is no GPU.
//!
//! Everything runs on the rayon pool of the calling thread (`pool.install(..)` limits the threads) and gives the same bytes
//! whatever the number of threads.

mod affine;
mod digits;
mod equal;
mod field;
mod instructions;
mod interpreter;
mod lanes;
mod memory;
mod msm;
mod ntt;
mod permutations;
mod polynomial;
mod product;
mod runs;

use std::sync::Arc;

use ark_bn254::{Fr, G1Affine};
use ark_ff::{Field, One};

use crate::{
    backend::{Backend, KernelError, PointSource},
    compiled::Compiled,
    point::AffinePoint,
    poseidon2::{self, WIDTH},
    program::Program,
    transform,
};

pub use instructions::Instructions;
use lanes::ntt::Transform;
use memory::Memory;

/// The CPU backend; it holds no state beside the process-wide tables of twiddle factors and the memory of a
/// few freed columns.
#[derive(Debug, Clone, Copy)]
pub struct CpuBackend {
    instructions: Instructions,
}

impl Default for CpuBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl CpuBackend {
    /// The CPU backend with the fastest instructions of this machine.
    pub fn new() -> Self {
        Self { instructions: Instructions::fastest() }
    }

    /// The CPU backend with the given instructions; none if this machine cannot run them.
    pub fn with(instructions: Instructions) -> Option<Self> {
        Instructions::available().contains(&instructions).then_some(Self { instructions })
    }

    /// The instructions it computes with.
    pub fn instructions(&self) -> Instructions {
        self.instructions
    }
}

/// Calls a function that is generic over [`Words`] with the lanes, or another one without.
macro_rules! on_lanes {
    ($instructions:expr, $lanes:ident => $on_lanes:expr, $scalar:expr) => {
        match $instructions {
            Instructions::Scalar => $scalar,
            #[cfg(target_arch = "x86_64")]
            Instructions::Ifma => {
                type $lanes = lanes::words::Ifma;
                $on_lanes
            }
            #[cfg(not(target_arch = "x86_64"))]
            Instructions::Ifma => $scalar,
            Instructions::IfmaModel => {
                type $lanes = lanes::words::Model;
                $on_lanes
            }
        }
    };
}

/// A column in memory; cloning shares it.
#[derive(Debug, Clone)]
pub struct CpuColumn(Arc<Memory>);

impl CpuColumn {
    /// The elements, copied if somebody else has them too.
    fn into_own(self) -> Memory {
        Arc::try_unwrap(self.0).unwrap_or_else(|shared| {
            let mut copy = Memory::unset(shared.len());
            copy.copy_from_slice(&shared);
            copy
        })
    }
}

impl From<Memory> for CpuColumn {
    fn from(values: Memory) -> Self {
        Self(Arc::new(values))
    }
}

impl AsRef<[Fr]> for CpuColumn {
    fn as_ref(&self) -> &[Fr] {
        &self.0
    }
}

/// Bases in memory or mapped; cloning shares them.
#[derive(Clone)]
pub struct CpuBases(PointSource);

impl CpuBases {
    fn points(&self) -> &[AffinePoint] {
        (*self.0).as_ref()
    }
}

impl CpuBackend {
    /// Horner's rule with these instructions.
    fn horner(&self) -> polynomial::Horner {
        on_lanes!(self.instructions, W => lanes::polynomial::horner::<W>, polynomial::horner)
    }

    /// The instructions for a transform: small ones do not fill the lanes.
    fn instructions_of_transform(&self, log2: u32) -> Instructions {
        if log2 < lanes::ntt::MIN_LOG2 { Instructions::Scalar } else { self.instructions }
    }

    /// Coefficients from evaluations at `w^i / unshift`.
    fn inverse_transform(&self, evaluations: &CpuColumn, unshift: Fr) -> Result<CpuColumn, KernelError> {
        let log2 = transform::log2_of(evaluations.0.len())?;
        let scale = field::halve_times(&Fr::one(), log2);
        let transform = Transform { before: Fr::one(), scale, after: unshift, backwards: true };
        Ok(on_lanes!(
            self.instructions_of_transform(log2),
            W => transform.run::<W>(&evaluations.0, log2),
            ntt::inverse(&evaluations.0, log2, unshift)
        )
        .into())
    }
}

impl Backend for CpuBackend {
    type Column = CpuColumn;
    type Bases = CpuBases;

    fn name(&self) -> &'static str {
        match self.instructions {
            Instructions::Scalar => "cpu",
            Instructions::Ifma => "cpu-avx512ifma",
            Instructions::IfmaModel => "cpu-avx512ifma-model",
        }
    }

    fn upload(&self, values: &[Fr]) -> Result<Self::Column, KernelError> {
        let mut column = Memory::unset(values.len());
        column.copy_from_slice(values);
        Ok(column.into())
    }

    fn upload_owned(&self, values: Vec<Fr>) -> Result<Self::Column, KernelError> {
        Ok(Memory::from(values).into())
    }

    fn download(&self, column: &Self::Column) -> Result<Vec<Fr>, KernelError> {
        Ok(column.0.to_vec())
    }

    fn upload_bases(&self, points: PointSource) -> Result<Self::Bases, KernelError> {
        Ok(CpuBases(points))
    }

    fn msm(&self, bases: &Self::Bases, scalars: &[&Self::Column]) -> Result<Vec<G1Affine>, KernelError> {
        // The longest MSM has 2^31 terms, so that a base's index and a sign fit a word.
        let points = bases.points();
        let points = &points[..points.len().min(1 << 31)];
        if let Some(column) = scalars.iter().find(|column| column.0.len() > points.len()) {
            return Err(KernelError::Length { what: "scalars", expected: points.len(), got: column.0.len() });
        }
        let msm = on_lanes!(
            self.instructions,
            W => equal::msm_of_groups::<lanes::points::LaneAdder<W>>,
            equal::msm_of_groups::<affine::ScalarAdder>
        );
        Ok(scalars.iter().map(|column| msm(points, &column.0)).collect())
    }

    fn interpolate(&self, evaluations: &Self::Column) -> Result<Self::Column, KernelError> {
        self.inverse_transform(evaluations, Fr::one())
    }

    fn evaluate_on_coset(&self, coefficients: &Self::Column, shift: Fr) -> Result<Self::Column, KernelError> {
        let log2 = transform::log2_of(coefficients.0.len())?;
        let transform = Transform { before: shift, scale: Fr::one(), after: Fr::one(), backwards: false };
        Ok(on_lanes!(
            self.instructions_of_transform(log2),
            W => transform.run::<W>(&coefficients.0, log2),
            ntt::forward(&coefficients.0, log2, shift)
        )
        .into())
    }

    fn interpolate_from_coset(&self, evaluations: &Self::Column, shift: Fr) -> Result<Self::Column, KernelError> {
        let unshift = shift.inverse().ok_or(KernelError::ZeroDenominator("the coset shift"))?;
        self.inverse_transform(evaluations, unshift)
    }

    fn run(&self, program: &Program, columns: &[&Self::Column], uniforms: &[Fr]) -> Result<Self::Column, KernelError> {
        let columns: Vec<&[Fr]> = columns.iter().map(|column| &**column.0).collect();
        let rows = program.rows(columns.iter().map(|column| column.len()), uniforms.len())?;
        let compiled = Compiled::new(program, uniforms);
        Ok(on_lanes!(
            self.instructions,
            W => lanes::interpreter::run::<W>(&compiled, &columns, rows),
            interpreter::run(&compiled, &columns, rows)
        )
        .into())
    }

    fn grand_product(
        &self,
        numerators: &Self::Column,
        denominators: &Self::Column,
    ) -> Result<(Self::Column, Fr), KernelError> {
        let (z, product) = product::grand_product(&numerators.0, &denominators.0)?;
        Ok((z.into(), product))
    }

    fn linear_combination(&self, terms: &[(Fr, &Self::Column)]) -> Result<Self::Column, KernelError> {
        let terms: Vec<(Fr, &[Fr])> = terms.iter().map(|(weight, column)| (*weight, &**column.0)).collect();
        Ok(on_lanes!(
            self.instructions,
            W => lanes::polynomial::linear_combination::<W>(&terms),
            polynomial::linear_combination(&terms)
        )
        .into())
    }

    fn divide_by_linear(&self, coefficients: &Self::Column, point: Fr) -> Result<(Self::Column, Fr), KernelError> {
        let (quotient, value) = polynomial::divide_by_linear(&coefficients.0, point, self.horner());
        Ok((quotient.into(), value))
    }

    fn evaluate(&self, coefficients: &Self::Column, point: Fr) -> Result<Fr, KernelError> {
        Ok(polynomial::evaluate(&coefficients.0, point, self.horner()))
    }

    fn expand_permutations(
        &self,
        wires: [Self::Column; WIDTH],
        first_rows: &[u32],
    ) -> Result<[Self::Column; WIDTH], KernelError> {
        poseidon2::check_first_rows(wires.each_ref().map(|wire| wire.0.len()), first_rows)?;
        let mut wires = wires.map(CpuColumn::into_own);
        permutations::expand(&mut wires.each_mut().map(|wire| &mut **wire), first_rows);
        Ok(wires.map(CpuColumn::from))
    }
}
