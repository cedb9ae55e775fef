//! Circuits, setups and keys on the device, opened when first needed and shared by everything in the process.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use proofyard_job_schema::CircuitDigest;
use proofyard_kernels::{Backend, cpu::CpuBackend};
use proofyard_proof_system::{
    key::INSECURE_LABEL,
    setup::Setup,
    srs::SetupError,
    subtree::{DeviceKey, DeviceRow, ProverError},
};
use proofyard_rollup::circuit::{TransferCircuit, TransferCircuitError};
use thiserror::Error;

use crate::rows::{RowId, Rows};

/// Keys on the CPU.
pub type CpuKeys = Keys<CpuBackend>;

impl CpuKeys {
    /// Keys on the CPU, of the setup with this label (the developers' one when `None`) as it lies in `dir`.
    pub fn cpu(dir: PathBuf, label: Option<[u8; 32]>) -> Self {
        Self::new(dir, label, Arc::new(CpuBackend::new()))
    }
}

/// Why a job's key is not here.
#[derive(Debug, Error)]
pub enum KeysError {
    /// No circuit of that size.
    #[error(transparent)]
    Circuit(#[from] TransferCircuitError),
    /// The setup cannot be opened.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The device does not take the key.
    #[error(transparent)]
    Prover(#[from] ProverError),
    /// The coordinator proves with another key.
    #[error(
        "[PY-W-010] the job wants key {wanted}, the setup in {folder} has {here}; give coordinator and workers the same setup"
    )]
    OtherKey {
        /// The job's key.
        wanted: CircuitDigest,
        /// The worker's key.
        here: CircuitDigest,
        /// Where it lies.
        folder: PathBuf,
    },
}

/// What is needed to prove one subtree.
pub(crate) struct Opened<B: Backend> {
    pub circuit: Arc<TransferCircuit>,
    pub key: Arc<DeviceKey<B>>,
    pub row: Arc<DeviceRow<B>>,
}

struct Class<B: Backend> {
    circuit: Arc<TransferCircuit>,
    key: Option<Arc<DeviceKey<B>>>,
    setups: BTreeMap<u32, Arc<Setup>>,
}

/// Everything opened so far. A key takes much memory, so all workers of a process share one of these.
pub struct Keys<B: Backend> {
    dir: PathBuf,
    label: [u8; 32],
    backend: Arc<B>,
    classes: Mutex<BTreeMap<u32, Class<B>>>,
    rows: Rows<B>,
}

impl<B: Backend> Keys<B> {
    /// Keys of the setup with this label (the developers' one when `None`) as it lies in `dir`; opens nothing yet.
    pub fn new(dir: PathBuf, label: Option<[u8; 32]>, backend: Arc<B>) -> Self {
        Self { dir, label: label.unwrap_or(INSECURE_LABEL), backend, classes: Mutex::default(), rows: Rows::new() }
    }

    /// Takes what is open already in this process.
    pub fn adopt(&self, circuit: Arc<TransferCircuit>, setup: Arc<Setup>) {
        let mut classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        let rows_log2 = setup.circuit().rows_log2;
        let class = classes.entry(rows_log2).or_insert(Class { circuit, key: None, setups: BTreeMap::new() });
        class.setups.insert(setup.subtrees() as u32, setup);
    }

    /// The device.
    pub fn backend(&self) -> &Arc<B> {
        &self.backend
    }

    /// Opens what a job needs; its key must be the one wanted.
    pub(crate) fn open(&self, row: RowId, wanted: CircuitDigest) -> Result<Opened<B>, KeysError> {
        let RowId { rows_log2, subtrees, .. } = row;
        let mut classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        let class = match classes.entry(rows_log2) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let circuit = Arc::new(TransferCircuit::new(rows_log2)?);
                entry.insert(Class { circuit, key: None, setups: BTreeMap::new() })
            }
        };
        let setup = match class.setups.get(&subtrees) {
            Some(setup) => setup.clone(),
            None => {
                let structure = class.circuit.structure().clone();
                let setup = Arc::new(Setup::open_labelled(&self.dir, self.label, structure, subtrees as usize)?);
                class.setups.insert(subtrees, setup.clone());
                setup
            }
        };
        let here = CircuitDigest(setup.verifying_key().digest());
        if here != wanted {
            return Err(KeysError::OtherKey { wanted, here, folder: self.dir.clone() });
        }
        let key = match &class.key {
            Some(key) => key.clone(),
            None => {
                let key = Arc::new(DeviceKey::new(self.backend.clone(), setup.circuit())?);
                class.key.insert(key).clone()
            }
        };
        let circuit = class.circuit.clone();
        drop(classes);
        let row = self.rows.get(&self.backend, &setup, row)?;
        Ok(Opened { circuit, key, row })
    }
}
