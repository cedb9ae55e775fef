//! An installation of our own with ICICLE's symbols and layouts, in plain C: built when a test asks for it.
//!
//! It computes the right answers slowly, refuses every argument that ICICLE would not understand, counts calls and fails on
//! demand. Its device's addresses are none of the host's.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use libloading::Library;

/// The calls that the mirror counts, in its order.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "each test file uses some")]
pub enum Call {
    SetDevice,
    Malloc,
    Copy,
    Free,
    Msm,
    InitDomain,
    ReleaseDomain,
    Ntt,
    LoadBackend,
}

/// A folder with the libraries; removed when dropped.
pub struct Mirror {
    pub folder: PathBuf,
}

fn source(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mirror").join(file)
}

/// Compiles one library; undefined functions are found in the others when it is loaded.
pub fn compile(library: &Path, file: &str, definitions: &[&str]) {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let status = Command::new(&compiler)
        .args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"])
        .args(definitions)
        .arg("-o")
        .args([library, &source(file)])
        .status()
        .unwrap_or_else(|error| panic!("these tests need a C compiler; {compiler:?}: {error}"));
    assert!(status.success(), "{file} does not compile");
}

#[allow(dead_code, reason = "each test file uses some")]
impl Mirror {
    /// All three libraries, and an empty folder of backends.
    pub fn build() -> Self {
        let mirror = Self::empty();
        std::fs::create_dir_all(mirror.folder.join("lib/backend")).unwrap();
        compile(&mirror.library("icicle_device"), "device.c", &[]);
        compile(&mirror.library("icicle_field_bn254"), "field.c", &[]);
        compile(&mirror.library("icicle_curve_bn254"), "curve.c", &[]);
        mirror
    }

    /// A folder for libraries, without any.
    pub fn empty() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("icicle-mirror-{}-{number}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(folder.join("lib")).unwrap();
        Self { folder }
    }

    pub fn library(&self, name: &str) -> PathBuf {
        self.folder.join("lib").join(format!("lib{name}{}", std::env::consts::DLL_SUFFIX))
    }

    /// Takes a library of another mirror: the same file, so the same state.
    pub fn take(&self, other: &Self, name: &str) {
        std::os::unix::fs::symlink(other.library(name), self.library(name)).unwrap();
    }

    /// Calls a function of the device library.
    fn call<R>(&self, name: &str, argument: (i32, i32)) -> R {
        // SAFETY: the mirror's functions for tests take up to two ints and return what the callers below say.
        unsafe {
            let library = Library::new(self.library("icicle_device")).unwrap();
            let function = library.get::<unsafe extern "C" fn(i32, i32) -> R>(name.as_bytes()).unwrap();
            function(argument.0, argument.1)
        }
    }

    /// How often a function was called.
    pub fn calls(&self, call: Call) -> i32 {
        self.call("mirror_calls", (call as i32, 0))
    }

    /// Allocations that live.
    pub fn live(&self) -> i64 {
        self.call("mirror_live", (0, 0))
    }

    /// Lets a function return a code from now on; 0: lets it work.
    pub fn fail(&self, call: Call, code: i32) {
        self.call("mirror_fail", (call as i32, code))
    }

    /// Lets answers be no field element or no point from now on.
    pub fn spoil(&self, spoils: bool) {
        self.call("mirror_spoil", (i32::from(spoils), 0))
    }

    /// Lets MSMs give the negative sum from now on: a point, but the wrong one.
    pub fn twist(&self, twists: bool) {
        self.call("mirror_twist", (i32::from(twists), 0))
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
