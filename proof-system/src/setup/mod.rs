//! Setups on disk: the SRS, its rows and a circuit's keys in a cache folder.
//!
//! ```text
//! <dir>/insecure-v1/                        the developers' setup (a ceremony: 16 hex digits of its label)
//!     lock                                  held by the process that is making files
//!     srs-t16-m4.pysrs                      monomials for T = 2^16 and M_max = 4
//!     rows-t16-m4-<SRS>/row-003.pyrow       row 3 of M = 4 in both forms
//!     key-t16-m4-<circuit>.pykey            verifying key and what the aggregator of M = 4 needs
//! ```
//!
//! `<SRS>` and `<circuit>` are the first 16 hex digits of the SRS file's digest and of [`circuit_digest`], so another
//! circuit or SRS gives other files. `srs/container.rs` describes their bytes. Files appear whole (written aside, then
//! renamed) and never change; digests are checked when a file is used; a damaged file is an error that names it.
//! Several processes may ask for the same setup at once: one makes it, the others wait.

mod files;
mod keys;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use ark_bn254::Fr;
use proofyard_kernels::{Backend, cpu::CpuBackend};
use rayon::prelude::*;

use self::files::Folder;
pub use self::keys::{circuit_digest, commit_row};
pub use crate::srs::SetupError;
use crate::{
    circuit::Circuit,
    key::{AggregationKey, FIXED_COUNT, INSECURE_LABEL, ProvingKey, VerifyingKey},
    srs::{Progress, Srs, SrsRow, check_sizes},
};

/// A key file, by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoundKey {
    /// `log2 T`.
    pub rows_log2: u32,
    /// M.
    pub subtrees: usize,
    /// The first 16 hex digits of its circuit's [`circuit_digest`].
    pub circuit: String,
}

/// An open setup for one circuit and one M.
pub struct Setup {
    folder: Folder,
    circuit: Arc<Circuit>,
    source: [u8; 32],
    aggregation: Arc<AggregationKey>,
    proving: OnceLock<Arc<ProvingKey>>,
}

impl Setup {
    /// Opens the developers' setup for `circuit` and M = `subtrees`, making what is missing.
    ///
    /// INSECURE: anyone can forge proofs for its keys; [`VerifyingKey::is_insecure`] tells.
    pub fn open_or_create_insecure(
        dir: &Path,
        circuit: Arc<Circuit>,
        subtrees: usize,
        progress: Progress<'_>,
    ) -> Result<Self, SetupError> {
        check_circuit(&circuit, subtrees)?;
        let folder = Folder::new(dir, INSECURE_LABEL, circuit.rows_log2, subtrees);
        let circuit_digest = circuit_digest(&circuit);
        if !folder.is_complete(&circuit_digest, true)? {
            let _lock = folder.lock(progress)?;
            folder.make_insecure(&circuit, &circuit_digest, progress)?;
        }
        Self::open_in(folder, circuit, &circuit_digest)
    }

    /// Opens the setup of a ceremony for `circuit` and M = `subtrees`, making rows and keys from the monomial file at
    /// `srs` when they are missing. The file is checked ([`Srs::check`]) before anything is made from it.
    pub fn open_or_derive(
        dir: &Path,
        srs: &Path,
        circuit: Arc<Circuit>,
        subtrees: usize,
        progress: Progress<'_>,
    ) -> Result<Self, SetupError> {
        check_circuit(&circuit, subtrees)?;
        let srs = Srs::open(srs)?;
        let folder = Folder::new(dir, srs.label(), circuit.rows_log2, subtrees);
        let circuit_digest = circuit_digest(&circuit);
        if !folder.is_complete(&circuit_digest, false)? {
            let _lock = folder.lock(progress)?;
            folder.make_derived(&srs, &circuit, &circuit_digest, progress)?;
        }
        Self::open_in(folder, circuit, &circuit_digest)
    }

    /// Opens the developers' setup as it lies in `dir`; makes nothing.
    pub fn open(dir: &Path, circuit: Arc<Circuit>, subtrees: usize) -> Result<Self, SetupError> {
        Self::open_labelled(dir, INSECURE_LABEL, circuit, subtrees)
    }

    /// Opens the setup with this label as it lies in `dir`; makes nothing.
    pub fn open_labelled(
        dir: &Path,
        label: [u8; 32],
        circuit: Arc<Circuit>,
        subtrees: usize,
    ) -> Result<Self, SetupError> {
        check_circuit(&circuit, subtrees)?;
        let circuit_digest = circuit_digest(&circuit);
        Self::open_in(Folder::new(dir, label, circuit.rows_log2, subtrees), circuit, &circuit_digest)
    }

    /// The keys that lie in `dir` for the setup with this label, by T and M; none when the folder is not there.
    pub fn found(dir: &Path, label: [u8; 32]) -> Result<Vec<FoundKey>, SetupError> {
        Folder::new(dir, label, 0, 1).keys()
    }

    fn open_in(folder: Folder, circuit: Arc<Circuit>, circuit_digest: &[u8; 32]) -> Result<Self, SetupError> {
        let (source, aggregation) = folder.read_key(circuit_digest)?;
        Ok(Self { folder, circuit, source, aggregation: Arc::new(aggregation), proving: OnceLock::new() })
    }

    /// Row i of the SRS, mapped; its digests are checked.
    pub fn row(&self, i: usize) -> Result<SrsRow, SetupError> {
        self.folder.read_row(&self.source, i)
    }

    /// The circuit.
    pub fn circuit(&self) -> &Arc<Circuit> {
        &self.circuit
    }

    /// M.
    pub fn subtrees(&self) -> usize {
        self.aggregation.subtrees
    }

    /// The digest of the SRS that rows and keys come from.
    pub fn srs_digest(&self) -> [u8; 32] {
        self.source
    }

    /// The folder of this setup's files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The monomial file of a developers' setup.
    pub fn srs_path(&self) -> PathBuf {
        self.folder.srs_path()
    }

    /// The verifying key.
    pub fn verifying_key(&self) -> Arc<VerifyingKey> {
        self.aggregation.verifying.clone()
    }

    /// What the aggregator needs.
    pub fn aggregation_key(&self) -> Arc<AggregationKey> {
        self.aggregation.clone()
    }

    /// What a prover needs; the coefficients of the fixed columns are computed on the first call.
    pub fn proving_key(&self) -> Result<Arc<ProvingKey>, SetupError> {
        if let Some(key) = self.proving.get() {
            return Ok(key.clone());
        }
        let backend = CpuBackend::new();
        let columns: Vec<&Vec<Fr>> = self.circuit.fixed.iter().chain(&self.circuit.permutation).collect();
        let coefficients = columns
            .into_par_iter()
            .map(|column| backend.download(&backend.interpolate(&backend.upload(column)?)?))
            .collect::<Result<Vec<Vec<Fr>>, _>>()?;
        let mut coefficients = coefficients.into_iter();
        let coefficients = std::array::from_fn::<_, FIXED_COUNT, _>(|_| coefficients.next().unwrap_or_default());
        let key = ProvingKey { circuit: self.circuit.clone(), coefficients, verifying: self.verifying_key() };
        Ok(self.proving.get_or_init(|| Arc::new(key)).clone())
    }
}

fn check_circuit(circuit: &Circuit, subtrees: usize) -> Result<(), SetupError> {
    check_sizes(circuit.rows_log2, subtrees)?;
    let rows = 1_usize << circuit.rows_log2;
    for column in circuit.fixed.iter().chain(&circuit.permutation) {
        if column.len() != rows {
            let expected = rows.to_string();
            return Err(SetupError::Size { what: "rows of a fixed column", expected, got: column.len() as u64 });
        }
    }
    Ok(())
}
