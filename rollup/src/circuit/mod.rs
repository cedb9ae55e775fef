//! The transfer circuit: T rows hold as many slots as fit, each a transfer or nothing, and the baton runs through them.
//!
//! A slot's constraints, with the gates of docs/protocol.md section 3 and the options of
//! docs/decisions/2026-11-22-arithmetisation.md:
//!
//! 1. numbers: amount, fee and all balances below 2^64, nonces below 2^32; the sender pays amount and fee, its nonce is
//!    the transfer's and rises by one; the recipient gets the amount and keeps its nonce;
//! 2. digest of the transfer and the sender's signature over it;
//! 3. the sender's leaf, then the recipient's on the root in between; only they change. An unused leaf becomes the
//!    account with the key that the transfer names; in a used one the key must be that key;
//! 4. root, data hash and fees go on, or pass unchanged when the slot is inactive.

mod curve;
mod error;
mod layout;
mod range;
mod signature;
mod slot;
#[cfg(test)]
mod tests;
mod tree;

use std::sync::{Arc, LazyLock};

use proofyard_proof_system::circuit::{Circuit, CircuitBuilder, PUBLIC_ROWS, PUBLIC_VALUES, Witness};
use proofyard_proof_system::gates::WIRES;
use proofyard_proof_system::poseidon2::PERMUTATION_ROWS;
use rayon::prelude::*;

pub use error::{TransferCircuitError, WitnessError};
pub use layout::Label;

use crate::baton::Baton;
use crate::executor::TransferTrace;
use layout::{Constants, Layout};
use slot::{Slot, SlotValues, slot};

/// log2 of the smallest size class.
pub const ROWS_LOG2_MIN: u32 = 12;
/// log2 of the largest size class.
pub const ROWS_LOG2_MAX: u32 = 20;

/// Rows that do not belong to a slot: the public values, and the constants with the two rows before them.
const SHARED_ROWS: usize = PUBLIC_ROWS + 2 + Constants::COUNT.div_ceil(WIRES);

/// The structure of one slot, the same for all.
struct SlotStructure {
    fragment: CircuitBuilder,
    slot: Slot,
    labels: Vec<Label>,
}

static SLOT: LazyLock<SlotStructure> = LazyLock::new(|| {
    let mut layout = Layout::new(&CircuitBuilder::structure());
    let slot = slot(&mut layout, &SlotValues::idle());
    let (fragment, labels, _) = layout.finish();
    SlotStructure { fragment, slot, labels }
});

/// Rows of a slot.
pub fn rows_per_transfer() -> usize {
    SLOT.labels.len()
}

/// Rows of a slot's signature: the key on the curve, both multiples, the challenge with its hash.
pub fn rows_per_signature() -> usize {
    SLOT.slot.signature_rows
}

/// Rows of a Poseidon2 permutation with the feed-forward of a tree node.
pub fn rows_per_permutation() -> usize {
    PERMUTATION_ROWS + 1
}

/// Rows of a slot by section, in the order of the sections' first rows; they add up to [`rows_per_transfer`].
pub fn rows_by_section() -> Vec<(&'static str, usize)> {
    let mut sections: Vec<(&'static str, usize)> = Vec::new();
    for label in &SLOT.labels {
        match sections.iter_mut().find(|(section, _)| *section == label.section) {
            Some((_, rows)) => *rows += 1,
            None => sections.push((label.section, 1)),
        }
    }
    sections
}

/// Slots of a circuit of `2^rows_log2` rows; 0 outside the size classes.
pub fn capacity(rows_log2: u32) -> usize {
    if !(ROWS_LOG2_MIN..=ROWS_LOG2_MAX).contains(&rows_log2) {
        return 0;
    }
    ((1 << rows_log2) - SHARED_ROWS) / rows_per_transfer()
}

/// The circuit of a size class.
#[derive(Clone, Debug)]
pub struct TransferCircuit {
    slots: usize,
    structure: Arc<Circuit>,
}

impl TransferCircuit {
    /// The circuit of `2^rows_log2` rows.
    pub fn new(rows_log2: u32) -> Result<Self, TransferCircuitError> {
        if !(ROWS_LOG2_MIN..=ROWS_LOG2_MAX).contains(&rows_log2) {
            return Err(TransferCircuitError::SizeClass(rows_log2));
        }
        let slots = capacity(rows_log2);
        let mut builder = CircuitBuilder::structure();
        builder.reserve(1 << rows_log2);
        let mut baton: [_; PUBLIC_VALUES] = std::array::from_fn(|k| builder.input(k));
        for _ in 0..slots {
            let placement = builder.append(&SLOT.fragment);
            for (k, value) in baton.iter_mut().enumerate() {
                builder.copy(*value, placement.cell(SLOT.slot.input[k]));
                *value = placement.cell(SLOT.slot.output[k].cell);
            }
        }
        for (k, value) in baton.into_iter().enumerate() {
            let output = builder.output(k);
            builder.copy(value, output);
        }
        Ok(Self { slots, structure: Arc::new(builder.finish_structure(rows_log2)?) })
    }

    /// Transfers that fit.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Fixed columns and permutation.
    pub fn structure(&self) -> &Arc<Circuit> {
        &self.structure
    }

    /// Slot and label of a row; None for the rows that belong to no slot.
    pub fn label(&self, row: usize) -> Option<(usize, Label)> {
        let row = row.checked_sub(PUBLIC_ROWS)?;
        let slot = row / rows_per_transfer();
        (slot < self.slots).then(|| (slot, SLOT.labels[row % rows_per_transfer()]))
    }

    /// The wires for a run of transfers that starts from `start`, and the baton after it. Slots beyond the transfers
    /// are inactive. Slots are filled in parallel; the result does not depend on it.
    pub fn witness(&self, start: Baton, traces: &[TransferTrace]) -> Result<(Witness, Baton), WitnessError> {
        self.fill(CircuitBuilder::witness(), start, traces)
    }

    /// The same for a prover that fills in the rows of permutations itself. Most hashes are taken from the traces as the
    /// execution left them; where a trace is at odds with itself, the proof fails instead of the outline.
    pub fn outline(&self, start: Baton, traces: &[TransferTrace]) -> Result<(Witness, Baton), WitnessError> {
        self.fill(CircuitBuilder::outline(), start, traces)
    }

    fn fill(
        &self,
        mut builder: CircuitBuilder,
        start: Baton,
        traces: &[TransferTrace],
    ) -> Result<(Witness, Baton), WitnessError> {
        if traces.len() > self.slots {
            return Err(WitnessError::TooMany { transfers: traces.len(), slots: self.slots });
        }
        let mut end = start;
        for (slot, trace) in traces.iter().enumerate() {
            if trace.baton_before != end {
                return Err(WitnessError::Baton { slot });
            }
            end = trace.baton_after;
        }
        builder.reserve(1 << self.structure.rows_log2);
        for (k, (before, after)) in start.to_array().into_iter().zip(end.to_array()).enumerate() {
            let (input, output) = (builder.input(k), builder.output(k));
            builder.set(input, before);
            builder.set(output, after);
        }
        let filled: Result<Vec<CircuitBuilder>, WitnessError> =
            traces.par_iter().enumerate().map(|(slot, trace)| fill(&builder, slot, trace)).collect();
        for fragment in filled? {
            builder.append(&fragment);
        }
        if traces.len() < self.slots {
            let mut layout = Layout::new(&builder);
            slot(&mut layout, &SlotValues::inactive(end));
            let (fragment, ..) = layout.finish();
            for _ in traces.len()..self.slots {
                builder.append(&fragment);
            }
        }
        Ok((builder.finish_witness(self.structure.rows_log2)?, end))
    }
}

/// The rows of one transfer, checked.
fn fill(parent: &CircuitBuilder, slot_index: usize, trace: &TransferTrace) -> Result<CircuitBuilder, WitnessError> {
    let mut layout = Layout::new(parent);
    let laid = slot(&mut layout, &SlotValues::active(trace));
    let (fragment, _, broken) = layout.finish();
    if let Some(label) = broken {
        return Err(WitnessError::Broken { slot: slot_index, label });
    }
    if laid.output.map(|var| var.value) != trace.baton_after.to_array() {
        return Err(WitnessError::Outcome { slot: slot_index });
    }
    Ok(fragment)
}
