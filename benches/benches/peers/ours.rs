//! The product's CPU backend at every instruction set that this machine can run.

use proofyard_kernels::cpu::{CpuBackend, Instructions};

/// A CPU backend and what is asked of it.
#[derive(Clone)]
pub struct Ours {
    /// Name in tables.
    pub name: String,
    /// The backend.
    pub backend: CpuBackend,
    /// Whether it may use AVX-512 IFMA.
    pub ifma: bool,
}

/// The backends to measure: all but the model of instructions, which is for tests.
pub fn backends() -> Vec<Ours> {
    let real = Instructions::available().into_iter().filter(|instructions| *instructions != Instructions::IfmaModel);
    let ours = |instructions| {
        let backend = CpuBackend::with(instructions)?;
        Some(Ours { name: format!("proofyard {instructions}"), backend, ifma: instructions == Instructions::Ifma })
    };
    real.filter_map(ours).collect()
}

/// Whether the product computes with AVX-512 IFMA here.
pub fn has_ifma() -> bool {
    Instructions::fastest() == Instructions::Ifma
}
