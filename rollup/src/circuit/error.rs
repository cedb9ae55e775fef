//! Why there is no circuit or no witness.

use proofyard_proof_system::circuit::CircuitError;
use thiserror::Error;

use super::{Label, ROWS_LOG2_MAX, ROWS_LOG2_MIN};

/// No circuit of the asked size.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TransferCircuitError {
    /// T is no size class.
    #[error("[PY-T-001] rows 2^{0}: the size classes are 2^{ROWS_LOG2_MIN} to 2^{ROWS_LOG2_MAX}; choose one of them")]
    SizeClass(u32),
    /// The proof system refuses the circuit.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
}

/// The traces do not make a witness.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WitnessError {
    /// More transfers than slots.
    #[error("[PY-T-010] {transfers} transfers do not fit {slots} slots; use more subtrees or a larger size class")]
    TooMany {
        /// Transfers given.
        transfers: usize,
        /// Slots of the circuit.
        slots: usize,
    },
    /// A trace starts from another baton than the one before it left.
    #[error(
        "[PY-T-011] transfer {slot}: its baton before is not what the previous transfer left; execute the block again"
    )]
    Baton {
        /// The transfer, from 0 in the subtree.
        slot: usize,
    },
    /// A trace breaks a constraint.
    #[error("[PY-T-012] transfer {slot}: the trace breaks the constraint \"{label}\"; execute the block again")]
    Broken {
        /// The transfer, from 0 in the subtree.
        slot: usize,
        /// The first row whose constraint fails.
        label: Label,
    },
    /// A trace ends with another baton than its values give.
    #[error("[PY-T-013] transfer {slot}: its baton after is not what the transfer gives; execute the block again")]
    Outcome {
        /// The transfer, from 0 in the subtree.
        slot: usize,
    },
    /// The proof system refuses the witness.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
}
