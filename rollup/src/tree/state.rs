//! The whole state in memory: what a sequencer holds, and the sequential twin of the partial tree.

use std::collections::{BTreeMap, HashMap};

use ark_bn254::Fr;
use proofyard_proof_system::poseidon2::compress4;
use rayon::prelude::*;

use super::{ARITY, DEPTH, PreLeaf, PreState, TreePath, digit, empty_subtrees, for_each_sibling};
use crate::account::{Account, leaf_hash};

/// All accounts and all nodes that differ from an empty subtree's.
#[derive(Clone, Debug)]
pub struct StateTree {
    accounts: BTreeMap<u32, Account>,
    /// `nodes[l]`: nodes of level l by index, l = 0..=16.
    nodes: Vec<HashMap<u32, Fr>>,
}

impl Default for StateTree {
    fn default() -> Self {
        Self::new(BTreeMap::new())
    }
}

impl StateTree {
    /// Builds the tree of the given accounts, level by level in parallel.
    pub fn new(accounts: BTreeMap<u32, Account>) -> Self {
        let mut level: Vec<(u32, Fr)> =
            accounts.par_iter().map(|(&leaf, account)| (leaf, leaf_hash(Some(account)))).collect();
        let mut nodes = Vec::with_capacity(DEPTH + 1);
        for empty in &empty_subtrees()[..DEPTH] {
            let families: Vec<&[(u32, Fr)]> = level.chunk_by(|a, b| a.0 >> 2 == b.0 >> 2).collect();
            let parents = families
                .par_iter()
                .map(|family| {
                    let mut children = [*empty; ARITY];
                    for (node, value) in *family {
                        children[(node & 3) as usize] = *value;
                    }
                    (family[0].0 >> 2, compress4(children))
                })
                .collect();
            nodes.push(level.into_iter().collect());
            level = parents;
        }
        nodes.push(level.into_iter().collect());
        Self { accounts, nodes }
    }

    /// Root of the tree.
    pub fn root(&self) -> Fr {
        self.node(DEPTH, 0)
    }

    /// Account at a leaf; None when unused.
    pub fn account(&self, leaf: u32) -> Option<&Account> {
        self.accounts.get(&leaf)
    }

    /// Writes one leaf and the nodes above it; returns the path it found.
    pub fn set(&mut self, leaf: u32, account: Account) -> TreePath {
        let path = self.path(leaf);
        let mut value = leaf_hash(Some(&account));
        self.accounts.insert(leaf, account);
        self.nodes[0].insert(leaf, value);
        let mut node = leaf;
        for (level, children) in path.iter().enumerate() {
            let mut children = *children;
            children[digit(leaf, level)] = value;
            value = compress4(children);
            node >>= 2;
            self.nodes[level + 1].insert(node, value);
        }
        path
    }

    /// Membership path of a leaf, used or not.
    pub fn path(&self, leaf: u32) -> TreePath {
        let mut path = [[Fr::from(0u64); ARITY]; DEPTH];
        let mut node = leaf;
        for (level, children) in path.iter_mut().enumerate() {
            node >>= 2;
            for (position, child) in children.iter_mut().enumerate() {
                *child = self.node(level, node << 2 | position as u32);
            }
        }
        path
    }

    /// The part of the state that a run touching these leaves needs; order and doubles do not matter.
    pub fn pre_state(&self, touched: impl IntoIterator<Item = u32>) -> PreState {
        let mut touched: Vec<u32> = touched.into_iter().collect();
        touched.sort_unstable();
        touched.dedup();
        let leaves = touched.iter().map(|&leaf| PreLeaf { leaf, account: self.account(leaf).copied() }).collect();
        let mut siblings = Vec::new();
        for_each_sibling(touched, |level, node| siblings.push(self.node(level, node)));
        PreState { leaves, siblings }
    }

    fn node(&self, level: usize, index: u32) -> Fr {
        self.nodes[level].get(&index).copied().unwrap_or(empty_subtrees()[level])
    }
}
