//! A toy block whose subtrees are proven by the CUDA backend under the launch emulator: the same bytes as on the CPU.

use std::sync::Arc;

use proofyard_kernels_cuda::CudaBackend;
use proofyard_kernels_cuda_emulator::Emulator;
use proofyard_proof_system::verifier::verify;

#[path = "../../../proof-system/tests/common/mod.rs"]
mod toy;

#[test]
fn a_block_proven_on_the_device_has_the_bytes_of_the_cpu() {
    let farm = toy::farm::Farm::new(2, 7);
    let budget = 64 << 20;
    let cuda = Arc::new(CudaBackend::new(Arc::new(Emulator::new(budget)), budget));
    let proof = farm.prove_on(cuda.clone());
    assert_eq!(proof.encode(), farm.prove().encode());
    // The witnesses were outlines.
    assert_eq!(cuda.device().launches("poseidon2_rows"), 2);
    assert_eq!(verify(&farm.key.verifying, &farm.statement, &proof), Ok(()));
}
