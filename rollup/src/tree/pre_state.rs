//! The part of the state a block touches, with what is needed to recompute the root: a multiproof.

use ark_bn254::Fr;

use super::DEPTH;
use crate::account::Account;

/// One touched leaf before the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreLeaf {
    /// Index of the leaf.
    pub leaf: u32,
    /// Its account; None when unused.
    pub account: Option<Account>,
}

/// The touched leaves before a run of transfers and the hashes beside their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreState {
    /// Exactly the touched leaves, ascending.
    pub leaves: Vec<PreLeaf>,
    /// Nodes that are not above a touched leaf and whose parent is: level by level from the leaves up (level 0 to 15),
    /// inside a level by ascending node index.
    pub siblings: Vec<Fr>,
}

impl PreState {
    /// Number of sibling hashes that touched leaves (ascending, each once) need.
    pub fn sibling_count(leaves: impl IntoIterator<Item = u32>) -> usize {
        let mut count = 0;
        for_each_sibling(leaves.into_iter().collect(), |_, _| count += 1);
        count
    }
}

/// Calls `visit(level, node index)` for every sibling hash in the order of `PreState::siblings`.
pub(crate) fn for_each_sibling(leaves: Vec<u32>, mut visit: impl FnMut(usize, u32)) {
    let mut nodes = leaves;
    for level in 0..DEPTH {
        for family in nodes.chunk_by(|a, b| a >> 2 == b >> 2) {
            let parent = family[0] >> 2;
            (0..4).map(|digit| parent << 2 | digit).filter(|node| !family.contains(node)).for_each(|n| visit(level, n));
        }
        nodes.iter_mut().for_each(|node| *node >>= 2);
        nodes.dedup();
    }
}
