//! Microbenchmarks of a device (`micro.cu`): what its multipliers and its memory give at best. The caller holds the clock.

use std::sync::Arc;

use ark_bn254::Fr;

use crate::{
    context::FIELD_BYTES,
    device::{Argument, Device, DeviceError, Shape},
};

/// Threads of a block.
const THREADS: u32 = 256;

/// Blocks for each multiprocessor: as many as are resident at once with up to 32 registers a thread.
const BLOCKS_OF_MULTIPROCESSOR: u32 = 8;

/// Bytes of what [`Micro::copy`] moves by one load and one store.
const QUAD_BYTES: usize = 16;

/// A chain of one instruction or function, many times over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    /// `a b + c` of 32 bits: `IMAD`.
    MultiplyAdd,
    /// The high half of `a b`: `IMAD.HI`.
    MultiplyHigh,
    /// `a b + c` of 32 x 32 + 64 bits: `IMAD.WIDE`.
    MultiplyWide,
    /// A product of field elements without its last subtraction.
    FieldProduct,
}

impl Chain {
    /// All chains.
    pub const ALL: [Self; 4] = [Self::MultiplyAdd, Self::MultiplyHigh, Self::MultiplyWide, Self::FieldProduct];

    fn kernel(self) -> &'static str {
        match self {
            Self::MultiplyAdd => "micro_multiply_add",
            Self::MultiplyHigh => "micro_multiply_high",
            Self::MultiplyWide => "micro_multiply_wide",
            Self::FieldProduct => "micro_field_product",
        }
    }

    /// Operations of a thread in one loop, as in the kernels: 16 rounds over 8 values, and one over 2 elements.
    fn operations_of_loop(self) -> u64 {
        if self == Self::FieldProduct { 2 } else { 16 * 8 }
    }

    /// Bytes that a thread leaves behind.
    pub fn result_bytes(self) -> usize {
        if self == Self::FieldProduct { FIELD_BYTES } else { size_of::<u32>() }
    }
}

/// The microbenchmarks with their memory.
pub struct Micro<D: Device> {
    device: Arc<D>,
    shape: Shape,
    source: D::Buffer,
    target: D::Buffer,
    quads: u32,
}

impl<D: Device> Micro<D> {
    /// Takes memory for copies of `copied_bytes` bytes: twice that.
    pub fn new(device: Arc<D>, copied_bytes: usize) -> Result<Self, DeviceError> {
        let blocks = BLOCKS_OF_MULTIPROCESSOR * device.properties().multiprocessors;
        let shape = Shape { blocks, threads: THREADS, shared_bytes: 0 };
        let quads = u32::try_from(copied_bytes.div_ceil(QUAD_BYTES))
            .map_err(|_| DeviceError::Failed(format!("a copy of {copied_bytes} bytes is beyond 64 GiB")))?;
        let results = (blocks * THREADS) as usize * FIELD_BYTES;
        let source = device.allocate(quads as usize * QUAD_BYTES)?;
        let target = device.allocate(results.max(quads as usize * QUAD_BYTES))?;
        Ok(Self { device, shape, source, target, quads })
    }

    /// Threads of a launch.
    pub fn threads(&self) -> u32 {
        self.shape.blocks * self.shape.threads
    }

    /// Starts a chain of `loops` loops; its operations over all threads.
    pub fn chain(&self, chain: Chain, factor: u32, addend: u32, loops: u32) -> Result<u64, DeviceError> {
        let target = Argument::Buffer(&self.target, 0);
        let arguments = match chain {
            Chain::MultiplyAdd | Chain::MultiplyHigh => vec![factor.into(), addend.into(), loops.into(), target],
            Chain::MultiplyWide => vec![factor.into(), loops.into(), target],
            Chain::FieldProduct => vec![Fr::from(factor).into(), loops.into(), target],
        };
        self.device.launch(chain.kernel(), self.shape, &arguments)?;
        Ok(chain.operations_of_loop() * u64::from(loops) * u64::from(self.threads()))
    }

    /// What the threads of the last chain left behind, one after the other.
    pub fn results(&self, chain: Chain) -> Result<Vec<u8>, DeviceError> {
        let mut bytes = vec![0; self.threads() as usize * chain.result_bytes()];
        self.device.read(&self.target, 0, &mut bytes)?;
        Ok(bytes)
    }

    /// Starts a copy within the device; the bytes it reads and writes.
    pub fn copy(&self) -> Result<u64, DeviceError> {
        let arguments = [Argument::Buffer(&self.source, 0), Argument::Buffer(&self.target, 0), self.quads.into()];
        self.device.launch("micro_copy", self.shape, &arguments)?;
        Ok(2 * u64::from(self.quads) * QUAD_BYTES as u64)
    }

    /// Writes what [`Micro::copy`] is to copy, and reads what it has copied.
    pub fn copied(&self, bytes: &[u8]) -> Result<Vec<u8>, DeviceError> {
        self.device.write(&self.source, 0, bytes)?;
        self.copy()?;
        let mut copied = vec![0; bytes.len()];
        self.device.read(&self.target, 0, &mut copied)?;
        Ok(copied)
    }
}
