//! ICICLE's error codes, and why a runtime was not opened.

use std::{ffi::c_int, fmt, path::PathBuf};

use proofyard_kernels::KernelError;

/// A code other than success that a function of ICICLE returned: `eIcicleError` of `icicle/errors.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub(crate) c_int);

impl Status {
    pub(crate) const OUT_OF_MEMORY: Self = Self(2);
    pub(crate) const ALLOCATION_FAILED: Self = Self(4);
    pub(crate) const INVALID_ARGUMENT: Self = Self(11);
    pub(crate) const BACKEND_LOAD_FAILED: Self = Self(12);
    pub(crate) const LICENSE_CHECK_ERROR: Self = Self(13);

    /// ICICLE's own name of the code.
    pub fn name(self) -> &'static str {
        match self.0 {
            1 => "INVALID_DEVICE",
            2 => "OUT_OF_MEMORY",
            3 => "INVALID_POINTER",
            4 => "ALLOCATION_FAILED",
            5 => "DEALLOCATION_FAILED",
            6 => "COPY_FAILED",
            7 => "SYNCHRONIZATION_FAILED",
            8 => "STREAM_CREATION_FAILED",
            9 => "STREAM_DESTRUCTION_FAILED",
            10 => "API_NOT_IMPLEMENTED",
            11 => "INVALID_ARGUMENT",
            12 => "BACKEND_LOAD_FAILED",
            13 => "LICENSE_CHECK_ERROR",
            _ => "UNKNOWN_ERROR",
        }
    }

    /// The kernel error for a call that returned this code.
    pub(crate) fn in_call(self, call: &'static str) -> KernelError {
        let text = format!("ICICLE's {call} returned {self}");
        match self {
            Self::OUT_OF_MEMORY | Self::ALLOCATION_FAILED => KernelError::OutOfMemory(text),
            _ => KernelError::Device(text),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

/// Why an ICICLE runtime was not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No runtime where it was looked for.
    #[error(
        "[PY-I-001] no {library} found; looked in: {looked}. Install ICICLE v4 built for the curve bn254 and name its \
         folder, or set ICICLE_INSTALL_DIR"
    )]
    NoLibrary {
        /// The file.
        library: String,
        /// Folders, and the loader's message if it was asked.
        looked: String,
    },
    /// A library that is there but that the loader refuses.
    #[error(
        "[PY-I-002] {library} cannot be loaded: {reason}. Install what it needs, or name the folder of another ICICLE"
    )]
    NotLoadable {
        /// The file.
        library: PathBuf,
        /// The loader's message.
        reason: String,
    },
    /// A library of another version: a symbol of v4 is missing.
    #[error("[PY-I-003] {library} is no ICICLE v4: it has no symbol {symbol}{hint}. Install ICICLE v4")]
    OtherVersion {
        /// The file.
        library: PathBuf,
        /// What v4 has and this one has not.
        symbol: &'static str,
        /// Which version it looks like; empty if unknown.
        hint: &'static str,
    },
    /// The runtime knows no such device.
    #[error(
        "[PY-I-004] ICICLE has no device {asked}; it has: {found}. Install the backend of that kind (ICICLE_BACKEND_INSTALL_DIR) \
         or choose another device"
    )]
    NoDevice {
        /// The device asked for, as "KIND:index".
        asked: String,
        /// The kinds that are registered, or how many of the kind there are.
        found: String,
    },
    /// A device name that is none.
    #[error(
        "[PY-I-005] \"{0}\" is no ICICLE device: write a kind of up to 63 letters and an index, such as CUDA or CUDA:1"
    )]
    DeviceName(String),
    /// ICICLE's kernels for this device are not licensed here.
    #[error(
        "[PY-I-006] ICICLE refuses {device} for want of a licence: set ICICLE_LICENSE as its vendor says, or use another backend"
    )]
    Licence {
        /// The device asked for.
        device: String,
    },
    /// Another error of the runtime.
    #[error("[PY-I-007] ICICLE's {call} returned {status}: see the runtime's own log")]
    Runtime {
        /// The function.
        call: &'static str,
        /// What it returned.
        status: Status,
    },
    /// The runtime computes something else than v4 does.
    #[error(
        "[PY-I-008] ICICLE's {what} differs from the CPU's: the library is of another version or broken. Install ICICLE v4"
    )]
    WrongAnswer {
        /// "MSM" or which transform.
        what: &'static str,
    },
    /// The runtime opened, but failed the first time it was used.
    #[error("[PY-I-009] ICICLE's {what} failed when it was tried: {error}. See the runtime's own log and its licence")]
    CheckFailed {
        /// "MSM" or which transform.
        what: &'static str,
        /// What the backend returned.
        error: KernelError,
    },
    /// A path that C cannot take.
    #[error("[PY-I-010] the path {0:?} holds a zero byte: name another folder")]
    Path(PathBuf),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_kernel_errors() {
        for status in [Status::OUT_OF_MEMORY, Status::ALLOCATION_FAILED] {
            assert!(matches!(status.in_call("bn254_msm"), KernelError::OutOfMemory(_)), "{status}");
        }
        for code in [1, 3, 11, 13, 14, -7] {
            let KernelError::Device(text) = Status(code).in_call("bn254_msm") else { panic!("{code}") };
            assert!(text.contains(&format!("({code})")) && text.contains("bn254_msm"), "{text}");
        }
    }
}
