//! Fixed bases on the device: tables of their multiples.

use proofyard_kernels::{AffinePoint, KernelError};

use super::windows::Windows;
use crate::{
    context::Context,
    device::{Device, DeviceError, Shape},
    memory::Block,
};

/// Bytes of an affine point.
const POINT_BYTES: usize = 64;
/// Bytes a thread keeps for each multiple until it has its inverse.
const DENOMINATOR_BYTES: usize = 96;
/// Terms name points of all tables by 31 bits.
const TABLE_POINTS_MAX: usize = (1 << 31) - 1;
/// Threads of a block.
const THREADS: u32 = 128;
/// Points whose multiples are made at once: enough threads for a large GPU.
const BATCH_MAX: usize = 1 << 16;
/// With less than this at once fewer tables are made.
const BATCH_MIN: usize = 128;

/// Fixed bases and tables of their multiples.
pub struct Bases<D: Device> {
    /// Table after table, each of `len` points.
    tables: Block<D>,
    len: usize,
    windows: Windows,
}

impl<D: Device> Bases<D> {
    /// Copies points to the device and makes their tables there.
    ///
    /// The tables take at most half of the memory that is to be had, as columns come later; where that is not enough for
    /// one table a window, several windows share a table and the column has as many bucket sets.
    pub(crate) fn upload(context: &Context<D>, points: &[AffinePoint]) -> Result<Self, KernelError> {
        if points.len() > TABLE_POINTS_MAX {
            return Err(KernelError::Length { what: "bases", expected: TABLE_POINTS_MAX, got: points.len() });
        }
        let len = points.len().max(1);
        let fitting = context.arena.available() / 2 / (len * POINT_BYTES);
        let mut tables_max = fitting.min(TABLE_POINTS_MAX / len).max(1);
        loop {
            let windows = Windows::best(len, tables_max);
            match Self::with(context, points, windows) {
                Err(DeviceError::OutOfMemory { .. }) if windows.tables > 1 => tables_max = windows.tables / 2,
                Err(error) => return Err(error.into()),
                Ok(bases) => {
                    tracing::debug!(len, tables = windows.tables, width = windows.width, "bases uploaded");
                    return Ok(bases);
                }
            }
        }
    }

    fn with(context: &Context<D>, points: &[AffinePoint], windows: Windows) -> Result<Self, DeviceError> {
        let len = points.len();
        let tables = context.allocate(windows.tables * len * POINT_BYTES)?;
        context.device.write(tables.buffer(), 0, bytemuck::cast_slice(points))?;
        let bases = Self { tables, len, windows };
        if windows.tables > 1 && len > 0 {
            bases.fill_tables(context)?;
        }
        Ok(bases)
    }

    /// Makes the tables after the first.
    fn fill_tables(&self, context: &Context<D>) -> Result<(), DeviceError> {
        let mut batch = self.len.min(BATCH_MAX);
        let denominators = loop {
            match context.allocate(batch * (self.windows.tables - 1) * DENOMINATOR_BYTES) {
                Err(DeviceError::OutOfMemory { .. }) if batch > BATCH_MIN => batch /= 2,
                other => break other?,
            }
        };
        for first in (0..self.len).step_by(batch) {
            let count = batch.min(self.len - first);
            context.launch(
                "msm_tables",
                Shape::covering(count, THREADS),
                &[
                    self.tables.at(0),
                    (self.len as u32).into(),
                    (first as u32).into(),
                    (count as u32).into(),
                    (self.windows.tables as u32).into(),
                    (self.windows.doublings() as u32).into(),
                    denominators.at(0),
                ],
            )?;
        }
        Ok(())
    }

    /// Points.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Tables, the points themselves included.
    pub fn tables(&self) -> usize {
        self.windows.tables
    }

    /// How scalars are cut for these tables.
    pub(super) fn windows(&self) -> Windows {
        self.windows
    }

    /// The tables' memory.
    pub(super) fn block(&self) -> &Block<D> {
        &self.tables
    }
}
