//! The CPU backend: the product where there is no GPU.
//!
//! Everything runs on the rayon pool of the calling thread (`pool.install(..)` limits the threads) and gives the same bytes
//! whatever the number of threads.

mod affine;
mod digits;
mod field;
mod interpreter;
mod msm;
mod ntt;
mod polynomial;
mod product;

use std::sync::Arc;

use ark_bn254::{Fr, G1Affine};
use ark_ff::{Field, One};

use crate::{
    backend::{Backend, KernelError, PointSource},
    point::AffinePoint,
    program::Program,
};

/// The CPU backend.
#[derive(Debug, Clone, Copy, Default)]
pub struct CpuBackend;

impl CpuBackend {
    /// The CPU backend; it holds no state beside the process-wide table of twiddle factors.
    pub fn new() -> Self {
        Self
    }
}

/// A column in memory; cloning shares it.
#[derive(Debug, Clone)]
pub struct CpuColumn(Arc<Vec<Fr>>);

impl From<Vec<Fr>> for CpuColumn {
    fn from(values: Vec<Fr>) -> Self {
        Self(Arc::new(values))
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

impl Backend for CpuBackend {
    type Column = CpuColumn;
    type Bases = CpuBases;

    fn name(&self) -> &'static str {
        "cpu"
    }

    fn upload(&self, values: &[Fr]) -> Result<Self::Column, KernelError> {
        Ok(values.to_vec().into())
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
        Ok(scalars.iter().map(|column| msm::msm(points, &column.0)).collect())
    }

    fn interpolate(&self, evaluations: &Self::Column) -> Result<Self::Column, KernelError> {
        ntt::inverse(&evaluations.0, Fr::one()).map(CpuColumn::from)
    }

    fn evaluate_on_coset(&self, coefficients: &Self::Column, shift: Fr) -> Result<Self::Column, KernelError> {
        ntt::forward(&coefficients.0, shift).map(CpuColumn::from)
    }

    fn interpolate_from_coset(&self, evaluations: &Self::Column, shift: Fr) -> Result<Self::Column, KernelError> {
        let unshift = shift.inverse().ok_or(KernelError::ZeroDenominator("the coset shift"))?;
        ntt::inverse(&evaluations.0, unshift).map(CpuColumn::from)
    }

    fn run(&self, program: &Program, columns: &[&Self::Column], uniforms: &[Fr]) -> Result<Self::Column, KernelError> {
        let columns: Vec<&[Fr]> = columns.iter().map(|column| column.0.as_slice()).collect();
        interpreter::run(program, &columns, uniforms).map(CpuColumn::from)
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
        let terms: Vec<(Fr, &[Fr])> = terms.iter().map(|(weight, column)| (*weight, column.0.as_slice())).collect();
        Ok(polynomial::linear_combination(&terms).into())
    }

    fn divide_by_linear(&self, coefficients: &Self::Column, point: Fr) -> Result<(Self::Column, Fr), KernelError> {
        let (quotient, value) = polynomial::divide_by_linear(&coefficients.0, point);
        Ok((quotient.into(), value))
    }

    fn evaluate(&self, coefficients: &Self::Column, point: Fr) -> Result<Fr, KernelError> {
        Ok(polynomial::evaluate(&coefficients.0, point))
    }
}
