//! What the machine's sensors say: the GPU's by NVIDIA's management library, the others by the system.

use std::ffi::OsStr;

use nvml_wrapper::{Nvml, enum_wrappers::device::TemperatureSensor};
use sysinfo::Components;
use tracing::info;

/// The library's name as the driver's package installs it; the one without a number comes with development files only.
const LIBRARY: &str = "libnvidia-ml.so.1";

/// One look at the sensors; what is not there is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Reading {
    /// Temperature of the GPU.
    pub device_celsius: Option<f64>,
    /// Power of the GPU and its board.
    pub device_watts: Option<f64>,
    /// Part of the last moment in which the GPU ran a kernel, 0 to 1.
    pub device_utilisation: Option<f64>,
    /// Temperature of the hottest sensor of the machine.
    pub machine_celsius: Option<f64>,
}

/// The sensors that are there.
pub(crate) struct Sensors {
    gpu: Option<(Nvml, u32)>,
}

impl Sensors {
    /// Looks for the sensors; `gpu` is the number of the NVIDIA GPU that proves, if one does. With MIG that is the whole GPU, of which the
    /// worker has a part.
    pub fn open(gpu: Option<u32>) -> Self {
        let library = || match Nvml::builder().lib_path(OsStr::new(LIBRARY)).init() {
            Ok(library) => Some(library),
            Err(error) => {
                info!(%error, "no temperature and power of the GPU");
                None
            }
        };
        Self { gpu: gpu.and_then(|index| library().map(|library| (library, index))) }
    }

    /// Reads them.
    pub fn read(&self) -> Reading {
        let mut reading = Reading { machine_celsius: hottest(), ..Reading::default() };
        let device = self.gpu.as_ref().and_then(|(library, index)| library.device_by_index(*index).ok());
        if let Some(device) = device {
            reading.device_celsius = device.temperature(TemperatureSensor::Gpu).ok().map(f64::from);
            reading.device_watts = device.power_usage().ok().map(|milliwatts| f64::from(milliwatts) / 1_000.0);
            reading.device_utilisation = device.utilization_rates().ok().map(|rates| f64::from(rates.gpu) / 100.0);
        }
        reading
    }
}

fn hottest() -> Option<f64> {
    let sensors = Components::new_with_refreshed_list();
    let temperatures = sensors.iter().filter_map(|sensor| sensor.temperature()).filter(|celsius| celsius.is_finite());
    temperatures.max_by(f32::total_cmp).map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_known() {
        let none = Reading { machine_celsius: None, ..Sensors::open(None).read() };
        assert_eq!(none, Reading::default());
        // No machine has that many: with the library or without, nothing is read and nothing fails.
        let none = Reading { machine_celsius: None, ..Sensors::open(Some(u32::MAX)).read() };
        assert_eq!(none, Reading::default());
    }
}
