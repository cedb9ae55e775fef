//! What proves: the device, processor and memory of a worker.

use proofyard_worker::{
    config::Config,
    device::{Chosen, DeviceConfig, DeviceKind},
    memory::peak_bytes,
};
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use super::report::About;
use crate::{bench::machine::Machine, view::size};

/// Opens the device as the worker does, asks it small questions, and looks at cores and memory. `rows_log2`: the largest size class that
/// there are keys for.
pub fn check(config: &Config, rows_log2: Option<u32>, about: &mut About<'_>) {
    let chosen = open(&config.device, about);
    match &chosen {
        Some(device) => match device.self_check() {
            Ok(()) => about.ok("device.answers", "a small multi-scalar multiplication and transforms come out right"),
            Err(error) => {
                about.fail(
                    "device.answers",
                    error.to_string(),
                    "do not prove on it: look at its memory, temperature and driver",
                );
            }
        },
        None => about.skip("device.answers", "device fails"),
    }
    cores(config.threads(), about);
    // The formula is that of columns in the machine's own memory.
    let here = !matches!(chosen, Some(Chosen::Cuda(_)));
    match rows_log2.filter(|_| here) {
        Some(rows_log2) => memory(rows_log2, config.sessions_max, available_bytes(), about),
        None if here => about.skip("memory", "no size class is known: setup fails"),
        None => about.ok("memory", "columns lie on the device; its budget is shown above"),
    }
}

fn open(config: &DeviceConfig, about: &mut About<'_>) -> Option<Chosen> {
    match config.open() {
        Ok(chosen) => {
            let passed_over = passed_over(config, &chosen);
            let seen = format!("{}; {} jobs at a time", chosen.description(), config.jobs_at_once(&chosen));
            match passed_over {
                None => about.ok("device", seen),
                Some(error) => about.warn(
                    "device",
                    format!("{seen}; a GPU is there but is not used: {error}"),
                    "repair it, or name the device that is wanted with kind under [device]",
                ),
            }
            Some(chosen)
        }
        Err(error) => {
            let remedy =
                "install what is missing, correct [device], or set kind = \"cpu\", which proves too, more slowly";
            about.fail("device", error.to_string(), remedy);
            None
        }
    }
}

/// Why the GPU that is there was not taken by `auto`.
fn passed_over(config: &DeviceConfig, chosen: &Chosen) -> Option<String> {
    if config.kind != DeviceKind::Auto || matches!(chosen, Chosen::Cuda(_)) {
        return None;
    }
    let opened = DeviceConfig { kind: DeviceKind::Cuda, ..config.clone() }.open();
    opened.err().filter(|error| !error.is_absent()).map(|error| error.to_string())
}

fn cores(threads: usize, about: &mut About<'_>) {
    let machine = Machine::here();
    let lanes = match machine.cpu_features.iter().any(|feature| feature == "avx512ifma") {
        true => "AVX-512 IFMA",
        false => "no AVX-512 IFMA",
    };
    let seen = format!("{threads} threads prove on {}, {} threads, {lanes}", machine.cpu, machine.threads);
    match threads <= machine.threads {
        true => about.ok("cores", seen),
        false => {
            about.warn("cores", seen, format!("set threads = {} or 0: more only wait for each other", machine.threads))
        }
    }
}

/// Memory that this process may use: the machine's, or its container's.
fn available_bytes() -> u64 {
    let system =
        System::new_with_specifics(RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram()));
    let machine = system.total_memory();
    // A group without a limit says 0 or a number beyond every machine's.
    let group = system.cgroup_limits().map(|limits| limits.total_memory).filter(|bytes| *bytes > 0);
    group.map_or(machine, |group| group.min(machine))
}

fn memory(rows_log2: u32, sessions_max: u32, available: u64, about: &mut About<'_>) {
    let (one, all) = (peak_bytes(rows_log2, 1), peak_bytes(rows_log2, sessions_max.into()));
    let seen = format!(
        "2^{rows_log2} rows take {} with one session, {} with {sessions_max}; {} are there",
        size(one),
        size(all),
        size(available)
    );
    if one > available {
        about.fail("memory", seen, "give the worker more memory, or prove a smaller size class");
    } else if all > available {
        let fit = (1..=u64::from(sessions_max)).rev().find(|sessions| peak_bytes(rows_log2, *sessions) <= available);
        about.warn("memory", seen, format!("set sessions_max = {}, or give it more memory", fit.unwrap_or(1)));
    } else {
        about.ok("memory", seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::{Report, State};

    #[test]
    fn memory_is_enough_for_one_session_or_for_all() {
        let count = |available, state| {
            let mut report = Report::default();
            memory(16, 16, available, &mut report.about("a"));
            (report.count(state), report.text())
        };
        assert_eq!(count(1 << 40, State::Ok).0, 1);
        assert_eq!(count(1 << 20, State::Fail).0, 1);
        let (warned, text) = count(peak_bytes(16, 5), State::Warn);
        assert_eq!(warned, 1);
        assert!(text.contains("sessions_max = 5"), "{text}");
    }
}
