//! What is checked: a backend, and how to wait for it.

use std::sync::Arc;

use proofyard_kernels::{Backend, KernelError, cpu::CpuBackend};
use proofyard_kernels_cuda::{CudaBackend, Driver, device::Device};

use crate::{error::CheckError, machine::DeviceDescription};

/// A backend under examination.
pub struct Subject<B: Backend> {
    /// The backend.
    pub backend: Arc<B>,
    /// What stands in the report.
    pub description: DeviceDescription,
    wait: Box<dyn Fn() -> Result<(), KernelError>>,
}

impl<B: Backend> Subject<B> {
    /// Waits until everything asked for is done.
    pub fn wait(&self) -> Result<(), KernelError> {
        (self.wait)()
    }
}

impl Subject<CudaBackend<Driver>> {
    /// A GPU.
    pub fn cuda(backend: Arc<CudaBackend<Driver>>) -> Result<Self, CheckError> {
        let driver = backend.device().clone();
        let cuda = driver.cuda_version().map_err(KernelError::from)?;
        let description = DeviceDescription::gpu(driver.properties(), cuda);
        let wait = Box::new(move || Ok(driver.synchronize()?));
        Ok(Self { backend, description, wait })
    }
}

#[cfg(feature = "emulator")]
impl Subject<CudaBackend<proofyard_kernels_cuda_emulator::Emulator>> {
    /// The launch emulator; every call of it waits.
    pub fn emulator() -> Self {
        const MEMORY_BYTES: usize = 1 << 30;
        let device = Arc::new(proofyard_kernels_cuda_emulator::Emulator::new(2 * MEMORY_BYTES));
        let backend = Arc::new(CudaBackend::new(device, MEMORY_BYTES));
        Self { backend, description: DeviceDescription::without_driver("launch emulator"), wait: Box::new(|| Ok(())) }
    }
}

impl Subject<CpuBackend> {
    /// The CPU backend; every call of it waits.
    pub fn cpu() -> Self {
        let backend = Arc::new(CpuBackend::new());
        let description = DeviceDescription::without_driver(backend.name());
        Self { backend, description, wait: Box::new(|| Ok(())) }
    }
}
