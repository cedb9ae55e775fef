//! Stand-in; being written elsewhere.
use crate::{
    context::{Column, Context},
    device::Device,
};
use ark_bn254::Fr;
use proofyard_kernels::KernelError;
use std::marker::PhantomData;
pub(crate) struct Transforms<D: Device>(PhantomData<D>);
impl<D: Device> Transforms<D> {
    pub fn new() -> Self {
        Self(PhantomData)
    }
    pub fn evaluate(&self, _: &Context<D>, _: &Column<D>, _shift: Fr) -> Result<Column<D>, KernelError> {
        Err(KernelError::Device("stand-in".into()))
    }
    pub fn interpolate(&self, _: &Context<D>, _: &Column<D>, _unshift: Fr) -> Result<Column<D>, KernelError> {
        Err(KernelError::Device("stand-in".into()))
    }
}
