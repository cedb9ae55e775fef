//! A block of 64 transfers in 4 subtrees to its verified root proof beside bb's way to one proof: 4 leaves of 16
//! transfers and 3 merges, each a program that verifies two proofs.
//!
//! bb's time is a sum: one leaf and one merge are measured each round and counted four and three times.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use proofyard_benches::{
    comparison::Comparison,
    rounds::{Contender, Run, interleave},
    statistics::median,
};
use serde_json::json;

use crate::{
    bb::{Bb, Program, words},
    farm::{Farm, Task, rows_log2},
    inputs,
    ours::has_ifma,
    plan::{Part, Plan, target},
    progress,
};

/// Transfers of the block, as in `proofyard demo`.
const TRANSFERS: usize = 64;
/// Subtrees of the block, and bb's leaves.
const SUBTREES: usize = 4;
/// Workers of the farm, as in `proofyard demo`.
const WORKERS: usize = 2;
/// bb's merges.
const MERGES: usize = SUBTREES - 1;
/// Transfers of one leaf.
const LEAF: usize = TRANSFERS / SUBTREES;
/// Seed of the first round's block.
const SEED: u64 = 1_000;

/// Measures the part.
pub fn measure(tools: &Path, plan: &Plan) -> Result<Comparison> {
    let bb = Bb::open(tools)?;
    let rounds = plan.rounds(Part::Block);
    let tasks = (0..=rounds as u64).map(|round| Task::generate(TRANSFERS, SEED + round)).collect::<Result<Vec<_>>>()?;
    let farm = Farm::start(&bb.work().join("setup"), rows_log2(LEAF)?, SUBTREES as u32, WORKERS)?;
    let merges = Merges::prepare(&bb, &tasks[0])?;

    let mut own = tasks.iter();
    let mut contenders = vec![
        Contender::new("proofyard", || farm.prove(own.next().context("more rounds than blocks")?)),
        Contender::new("bb", || merges.prove()),
    ];
    for contender in &mut contenders {
        contender.units = TRANSFERS as f64;
    }
    let what = format!("block of {TRANSFERS}");
    let timings = interleave(&mut contenders, rounds, progress(&what))?;
    let (own, peers) = timings.split_first().context("no timings")?;
    let comparison = Comparison::new(what, own.clone(), peers.to_vec(), target(Part::Block, has_ifma()))
        .context("a comparison without rounds")?;
    Ok(comparison.with_notes([merges.note()]))
}

/// A leaf and the merge of the block's first two leaves, with their witnesses.
struct Merges<'a> {
    bb: &'a Bb,
    leaf: Solved,
    merge: Solved,
    /// Seconds of the leaves and the merges so far.
    measured: RefCell<[Vec<f64>; 2]>,
}

/// A program with a witness.
struct Solved {
    program: Program,
    witness: PathBuf,
}

impl<'a> Merges<'a> {
    fn prepare(bb: &'a Bb, task: &Task) -> Result<Self> {
        let leaf = bb.leaf(LEAF)?;
        let traces = &task.executed.traces;
        let batons = [task.executed.start, traces[LEAF - 1].baton_after, traces[2 * LEAF - 1].baton_after];
        let mut witnesses = Vec::new();
        let mut proofs = Vec::new();
        for (index, side) in ["left", "right"].into_iter().enumerate() {
            let run = &traces[index * LEAF..(index + 1) * LEAF];
            let witness = bb.solve(&leaf, side, &inputs::leaf(batons[index], run))?;
            eprintln!("proving the {side} leaf for the merge");
            let (folder, _) = bb.prove(&leaf, &witness, side)?;
            proofs.push(words(&folder.join("proof"))?);
            witnesses.push(witness);
        }
        let merge = bb.merge()?;
        let (key, key_hash) = leaf.key()?;
        let inputs = json!({
            "key_hash": key_hash,
            "start": inputs::baton(batons[0]),
            "middle": inputs::baton(batons[1]),
            "end": inputs::baton(batons[2]),
            "key": key,
            "left": proofs[0],
            "right": proofs[1],
        });
        let witness = bb.solve(&merge, "pair", &inputs)?;
        let leaf = Solved { program: leaf, witness: witnesses.swap_remove(0) };
        Ok(Self { bb, leaf, merge: Solved { program: merge, witness }, measured: RefCell::default() })
    }

    /// The sum of bb's parts.
    fn prove(&self) -> Result<Run<()>> {
        let (_, leaf) = self.bb.prove(&self.leaf.program, &self.leaf.witness, "round")?;
        let (_, merge) = self.bb.prove(&self.merge.program, &self.merge.witness, "round")?;
        let mut measured = self.measured.borrow_mut();
        let [leaves, merges] = &mut *measured;
        leaves.push(leaf);
        merges.push(merge);
        Ok(Run { seconds: SUBTREES as f64 * leaf + MERGES as f64 * merge, output: () })
    }

    /// What the sum is made of.
    fn note(&self) -> String {
        let [leaf, merge] = self.measured.borrow().each_ref().map(|seconds| median(seconds).unwrap_or_default());
        let [leaf_gates, merge_gates] = [self.leaf.program.gates, self.merge.program.gates];
        format!(
            "bb: {SUBTREES} leaves of {leaf_gates} gates at {leaf:.1} s and {MERGES} merges of {merge_gates} gates at \
             {merge:.1} s, summed from one of each a round"
        )
    }
}
