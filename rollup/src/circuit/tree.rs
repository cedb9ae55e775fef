//! Tree updates in rows: leaf indices and the replacement of one leaf of the 4-ary tree.
//!
//! One level of an update takes 55 rows. With c the four children before, b the digit's two bits, v and n the node's
//! old and new value: SELECT on row `(c_0..c_3)` demands `v = c_b` of row `(b_0, b_1, v, n)`; DEMUX on that row puts
//! `n - v` in place b of row `(t_0..t_3)`, zero in the others, and keeps the bits boolean; four ARITH rows give
//! `c'_j = c_j + t_j`; two permutations and two feed-forward rows give the parents of c and c'. So no other child can
//! change.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use proofyard_proof_system::circuit::{Arith, Gate};

use super::layout::{Layout, Var, Wire};
use crate::tree::{DEPTH, TreeNodes, TreePath, digit};

/// A leaf index and its base-4 digits as pairs of bits, level 0 first. The bits are boolean once a tree update uses
/// them.
pub(super) struct Index {
    pub(super) value: Var,
    bits: [[Var; 2]; DEPTH],
}

/// A parent that is not laid: the permutation's first output and its first input, whose sum it is.
#[derive(Clone, Copy)]
pub(super) struct Parent {
    pub(super) output: Var,
    pub(super) first: Var,
}

impl Parent {
    /// Its value.
    pub(super) fn value(self) -> Fr {
        self.output.value + self.first.value
    }

    /// The feed-forward row: the parent in a cell of its own.
    pub(super) fn lay(self, layout: &mut Layout, row: &'static str) -> Var {
        let wires = [self.output.into(), self.first.into(), Wire::New(self.value()), Wire::Empty];
        layout.arith(row, Arith::small([1, 1, -1, 0], 0), wires)[2]
    }
}

/// Lays the bits of an index and recomposes it, top digit first: one row a level.
pub(super) fn index(layout: &mut Layout, section: &'static str, leaf: u32) -> Index {
    let zero = layout.constants().zero;
    let mut value = zero;
    let mut bits = [[zero; 2]; DEPTH];
    for level in (0..DEPTH).rev() {
        layout.section(section, level);
        let digit = digit(leaf, level);
        let [low, high] = [digit & 1, digit >> 1].map(|bit| Fr::from(bit as u64));
        let [low, high] = [layout.choose_at(section, 2 * level, low), layout.choose_at(section, 2 * level + 1, high)];
        let sum = low + high.double() + value.value * Fr::from(4u64);
        let relation = Arith::small([1, 2, 4, -1], 0);
        let [low, high, _, next] =
            layout.arith("append digit", relation, [Wire::New(low), Wire::New(high), value.into(), Wire::New(sum)]);
        bits[level] = [low, high];
        value = next;
    }
    Index { value, bits }
}

/// What an update needs of the tree.
#[derive(Clone)]
pub(super) struct Branch {
    /// Children before the update.
    pub(super) path: TreePath,
    /// The parents of each level before and after it as far as they are known; an outline does not hash them again.
    pub(super) known: [[Option<Fr>; 2]; DEPTH],
}

impl Branch {
    /// A path of which nothing else is known.
    #[cfg(test)]
    pub(super) fn unknown(path: TreePath) -> Self {
        Self { path, known: [[None; 2]; DEPTH] }
    }

    /// An executed update of a leaf: the old parents stand in the path, but for the root.
    pub(super) fn executed(leaf: u32, path: TreePath, nodes: &TreeNodes) -> Self {
        let old = |level: usize| path.get(level).map(|children| children[digit(leaf, level)]);
        Self { path, known: std::array::from_fn(|level| [old(level + 1), Some(nodes[level])]) }
    }
}

/// Replaces a leaf: the roots before and after.
pub(super) fn update(
    layout: &mut Layout,
    section: &'static str,
    index: &Index,
    branch: &Branch,
    leaf: [Var; 2],
) -> [Parent; 2] {
    let [mut old, mut new] = leaf;
    let mut parents: Option<[Parent; 2]> = None;
    for (level, ((children, bits), known)) in branch.path.iter().zip(&index.bits).zip(&branch.known).enumerate() {
        layout.section(section, level);
        if let Some([old_parent, new_parent]) = parents {
            old = old_parent.lay(layout, "old node");
            new = new_parent.lay(layout, "new node");
        }
        let children = layout.row("children", Gate::Select, Arith::NONE, children.map(Wire::New));
        let indicators = indicators(bits.map(|bit| bit.value));
        let selected: Fr = (0..4).map(|j| indicators[j] * children[j].value).sum();
        layout.expect("children", selected == old.value);
        let [_, _, from, to] =
            layout.row("replace", Gate::Demux, Arith::NONE, [bits[0].into(), bits[1].into(), old.into(), new.into()]);
        let changes = indicators.map(|indicator| Wire::New(indicator * (to.value - from.value)));
        let changes = layout.row("changes", Gate::Free, Arith::NONE, changes);
        let replaced: [Var; 4] = std::array::from_fn(|j| {
            let sum = Wire::New(children[j].value + changes[j].value);
            let wires = [children[j].into(), changes[j].into(), sum, Wire::Empty];
            layout.arith(CHANGED[j], Arith::small([1, 1, -1, 0], 0), wires)[2]
        });
        let halves = [("old parent", children, known[0]), ("new parent", replaced, known[1])];
        parents = Some(halves.map(|(row, inputs, parent)| {
            let first = inputs[0];
            let output = parent.map(|parent| parent - first.value);
            Parent { output: layout.permutation(row, inputs.map(Wire::Copy), output).0, first }
        }));
    }
    // The tree has levels.
    parents.unwrap_or([old, new].map(|root| Parent { output: root, first: layout.constants().zero }))
}

const CHANGED: [&str; 4] = ["changed child 0", "changed child 1", "changed child 2", "changed child 3"];

/// `ind_j(b)` of docs/protocol.md section 3.
pub(super) fn indicators([low, high]: [Fr; 2]) -> [Fr; 4] {
    let [not_low, not_high] = [Fr::ONE - low, Fr::ONE - high];
    [not_low * not_high, low * not_high, not_low * high, low * high]
}
