//! The arena: a device's memory with a budget, freed blocks handed on by size.
//!
//! A subtree's columns all have one size, so that a freed one is the next one's memory, and the driver is hardly asked. As
//! work happens in the order of the calls, a block can be handed on while a launch that uses it is still to come to its turn.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::device::{Argument, Device, DeviceError};

/// Blocks are multiples of this.
const GRANULE: usize = 256;

struct State<B> {
    /// Free blocks by size.
    free: BTreeMap<usize, Vec<Arc<B>>>,
    /// Bytes taken from the device: in use and free.
    taken: usize,
}

/// Memory of a device within a budget.
pub struct Arena<D: Device> {
    device: Arc<D>,
    budget: usize,
    state: Mutex<State<D::Buffer>>,
}

impl<D: Device> Arena<D> {
    /// An arena that never takes more than `budget` bytes from the device.
    pub fn new(device: Arc<D>, budget: usize) -> Arc<Self> {
        Arc::new(Self { device, budget, state: Mutex::new(State { free: BTreeMap::new(), taken: 0 }) })
    }

    fn state(&self) -> MutexGuard<'_, State<D::Buffer>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The budget in bytes.
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// Bytes that can still be had: the budget less what is in use.
    pub fn available(&self) -> usize {
        let state = self.state();
        let free: usize = state.free.iter().map(|(size, blocks)| size * blocks.len()).sum();
        self.budget - (state.taken - free)
    }

    /// Memory with any content. When the budget or the device is exhausted, what is free goes back to the device first.
    pub fn allocate(self: &Arc<Self>, bytes: usize) -> Result<Block<D>, DeviceError> {
        let size = bytes.max(1).div_ceil(GRANULE) * GRANULE;
        let mut state = self.state();
        if let Some(buffer) = state.free.get_mut(&size).and_then(Vec::pop) {
            return Ok(Block { buffer, size, arena: self.clone() });
        }
        let exhausted = state.taken.saturating_add(size) > self.budget;
        if exhausted {
            self.give_back(&mut state);
            if state.taken.saturating_add(size) > self.budget {
                return Err(DeviceError::OutOfMemory { bytes });
            }
        }
        let buffer = match self.device.allocate(size) {
            Err(DeviceError::OutOfMemory { .. }) => {
                self.give_back(&mut state);
                self.device.allocate(size)?
            }
            other => other?,
        };
        state.taken += size;
        Ok(Block { buffer: Arc::new(buffer), size, arena: self.clone() })
    }

    fn give_back(&self, state: &mut State<D::Buffer>) {
        for (size, blocks) in std::mem::take(&mut state.free) {
            state.taken -= size * blocks.len();
        }
    }
}

/// Memory of an arena; free again when dropped.
pub struct Block<D: Device> {
    buffer: Arc<D::Buffer>,
    size: usize,
    arena: Arc<Arena<D>>,
}

impl<D: Device> Block<D> {
    /// An argument that points to the byte at `offset`.
    pub(crate) fn at(&self, offset: usize) -> Argument<'_, D::Buffer> {
        Argument::Buffer(&self.buffer, offset)
    }

    /// The memory.
    pub(crate) fn buffer(&self) -> &D::Buffer {
        &self.buffer
    }
}

impl<D: Device> Drop for Block<D> {
    fn drop(&mut self) {
        self.arena.state().free.entry(self.size).or_default().push(self.buffer.clone());
    }
}
