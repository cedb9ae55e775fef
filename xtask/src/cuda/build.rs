//! From the sources to the fatbin.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::UNIT;
use super::wheels::Cuda;
use crate::tools;

/// What to do when the fatbin is not of the sources.
pub const REMEDY: &str = "run `cargo xtask kernels` and commit kernels/cuda/fatbin";

/// Architectures with machine code of their own: A100, L4 and RTX 40, H100 and H200, RTX 50.
///
/// Devices of a later minor version of the same major one run it too: sm_80 serves 8.6 and 8.7, sm_120 serves 12.1.
pub const ARCHITECTURES: [u32; 4] = [80, 89, 90, 120];

/// The PTX for all other devices, B200 (10.0) and later ones among them, which their driver compiles when it loads it.
///
/// It is of the oldest architecture: one text then serves every device from 8.0 on, and all that is written for newer
/// ones would have to be guarded by `__CUDA_ARCH__` anyway. Integer code loses nothing by it, since registers and
/// instructions are chosen by the driver's compiler for the device at hand.
pub const PTX: u32 = 80;

/// The compiler's options that decide what comes out.
pub fn options() -> Vec<String> {
    let mut options: Vec<String> = ["-fatbin", "-O3", "--std=c++17", "-compress-mode=size"].map(str::to_owned).into();
    options.extend(ARCHITECTURES.map(|number| format!("-gencode=arch=compute_{number},code=sm_{number}")));
    options.push(format!("-gencode=arch=compute_{PTX},code=compute_{PTX}"));
    // Names of internal linkage hold a hash of the source's absolute path, unless the path is given.
    options.extend(["-Xcicc", "--orig_src_path_name", "-Xcicc", UNIT].map(str::to_owned));
    options
}

/// Compiles the sources of the tree.
pub fn compile(cuda: &Cuda, root: &Path) -> Result<Vec<u8>> {
    tools::need("g++", "a C++ compiler (nvcc runs its preprocessor)")?;
    let folder = tempfile::tempdir().context("creating a temporary folder")?;
    let fatbin = folder.path().join("kernels.fatbin");
    let mut nvcc = cuda.command("nvcc");
    nvcc.args(options()).args(["--threads", "2", "-o"]).arg(&fatbin).arg(UNIT);
    // Relative paths, so that the bytes do not depend on where the tree lies.
    nvcc.current_dir(root).env("TMPDIR", folder.path()).stdin(Stdio::null());
    let status = nvcc.status().context("nvcc does not start; delete .tools/cuda and run it again")?;
    ensure!(status.success(), "{UNIT} does not compile ({status}); correct what is reported above");
    fs::read(&fatbin).context("nvcc reported success and left no fatbin")
}

/// One of the codes in a fatbin.
#[derive(Debug, PartialEq, Eq)]
pub struct Image {
    /// "cubin" or "ptx".
    pub kind: String,
    /// `sm_90` of `kernels.3.sm_90.cubin`; `compute_80` for PTX.
    pub architecture: String,
    /// Its bytes before compression.
    pub bytes: usize,
}

/// What a fatbin holds.
pub fn images(cuda: &Cuda, fatbin: &Path) -> Result<Vec<Image>> {
    let folder = tempfile::tempdir().context("creating a temporary folder")?;
    for kind in ["-xelf", "-xptx"] {
        tools::run(cuda.command("cuobjdump").args([kind, "all"]).arg(fatbin).current_dir(folder.path()))?;
    }
    let mut images = Vec::new();
    for entry in fs::read_dir(folder.path()).context("listing the codes of the fatbin")? {
        let entry = entry.context("listing the codes of the fatbin")?;
        let bytes = usize::try_from(entry.metadata().context("reading a code's size")?.len())?;
        images.extend(image(&entry.file_name().to_string_lossy(), bytes));
    }
    images.sort_by_key(|image| (image.kind.clone(), number(&image.architecture)));
    Ok(images)
}

/// Reads a file name of cuobjdump, such as `kernels.3.sm_90.cubin`.
fn image(name: &str, bytes: usize) -> Option<Image> {
    let mut parts = name.rsplit('.');
    let (kind, architecture) = (parts.next()?, parts.next()?);
    let architecture = match kind {
        "ptx" => architecture.replace("sm_", "compute_"),
        _ => architecture.to_owned(),
    };
    Some(Image { kind: kind.to_owned(), architecture, bytes })
}

fn number(architecture: &str) -> Option<u32> {
    architecture.rsplit('_').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_from_file_names() {
        let cubin = image("kernels.3.sm_90.cubin", 7).unwrap();
        assert_eq!(cubin, Image { kind: "cubin".to_owned(), architecture: "sm_90".to_owned(), bytes: 7 });
        let ptx = image("kernels.1.sm_80.ptx", 1).unwrap();
        assert_eq!((ptx.kind.as_str(), ptx.architecture.as_str()), ("ptx", "compute_80"));
        assert_eq!(image("other", 1), None);
        assert!(number("sm_90") < number("sm_120"));
    }

    #[test]
    fn every_architecture_and_the_ptx_are_asked_for() {
        let options = options();
        for architecture in ARCHITECTURES {
            assert!(options.contains(&format!("-gencode=arch=compute_{architecture},code=sm_{architecture}")));
        }
        assert_eq!(options.iter().filter(|option| option.contains("code=compute_")).count(), 1);
        assert!(options.iter().all(|option| !option.starts_with('/')), "no absolute path decides what comes out");
    }
}
