//! The machine and the device that findings were made on.

use std::fs;

use proofyard_kernels_cuda::device::Properties;
use serde::{Deserialize, Serialize};
use sysinfo::System;

/// Processor, cores, memory, system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Threads that run at once.
    pub threads: usize,
    /// Memory.
    pub memory_bytes: u64,
    /// Operating system.
    pub system: String,
}

impl Machine {
    /// This machine.
    pub fn here() -> Self {
        let mut system = System::new();
        system.refresh_cpu_all();
        system.refresh_memory();
        Self {
            processor: system.cpus().first().map_or_else(String::new, |processor| processor.brand().trim().to_owned()),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: system.total_memory(),
            system: System::long_os_version().unwrap_or_default(),
        }
    }

    /// One line of it.
    pub fn line(&self) -> String {
        let Self { processor, threads, memory_bytes, system } = self;
        format!("{processor}, {threads} threads, {} GiB, {system}", memory_bytes >> 30)
    }
}

/// A device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceDescription {
    /// The maker's name for it, or what stands in for a GPU.
    pub name: String,
    /// The driver's release.
    pub driver: Option<String>,
    /// The CUDA version that the driver is for.
    pub cuda: Option<String>,
    /// Streaming multiprocessors.
    pub multiprocessors: Option<u32>,
    /// Memory.
    pub memory_bytes: Option<usize>,
}

impl DeviceDescription {
    /// A GPU behind a driver for this version of CUDA, 13000 for 13.0.
    pub fn gpu(properties: &Properties, cuda: i32) -> Self {
        Self {
            name: properties.name.clone(),
            driver: fs::read_to_string("/proc/driver/nvidia/version").ok().and_then(|text| release(&text)),
            cuda: Some(format!("{}.{}", cuda / 1000, cuda % 1000 / 10)),
            multiprocessors: Some(properties.multiprocessors),
            memory_bytes: Some(properties.memory_bytes),
        }
    }

    /// What runs on the host.
    pub fn without_driver(name: &str) -> Self {
        Self { name: name.to_owned(), driver: None, cuda: None, multiprocessors: None, memory_bytes: None }
    }

    /// One line of it.
    pub fn line(&self) -> String {
        let mut line = self.name.clone();
        if let Some(multiprocessors) = self.multiprocessors {
            line += &format!(", {multiprocessors} multiprocessors");
        }
        if let Some(bytes) = self.memory_bytes {
            line += &format!(", {} GiB", bytes >> 30);
        }
        if let Some(cuda) = &self.cuda {
            line += &format!(", driver {} for CUDA {cuda}", self.driver.as_deref().unwrap_or("of unknown release"));
        }
        line
    }
}

/// The release in the first line of the driver's version file: its first word that is a number with points.
fn release(text: &str) -> Option<String> {
    let is_release = |word: &&str| {
        word.contains('.') && word.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    };
    text.lines().next()?.split_whitespace().find(is_release).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_read_from_either_kernel_module() {
        let closed =
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.161.08  Sat Feb  3 01:30:01 UTC 2024\nGCC version:";
        let open = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.82.07  Release Build  (a@b)";
        assert_eq!(release(closed).as_deref(), Some("535.161.08"));
        assert_eq!(release(open).as_deref(), Some("580.82.07"));
        assert_eq!(release("nothing"), None);
    }

    #[test]
    fn a_line_says_what_is_known() {
        let properties =
            Properties { name: "H100".into(), multiprocessors: 132, memory_bytes: 80 << 30, shared_bytes_max: 0 };
        let gpu = DeviceDescription { driver: Some("580.1".into()), ..DeviceDescription::gpu(&properties, 13020) };
        assert_eq!(gpu.line(), "H100, 132 multiprocessors, 80 GiB, driver 580.1 for CUDA 13.2");
        assert_eq!(DeviceDescription::without_driver("cpu").line(), "cpu");
    }
}
