//! All that is unsafe: ICICLE's C interface behind functions that take slices.

mod layout;
mod symbols;

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    os::unix::ffi::OsStrExt,
    path::Path,
    ptr,
};

use crate::{
    convert::Limbs,
    device::{DeviceName, KIND_BYTES_MAX},
    error::{OpenError, Status},
    search::Place,
};
pub(crate) use layout::Direction;
use layout::{Device, MsmConfig, NttConfig, NttInitDomainConfig, Projective};
use symbols::Symbols;

/// Room for the names of the registered kinds of device.
const NAMES_BYTES: usize = 4096;

/// The functions of a loaded runtime.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Runtime {
    symbols: Symbols,
}

fn check(code: c_int) -> Result<(), Status> {
    if code == 0 { Ok(()) } else { Err(Status(code)) }
}

/// A length as C's `int`.
fn int(length: usize) -> Result<c_int, Status> {
    c_int::try_from(length).map_err(|_| Status::INVALID_ARGUMENT)
}

impl Device {
    fn new(name: &DeviceName) -> Self {
        let mut kind = [0; KIND_BYTES_MAX + 1];
        for (to, byte) in kind.iter_mut().take(KIND_BYTES_MAX).zip(name.kind.bytes()) {
            *to = byte as c_char;
        }
        Self { kind, id: name.index }
    }
}

// SAFETY of all calls below: the functions are ICICLE's, with the signatures of its headers; every pointer is to a live
// value or a slice of the length that is passed with it, kept until the call returns, and no call is asynchronous.
impl Runtime {
    /// Opens the libraries and finds their functions.
    pub(crate) fn load(place: &Place) -> Result<Self, OpenError> {
        Ok(Self { symbols: Symbols::load(place)? })
    }

    /// The same for every [`Runtime`] of the same loaded library.
    pub(crate) fn identity(&self) -> usize {
        self.symbols.bn254_ntt as *const () as usize
    }

    /// Loads the backends of devices in a folder and below.
    pub(crate) fn load_backend(&self, folder: &Path) -> Result<Result<(), Status>, OpenError> {
        let path = CString::new(folder.as_os_str().as_bytes()).map_err(|_| OpenError::Path(folder.to_path_buf()))?;
        // SAFETY: see above.
        Ok(check(unsafe { (self.symbols.icicle_load_backend)(path.as_ptr(), true) }))
    }

    /// Loads them from where the runtime looks by itself.
    pub(crate) fn load_default_backend(&self) -> Result<(), Status> {
        // SAFETY: see above.
        check(unsafe { (self.symbols.icicle_load_backend_from_env_or_default)() })
    }

    /// Whether the device's kind is registered.
    pub(crate) fn is_available(&self, name: &DeviceName) -> bool {
        // SAFETY: see above.
        check(unsafe { (self.symbols.icicle_is_device_available)(&Device::new(name)) }).is_ok()
    }

    /// The registered kinds, separated by commas.
    pub(crate) fn registered_devices(&self) -> Result<String, Status> {
        let mut names = [0; NAMES_BYTES];
        // SAFETY: see above.
        check(unsafe { (self.symbols.icicle_get_registered_devices)(names.as_mut_ptr().cast(), names.len()) })?;
        let names = CStr::from_bytes_until_nul(&names).map_err(|_| Status::OUT_OF_MEMORY)?;
        Ok(names.to_string_lossy().into_owned())
    }

    /// How many devices there are of the thread's device's kind.
    pub(crate) fn device_count(&self) -> Result<i32, Status> {
        let mut count = 0;
        // SAFETY: see above.
        check(unsafe { (self.symbols.icicle_get_device_count)(&mut count) })?;
        Ok(count)
    }

    /// Makes a device of a registered kind the thread's.
    pub(crate) fn set_device(&self, name: &DeviceName) -> Result<(), Status> {
        // SAFETY: see above.
        check(unsafe { (self.symbols.icicle_set_device)(&Device::new(name)) })
    }

    /// Builds the table of twiddle factors from a root of unity in standard form.
    pub(crate) fn init_domain(&self, root: &Limbs) -> Result<(), Status> {
        let config = NttInitDomainConfig { stream: ptr::null_mut(), is_async: false, ext: ptr::null_mut() };
        // SAFETY: see above.
        check(unsafe { (self.symbols.bn254_ntt_init_domain)(root, &config) })
    }

    /// Frees that table.
    pub(crate) fn release_domain(&self) -> Result<(), Status> {
        // SAFETY: see above.
        check(unsafe { (self.symbols.bn254_ntt_release_domain)() })
    }

    /// Transforms values in the host's memory in place, in natural order; the domain must be large enough.
    pub(crate) fn ntt(&self, values: &mut [Limbs], direction: Direction, coset: &Limbs) -> Result<(), Status> {
        let size = int(values.len())?;
        let config = NttConfig {
            stream: ptr::null_mut(),
            coset_gen: *coset,
            batch_size: 1,
            columns_batch: false,
            ordering: 0,
            are_inputs_on_device: false,
            are_outputs_on_device: false,
            is_async: false,
            ext: ptr::null_mut(),
        };
        let values = values.as_mut_ptr();
        // SAFETY: see above; ICICLE transforms in place when input and output are one pointer.
        check(unsafe { (self.symbols.bn254_ntt)(values, size, direction as c_int, &config, values) })
    }

    /// The sum of scalars (Montgomery form, the host's memory) times the first bases (standard form) of a device's memory.
    pub(crate) fn msm(&self, scalars: &[Limbs], bases: &DeviceMemory) -> Result<Projective, Status> {
        let size = int(scalars.len())?;
        if size_of_val(scalars) > bases.bytes / 2 {
            return Err(Status::INVALID_ARGUMENT);
        }
        let config = MsmConfig {
            stream: ptr::null_mut(),
            precompute_factor: 1,
            c: 0,
            bitsize: 0,
            batch_size: 1,
            are_points_shared_in_batch: true,
            are_scalars_on_device: false,
            are_scalars_montgomery_form: true,
            are_points_on_device: true,
            are_points_montgomery_form: false,
            are_results_on_device: false,
            is_async: false,
            ext: ptr::null_mut(),
        };
        let mut sum: Projective = [[0; 4]; 3];
        // SAFETY: see above; the device's memory holds two elements for each scalar.
        check(unsafe { (self.symbols.bn254_msm)(scalars.as_ptr(), bases.start, size, &config, &mut sum) })?;
        Ok(sum)
    }
}

/// Memory of the device that was the thread's when it was allocated; freed when dropped.
#[derive(Debug)]
pub(crate) struct DeviceMemory {
    runtime: Runtime,
    start: *mut c_void,
    bytes: usize,
}

// SAFETY: the pointer is an address on a device, only ever handed to ICICLE, whose functions may be called from any thread;
// `icicle_free` finds the device of an address by itself.
unsafe impl Send for DeviceMemory {}
// SAFETY: as above; after the writes of its owner it is only read.
unsafe impl Sync for DeviceMemory {}

impl DeviceMemory {
    /// Allocates memory on the thread's device.
    pub(crate) fn allocate(runtime: Runtime, bytes: usize) -> Result<Self, Status> {
        let mut start = ptr::null_mut();
        // SAFETY: as for `Runtime`.
        check(unsafe { (runtime.symbols.icicle_malloc)(&mut start, bytes) })?;
        if start.is_null() {
            return Err(Status::ALLOCATION_FAILED);
        }
        Ok(Self { runtime, start, bytes })
    }

    /// Copies values there, from a byte offset on.
    pub(crate) fn write(&self, offset: usize, values: &[u64]) -> Result<(), Status> {
        let bytes = size_of_val(values);
        if offset.checked_add(bytes).is_none_or(|end| end > self.bytes) {
            return Err(Status::INVALID_ARGUMENT);
        }
        let to = self.start.wrapping_byte_add(offset);
        // SAFETY: as for `Runtime`; the range lies within the allocation.
        check(unsafe { (self.runtime.symbols.icicle_copy_to_device)(to, values.as_ptr().cast(), bytes) })
    }
}

impl Drop for DeviceMemory {
    fn drop(&mut self) {
        // SAFETY: as for `Runtime`; it was allocated there and is freed once. What a failure leaves behind the process frees.
        let _ = check(unsafe { (self.runtime.symbols.icicle_free)(self.start) });
    }
}
