//! The CUDA backend: columns stay on the GPU through all five rounds; in go a witness and challenges, out come a few points
//! and values.
//!
//! The kernels (`.cu`, `.cuh`) lie beside the Rust files that launch them. They are compiled ahead of time into
//! `fatbin/kernels.fatbin` (`cargo xtask kernels`), so that neither building nor running needs CUDA: only the driver, looked
//! for at run time. [`device::Device`] is what the backend asks of a GPU; the crate `proofyard-kernels-cuda-emulator` is
//! another such device, the same sources compiled for the host.

pub mod backend;
mod context;
pub mod device;
pub mod driver;
pub mod memory;
pub mod micro;
mod msm;
mod ntt;
mod polynomial;
mod poseidon2;
mod product;
mod program;

pub use backend::CudaBackend;
pub use driver::{Driver, OpenError};
