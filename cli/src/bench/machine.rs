//! The machine and the program a run was made with.

use std::{path::PathBuf, process::Command};

use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's model name.
    pub cpu: String,
    /// Instruction set architecture, as `x86_64`.
    pub arch: String,
    /// Of the extensions that the kernels can use, those the processor has.
    pub cpu_features: Vec<String>,
    /// Cores; `None` where the system does not tell.
    pub physical_cores: Option<usize>,
    /// Threads that this process may run on at once.
    pub threads: usize,
    /// Main memory in bytes.
    pub memory_bytes: u64,
    /// Operating system and its version.
    pub os: String,
    /// The kernel's version.
    pub kernel: String,
}

impl Machine {
    /// This machine.
    pub fn here() -> Self {
        let kinds = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(kinds);
        let unknown = || "unknown".to_owned();
        let cpu = system.cpus().first().map(|cpu| cpu.brand().trim().to_owned());
        Self {
            cpu: cpu.filter(|brand| !brand.is_empty()).unwrap_or_else(unknown),
            arch: std::env::consts::ARCH.to_owned(),
            cpu_features: cpu_features().into_iter().map(str::to_owned).collect(),
            physical_cores: System::physical_core_count(),
            threads: threads(),
            memory_bytes: system.total_memory(),
            os: System::long_os_version().unwrap_or_else(unknown),
            kernel: System::kernel_version().unwrap_or_else(unknown),
        }
    }

    /// In one line.
    pub fn line(&self) -> String {
        let cores = match self.physical_cores {
            Some(cores) => format!("{cores} cores, {} threads", self.threads),
            None => format!("{} threads", self.threads),
        };
        let gibibytes = self.memory_bytes as f64 / f64::from(1 << 30);
        format!("{} ({}), {cores}, {gibibytes:.1} GiB, {}, kernel {}", self.cpu, self.arch, self.os, self.kernel)
    }
}

/// Threads that this process may run on at once.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(target_arch = "x86_64")]
fn cpu_features() -> Vec<&'static str> {
    use std::arch::is_x86_feature_detected;
    let features = [
        ("adx", is_x86_feature_detected!("adx")),
        ("bmi2", is_x86_feature_detected!("bmi2")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512ifma", is_x86_feature_detected!("avx512ifma")),
    ];
    features.into_iter().filter_map(|(name, has)| has.then_some(name)).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn cpu_features() -> Vec<&'static str> {
    Vec::new()
}

/// A build of this program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its version.
    pub version: String,
    /// The commit of the checkout that the program lies in or was started in, with `-dirty` when files differ from it.
    pub commit: Option<String>,
    /// `optimised` or `debug`.
    pub profile: String,
}

impl Program {
    /// This program.
    pub fn here() -> Self {
        let profile = if cfg!(debug_assertions) { "debug" } else { "optimised" };
        Self { version: env!("CARGO_PKG_VERSION").to_owned(), commit: commit(), profile: profile.to_owned() }
    }

    /// In one line.
    pub fn line(&self) -> String {
        let commit = self.commit.as_deref().unwrap_or("commit unknown");
        format!("proofyard {}, {commit}, {} build", self.version, self.profile)
    }
}

/// Asks git; `None` without git or outside a checkout of this program.
fn commit() -> Option<String> {
    let checkout = checkout()?;
    let describe = ["describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"];
    let output = Command::new("git").arg("-C").arg(checkout).args(describe).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

fn checkout() -> Option<PathBuf> {
    let starts = [std::env::current_exe().ok(), std::env::current_dir().ok()];
    let mut folders = starts.iter().flatten().flat_map(|start| start.ancestors());
    folders.find(|folder| folder.join(".git").exists() && folder.join("cli/src/bench").is_dir()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_processor_and_memory() {
        let machine = Machine::here();
        assert!(machine.threads > 0 && machine.memory_bytes > 1 << 20, "{machine:?}");
        let line = machine.line();
        assert!(line.contains(&machine.cpu) && line.contains("GiB"), "{line}");
        let program = Program::here();
        assert_eq!(program.version, env!("CARGO_PKG_VERSION"));
        assert!(program.commit.is_none_or(|commit| commit.len() >= 40));
    }
}
