//! The circuit of the farm's size class and its setups by M, opened when first needed.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use proofyard_job_schema::CircuitDigest;
use proofyard_proof_system::{
    CpuBackend,
    key::INSECURE_LABEL,
    setup::Setup,
    subtree::{DeviceKey, ProverError},
};
use proofyard_rollup::circuit::TransferCircuit;

use crate::error::StartError;

/// Where setups come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetupSource {
    /// The developers' setup, made when missing. INSECURE.
    Insecure {
        /// The folder of setups.
        dir: PathBuf,
    },
    /// The setup with this label as it lies in the folder.
    Labelled {
        /// The folder of setups.
        dir: PathBuf,
        /// The ceremony's digest.
        label: [u8; 32],
    },
}

impl SetupSource {
    fn dir(&self) -> &Path {
        match self {
            Self::Insecure { dir } | Self::Labelled { dir, .. } => dir,
        }
    }

    /// A source whose key is not [`INSECURE_LABEL`]'s unless `allowed`.
    pub fn new(dir: PathBuf, label: Option<[u8; 32]>, allow_insecure: bool) -> Result<Self, StartError> {
        match label {
            Some(label) if label != INSECURE_LABEL => Ok(Self::Labelled { dir, label }),
            Some(_) | None if allow_insecure => Ok(Self::Insecure { dir }),
            Some(_) | None => Err(StartError::InsecureSetup { folder: dir }),
        }
    }
}

/// Told a stage's name, what is done and what there is to do.
pub type SetupProgress<'a> = &'a (dyn Fn(&str, u64, u64) + Sync);

/// The circuit, its setups, and the key on the coordinator's own backend. Shared; opening happens once per M.
pub struct Setups {
    source: SetupSource,
    circuit: Arc<TransferCircuit>,
    rows_log2: u32,
    open: Mutex<BTreeMap<usize, Arc<Setup>>>,
    own: Mutex<Option<Arc<DeviceKey<CpuBackend>>>>,
}

impl Setups {
    /// Builds the circuit of `2^rows_log2` rows; opens nothing yet.
    pub fn new(source: SetupSource, rows_log2: u32) -> Result<Self, StartError> {
        let circuit = Arc::new(TransferCircuit::new(rows_log2)?);
        Ok(Self { source, circuit, rows_log2, open: Mutex::default(), own: Mutex::default() })
    }

    /// The circuit.
    pub fn circuit(&self) -> &Arc<TransferCircuit> {
        &self.circuit
    }

    /// Base-2 logarithm of T.
    pub fn rows_log2(&self) -> u32 {
        self.rows_log2
    }

    /// The setup for groups of M subtrees. A key of the developers' setup is refused unless the source is that setup.
    pub fn get(&self, subtrees: usize, progress: SetupProgress<'_>) -> Result<Arc<Setup>, StartError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(setup) = open.get(&subtrees) {
            return Ok(setup.clone());
        }
        let structure = self.circuit.structure().clone();
        let setup = match &self.source {
            SetupSource::Insecure { dir } => Setup::open_or_create_insecure(dir, structure, subtrees, progress)?,
            SetupSource::Labelled { dir, label } => Setup::open_labelled(dir, *label, structure, subtrees)?,
        };
        let insecure_allowed = matches!(self.source, SetupSource::Insecure { .. });
        if setup.verifying_key().is_insecure() && !insecure_allowed {
            return Err(StartError::InsecureSetup { folder: self.source.dir().to_owned() });
        }
        let setup = Arc::new(setup);
        open.insert(subtrees, setup.clone());
        Ok(setup)
    }

    /// Digest of the key of a setup.
    pub fn digest(setup: &Setup) -> CircuitDigest {
        CircuitDigest(setup.verifying_key().digest())
    }

    /// The proving key on the coordinator's own backend, for the subtrees it must compute itself.
    pub(crate) fn own_key(&self, setup: &Setup) -> Result<Arc<DeviceKey<CpuBackend>>, ProverError> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*own {
            return Ok(key.clone());
        }
        let key = Arc::new(DeviceKey::new(Arc::new(CpuBackend::new()), setup.circuit())?);
        Ok(own.insert(key).clone())
    }
}
