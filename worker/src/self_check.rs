//! Small questions to a device whose answers are known by their definitions.

use std::{ops::AddAssign, sync::Arc};

use proofyard_kernels::{AffinePoint, Backend, Fq, Fr, G1Affine, G1Projective, KernelError, naive::NaiveBackend};
use thiserror::Error;

use crate::device::Chosen;

/// Terms of the MSM and elements of the transforms: the definitions take quadratic time.
const SIZE: usize = 1 << 7;

/// A device that does not compute right.
#[derive(Debug, Error)]
pub enum SelfCheckError {
    /// A wrong answer.
    #[error(
        "[PY-W-020] {device} computes a wrong {what}; it must not prove: look for faulty memory or overclocking, install its driver anew"
    )]
    Wrong {
        /// The device.
        device: String,
        /// What was asked.
        what: &'static str,
    },
    /// No answer.
    #[error(transparent)]
    Kernel(#[from] KernelError),
}

impl Chosen {
    /// The device in words.
    pub fn description(&self) -> String {
        let budget = |memory: Option<proofyard_kernels::backend::DeviceMemory>| {
            memory.map_or_else(String::new, |memory| format!(", {} MiB to use", memory.budget >> 20))
        };
        match self {
            Self::Cuda(cuda) => {
                use proofyard_kernels_cuda::device::Device;
                format!("cuda: {}{}", cuda.device().properties().name, budget(cuda.memory()))
            }
            Self::Icicle(icicle) => format!("{}{}", icicle.name(), budget(icicle.memory())),
            Self::Cpu(cpu) => format!("{}, instructions: {}", cpu.name(), cpu.instructions()),
        }
    }

    /// Compares an MSM and two transforms with their definitions.
    pub fn self_check(&self) -> Result<(), SelfCheckError> {
        let device = self.description();
        match self {
            Self::Cuda(backend) => check(backend, device),
            Self::Icicle(backend) => check(backend, device),
            Self::Cpu(backend) => check(backend, device),
        }
    }
}

fn check<B: Backend>(backend: &B, device: String) -> Result<(), SelfCheckError> {
    let (naive, questions) = (NaiveBackend::new(), Questions::new());
    let wrong = |what: &'static str| SelfCheckError::Wrong { device: device.clone(), what };
    if questions.msm(backend)? != questions.msm(&naive)? {
        return Err(wrong("multi-scalar multiplication"));
    }
    if questions.interpolate(backend)? != questions.interpolate(&naive)? {
        return Err(wrong("inverse transform"));
    }
    if questions.evaluate(backend)? != questions.evaluate(&naive)? {
        return Err(wrong("transform over a coset"));
    }
    Ok(())
}

struct Questions {
    points: Arc<Vec<AffinePoint>>,
    values: Vec<Fr>,
}

impl Questions {
    fn new() -> Self {
        // The generator of the curve, doubled again and again.
        let mut point = G1Projective::from(G1Affine::new_unchecked(Fq::from(1u64), Fq::from(2u64)));
        let mut points = Vec::with_capacity(SIZE);
        let mut value = Fr::from(3u64);
        let mut values = Vec::with_capacity(SIZE);
        for index in 0..SIZE as u64 {
            points.push(AffinePoint::from(&G1Affine::from(point)));
            let same = point;
            point.add_assign(same);
            // Zero, small values, then ones of full length.
            values.push(if index < 4 { Fr::from(index) } else { value });
            value = value * value + Fr::from(index);
        }
        Self { points: Arc::new(points), values }
    }

    fn msm<B: Backend>(&self, backend: &B) -> Result<Vec<G1Affine>, KernelError> {
        backend.msm(&backend.upload_bases(self.points.clone())?, &[&backend.upload(&self.values)?])
    }

    fn interpolate<B: Backend>(&self, backend: &B) -> Result<Vec<Fr>, KernelError> {
        backend.download(&backend.interpolate(&backend.upload(&self.values)?)?)
    }

    fn evaluate<B: Backend>(&self, backend: &B) -> Result<Vec<Fr>, KernelError> {
        backend.download(&backend.evaluate_on_coset(&backend.upload(&self.values)?, Fr::from(7u64))?)
    }
}

#[cfg(test)]
mod tests {
    use proofyard_kernels::cpu::CpuBackend;

    use super::*;

    #[test]
    fn the_processor_computes_right() {
        let cpu = Chosen::Cpu(CpuBackend::new());
        assert!(cpu.self_check().is_ok());
        assert!(cpu.description().starts_with("cpu"), "{}", cpu.description());
    }
}
