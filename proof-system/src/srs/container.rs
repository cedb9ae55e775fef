//! The file format of SRS, rows and keys: a header with digests and sections that can be mapped.
//!
//! All numbers are little-endian. With n sections:
//!
//! | bytes | content |
//! | --- | --- |
//! | 0..8 | magic `PROOFYRD` |
//! | 8..12 | format version, 1 |
//! | 12..16 | kind: 1 SRS, 2 row, 3 key |
//! | 16..20 | `log2 T` |
//! | 20..24 | M (of an SRS: `M_max`) |
//! | 24..28 | subtree i of a row, else 0 |
//! | 28..32 | n |
//! | 32..64 | setup label, as in the key |
//! | 64..96 | of rows and keys: digest of the SRS they come from; else 0 |
//! | 96..128 | of keys: digest of the circuit; else 0 |
//! | 128..128+64n | per section: length (8 bytes), 24 zero bytes, SHA-256 of its bytes |
//! | 128+64n..192+64n | SHA-256 of everything before it, then 32 zero bytes |
//! | 192+64n.. | the sections, each a multiple of 64 bytes, and nothing after them |
//!
//! The digest in the header binds the whole file through the sections' digests; it is what "digest of the SRS" means.
//!
//! Sections. An SRS: 0 `[ty^k]`, 1 `[tx]` and `[ty]` in G2 (docs/protocol.md section 9), 2 + i the monomials
//! `[ty^i tx^j]`, `j < T`. A row: 0 `[R_i(ty) tx^j]`, 1 `[R_i(ty) L_j(tx)]`, 2 `[R_i(ty)]`. A key: 0 the verifying key,
//! 1 `[R_i(ty)]`, 2 `[R_i(ty) f(tx)]` for each i the 16 fixed columns, 3 `[ty^k]`. Points in SRS and row files lie as
//! in memory ([`AffinePoint`]); keys and G2 points have the canonical encoding of [`crate::codec`].

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use memmap2::Mmap;
use proofyard_kernels::{AffinePoint, backend::PointSource};
use sha2::{Digest, Sha256};

use super::error::{SetupError, io_error};
use crate::domain::SUBTREES_MAX;

#[cfg(not(target_endian = "little"))]
compile_error!("SRS files are mapped as they lie in memory, which needs a little-endian machine");

const MAGIC: [u8; 8] = *b"PROOFYRD";
const VERSION: u32 = 1;
const FIXED_BYTES: usize = 128;
const SECTION_BYTES: usize = 64;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Srs = 1,
    Row = 2,
    Key = 3,
}

impl Kind {
    /// Sections of a file of this kind for M subtrees.
    fn sections(self, subtrees: u32) -> usize {
        match self {
            Self::Srs => 2 + subtrees as usize,
            Self::Row => 3,
            Self::Key => 4,
        }
    }
}

/// What the header says beside digests and sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) kind: Kind,
    pub(crate) rows_log2: u32,
    pub(crate) subtrees: u32,
    pub(crate) index: u32,
    pub(crate) label: [u8; 32],
    pub(crate) source: [u8; 32],
    pub(crate) circuit: [u8; 32],
}

impl Identity {
    fn encode(&self, sections: &[Section]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(header_bytes(sections.len()));
        bytes.extend(MAGIC);
        let numbers = [VERSION, self.kind as u32, self.rows_log2, self.subtrees, self.index, sections.len() as u32];
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        bytes.extend([self.label, self.source, self.circuit].concat());
        for section in sections {
            bytes.extend((section.range.len() as u64).to_le_bytes());
            bytes.extend([0; 24]);
            bytes.extend(section.digest);
        }
        let digest = Sha256::digest(&bytes);
        bytes.extend(digest);
        bytes.extend([0; 32]);
        bytes
    }
}

#[derive(Debug, Clone)]
struct Section {
    range: Range<usize>,
    digest: [u8; 32],
}

fn header_bytes(sections: usize) -> usize {
    FIXED_BYTES + sections * SECTION_BYTES + 64
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a file next to its place and moves it there when it is whole: a reader never sees half a file.
pub(crate) struct ContainerWriter {
    file: File,
    path: PathBuf,
    /// Removed when the writer is dropped before it has finished.
    partial: PathBuf,
    identity: Identity,
    sections: Vec<Section>,
    hash: Sha256,
    start: usize,
    end: usize,
}

/// The ending of files that are being written; those of a killed process stay behind until the next setup.
pub(crate) const PARTIAL_SUFFIX: &str = ".partial";

impl ContainerWriter {
    pub(crate) fn create(path: &Path, identity: Identity) -> Result<Self, SetupError> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(format!(".{}{PARTIAL_SUFFIX}", std::process::id()));
        let partial = PathBuf::from(partial);
        let start = header_bytes(identity.kind.sections(identity.subtrees));
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&partial)
            .map_err(io_error("create", &partial))?;
        file.seek(SeekFrom::Start(start as u64)).map_err(io_error("write", &partial))?;
        let path = path.to_owned();
        let (sections, hash) = (Vec::new(), Sha256::new());
        Ok(Self { file, path, partial, identity, sections, hash, start, end: start })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), SetupError> {
        self.file.write_all(bytes).map_err(io_error("write", &self.partial))?;
        self.hash.update(bytes);
        self.end += bytes.len();
        Ok(())
    }

    pub(crate) fn write_points(&mut self, points: &[AffinePoint]) -> Result<(), SetupError> {
        self.write(bytemuck::cast_slice(points))
    }

    /// Ends the current section and begins the next one.
    pub(crate) fn end_section(&mut self) {
        let digest = self.hash.finalize_reset().into();
        self.sections.push(Section { range: self.start..self.end, digest });
        self.start = self.end;
    }

    /// A finished section of points, mapped while the rest is still being written.
    pub(crate) fn points(&self, section: usize) -> Result<PointSource, SetupError> {
        let map = map(&self.file, &self.partial)?;
        mapped_points(&self.partial, &Arc::new(map), self.sections[section].range.clone())
    }

    /// Writes the header, moves the file to its place and returns its digest.
    pub(crate) fn finish(mut self) -> Result<[u8; 32], SetupError> {
        let header = self.identity.encode(&self.sections);
        debug_assert_eq!(self.sections.len(), self.identity.kind.sections(self.identity.subtrees));
        self.file.seek(SeekFrom::Start(0)).map_err(io_error("write", &self.partial))?;
        self.file.write_all(&header).map_err(io_error("write", &self.partial))?;
        self.file.sync_data().map_err(io_error("write", &self.partial))?;
        fs::rename(&self.partial, &self.path).map_err(io_error("create", &self.path))?;
        Ok(header_digest(&header))
    }
}

impl Drop for ContainerWriter {
    fn drop(&mut self) {
        // After `finish` there is nothing at this path any more; a failure here leaves a file that the next setup
        // removes.
        let _ = fs::remove_file(&self.partial);
    }
}

fn header_digest(header: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(&header[header.len() - 64..header.len() - 32]);
    digest
}

/// An open file: header checked, sections checked when they are taken.
pub(crate) struct Container {
    pub(crate) identity: Identity,
    pub(crate) digest: [u8; 32],
    path: PathBuf,
    map: Arc<Mmap>,
    sections: Vec<Section>,
}

impl Container {
    /// Opens a file and checks its header and length, not yet its sections.
    pub(crate) fn open(path: &Path, kind: Kind) -> Result<Self, SetupError> {
        let file = File::open(path).map_err(io_error("open", path))?;
        let map = map(&file, path)?;
        let damaged =
            |what, expected: String, got: String| SetupError::Damaged { path: path.to_owned(), what, expected, got };
        let short = |expected: usize| damaged("length", format!("at least {expected} bytes"), map.len().to_string());
        let fixed = map.get(..FIXED_BYTES).ok_or_else(|| short(FIXED_BYTES))?;
        let number = |offset: usize| {
            u32::from_le_bytes([fixed[offset], fixed[offset + 1], fixed[offset + 2], fixed[offset + 3]])
        };
        let word = |offset: usize| -> [u8; 32] { std::array::from_fn(|index| fixed[offset + index]) };
        if fixed[..8] != MAGIC {
            return Err(damaged("magic", hex(&MAGIC), hex(&fixed[..8])));
        }
        if number(8) != VERSION {
            return Err(damaged("format version", VERSION.to_string(), number(8).to_string()));
        }
        if number(12) != kind as u32 {
            return Err(damaged("kind", (kind as u32).to_string(), number(12).to_string()));
        }
        let count = number(28) as usize;
        let announced = kind.sections(number(20).min(SUBTREES_MAX as u32));
        if count != announced {
            return Err(damaged("sections", announced.to_string(), count.to_string()));
        }
        let header = map.get(..header_bytes(count)).ok_or_else(|| short(header_bytes(count)))?;
        let mut sections = Vec::with_capacity(count);
        let mut end = header.len();
        for entry in header[FIXED_BYTES..header.len() - 64].chunks_exact(SECTION_BYTES) {
            let length = u64::from_le_bytes(std::array::from_fn(|index| entry[index]));
            let next = usize::try_from(length).ok().filter(|length| length.is_multiple_of(64));
            let Some(next) = next.and_then(|length| end.checked_add(length)).filter(|next| *next <= map.len()) else {
                return Err(damaged("section length", "a multiple of 64 inside the file".into(), length.to_string()));
            };
            sections.push(Section { range: end..next, digest: std::array::from_fn(|index| entry[32 + index]) });
            end = next;
        }
        if end != map.len() {
            return Err(damaged("length", format!("{end} bytes"), map.len().to_string()));
        }
        let identity = Identity {
            kind,
            rows_log2: number(16),
            subtrees: number(20),
            index: number(24),
            label: word(32),
            source: word(64),
            circuit: word(96),
        };
        // Encoding again covers the reserved bytes as well.
        let expected = identity.encode(&sections);
        if header != expected {
            return Err(damaged("header digest", hex(&header_digest(&expected)), hex(&header_digest(header))));
        }
        let digest = header_digest(header);
        Ok(Self { identity, digest, path: path.to_owned(), map: Arc::new(map), sections })
    }

    /// Refuses a file that does not hold what its name promises.
    pub(crate) fn expect(&self, expected: &Identity) -> Result<(), SetupError> {
        let got = &self.identity;
        let foreign = |what, expected: String, got: String| {
            Err(SetupError::Foreign { path: self.path.clone(), what, expected, got })
        };
        for (what, expected, got) in [
            ("log2 T", expected.rows_log2, got.rows_log2),
            ("M", expected.subtrees, got.subtrees),
            ("subtree", expected.index, got.index),
        ] {
            if expected != got {
                return foreign(what, expected.to_string(), got.to_string());
            }
        }
        for (what, expected, got) in [
            ("setup label", expected.label, got.label),
            ("digest of the SRS", expected.source, got.source),
            ("digest of the circuit", expected.circuit, got.circuit),
        ] {
            if expected != got {
                return foreign(what, hex(&expected), hex(&got));
            }
        }
        Ok(())
    }

    /// The bytes of a section that the file's kind has; it must be `length` long and match its digest.
    pub(crate) fn section(&self, index: usize, length: usize) -> Result<&[u8], SetupError> {
        let damaged = |what, expected, got| SetupError::Damaged { path: self.path.clone(), what, expected, got };
        let section = &self.sections[index];
        if section.range.len() != length {
            return Err(damaged("section length", length.to_string(), section.range.len().to_string()));
        }
        let bytes = &self.map[section.range.clone()];
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        if digest != section.digest {
            return Err(damaged("section digest", hex(&section.digest), hex(&digest)));
        }
        Ok(bytes)
    }

    /// A section of `count` points, mapped.
    pub(crate) fn points(&self, index: usize, count: usize) -> Result<PointSource, SetupError> {
        self.section(index, count * size_of::<AffinePoint>())?;
        mapped_points(&self.path, &self.map, self.sections[index].range.clone())
    }
}

/// Points in a mapped file; the map lives as long as they do.
struct MappedPoints {
    map: Arc<Mmap>,
    range: Range<usize>,
}

impl AsRef<[AffinePoint]> for MappedPoints {
    fn as_ref(&self) -> &[AffinePoint] {
        // Checked when the value was made: page-aligned map, offsets and lengths that are multiples of 64.
        bytemuck::cast_slice(&self.map[self.range.clone()])
    }
}

fn mapped_points(path: &Path, map: &Arc<Mmap>, range: Range<usize>) -> Result<PointSource, SetupError> {
    if bytemuck::try_cast_slice::<u8, AffinePoint>(&map[range.clone()]).is_err() {
        return Err(SetupError::Damaged {
            path: path.to_owned(),
            what: "section of points",
            expected: "a multiple of 64 bytes, aligned".into(),
            got: format!("bytes {range:?}"),
        });
    }
    Ok(Arc::new(MappedPoints { map: map.clone(), range }))
}

fn map(file: &File, path: &Path) -> Result<Mmap, SetupError> {
    // SAFETY: the mapped bytes must not change or vanish while they are borrowed. Finished files are never written
    // again: they are only replaced as a whole by a rename, which leaves the mapped file alive. A file still being
    // written is only read in sections that are already complete. Someone who edits or truncates the cache by hand
    // while it is in use is outside this contract.
    unsafe { Mmap::map(file) }.map_err(io_error("map", path))
}
