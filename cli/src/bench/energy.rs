//! Energy of the processor packages as Linux counts it (RAPL, `/sys/class/powercap`).

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where Linux shows its counters.
const POWERCAP: &str = "/sys/class/powercap";

/// One package's counter, in microjoules.
struct Counter {
    path: PathBuf,
    /// The largest value it shows before it begins again at 0.
    range: u64,
    last: u64,
}

/// The counters of all packages.
pub struct Meter {
    counters: Vec<Counter>,
}

impl Meter {
    /// The machine's counters; `None` where there are none or they may not be read.
    pub fn open() -> Option<Self> {
        Self::open_in(Path::new(POWERCAP))
    }

    fn open_in(folder: &Path) -> Option<Self> {
        let mut counters = Vec::new();
        for entry in fs::read_dir(folder).ok()?.flatten() {
            let zone = entry.path();
            let is_package = fs::read_to_string(zone.join("name")).is_ok_and(|name| name.starts_with("package-"));
            // A package's cores and memory controller are zones too and counted in it; the same package behind a second interface
            // (intel-rapl-mmio) would be counted twice.
            let is_msr = entry.file_name().to_string_lossy().starts_with("intel-rapl:");
            if is_package && is_msr {
                let path = zone.join("energy_uj");
                let (last, range) = (number(&path)?, number(&zone.join("max_energy_range_uj"))?);
                counters.push(Counter { path, range, last });
            }
        }
        (!counters.is_empty()).then_some(Self { counters })
    }

    /// Joules since the last call, or since opening; `None` when a counter cannot be read any more. To be called more often than the
    /// counters begin again, which takes minutes.
    pub fn lap(&mut self) -> Option<f64> {
        let mut microjoules = 0;
        for counter in &mut self.counters {
            let value = number(&counter.path)?;
            microjoules += increase(counter.last, value, counter.range);
            counter.last = value;
        }
        Some(microjoules as f64 / 1e6)
    }
}

fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// What a counter that begins again after `range` has gained.
fn increase(before: u64, after: u64, range: u64) -> u64 {
    if after >= before { after - before } else { range.saturating_sub(before).saturating_add(after) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(folder: &Path, name: &str, title: &str, microjoules: u64) {
        let zone = folder.join(name);
        fs::create_dir_all(&zone).unwrap();
        fs::write(zone.join("name"), format!("{title}\n")).unwrap();
        fs::write(zone.join("energy_uj"), format!("{microjoules}\n")).unwrap();
        fs::write(zone.join("max_energy_range_uj"), "1000000000\n").unwrap();
    }

    #[test]
    fn packages_are_added_up_and_their_parts_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        zone(folder, "intel-rapl:0", "package-0", 100);
        zone(folder, "intel-rapl:1", "package-1", 999_000_000);
        zone(folder, "intel-rapl:0:0", "core", 50);
        zone(folder, "intel-rapl:2", "psys", 70);
        zone(folder, "intel-rapl-mmio:0", "package-0", 100);
        let mut meter = Meter::open_in(folder).unwrap();
        assert_eq!(meter.lap(), Some(0.0));
        zone(folder, "intel-rapl:0", "package-0", 2_000_100);
        // This one began again.
        zone(folder, "intel-rapl:1", "package-1", 2_000_000);
        zone(folder, "intel-rapl:2", "psys", 9_000_000);
        assert_eq!(meter.lap(), Some(5.0));
        assert_eq!(meter.lap(), Some(0.0));
        fs::remove_file(folder.join("intel-rapl:0/energy_uj")).unwrap();
        assert_eq!(meter.lap(), None);
        assert!(Meter::open_in(folder).is_none());
    }

    #[test]
    fn a_machine_without_counters_has_no_meter() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Meter::open_in(folder.path()).is_none());
        assert!(Meter::open_in(&folder.path().join("missing")).is_none());
    }
}
