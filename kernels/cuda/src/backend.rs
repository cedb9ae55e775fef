//! [`Backend`] on a device.

use std::sync::Arc;

use ark_bn254::{Fr, G1Affine};
use ark_ff::{Field, One};
use proofyard_kernels::{
    Backend, KernelError, Program,
    backend::{DeviceMemory, PointSource},
    poseidon2::WIDTH,
};

use crate::{
    context::{Column, Context},
    device::Device,
    driver::{Driver, OpenError},
    memory::Arena,
    msm::{self, Bases},
    ntt::Transforms,
    polynomial, poseidon2, product, program,
};

/// The backend on a device.
pub struct CudaBackend<D: Device> {
    context: Context<D>,
    transforms: Transforms<D>,
}

impl<D: Device> CudaBackend<D> {
    /// A backend that takes at most `budget` bytes of the device's memory.
    pub fn new(device: Arc<D>, budget: usize) -> Self {
        let arena = Arena::new(device.clone(), budget);
        Self { context: Context { device, arena }, transforms: Transforms::new() }
    }

    /// The device.
    pub fn device(&self) -> &Arc<D> {
        &self.context.device
    }

    /// Its memory.
    pub fn arena(&self) -> &Arc<Arena<D>> {
        &self.context.arena
    }
}

impl CudaBackend<Driver> {
    /// Opens a GPU. Takes at most `memory_bytes` of its memory, or nine tenths of what is free if that is none.
    pub fn open(ordinal: usize, memory_bytes: Option<usize>) -> Result<Self, OpenError> {
        let driver = Driver::open(ordinal)?;
        let free = driver.free_bytes().map_err(|error| OpenError::Driver(error.to_string()))?;
        Ok(Self::new(Arc::new(driver), memory_bytes.unwrap_or(free / 10 * 9)))
    }
}

impl<D: Device> Backend for CudaBackend<D> {
    type Column = Column<D>;
    type Bases = Arc<Bases<D>>;

    fn name(&self) -> &'static str {
        "cuda"
    }

    fn memory(&self) -> Option<DeviceMemory> {
        let arena = &self.context.arena;
        Some(DeviceMemory { budget: arena.budget(), available: arena.available() })
    }

    fn upload(&self, values: &[Fr]) -> Result<Self::Column, KernelError> {
        Ok(self.context.upload_column(values)?)
    }

    fn download(&self, column: &Self::Column) -> Result<Vec<Fr>, KernelError> {
        Ok(self.context.read_fields(column.block(), column.len())?)
    }

    fn upload_bases(&self, points: PointSource) -> Result<Self::Bases, KernelError> {
        Ok(Arc::new(Bases::upload(&self.context, (*points).as_ref())?))
    }

    fn msm(&self, bases: &Self::Bases, scalars: &[&Self::Column]) -> Result<Vec<G1Affine>, KernelError> {
        msm::msm(&self.context, bases, scalars)
    }

    fn interpolate(&self, evaluations: &Self::Column) -> Result<Self::Column, KernelError> {
        self.transforms.interpolate(&self.context, evaluations, Fr::one())
    }

    fn evaluate_on_coset(&self, coefficients: &Self::Column, shift: Fr) -> Result<Self::Column, KernelError> {
        self.transforms.evaluate(&self.context, coefficients, shift)
    }

    fn interpolate_from_coset(&self, evaluations: &Self::Column, shift: Fr) -> Result<Self::Column, KernelError> {
        let unshift = shift.inverse().ok_or(KernelError::ZeroDenominator("the coset shift"))?;
        self.transforms.interpolate(&self.context, evaluations, unshift)
    }

    fn run(&self, program: &Program, columns: &[&Self::Column], uniforms: &[Fr]) -> Result<Self::Column, KernelError> {
        program::run(&self.context, program, columns, uniforms)
    }

    fn grand_product(
        &self,
        numerators: &Self::Column,
        denominators: &Self::Column,
    ) -> Result<(Self::Column, Fr), KernelError> {
        product::grand_product(&self.context, numerators, denominators)
    }

    fn linear_combination(&self, terms: &[(Fr, &Self::Column)]) -> Result<Self::Column, KernelError> {
        polynomial::linear_combination(&self.context, terms)
    }

    fn divide_by_linear(&self, coefficients: &Self::Column, point: Fr) -> Result<(Self::Column, Fr), KernelError> {
        polynomial::divide_by_linear(&self.context, coefficients, point)
    }

    fn evaluate(&self, coefficients: &Self::Column, point: Fr) -> Result<Fr, KernelError> {
        polynomial::evaluate(&self.context, coefficients, point)
    }

    fn expand_permutations(
        &self,
        wires: [Self::Column; WIDTH],
        first_rows: &[u32],
    ) -> Result<[Self::Column; WIDTH], KernelError> {
        poseidon2::expand(&self.context, wires, first_rows)
    }
}
