//! Which instructions the CPU backend computes with.

use std::fmt;

/// The instructions of the inner loops. All give the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Instructions {
    /// One element at a time: with BMI2 and ADX where the processor has them, else in portable Rust.
    Scalar,
    /// Eight elements at a time with AVX-512 IFMA.
    Ifma,
    /// The code of [`Instructions::Ifma`] on a model of its instructions in portable Rust: slow, for tests on any machine.
    IfmaModel,
}

impl Instructions {
    /// All that this machine can run, the fastest first.
    pub fn available() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        if super::lanes::words::Ifma::available() {
            return vec![Self::Ifma, Self::Scalar, Self::IfmaModel];
        }
        vec![Self::Scalar, Self::IfmaModel]
    }

    /// The fastest that this machine can run.
    pub fn fastest() -> Self {
        Self::available()[0]
    }
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::Ifma => "avx512ifma",
            Self::IfmaModel => "avx512ifma-model",
        })
    }
}
