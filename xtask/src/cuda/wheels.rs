//! The CUDA compiler and the disassemblers in `.tools/cuda`, from wheels that are pinned by their hashes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::tools;

/// The wheels, one a line, as pip reads them.
pub const REQUIREMENTS: &str = include_str!("../../tools/cuda-requirements.txt");

/// Where the wheels put the toolkit.
const HOME: &str = "nvidia/cu13";

/// What is used of it; nvcc finds the others beside itself.
const USED: [&str; 8] = [
    "bin/nvcc",
    "bin/ptxas",
    "bin/fatbinary",
    "bin/cuobjdump",
    "bin/nvdisasm",
    "nvvm/bin/cicc",
    "include/cuda_runtime.h",
    "include/crt/host_config.h",
];

/// The installed compiler.
pub struct Cuda {
    home: PathBuf,
}

impl Cuda {
    /// A command of the toolkit, in an environment that does not change what it does.
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.home.join("bin").join(name));
        for variable in [
            "NVCC_PREPEND_FLAGS",
            "NVCC_APPEND_FLAGS",
            "NVCC_CCBIN",
            "CPATH",
            "C_INCLUDE_PATH",
            "CPLUS_INCLUDE_PATH",
            "GCC_EXEC_PREFIX",
        ] {
            command.env_remove(variable);
        }
        command.env("LC_ALL", "C");
        command
    }
}

/// Whether the wheels exist for this machine.
pub fn supported() -> bool {
    cfg!(all(target_os = "linux", target_arch = "x86_64"))
}

/// Installs the wheels unless they are there; concurrent calls wait for each other.
pub fn install(root: &Path) -> Result<Cuda> {
    ensure!(
        supported(),
        "the CUDA compiler is pinned for Linux on x86-64 only; run it on such a machine (no GPU is needed)"
    );
    let folder = tools::install_wheels(
        root,
        "cuda",
        "the CUDA compiler (104 MiB to download)",
        REQUIREMENTS,
        |folder| match USED.into_iter().find(|file| !folder.join(HOME).join(file).is_file()) {
            Some(file) => {
                bail!("the wheels of xtask/tools/cuda-requirements.txt hold no {HOME}/{file}; pin others there")
            }
            None => Ok(()),
        },
    )?;
    Ok(Cuda { home: folder.join(HOME) })
}

/// The pinned wheels as `name==version`, in the order of the file.
pub fn versions() -> impl Iterator<Item = &'static str> {
    REQUIREMENTS.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_whitespace().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wheel_is_pinned_by_version_and_hash() {
        let lines: Vec<_> =
            REQUIREMENTS.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()).collect();
        assert_eq!(versions().count(), lines.len());
        for (version, line) in versions().zip(lines) {
            let (_, number) = version.split_once("==").unwrap();
            assert!(!number.contains('*'), "{version}");
            let (_, hash) = line.split_once(" --hash=sha256:").unwrap();
            assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
        }
    }

    #[test]
    fn the_compiler_is_of_one_version() {
        for name in ["nvidia-cuda-nvcc", "nvidia-nvvm", "nvidia-cuda-crt", "nvidia-cuda-runtime", "nvidia-cuda-cccl"] {
            assert!(versions().any(|version| version.starts_with(&format!("{name}==13.0."))), "{name}");
        }
    }
}
