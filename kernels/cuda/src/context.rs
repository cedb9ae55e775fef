//! A device with its arena, and the columns that live there.

use std::sync::Arc;

use ark_bn254::Fr;
use ark_ff::BigInt;

use crate::{
    device::{Argument, Device, DeviceError, Shape},
    memory::{Arena, Block},
};

/// Bytes of a field element.
pub(crate) const FIELD_BYTES: usize = 32;

/// A device and its memory.
pub(crate) struct Context<D: Device> {
    pub device: Arc<D>,
    pub arena: Arc<Arena<D>>,
}

impl<D: Device> Context<D> {
    /// Memory with any content.
    pub fn allocate(&self, bytes: usize) -> Result<Block<D>, DeviceError> {
        self.arena.allocate(bytes)
    }

    /// A column with any content.
    pub fn column(&self, len: usize) -> Result<Column<D>, DeviceError> {
        Ok(Column { block: Arc::new(self.allocate(len * FIELD_BYTES)?), len })
    }

    /// Memory that holds these values.
    pub fn upload<T: bytemuck::NoUninit>(&self, values: &[T]) -> Result<Block<D>, DeviceError> {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let block = self.allocate(bytes.len())?;
        self.device.write(block.buffer(), 0, bytes)?;
        Ok(block)
    }

    /// A column of these values.
    pub fn upload_column(&self, values: &[Fr]) -> Result<Column<D>, DeviceError> {
        let words: Vec<[u64; 4]> = values.iter().map(|value| value.0.0).collect();
        Ok(Column { block: Arc::new(self.upload(&words)?), len: values.len() })
    }

    /// The first `count` values of a block, which hold nothing that is not a `T`.
    pub fn read<T: bytemuck::Pod>(&self, block: &Block<D>, count: usize) -> Result<Vec<T>, DeviceError> {
        let mut values = vec![T::zeroed(); count];
        self.device.read(block.buffer(), 0, bytemuck::cast_slice_mut(&mut values))?;
        Ok(values)
    }

    /// The first `count` field elements of a block.
    pub fn read_fields(&self, block: &Block<D>, count: usize) -> Result<Vec<Fr>, DeviceError> {
        let words: Vec<[u64; 4]> = self.read(block, count)?;
        Ok(words.into_iter().map(|words| Fr::new_unchecked(BigInt(words))).collect())
    }

    /// Where a column lies, for kernels that take many.
    pub fn address(&self, column: &Column<D>) -> u64 {
        self.device.address(column.block().buffer())
    }

    /// A number of elements as kernels take it.
    pub fn size<'a>(&self, elements: usize) -> Result<Argument<'a, D::Buffer>, DeviceError> {
        let fits = u32::try_from(elements).ok().filter(|elements| *elements < 1 << 31);
        fits.map(Argument::Word).ok_or_else(|| DeviceError::Failed(format!("{elements} elements are beyond 2^31")))
    }

    /// Starts a kernel.
    pub fn launch(
        &self,
        kernel: &'static str,
        shape: Shape,
        arguments: &[Argument<'_, D::Buffer>],
    ) -> Result<(), DeviceError> {
        self.device.launch(kernel, shape, arguments)
    }
}

/// A vector of field elements on the device, Montgomery form, reduced; cloning shares it.
pub struct Column<D: Device> {
    block: Arc<Block<D>>,
    len: usize,
}

impl<D: Device> Clone for Column<D> {
    fn clone(&self) -> Self {
        Self { block: self.block.clone(), len: self.len }
    }
}

impl<D: Device> Column<D> {
    /// Elements.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether a clone of it is alive.
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.block) > 1
    }

    /// Its memory.
    pub(crate) fn block(&self) -> &Block<D> {
        &self.block
    }

    /// An argument that points to the first element.
    pub(crate) fn start(&self) -> Argument<'_, D::Buffer> {
        self.block.at(0)
    }
}
