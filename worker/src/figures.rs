//! Figures of the machine and the process for heartbeats.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use proofyard_job_schema::SystemFigures;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

/// Between two looks at the system.
const PERIOD: Duration = Duration::from_secs(1);

/// The newest figures, kept up by a thread that ends with the last handle.
#[derive(Clone)]
pub struct Figures {
    newest: Arc<Mutex<SystemFigures>>,
    _guard: Arc<Guard>,
}

struct Guard(Arc<AtomicBool>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Figures {
    /// Starts looking.
    pub fn start() -> Self {
        let newest = Arc::new(Mutex::new(SystemFigures::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let (out, ended) = (newest.clone(), stop.clone());
        thread::spawn(move || {
            let kinds = RefreshKind::nothing()
                .with_cpu(CpuRefreshKind::nothing().with_cpu_usage())
                .with_memory(MemoryRefreshKind::nothing().with_ram());
            let mut system = System::new_with_specifics(kinds);
            let mut peak = 0;
            while !ended.load(Ordering::Relaxed) {
                let figures = look(&mut system, kinds, &mut peak);
                *out.lock().unwrap_or_else(PoisonError::into_inner) = figures;
                thread::sleep(PERIOD);
            }
        });
        Self { newest, _guard: Arc::new(Guard(stop)) }
    }

    /// The newest figures; the peak is of this moment.
    pub fn newest(&self) -> SystemFigures {
        let mut figures = *self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        figures.peak_rss_bytes = figures.peak_rss_bytes.max(peak_rss_bytes().unwrap_or(0));
        figures
    }
}

fn look(system: &mut System, kinds: RefreshKind, peak: &mut u64) -> SystemFigures {
    system.refresh_specifics(kinds);
    let mut process_rss_bytes = 0;
    if let Ok(own) = sysinfo::get_current_pid() {
        let memory = ProcessRefreshKind::nothing().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), false, memory);
        process_rss_bytes = system.process(own).map_or(0, |process| process.memory());
    }
    *peak = (*peak).max(process_rss_bytes).max(peak_rss_bytes().unwrap_or(0));
    SystemFigures {
        cpu_permille: (system.global_cpu_usage() * 10.0).clamp(0.0, 1_000.0) as u32,
        memory_used_bytes: system.used_memory(),
        memory_total_bytes: system.total_memory(),
        process_rss_bytes,
        peak_rss_bytes: *peak,
    }
}

/// Peak resident memory of this process as the kernel counted it; `None` where it does not.
pub fn peak_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
