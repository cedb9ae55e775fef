//! The conformance suite on the CUDA backend under the launch emulator, beside the naive twin.

use std::sync::Arc;

use proofyard_kernels_cuda::CudaBackend;
use proofyard_kernels_cuda_emulator::Emulator;

#[path = "../../tests/suite/mod.rs"]
mod suite;

#[test]
fn cuda_agrees_with_the_twin() {
    let budget = 256 << 20;
    suite::check(&CudaBackend::new(Arc::new(Emulator::new(budget)), budget));
}
