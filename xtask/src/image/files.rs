//! The files of an image.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::kinds::Kind;
use crate::tools;

/// The user and group of every image, neither root's nor anybody's.
pub const USER: u64 = 65_532;
/// Where Debian keeps libraries, and where NVIDIA's container toolkit puts those of the driver in a file system of Debian's kind.
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";
/// What the loader is called in every program.
const LOADER: &str = "ld-linux-x86-64.so.2";
/// Debian's packages that files are taken from; their licences go along.
const PACKAGES: [&str; 3] = ["ca-certificates", "libc6", "libgcc-s1"];

/// A file, folder or link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A folder with this mode.
    Folder(u32),
    /// A file's content and mode.
    File(Vec<u8>, u32),
    /// Where a link leads.
    Link(&'static str),
}

/// A file system: entries by path, without a slash at the start; a folder is before what is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<String, Entry>);

impl Tree {
    /// Its entries, in order.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        let length = |entry: &Entry| if let Entry::File(bytes, _) = entry { bytes.len() as u64 } else { 0 };
        self.0.values().map(length).sum()
    }

    /// Adds a file and the folders above it.
    pub fn file(&mut self, path: &str, bytes: impl Into<Vec<u8>>, mode: u32) {
        self.folders_above(path);
        self.0.insert(path.to_owned(), Entry::File(bytes.into(), mode));
    }

    fn folder(&mut self, path: &str, mode: u32) {
        self.folders_above(path);
        self.0.insert(path.to_owned(), Entry::Folder(mode));
    }

    fn link(&mut self, path: &str, target: &'static str) {
        self.folders_above(path);
        self.0.insert(path.to_owned(), Entry::Link(target));
    }

    fn folders_above(&mut self, path: &str) {
        for (end, _) in path.match_indices('/') {
            self.0.entry(path[..end].to_owned()).or_insert(Entry::Folder(0o755));
        }
    }

    /// Writes it into a new folder.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let made =
            fs::create_dir_all(folder).and_then(|()| fs::set_permissions(folder, fs::Permissions::from_mode(0o755)));
        made.with_context(|| format!("creating {}", folder.display()))?;
        for (path, entry) in self.entries() {
            let path = folder.join(path);
            let written =
                match entry {
                    Entry::Folder(mode) => fs::create_dir(&path)
                        .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(*mode))),
                    Entry::File(bytes, mode) => fs::write(&path, bytes)
                        .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(*mode))),
                    Entry::Link(target) => symlink(target, &path),
                };
            written.with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }
}

/// All files of an image: the program, what it needs to run, and nothing else.
pub fn assemble(root: &Path, program: &Path, kind: Kind) -> Result<Tree> {
    let mut tree = Tree::default();
    tree.file(&format!("usr/local/bin/{}", kind.program()), read(program)?, 0o755);
    tree.link("lib", "usr/lib");
    tree.link("lib64", "usr/lib64");
    for library in libraries(program)? {
        let name = library.file_name().map(|name| name.to_string_lossy().into_owned()).context("a library's name")?;
        let folder = if name == LOADER { "usr/lib64" } else { LIBRARIES };
        tree.file(&format!("{folder}/{name}"), read(&library)?, 0o755);
    }
    let certificates = Path::new("/etc/ssl/certs/ca-certificates.crt");
    ensure!(certificates.is_file(), "there is no {}: install the package ca-certificates", certificates.display());
    tree.file("etc/ssl/certs/ca-certificates.crt", read(certificates)?, 0o644);
    tree.file("etc/passwd", format!("proofyard:x:{USER}:{USER}::/nonexistent:/nonexistent\n"), 0o644);
    tree.file("etc/group", format!("proofyard:x:{USER}:\n"), 0o644);
    tree.file("etc/nsswitch.conf", "hosts: files dns\n", 0o644);
    // By this file NVIDIA's container toolkit knows where libraries lie.
    if let Ok(version) = fs::read("/etc/debian_version") {
        tree.file("etc/debian_version", version, 0o644);
    }
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        tree.file(&format!("usr/share/doc/proofyard/{licence}"), read(&root.join(licence))?, 0o644);
    }
    for package in PACKAGES {
        let path = format!("usr/share/doc/{package}/copyright");
        if let Ok(text) = fs::read(Path::new("/").join(&path)) {
            tree.file(&path, text, 0o644);
        }
    }
    // Where configuration and data are mounted.
    tree.folder("etc/proofyard", 0o755);
    tree.folder("var/lib/proofyard", 0o755);
    tree.folder("tmp", 0o1777);
    Ok(tree)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}

/// The shared libraries of a program, the loader among them, as ldd finds them.
fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let said = tools::run(Command::new("ldd").arg(program).env("LC_ALL", "C"))?;
    let libraries = parse_ldd(&said)?;
    ensure!(libraries.iter().any(|path| path.ends_with(LOADER)), "ldd names no loader {LOADER}:\n{said}");
    Ok(libraries)
}

fn parse_ldd(said: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for line in said.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let place = line.split_once(" => ").map_or(line, |(_, place)| place);
        if place == "not found" {
            bail!("a library is missing on this machine: {line}");
        }
        let path = place.rsplit_once(" (").map_or(place, |(path, _)| path);
        // The kernel's own has no file.
        if path.starts_with('/') {
            found.push(PathBuf::from(path));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_ldd_is_understood() {
        let said = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let paths = parse_ldd(said).unwrap();
        assert_eq!(paths, [Path::new("/lib/x86_64-linux-gnu/libm.so.6"), Path::new("/lib64/ld-linux-x86-64.so.2")]);
        assert!(parse_ldd("\tlibcuda.so.1 => not found\n").is_err());
    }

    #[test]
    fn folders_come_before_what_is_in_them() {
        let mut tree = Tree::default();
        tree.file("a/b/c", "x", 0o644);
        tree.folder("a/b-", 0o755);
        let paths: Vec<_> = tree.entries().map(|(path, _)| path).collect();
        assert_eq!(paths, ["a", "a/b", "a/b-", "a/b/c"]);
        let folder = tempfile::tempdir().unwrap();
        tree.write(&folder.path().join("new")).unwrap();
        assert_eq!(fs::read(folder.path().join("new/a/b/c")).unwrap(), b"x");
    }
}
