//! The folder of one setup: names, lock, making and reading of its files.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use ark_bn254::G1Affine;
use proofyard_kernels::{AffinePoint, cpu::CpuBackend};

use super::{
    FoundKey,
    keys::{commit_row, key_from_sections, key_section_bytes, key_sections, keys_from_rows},
};
use crate::{
    circuit::Circuit,
    key::{AggregationKey, INSECURE_LABEL},
    srs::{
        Progress, SetupError, Srs, SrsRow,
        container::{Container, ContainerWriter, Identity, Kind, PARTIAL_SUFFIX, hex},
        derive,
        insecure::InsecureSetup,
        io_error, y_power_count,
    },
};

/// The folder of one setup, seen from one T and one M.
pub(super) struct Folder {
    path: PathBuf,
    label: [u8; 32],
    rows_log2: u32,
    subtrees: usize,
}

/// Held while files are made; the system releases it when the process ends, however it ends.
pub(super) struct Lock {
    _file: File,
}

impl Folder {
    pub(super) fn new(dir: &Path, label: [u8; 32], rows_log2: u32, subtrees: usize) -> Self {
        let name = if label == INSECURE_LABEL { "insecure-v1".to_owned() } else { hex(&label[..8]) };
        Self { path: dir.join(name), label, rows_log2, subtrees }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn srs_path(&self) -> PathBuf {
        self.path.join(format!("srs-t{}-m{}.pysrs", self.rows_log2, self.subtrees))
    }

    fn rows_path(&self, source: &[u8; 32]) -> PathBuf {
        self.path.join(format!("rows-t{}-m{}-{}", self.rows_log2, self.subtrees, hex(&source[..8])))
    }

    fn row_path(&self, source: &[u8; 32], i: usize) -> PathBuf {
        self.rows_path(source).join(format!("row-{i:03}.pyrow"))
    }

    fn key_path(&self, circuit: &[u8; 32]) -> PathBuf {
        self.path.join(format!("key-t{}-m{}-{}.pykey", self.rows_log2, self.subtrees, hex(&circuit[..8])))
    }

    /// All key files here, whatever their T and M.
    pub(super) fn keys(&self) -> Result<Vec<FoundKey>, SetupError> {
        if !exists(&self.path)? {
            return Ok(Vec::new());
        }
        let mut keys = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(io_error("list", &self.path))? {
            let name = entry.map_err(io_error("list", &self.path))?.file_name();
            keys.extend(name.to_str().and_then(key_of_name));
        }
        keys.sort();
        Ok(keys)
    }

    fn identity(&self, kind: Kind, index: usize, source: [u8; 32], circuit: [u8; 32]) -> Identity {
        let (label, rows_log2, subtrees) = (self.label, self.rows_log2, self.subtrees as u32);
        Identity { kind, rows_log2, subtrees, index: index as u32, label, source, circuit }
    }

    fn missing(&self, what: &'static str, path: PathBuf) -> SetupError {
        let remedy = if self.label == INSECURE_LABEL {
            format!("run `proofyard setup --insecure --rows-log2 {} --subtrees {}`", self.rows_log2, self.subtrees)
        } else {
            "derive it from the ceremony's SRS file".to_owned()
        };
        SetupError::Missing { what, path, remedy }
    }

    /// Takes the folder's lock, waiting for another process that is making files; removes what killed ones left behind.
    pub(super) fn lock(&self, progress: Progress<'_>) -> Result<Lock, SetupError> {
        fs::create_dir_all(&self.path).map_err(io_error("create", &self.path))?;
        let path = self.path.join("lock");
        let file =
            File::options().write(true).create(true).truncate(false).open(&path).map_err(io_error("create", &path))?;
        if file.try_lock().is_err() {
            progress("waiting for another process's setup", 0, 1);
            file.lock().map_err(io_error("lock", &path))?;
        }
        remove_partial_files(&self.path)?;
        Ok(Lock { _file: file })
    }

    /// Whether key and all rows are there with sound headers; of a developers' setup `with_srs` also the monomials.
    pub(super) fn is_complete(&self, circuit: &[u8; 32], with_srs: bool) -> Result<bool, SetupError> {
        let path = self.key_path(circuit);
        if !exists(&path)? || with_srs && !exists(&self.srs_path())? {
            return Ok(false);
        }
        let key = Container::open(&path, Kind::Key)?;
        Ok(self.missing_rows(&key.identity.source)?.is_empty())
    }

    /// The rows that are not there; those that are have sound headers.
    fn missing_rows(&self, source: &[u8; 32]) -> Result<Vec<usize>, SetupError> {
        let mut missing = Vec::new();
        for i in 0..self.subtrees {
            let path = self.row_path(source, i);
            if exists(&path)? {
                Container::open(&path, Kind::Row)?.expect(&self.identity(Kind::Row, i, *source, [0; 32]))?;
            } else {
                missing.push(i);
            }
        }
        Ok(missing)
    }

    /// The digest of the developers' monomial file in this folder, if it is there.
    fn srs_digest(&self) -> Result<Option<[u8; 32]>, SetupError> {
        let path = self.srs_path();
        if !exists(&path)? {
            return Ok(None);
        }
        let container = Container::open(&path, Kind::Srs)?;
        container.expect(&self.identity(Kind::Srs, 0, [0; 32], [0; 32]))?;
        Ok(Some(container.digest))
    }

    /// Makes what is missing of a developers' setup. The caller holds the lock.
    pub(super) fn make_insecure(
        &self,
        circuit: &Circuit,
        circuit_digest: &[u8; 32],
        progress: Progress<'_>,
    ) -> Result<(), SetupError> {
        if self.is_complete(circuit_digest, true)? {
            return Ok(());
        }
        let known = self.srs_digest()?;
        let (missing_rows, monomials) = match &known {
            Some(digest) => (self.missing_rows(digest)?.len(), 0),
            None => (self.subtrees, self.subtrees),
        };
        let rows = 1_usize << self.rows_log2;
        let setup = InsecureSetup::developers((monomials + 2 * missing_rows) * rows + 32 * self.subtrees);
        let digest = match known {
            Some(digest) => digest,
            None => setup.write_srs(&self.srs_path(), self.rows_log2, self.subtrees, progress)?,
        };
        self.create_rows_folder(&digest)?;
        // Asked again: the monomials may have been lost while the rows, whose digest is the same, were not.
        let missing_rows = self.missing_rows(&digest)?;
        let count = missing_rows.len() as u64;
        for (done, i) in (0..).zip(missing_rows) {
            progress("rows", done, count);
            let row = setup.row(self.rows_log2, self.subtrees, i)?;
            let mut writer = self.row_writer(&digest, i)?;
            writer.write_points((*row.monomial).as_ref())?;
            writer.end_section();
            self.finish_row(writer, (*row.lagrange).as_ref(), row.unit)?;
        }
        progress("rows", count, count);
        let key = setup.keys(circuit, self.subtrees)?;
        self.write_key(&key, digest, *circuit_digest)
    }

    /// Makes what is missing from a ceremony's monomials. The caller holds the lock.
    pub(super) fn make_derived(
        &self,
        srs: &Srs,
        circuit: &Circuit,
        circuit_digest: &[u8; 32],
        progress: Progress<'_>,
    ) -> Result<(), SetupError> {
        if self.is_complete(circuit_digest, false)? {
            return Ok(());
        }
        if self.subtrees > srs.max_subtrees() {
            let expected = format!("at most {}, the SRS's", srs.max_subtrees());
            return Err(SetupError::Size { what: "subtrees", expected, got: self.subtrees as u64 });
        }
        let source = srs.digest();
        self.create_rows_folder(&source)?;
        if !self.missing_rows(&source)?.is_empty() {
            srs.check(progress)?;
            self.derive_rows(srs, progress)?;
        }
        let backend = CpuBackend::new();
        let (mut units, mut fixed_rows) = (Vec::new(), Vec::new());
        for i in 0..self.subtrees {
            progress("keys", i as u64, self.subtrees as u64);
            let row = self.read_row(&source, i)?;
            fixed_rows.push(commit_row(&backend, &row, circuit)?);
            units.push(row.unit);
        }
        progress("keys", self.subtrees as u64, self.subtrees as u64);
        self.write_key(&keys_from_rows(srs, self.rows_log2, units, fixed_rows), source, *circuit_digest)
    }

    fn derive_rows(&self, srs: &Srs, progress: Progress<'_>) -> Result<(), SetupError> {
        let source = srs.digest();
        let writers = (0..self.subtrees).map(|i| self.row_writer(&source, i));
        let mut writers = writers.collect::<Result<Vec<_>, _>>()?;
        let mut emit = |i: usize, points: &[_]| writers[i].write_points(points);
        derive::monomial_rows(srs, self.rows_log2, self.subtrees, &mut emit, progress)?;
        for (i, mut writer) in writers.into_iter().enumerate() {
            progress("rows", i as u64, self.subtrees as u64);
            writer.end_section();
            let monomial = writer.points(0)?;
            let monomial = (*monomial).as_ref();
            self.finish_row(writer, &derive::lagrange_row(monomial)?, G1Affine::from(&monomial[0]))?;
        }
        progress("rows", self.subtrees as u64, self.subtrees as u64);
        Ok(())
    }

    fn create_rows_folder(&self, source: &[u8; 32]) -> Result<(), SetupError> {
        let path = self.rows_path(source);
        fs::create_dir_all(&path).map_err(io_error("create", &path))?;
        remove_partial_files(&path)
    }

    fn row_writer(&self, source: &[u8; 32], i: usize) -> Result<ContainerWriter, SetupError> {
        ContainerWriter::create(&self.row_path(source, i), self.identity(Kind::Row, i, *source, [0; 32]))
    }

    /// Adds the Lagrange form and the unit to a row whose monomial form is written.
    fn finish_row(
        &self,
        mut writer: ContainerWriter,
        lagrange: &[AffinePoint],
        unit: G1Affine,
    ) -> Result<(), SetupError> {
        writer.write_points(lagrange)?;
        writer.end_section();
        writer.write_points(&[(&unit).into()])?;
        writer.end_section();
        writer.finish().map(|_| ())
    }

    fn write_key(&self, key: &AggregationKey, source: [u8; 32], circuit: [u8; 32]) -> Result<(), SetupError> {
        let sections = key_sections(key);
        let identity = self.identity(Kind::Key, 0, source, circuit);
        let mut writer = ContainerWriter::create(&self.key_path(&circuit), identity)?;
        for section in &sections {
            writer.write(section)?;
            writer.end_section();
        }
        writer.finish().map(|_| ())
    }

    /// The key file of a circuit: the digest of its SRS, and the keys.
    pub(super) fn read_key(&self, circuit: &[u8; 32]) -> Result<([u8; 32], AggregationKey), SetupError> {
        let path = self.key_path(circuit);
        if !exists(&path)? {
            return Err(self.missing("the key file", path));
        }
        let container = Container::open(&path, Kind::Key)?;
        let source = container.identity.source;
        container.expect(&self.identity(Kind::Key, 0, source, *circuit))?;
        let mut sections = [&[][..]; 4];
        for (index, length) in key_section_bytes(self.subtrees).into_iter().enumerate() {
            sections[index] = container.section(index, length)?;
        }
        let encoding = |source| SetupError::Encoding { path: path.clone(), source };
        let key = key_from_sections(self.subtrees, sections).map_err(encoding)?;
        if key.verifying.label != self.label || key.verifying.rows_log2 != self.rows_log2 {
            return Err(SetupError::Foreign {
                path,
                what: "label and log2 T inside the verifying key",
                expected: format!("{} and {}", hex(&self.label), self.rows_log2),
                got: format!("{} and {}", hex(&key.verifying.label), key.verifying.rows_log2),
            });
        }
        debug_assert_eq!(key.y_powers.len(), y_power_count(self.subtrees));
        Ok((source, key))
    }

    /// Row i of the SRS with this digest.
    pub(super) fn read_row(&self, source: &[u8; 32], i: usize) -> Result<SrsRow, SetupError> {
        if i >= self.subtrees {
            let expected = format!("below {}", self.subtrees);
            return Err(SetupError::Size { what: "subtree", expected, got: i as u64 });
        }
        let path = self.row_path(source, i);
        if !exists(&path)? {
            return Err(self.missing("a row of the SRS", path));
        }
        let container = Container::open(&path, Kind::Row)?;
        container.expect(&self.identity(Kind::Row, i, *source, [0; 32]))?;
        let rows = 1 << self.rows_log2;
        let (monomial, lagrange) = (container.points(0, rows)?, container.points(1, rows)?);
        let unit = G1Affine::from(&(*container.points(2, 1)?).as_ref()[0]);
        Ok(SrsRow { subtree: i, subtrees: self.subtrees, monomial, lagrange, unit })
    }
}

/// Reads `key-t16-m4-<circuit>.pykey`.
fn key_of_name(name: &str) -> Option<FoundKey> {
    let mut parts = name.strip_prefix("key-t")?.strip_suffix(".pykey")?.splitn(3, '-');
    let (rows, subtrees, circuit) = (parts.next()?, parts.next()?, parts.next()?);
    let subtrees = subtrees.strip_prefix('m')?.parse().ok()?;
    Some(FoundKey { rows_log2: rows.parse().ok()?, subtrees, circuit: circuit.to_owned() })
}

fn exists(path: &Path) -> Result<bool, SetupError> {
    path.try_exists().map_err(io_error("look for", path))
}

/// Removes half-written files. Only the holder of the lock writes, so nobody needs them.
fn remove_partial_files(folder: &Path) -> Result<(), SetupError> {
    for entry in fs::read_dir(folder).map_err(io_error("list", folder))? {
        let path = entry.map_err(io_error("list", folder))?.path();
        if path.to_string_lossy().ends_with(PARTIAL_SUFFIX) {
            fs::remove_file(&path).map_err(io_error("remove", &path))?;
        }
    }
    Ok(())
}
