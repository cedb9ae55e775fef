//! Updates of a partial tree, level by level.
//!
//! The writes of a block are a sequence: each sees the tree as the writes before it left it. Inside one level only the
//! children's values matter, so a level is done in two steps: a sequential pass copies the four children each write
//! finds and stores the new child, then all new parents are hashed in parallel. The result equals doing one write after
//! the other.

use ark_bn254::Fr;
use proofyard_proof_system::poseidon2::compress4;
use rayon::prelude::*;

use super::{ARITY, DEPTH, PreState, TreeNodes, TreePath, digit};
use crate::account::leaf_hash;

/// Below this many hashes a piece of work is not split further.
const HASHES_PER_TASK_MIN: usize = 4;

/// One write of a leaf.
pub(crate) struct LeafUpdate {
    /// Rank of the leaf among the partial tree's leaves.
    pub(crate) rank: usize,
    /// New value of the leaf.
    pub(crate) value: Fr,
}

/// What a write found and left.
#[derive(Clone)]
pub(crate) struct Applied {
    /// Children before the write, level by level.
    pub(crate) path: TreePath,
    /// Nodes after the write; the last one is the root.
    pub(crate) nodes: TreeNodes,
}

/// Known nodes of one level, grouped by parent.
struct Level {
    /// Current children of each known parent, parents ascending.
    children: Vec<[Fr; ARITY]>,
    /// Rank of its parent, for each touched node of this level.
    parent_rank: Vec<usize>,
}

/// The nodes above a set of touched leaves and their siblings.
pub(crate) struct PartialTree {
    leaves: Vec<u32>,
    levels: Vec<Level>,
    root: Fr,
}

impl PartialTree {
    /// Computes all nodes above the touched leaves, which are ascending and at least one. None when the number of
    /// siblings is not what the leaves need.
    pub(crate) fn expand(pre_state: &PreState) -> Option<Self> {
        let leaves: Vec<u32> = pre_state.leaves.iter().map(|entry| entry.leaf).collect();
        let mut siblings = pre_state.siblings.iter();
        let mut nodes = leaves.clone();
        let mut values: Vec<Fr> = pre_state
            .leaves
            .par_iter()
            .with_min_len(HASHES_PER_TASK_MIN)
            .map(|entry| leaf_hash(entry.account.as_ref()))
            .collect();
        let mut levels = Vec::with_capacity(DEPTH);
        for _ in 0..DEPTH {
            let mut children: Vec<[Fr; ARITY]> = Vec::with_capacity(nodes.len());
            let mut parent_rank = Vec::with_capacity(nodes.len());
            let mut parents = Vec::with_capacity(nodes.len());
            let mut known = nodes.iter().zip(&values).peekable();
            while let Some((first, _)) = known.peek() {
                let parent = **first >> 2;
                let mut family = [Fr::from(0u64); ARITY];
                for (digit, child) in family.iter_mut().enumerate() {
                    *child = match known.next_if(|(node, _)| **node == parent << 2 | digit as u32) {
                        Some((_, value)) => {
                            parent_rank.push(children.len());
                            *value
                        }
                        None => *siblings.next()?,
                    };
                }
                children.push(family);
                parents.push(parent);
            }
            values = children.par_iter().with_min_len(HASHES_PER_TASK_MIN).map(|family| compress4(*family)).collect();
            nodes = parents;
            levels.push(Level { children, parent_rank });
        }
        match (values.first(), siblings.next()) {
            (Some(&root), None) => Some(Self { leaves, levels, root }),
            _ => None,
        }
    }

    /// Current root.
    pub(crate) fn root(&self) -> Fr {
        self.root
    }

    /// Applies the writes in order; one result a write.
    pub(crate) fn apply(&mut self, updates: &[LeafUpdate]) -> Vec<Applied> {
        let mut ranks: Vec<usize> = updates.iter().map(|update| update.rank).collect();
        let mut values: Vec<Fr> = updates.iter().map(|update| update.value).collect();
        let nothing = Applied { path: [[Fr::from(0u64); ARITY]; DEPTH], nodes: [Fr::from(0u64); DEPTH] };
        let mut applied = vec![nothing; updates.len()];
        let mut families = vec![[Fr::from(0u64); ARITY]; updates.len()];
        for (height, level) in self.levels.iter_mut().enumerate() {
            for (position, update) in updates.iter().enumerate() {
                let rank = level.parent_rank[ranks[position]];
                let children = &mut level.children[rank];
                applied[position].path[height] = *children;
                children[digit(self.leaves[update.rank], height)] = values[position];
                families[position] = *children;
                ranks[position] = rank;
            }
            families
                .par_iter()
                .with_min_len(HASHES_PER_TASK_MIN)
                .map(|family| compress4(*family))
                .collect_into_vec(&mut values);
            applied.iter_mut().zip(&values).for_each(|(applied, node)| applied.nodes[height] = *node);
        }
        self.root = values.last().copied().unwrap_or(self.root);
        applied
    }
}
