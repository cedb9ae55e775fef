//! The compute backend of the prover: columns of field elements, multi-scalar multiplications (MSM) and number-theoretic
//! transforms (NTT) over BN254 behind one trait, so that all five rounds of a subtree can stay on a device.
//!
//! [`cpu::CpuBackend`] is the product where there is no GPU; [`naive::NaiveBackend`] is its slow, obvious twin that the
//! conformance suite compares every backend with. All columns are in natural order.

pub mod backend;
pub mod compiled;
pub mod cpu;
pub mod naive;
pub mod point;
pub mod poseidon2;
pub mod program;
pub mod transform;

pub use ark_bn254::{Fq, Fr, G1Affine, G1Projective};
pub use backend::{Backend, DeviceMemory, KernelError};
pub use point::AffinePoint;
pub use program::{Expr, Program, ProgramBuilder, Rotation};
