//! The state tree: 4-ary, depth 16 (2^32 leaves), node = `compress4(children)` (Poseidon2 with feed-forward), unused
//! leaf = 0.
//!
//! A leaf's index is a u32. Level 0 holds the leaves, level 16 the root; the node of level l above leaf i has index
//! `i >> 2l`, and its position among its siblings is the digit `(i >> 2l) & 3`.

mod pre_state;
mod state;
mod update;

use std::sync::LazyLock;

use ark_bn254::Fr;
use proofyard_proof_system::poseidon2::compress4;

pub(crate) use pre_state::for_each_sibling;
pub use pre_state::{PreLeaf, PreState};
pub use state::StateTree;
pub(crate) use update::{LeafUpdate, PartialTree};

/// Levels above the leaves.
pub const DEPTH: usize = 16;
/// Children of a node.
pub const ARITY: usize = 4;

/// The four children, before an update, of the updated leaf's ancestor of level `l + 1`, for l = 0 (leaves) to 15
/// (below the root); the updated node's own old value is at its digit.
pub type TreePath = [[Fr; ARITY]; DEPTH];

/// A leaf's ancestors, from its parent (level 1) to the root (level 16).
pub type TreeNodes = [Fr; DEPTH];

/// Position of a leaf's ancestor of the level (0 to 15) among its siblings.
pub fn digit(leaf: u32, level: usize) -> usize {
    (leaf >> (2 * level)) as usize & 3
}

/// Root of an empty subtree of each height, 0 (a leaf) to 16 (the whole tree).
pub fn empty_subtrees() -> &'static [Fr; DEPTH + 1] {
    static ROOTS: LazyLock<[Fr; DEPTH + 1]> = LazyLock::new(|| {
        let mut roots = [Fr::from(0u64); DEPTH + 1];
        for level in 0..DEPTH {
            roots[level + 1] = compress4([roots[level]; ARITY]);
        }
        roots
    });
    &ROOTS
}

/// The nodes above the path's leaf when it has the given value.
pub fn nodes_of_path(path: &TreePath, leaf: u32, leaf_value: Fr) -> TreeNodes {
    let mut value = leaf_value;
    std::array::from_fn(|level| {
        let mut children = path[level];
        children[digit(leaf, level)] = value;
        value = compress4(children);
        value
    })
}

/// Root of the tree when the path's leaf has the given value.
pub fn root_of_path(path: &TreePath, leaf: u32, leaf_value: Fr) -> Fr {
    nodes_of_path(path, leaf, leaf_value)[DEPTH - 1]
}
