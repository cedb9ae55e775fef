//! What the backend needs of a device: memory, copies and launches, in one order.
//!
//! Two things are such a device: a GPU behind its driver, and the launch emulator that runs the same sources on a host. So
//! everything above this trait is tested where no GPU is.

use ark_bn254::Fr;
use proofyard_kernels::KernelError;

/// Why a device failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// No memory left.
    #[error("{bytes} bytes are not to be had")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: usize,
    },
    /// Anything else; what the driver says.
    #[error("{0}")]
    Failed(String),
}

impl From<DeviceError> for KernelError {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::OutOfMemory { .. } => Self::OutOfMemory(error.to_string()),
            DeviceError::Failed(text) => Self::Device(text),
        }
    }
}

/// What a device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Properties {
    /// The maker's name for it.
    pub name: String,
    /// Streaming multiprocessors.
    pub multiprocessors: u32,
    /// Memory in all.
    pub memory_bytes: usize,
    /// The most shared memory that a block can ask for.
    pub shared_bytes_max: usize,
}

/// Size of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Blocks.
    pub blocks: u32,
    /// Threads of a block.
    pub threads: u32,
    /// Shared memory of a block beside what the kernel declares.
    pub shared_bytes: usize,
}

impl Shape {
    /// At least one thread for each of `items`, in blocks of `threads`; at least one block.
    pub fn covering(items: usize, threads: u32) -> Self {
        let blocks = items.div_ceil(threads as usize).clamp(1, u32::MAX as usize) as u32;
        Self { blocks, threads, shared_bytes: 0 }
    }

    /// The same with shared memory.
    pub fn with_shared(self, shared_bytes: usize) -> Self {
        Self { shared_bytes, ..self }
    }
}

/// An argument of a kernel.
#[derive(Debug)]
pub enum Argument<'a, B> {
    /// A pointer into memory of the device, with an offset in bytes.
    Buffer(&'a B, usize),
    /// A `uint32_t`.
    Word(u32),
    /// An `Fr`: its Montgomery limbs.
    Field(Limbs),
}

/// Montgomery limbs as kernels take them by value.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(16))]
pub struct Limbs([u64; 4]);

impl<B> From<Fr> for Argument<'_, B> {
    fn from(value: Fr) -> Self {
        Self::Field(Limbs(value.0.0))
    }
}

impl<B> From<u32> for Argument<'_, B> {
    fn from(value: u32) -> Self {
        Self::Word(value)
    }
}

/// A device. Copies and launches happen in the order of the calls, from whichever threads they come; only [`Device::read`]
/// waits for them.
pub trait Device: Send + Sync + 'static {
    /// Memory of the device; freed when dropped, after everything that was launched before.
    type Buffer: Send + Sync + std::fmt::Debug;

    /// What it is.
    fn properties(&self) -> &Properties;
    /// Memory with any content, aligned to 16 bytes at least.
    fn allocate(&self, bytes: usize) -> Result<Self::Buffer, DeviceError>;
    /// Where it lies on the device.
    fn address(&self, buffer: &Self::Buffer) -> u64;
    /// Copies to the device; `from` may change as soon as this returns.
    fn write(&self, to: &Self::Buffer, offset: usize, from: &[u8]) -> Result<(), DeviceError>;
    /// Copies from the device and waits for it.
    fn read(&self, from: &Self::Buffer, offset: usize, to: &mut [u8]) -> Result<(), DeviceError>;
    /// Starts a kernel.
    fn launch(
        &self,
        kernel: &'static str,
        shape: Shape,
        arguments: &[Argument<'_, Self::Buffer>],
    ) -> Result<(), DeviceError>;
}
