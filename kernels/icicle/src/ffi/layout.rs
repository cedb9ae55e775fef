//! The types of ICICLE's C interface, field by field.
//!
//! Read from `icicle/include/icicle` of version 4: `device.h`, `msm.h`, `ntt.h`, `errors.h`, `curves/{affine,projective}.h`
//! and `math/storage.h` (eight 32-bit limbs in a union with four 64-bit ones: 32 bytes, aligned to 8 in host code). A C++
//! `bool` is one byte, an `enum class` an `int`, a reference a pointer. `ConfigExtension*`, options for one kind of device,
//! may be null.

use std::ffi::{c_char, c_int, c_void};

use crate::convert::Limbs;

/// `icicle::Device`: a kind, ended by a zero byte, and an index.
#[repr(C)]
pub(super) struct Device {
    pub(super) kind: [c_char; 64],
    pub(super) id: c_int,
}

/// `icicle::MSMConfig`.
#[repr(C)]
pub(super) struct MsmConfig {
    /// Null: the default stream.
    pub(super) stream: *mut c_void,
    /// Multiples of each base that lie beside it; 1: the bases alone.
    pub(super) precompute_factor: c_int,
    /// Bits of a window; 0: the library chooses.
    pub(super) c: c_int,
    /// Bits of the longest scalar; 0: those of the field.
    pub(super) bitsize: c_int,
    pub(super) batch_size: c_int,
    pub(super) are_points_shared_in_batch: bool,
    pub(super) are_scalars_on_device: bool,
    pub(super) are_scalars_montgomery_form: bool,
    pub(super) are_points_on_device: bool,
    pub(super) are_points_montgomery_form: bool,
    pub(super) are_results_on_device: bool,
    pub(super) is_async: bool,
    pub(super) ext: *mut c_void,
}

/// `icicle::NTTConfig<bn254::scalar_t>`.
#[repr(C)]
pub(super) struct NttConfig {
    pub(super) stream: *mut c_void,
    /// In standard form; one: no coset. The same for both directions.
    pub(super) coset_gen: Limbs,
    pub(super) batch_size: c_int,
    pub(super) columns_batch: bool,
    /// `Ordering`: 0 is kNN, natural order in and out.
    pub(super) ordering: c_int,
    pub(super) are_inputs_on_device: bool,
    pub(super) are_outputs_on_device: bool,
    pub(super) is_async: bool,
    pub(super) ext: *mut c_void,
}

/// `icicle::NTTInitDomainConfig`.
#[repr(C)]
pub(super) struct NttInitDomainConfig {
    pub(super) stream: *mut c_void,
    pub(super) is_async: bool,
    pub(super) ext: *mut c_void,
}

/// `bn254::projective_t`: homogeneous X, Y, Z.
pub(super) type Projective = [Limbs; 3];

/// `NTTDir`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Direction {
    /// Values from coefficients.
    Forward = 0,
    /// Coefficients from values.
    Inverse = 1,
}

// Offsets that the C++ compiler gives these fields on 64-bit systems.
const _: () = {
    use std::mem::offset_of;
    assert!(size_of::<Device>() == 68 && offset_of!(Device, id) == 64);
    assert!(size_of::<MsmConfig>() == 40 && offset_of!(MsmConfig, batch_size) == 20);
    assert!(offset_of!(MsmConfig, are_points_shared_in_batch) == 24 && offset_of!(MsmConfig, is_async) == 30);
    assert!(offset_of!(MsmConfig, ext) == 32);
    assert!(size_of::<NttConfig>() == 64 && offset_of!(NttConfig, coset_gen) == 8);
    assert!(offset_of!(NttConfig, batch_size) == 40 && offset_of!(NttConfig, columns_batch) == 44);
    assert!(offset_of!(NttConfig, ordering) == 48 && offset_of!(NttConfig, is_async) == 54);
    assert!(offset_of!(NttConfig, ext) == 56);
    assert!(size_of::<NttInitDomainConfig>() == 24 && offset_of!(NttInitDomainConfig, ext) == 16);
};
