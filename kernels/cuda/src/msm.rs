//! Stand-in; being written elsewhere.
use crate::{
    context::{Column, Context},
    device::Device,
};
use ark_bn254::G1Affine;
use proofyard_kernels::{AffinePoint, KernelError};
use std::marker::PhantomData;
/// Stand-in.
pub struct Bases<D: Device>(PhantomData<D>);
impl<D: Device> Bases<D> {
    pub(crate) fn upload(_: &Context<D>, _: &[AffinePoint]) -> Result<Self, KernelError> {
        Err(KernelError::Device("stand-in".into()))
    }
}
pub(crate) fn msm<D: Device>(_: &Context<D>, _: &Bases<D>, _: &[&Column<D>]) -> Result<Vec<G1Affine>, KernelError> {
    Err(KernelError::Device("stand-in".into()))
}
