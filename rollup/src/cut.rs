//! Cutting a block in two that follow each other.
//!
//! The first block holds the first transfers on the same previous root, the second the others on the first one's end. Each carries
//! exactly the leaves its own transfers touch, as they are before it. Run one after the other they are the whole block: the same
//! end root and data hash; fees are counted anew in each block, so the two blocks' fees add up to the whole one's.

use thiserror::Error;

use crate::block::Block;
use crate::block_error::BlockError;
use crate::executor::{Executed, TransferTrace, execute};
use crate::subtree_inputs::pre_state_of;

/// A block that cannot be cut there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CutError {
    /// A part would be empty.
    #[error("[PY-B-050] cut: {first} of {transfers} transfers; both parts need at least one")]
    Empty {
        /// Transfers asked for in the first part.
        first: usize,
        /// Transfers of the block.
        transfers: usize,
    },
    /// The block itself is refused.
    #[error(transparent)]
    Block(#[from] BlockError),
}

impl Block {
    /// Checks and executes the block and cuts it after its first `first` transfers.
    pub fn split(&self, first: usize) -> Result<(Self, Self), CutError> {
        check(first, self.transfers.len())?;
        execute(self)?.cut(first)
    }
}

impl Executed {
    /// Cuts the executed block after its first `first` transfers; nothing is executed again.
    pub fn cut(&self, first: usize) -> Result<(Block, Block), CutError> {
        check(first, self.traces.len())?;
        let (head, tail) = self.traces.split_at(first);
        Ok((block_of(head), block_of(tail)))
    }
}

fn check(first: usize, transfers: usize) -> Result<(), CutError> {
    if first == 0 || first >= transfers { Err(CutError::Empty { first, transfers }) } else { Ok(()) }
}

/// The block of a run of at least one trace.
fn block_of(traces: &[TransferTrace]) -> Block {
    let before = traces[0].baton_before;
    Block {
        previous_root: before.root,
        previous_data_hash: before.data_hash,
        transfers: traces.iter().map(|trace| trace.signed).collect(),
        pre_state: pre_state_of(traces),
    }
}
