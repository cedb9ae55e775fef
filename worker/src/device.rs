//! Which device proves: named in the configuration, or the best that is there.

use std::path::PathBuf;

use proofyard_kernels::cpu::CpuBackend;
use proofyard_kernels_cuda::{CudaBackend, Driver, OpenError as CudaError, device::Device};
use proofyard_kernels_icicle::{IcicleBackend, OpenError as IcicleError, Options};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing::{info, warn};

/// Kinds of devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// An NVIDIA GPU with the kernels of this project.
    Cuda,
    /// MSM and NTT by an installed ICICLE runtime.
    Icicle,
    /// The processor.
    Cpu,
    /// The first of these that is there.
    Auto,
}

/// What the configuration says about the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeviceConfig {
    /// Which kind.
    pub kind: DeviceKind,
    /// Jobs proven at a time; 0: two on a GPU, so that it computes for one while the other waits, one elsewhere.
    pub jobs_at_once: u32,
    /// Which of several GPUs; a worker uses one.
    pub ordinal: usize,
    /// The most memory of the GPU to use; 0: nine tenths of what is free at the start.
    pub memory_mib: u64,
    /// Folder of an ICICLE installation; empty: where the loader and ICICLE's own variables say.
    pub icicle_dir: PathBuf,
    /// ICICLE's name of its device, `KIND` or `KIND:INDEX`.
    pub icicle_device: String,
}

impl Default for DeviceConfig {
    fn default() -> Self {
        Self {
            kind: DeviceKind::Auto,
            jobs_at_once: 0,
            ordinal: 0,
            memory_mib: 0,
            icicle_dir: PathBuf::new(),
            icicle_device: "CUDA".to_owned(),
        }
    }
}

/// Why the device that was named cannot be used.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// The GPU cannot be opened.
    #[error(transparent)]
    Cuda(#[from] CudaError),
    /// ICICLE cannot be opened.
    #[error(transparent)]
    Icicle(#[from] IcicleError),
}

impl DeviceError {
    /// There is no such device here, rather than one that does not work.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Cuda(CudaError::NoDriver) | Self::Icicle(IcicleError::NoLibrary { .. }))
    }
}

/// A device that proves.
pub enum Chosen {
    /// A GPU.
    Cuda(CudaBackend<Driver>),
    /// ICICLE's device and this processor.
    Icicle(IcicleBackend),
    /// This processor.
    Cpu(CpuBackend),
}

impl DeviceConfig {
    /// Opens the device. When none is named, one that is there but does not work is reported and passed over.
    pub fn open(&self) -> Result<Chosen, DeviceError> {
        match self.kind {
            DeviceKind::Cuda => Ok(Chosen::Cuda(self.cuda()?)),
            DeviceKind::Icicle => Ok(Chosen::Icicle(self.icicle()?)),
            DeviceKind::Cpu => Ok(Chosen::Cpu(CpuBackend::new())),
            DeviceKind::Auto => Ok(self.best()),
        }
    }

    /// Jobs proven at a time on the device.
    pub fn jobs_at_once(&self, chosen: &Chosen) -> usize {
        match (self.jobs_at_once, chosen) {
            (0, Chosen::Cuda(_)) => 2,
            (0, Chosen::Icicle(_) | Chosen::Cpu(_)) => 1,
            (jobs, _) => jobs as usize,
        }
    }

    fn best(&self) -> Chosen {
        match self.cuda() {
            Ok(cuda) => return Chosen::Cuda(cuda),
            Err(error @ CudaError::NoDriver) => info!(%error, "no GPU"),
            Err(error) => warn!(%error, "the GPU is not used"),
        }
        match self.icicle() {
            Ok(icicle) => return Chosen::Icicle(icicle),
            Err(error @ IcicleError::NoLibrary { .. }) => info!(%error, "no ICICLE"),
            Err(error) => warn!(%error, "ICICLE is not used"),
        }
        Chosen::Cpu(CpuBackend::new())
    }

    fn cuda(&self) -> Result<CudaBackend<Driver>, CudaError> {
        let bytes = usize::try_from(self.memory_mib << 20).unwrap_or(usize::MAX);
        let cuda = CudaBackend::open(self.ordinal, (bytes > 0).then_some(bytes))?;
        info!(name = cuda.device().properties().name, budget_mib = cuda.arena().budget() >> 20, "GPU");
        Ok(cuda)
    }

    fn icicle(&self) -> Result<IcicleBackend, IcicleError> {
        let folder = (!self.icicle_dir.as_os_str().is_empty()).then(|| self.icicle_dir.clone());
        IcicleBackend::open(&Options { folder, device: Some(self.icicle_device.clone()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_device_that_is_not_there_is_an_error_and_auto_finds_another() {
        let none =
            DeviceConfig { ordinal: usize::MAX, icicle_dir: "/nonexistent/icicle".into(), ..DeviceConfig::default() };
        for kind in [DeviceKind::Cuda, DeviceKind::Icicle] {
            let error = DeviceConfig { kind, ..none.clone() }.open().err().map(|error| error.to_string());
            assert!(error.is_some_and(|error| error.starts_with("[PY-")), "{kind:?}");
        }
        let chosen = none.open();
        assert!(matches!(chosen, Ok(Chosen::Cpu(_))));
        assert!(chosen.is_ok_and(|chosen| none.jobs_at_once(&chosen) == 1));
    }
}
