//! The process itself: its build, its age, what it takes of the machine. Figures that a system does not give are absent.

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::time::{ClockId, clock_gettime};

use super::{Label, Registrar};

/// Commit that the build says it is of, where whoever builds says so.
const REVISION: &str = match option_env!("PROOFYARD_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

pub(super) fn register(registrar: &mut Registrar, component: &'static str) {
    let labels = ["version", "revision", "component"].map(Label::named);
    let build = registrar.gauges("proofyard_build_info", "1; which build runs", labels);
    build.set([env!("CARGO_PKG_VERSION"), REVISION, component], 1.0);

    let started =
        registrar.gauge("process_start_time_seconds", "When the process started, in seconds since the Unix epoch");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    started.set(now.as_secs_f64());

    let cpu = registrar.float_counter("process_cpu_seconds", "Time that all threads of the process had on processors");
    let memory = registrar.gauge("process_resident_memory_bytes", "Memory of the process that is resident");
    let files = registrar.gauge("process_open_fds", "File descriptors that are open");
    registrar.sampler(move || {
        let used = clock_gettime(ClockId::ProcessCPUTime);
        cpu.set(used.tv_sec as f64 + used.tv_nsec as f64 / 1e9);
        memory.put(resident_bytes());
        files.put(open_files());
    });
}

fn resident_bytes() -> Option<f64> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    let resident: u64 = pages.split(' ').nth(1)?.parse().ok()?;
    Some(resident as f64 * rustix::param::page_size() as f64)
}

fn open_files() -> Option<f64> {
    // The folder itself is one of them while it is read.
    Some(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1) as f64)
}
