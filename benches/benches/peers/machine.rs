//! The machine that figures were taken on.

use serde::Serialize;
use sysinfo::System;

use crate::ours::has_ifma;

/// Processor, cores, memory, system.
#[derive(Serialize)]
pub struct Machine {
    processor: String,
    cores: usize,
    memory_bytes: u64,
    system: String,
    avx512_ifma: bool,
}

impl Machine {
    /// This machine.
    pub fn here() -> Self {
        let mut system = System::new();
        system.refresh_cpu_all();
        system.refresh_memory();
        Self {
            processor: system.cpus().first().map_or_else(String::new, |processor| processor.brand().trim().to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: system.total_memory(),
            system: System::long_os_version().unwrap_or_default(),
            avx512_ifma: has_ifma(),
        }
    }

    /// One line of it.
    pub fn line(&self) -> String {
        let Self { processor, cores, memory_bytes, system, avx512_ifma } = self;
        let ifma = if *avx512_ifma { "with" } else { "without" };
        let gib = *memory_bytes as f64 / f64::from(1 << 30);
        format!("{processor}, {cores} cores, {ifma} AVX-512 IFMA, {gib:.0} GiB, {system}")
    }
}
