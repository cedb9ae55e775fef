//! MSM and NTT through an installed ICICLE v4 runtime, whose shared libraries are opened at run time.
//!
//! ICICLE's GPU kernels are closed and licensed apart; nothing of ICICLE is needed to build or test this crate. It is for
//! those who have such an installation. Columns lie in the host's memory: each MSM sends its scalars to ICICLE's device and
//! each transform its column there and back; only MSM bases stay on the device. Programs, grand products, linear
//! combinations, divisions and evaluations are those of [`proofyard_kernels::cpu::CpuBackend`]. Results equal the CPU
//! backend's to the byte: [`IcicleBackend::open`] asks the runtime for answers that it compares with the CPU's before it
//! hands the backend out.
//!
//! A C++ exception in the runtime ends the process; those that ICICLE's sources show (unknown device kind, transform
//! larger than the domain, size no power of two) are ruled out before each call.

#![deny(unsafe_code)]

mod backend;
mod convert;
mod device;
mod domain;
mod error;
#[allow(unsafe_code)]
mod ffi;
mod search;
mod self_check;

pub use backend::{IcicleBackend, IcicleBases};
pub use error::{OpenError, Status};
pub use search::Options;
