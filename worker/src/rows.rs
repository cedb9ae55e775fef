//! Rows of the SRS on the device, kept from session to session where making them available costs something.

use std::sync::{Arc, Mutex, PoisonError};

use proofyard_kernels::Backend;
use proofyard_proof_system::{setup::Setup, subtree::DeviceRow};

use crate::keys::KeysError;

/// Which row: log2 of T, M and i.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowId {
    pub rows_log2: u32,
    pub subtrees: u32,
    pub position: u32,
}

/// The rows kept, the one used last at the end.
///
/// On a device with memory of its own, rows stay until less than half of the memory is left for sessions; where bases are the
/// host's mapped files nothing is kept.
pub(crate) struct Rows<B: Backend>(Mutex<Vec<(RowId, Arc<DeviceRow<B>>)>>);

impl<B: Backend> Rows<B> {
    pub fn new() -> Self {
        Self(Mutex::default())
    }

    /// The row on the device.
    pub fn get(&self, backend: &B, setup: &Setup, id: RowId) -> Result<Arc<DeviceRow<B>>, KeysError> {
        let make = || -> Result<_, KeysError> {
            let row = setup.row(id.position as usize)?;
            Ok(Arc::new(DeviceRow::new(backend, &row)?))
        };
        if backend.memory().is_none() {
            return make();
        }
        // The lock is held while a row is made: two jobs of one row make it once.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(|(known, _)| *known == id) {
            let found = kept.remove(at);
            kept.push(found.clone());
            return Ok(found.1);
        }
        while backend.memory().is_some_and(|memory| memory.available < memory.budget / 2) {
            // A session's row would not free anything.
            let Some(unused) = kept.iter().position(|(_, row)| Arc::strong_count(row) == 1) else { break };
            kept.remove(unused);
        }
        let row = make()?;
        kept.push((id, row.clone()));
        Ok(row)
    }
}
