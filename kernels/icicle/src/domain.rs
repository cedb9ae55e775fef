//! The table of twiddle factors that ICICLE keeps for the whole process, one for each device.
//!
//! A domain of order 2^n serves every transform up to that size. A second initialisation is ignored without an error
//! (`cpu_ntt_domain.h`), so a larger one needs the old one released, while no transform runs.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use ark_bn254::Fr;
use ark_ff::FftField;
use proofyard_kernels::KernelError;

use crate::{convert, device::DeviceName, ffi::Runtime};

/// The domain of a device of a loaded library.
#[derive(Debug, Default)]
pub(crate) struct Domain {
    /// The order's logarithm; none before the first transform.
    log2: RwLock<Option<u32>>,
}

/// The domains of this process: two backends on one device share theirs.
static DOMAINS: Mutex<BTreeMap<(usize, DeviceName), Arc<Domain>>> = Mutex::new(BTreeMap::new());

impl Domain {
    pub(crate) fn of(runtime: &Runtime, device: &DeviceName) -> Arc<Self> {
        let mut domains = DOMAINS.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(domains.entry((runtime.identity(), device.clone())).or_default())
    }

    /// Runs `transform` while a domain of order 2^log2 or more stands; the caller has made the device the thread's.
    pub(crate) fn with<T>(
        &self,
        runtime: &Runtime,
        log2: u32,
        transform: impl FnOnce() -> Result<T, KernelError>,
    ) -> Result<T, KernelError> {
        loop {
            let held = self.log2.read().unwrap_or_else(PoisonError::into_inner);
            if held.is_some_and(|held| held >= log2) {
                return transform();
            }
            drop(held);
            self.grow(runtime, log2)?;
        }
    }

    fn grow(&self, runtime: &Runtime, log2: u32) -> Result<(), KernelError> {
        let mut held = self.log2.write().unwrap_or_else(PoisonError::into_inner);
        if held.is_some_and(|held| held >= log2) {
            return Ok(());
        }
        if held.is_some() {
            runtime.release_domain().map_err(|status| status.in_call("bn254_ntt_release_domain"))?;
            *held = None;
        }
        let root = Fr::get_root_of_unity(1 << log2).ok_or(KernelError::TransformSize(1 << log2))?;
        runtime.init_domain(&convert::standard(&root)).map_err(|status| status.in_call("bn254_ntt_init_domain"))?;
        *held = Some(log2);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `rou` of `icicle/fields/snark_fields/bn254_scalar.h`: ICICLE's root of order 2^28 is the protocol's.
    #[test]
    fn icicle_means_the_same_root() {
        let icicle = [0x9bd61b6e725b19f0, 0x402d111e41112ed4, 0x00e0a7eb8ef62abc, 0x2a3c09f0a58a7e85];
        assert_eq!(convert::standard(&Fr::get_root_of_unity(1 << 28).unwrap()), icicle);
    }
}
