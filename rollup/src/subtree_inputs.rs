//! What a worker gets for one subtree: an aligned run of the block's transfers.
//!
//! The bytes carry the start baton, the transfers and the touched part of the state at the run's start, at most about
//! 3.4 KB a transfer; the worker executes the run again and so obtains the traces, checked. docs/block-file.md has the
//! layout.

use std::collections::{BTreeMap, HashMap};

use ark_ff::PrimeField;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::baton::Baton;
use crate::block::{BATCH_COUNTS_BYTES, TRANSFER_BYTES, USED_LEAF_BYTES, batch_bytes, put_batch, read_batch};
use crate::block_error::BlockError;
use crate::encoding::{DecodeError, Place, Reader, field_to_bytes};
use crate::executor::{Executed, Start, TransferTrace, run};
use crate::tree::{ARITY, DEPTH, PreLeaf, PreState, for_each_sibling};

/// First bytes of encoded subtree inputs.
pub const MAGIC: [u8; 8] = *b"PYINPUT\0";
/// Version of the encoding this build reads and writes.
pub const VERSION: u32 = 1;
/// Most subtrees of a group (2^8, docs/protocol.md).
pub const SUBTREES_MAX: usize = 256;
/// Bytes of the header: magic, version, start baton.
const HEADER_BYTES: usize = 8 + 4 + 3 * 32;

/// A block that cannot be cut as asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SplitError {
    /// M is no power of two up to `SUBTREES_MAX`.
    #[error("[PY-B-030] split: {subtrees} subtrees; give a power of two from 1 to {SUBTREES_MAX}")]
    Subtrees {
        /// The M asked for.
        subtrees: usize,
    },
    /// More transfers than slots.
    #[error(
        "[PY-B-031] split: {transfers} transfers do not fit {subtrees} subtrees of {capacity} slots; \
         use {needed} subtrees"
    )]
    TooFewSubtrees {
        /// Transfers of the block.
        transfers: usize,
        /// The M asked for.
        subtrees: usize,
        /// Slots of a subtree.
        capacity: usize,
        /// The least M that fits.
        needed: usize,
    },
    /// No allowed M has enough slots.
    #[error(
        "[PY-B-032] split: {transfers} transfers do not fit {SUBTREES_MAX} subtrees of {capacity} slots; \
         use more rows a subtree or a smaller block"
    )]
    TooLarge {
        /// Transfers of the block.
        transfers: usize,
        /// Slots of a subtree.
        capacity: usize,
    },
}

/// Bytes that are no subtree inputs, or whose run of transfers does not execute.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("subtree inputs refused: {0}")]
pub struct InputsError(#[from] pub BlockError);

impl From<DecodeError> for InputsError {
    fn from(error: DecodeError) -> Self {
        Self(error.into())
    }
}

/// One subtree's run of transfers; may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubtreeInputs {
    /// Baton before the run.
    pub start: Baton,
    /// The run's traces, in order; at most the slots of a subtree.
    pub traces: Vec<TransferTrace>,
}

impl SubtreeInputs {
    /// Baton after the run.
    pub fn end(&self) -> Baton {
        self.traces.last().map_or(self.start, |trace| trace.baton_after)
    }

    /// The compact encoding. Traces that do not come from an execution are written as far as they go; `decode` refuses
    /// them.
    pub fn encode(&self) -> Vec<u8> {
        let transfers: Vec<_> = self.traces.iter().map(|trace| trace.signed).collect();
        let pre_state = pre_state_of(&self.traces);
        let mut out = Vec::with_capacity(HEADER_BYTES + batch_bytes(&transfers, &pre_state));
        out.extend(MAGIC);
        out.extend(VERSION.to_be_bytes());
        for value in self.start.to_array() {
            out.extend(field_to_bytes(value));
        }
        put_batch(&mut out, &transfers, &pre_state);
        out
    }

    /// Reads the encoding and executes the run with every check of a block: the traces follow from the start baton.
    /// `capacity` is the reader's slots of a subtree; more transfers are refused before any work.
    pub fn decode(bytes: &[u8], capacity: usize) -> Result<Self, InputsError> {
        let mut reader = Reader::new(bytes);
        reader.preamble(&MAGIC, VERSION, "subtree inputs")?;
        let start = Baton {
            root: reader.field("start root")?,
            data_hash: reader.field("start data hash")?,
            fees: reader.field("start fees")?,
        };
        let [fees, 0, 0, 0] = start.fees.into_bigint().0 else {
            return Err(DecodeError::NotCanonical { place: Place::Header, what: "start fees" }.into());
        };
        let (transfers, pre_state) = read_batch(&mut reader, capacity)?;
        reader.finish()?;
        let (traces, _) = run(Start { root: start.root, data_hash: start.data_hash, fees }, &transfers, &pre_state)?;
        Ok(Self { start, traces })
    }

    /// Bytes of the longest encoding of a run of this many transfers: two leaves each, every level's siblings given.
    pub fn bytes_max(transfers: usize) -> usize {
        let transfer = TRANSFER_BYTES + 2 * (USED_LEAF_BYTES + DEPTH * (ARITY - 1) * 32);
        transfers.saturating_mul(transfer).saturating_add(HEADER_BYTES + BATCH_COUNTS_BYTES)
    }

    /// The content address of encoded inputs: SHA-256.
    pub fn digest(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }
}

impl Executed {
    /// Cuts the block into `subtrees` aligned runs of at most `capacity` transfers, as even as possible: the first
    /// `transfers mod subtrees` runs get one more than the others.
    pub fn split(&self, subtrees: usize, capacity: usize) -> Result<Vec<SubtreeInputs>, SplitError> {
        let transfers = self.traces.len();
        if !subtrees.is_power_of_two() || subtrees > SUBTREES_MAX {
            return Err(SplitError::Subtrees { subtrees });
        }
        if transfers.div_ceil(subtrees) > capacity {
            return Err(match subtrees_needed(transfers, capacity) {
                Some(needed) => SplitError::TooFewSubtrees { transfers, subtrees, capacity, needed },
                None => SplitError::TooLarge { transfers, capacity },
            });
        }
        let (floor, longer) = (transfers / subtrees, transfers % subtrees);
        let mut rest = self.traces.as_slice();
        let mut start = self.start;
        let mut runs = Vec::with_capacity(subtrees);
        for index in 0..subtrees {
            let (head, tail) = rest.split_at(floor + usize::from(index < longer));
            let inputs = SubtreeInputs { start, traces: head.to_vec() };
            start = inputs.end();
            rest = tail;
            runs.push(inputs);
        }
        Ok(runs)
    }
}

/// The least allowed number of subtrees of `capacity` slots that hold the transfers; None when there is none.
pub fn subtrees_needed(transfers: usize, capacity: usize) -> Option<usize> {
    let least = transfers.max(1).checked_add(capacity.checked_sub(1)?)? / capacity;
    least.checked_next_power_of_two().filter(|needed| *needed <= SUBTREES_MAX)
}

/// The touched part of the state before the first trace: accounts as first seen, and sibling hashes. A sibling is above
/// no touched leaf, so it is the same on every path that passes it.
pub(crate) fn pre_state_of(traces: &[TransferTrace]) -> PreState {
    let mut leaves = BTreeMap::new();
    let mut children = HashMap::new();
    for trace in traces {
        let transfer = &trace.signed.transfer;
        leaves.entry(transfer.from).or_insert(Some(trace.sender_before));
        leaves.entry(transfer.to).or_insert(trace.recipient_before);
        for (leaf, path) in [(transfer.from, &trace.sender_path), (transfer.to, &trace.recipient_path)] {
            let mut parent = leaf;
            for (level, family) in path.iter().enumerate() {
                parent >>= 2;
                children.entry((level, parent)).or_insert(family);
            }
        }
    }
    let mut siblings = Vec::new();
    for_each_sibling(leaves.keys().copied().collect(), |level, node| {
        siblings.extend(children.get(&(level, node >> 2)).map(|family| family[(node & 3) as usize]));
    });
    PreState { leaves: leaves.into_iter().map(|(leaf, account)| PreLeaf { leaf, account }).collect(), siblings }
}
