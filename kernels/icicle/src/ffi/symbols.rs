//! The functions, and how the libraries that hold them are opened.
//!
//! ICICLE exports no version. v4 is recognised by `bn254_projective_eq` (`bn254_eq` in v3) beside the functions that are
//! called; older ones lack `icicle_load_backend`. Whether the meaning is v4's too, the check at opening finds out.

use std::{
    ffi::{c_char, c_int, c_void},
    mem::ManuallyDrop,
    path::PathBuf,
};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LAZY};

use super::layout::{Device, MsmConfig, NttConfig, NttInitDomainConfig, Projective};
use crate::{
    convert::Limbs,
    error::OpenError,
    search::{LIBRARIES, Place, file_name},
};

/// Declares the table of functions: one line for each gives its library, name and C signature. "C-unwind": they are C++
/// and may throw.
macro_rules! symbols {
    ($($library:literal $name:ident($($argument:ty),*);)*) => {
        /// The functions of a runtime; they all return `eIcicleError`.
        #[derive(Debug, Clone, Copy)]
        pub(super) struct Symbols {
            $(pub(super) $name: unsafe extern "C-unwind" fn($($argument),*) -> c_int,)*
        }

        impl Symbols {
            fn resolve(libraries: &[Opened; 3]) -> Result<Self, OpenError> {
                // SAFETY: the types are those of ICICLE's headers.
                Ok(Self { $($name: unsafe { libraries[$library].symbol(stringify!($name)) }?,)* })
            }
        }
    };
}

// `runtime.h` (0), `api/bn254.h` and `src/ntt.cpp` (1), `src/msm.cpp` (2): the numbers are places in `LIBRARIES`.
symbols! {
    0 icicle_load_backend(*const c_char, bool);
    0 icicle_load_backend_from_env_or_default();
    0 icicle_is_device_available(*const Device);
    0 icicle_get_registered_devices(*mut c_char, usize);
    0 icicle_get_device_count(*mut c_int);
    0 icicle_set_device(*const Device);
    0 icicle_malloc(*mut *mut c_void, usize);
    0 icicle_free(*mut c_void);
    0 icicle_copy_to_device(*mut c_void, *const c_void, usize);
    1 bn254_ntt_init_domain(*const Limbs, *const NttInitDomainConfig);
    1 bn254_ntt_release_domain();
    1 bn254_ntt(*const Limbs, c_int, c_int, *const NttConfig, *mut Limbs);
    2 bn254_msm(*const Limbs, *const c_void, c_int, *const MsmConfig, *mut Projective);
}

/// What v4's curve library has and v3's calls by the second name.
const MARKER: (&str, &str) = ("bn254_projective_eq", "bn254_eq");

/// Never closed: backends of devices keep threads, contexts and handlers at exit that point into it.
struct Opened {
    library: ManuallyDrop<Library>,
    path: PathBuf,
}

impl Opened {
    /// Opens a library for the whole process: the backends that the runtime loads later look their symbols up there.
    fn open(library: &str, place: &Place) -> Result<Self, OpenError> {
        let name = file_name(library);
        let path = place.folder.as_ref().map_or_else(|| PathBuf::from(&name), |folder| folder.join(&name));
        // SAFETY: opening runs the library's initialisers; that they are ICICLE's the operator vouches for by installing it
        // where it is found, as for every library that a program is linked with.
        match unsafe { Library::open(Some(&path), RTLD_LAZY | RTLD_GLOBAL) } {
            Ok(library) => Ok(Self { library: ManuallyDrop::new(library), path }),
            Err(error) if place.folder.is_none() => Err(OpenError::NoLibrary {
                library: name,
                looked: format!("{}, the loader's paths ({error})", place.looked),
            }),
            Err(_) if !path.is_file() => Err(OpenError::NoLibrary { library: name, looked: place.looked.clone() }),
            Err(error) => Err(OpenError::NotLoadable { library: path, reason: error.to_string() }),
        }
    }

    fn has(&self, name: &str) -> bool {
        // SAFETY: the address is not used, so its type does not matter.
        unsafe { self.library.get::<*const c_void>(name.as_bytes()) }.is_ok()
    }

    /// The address of a function.
    ///
    /// # Safety
    /// `T` is the type of a pointer to this function.
    unsafe fn symbol<T: Copy>(&self, name: &'static str) -> Result<T, OpenError> {
        // SAFETY: the caller vouches for `T`; the library is never closed, so the address stays good without its lifetime.
        match unsafe { self.library.get::<T>(name.as_bytes()) } {
            Ok(symbol) => Ok(*symbol),
            Err(_) => Err(OpenError::OtherVersion { library: self.path.clone(), symbol: name, hint: "" }),
        }
    }
}

impl Symbols {
    /// Opens the three libraries and looks the functions up; calls none.
    pub(super) fn load(place: &Place) -> Result<Self, OpenError> {
        let [device, field, curve] = LIBRARIES;
        let libraries = [Opened::open(device, place)?, Opened::open(field, place)?, Opened::open(curve, place)?];
        let symbols = Self::resolve(&libraries)?;
        let (v4, v3) = MARKER;
        let [_, _, curve] = libraries;
        if curve.has(v4) {
            return Ok(symbols);
        }
        let hint = if curve.has(v3) { ", but v3's bn254_eq" } else { "" };
        Err(OpenError::OtherVersion { library: curve.path, symbol: v4, hint })
    }
}
