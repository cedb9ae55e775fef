//! A full subtree of 2^16 rows to its verified proof beside bb's leaves, by transfers a second.
//!
//! Both prove the same transfers: bb's leaves take the first ones of the product's block, which is another one each round.
//! bb is timed from its start to its end with the witness solved and the key made before; the product from the block's
//! bytes to the verified proof, with execution and witness.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use proofyard_benches::{
    comparison::Comparison,
    rounds::{Contender, Run, interleave},
};
use proofyard_rollup::circuit;

use crate::{
    bb::{Bb, Program, words},
    farm::{Farm, Task},
    inputs,
    ours::has_ifma,
    plan::{Part, Plan, target},
    progress,
};

/// Rows of the subtree.
const ROWS_LOG2: u32 = 16;
/// Seed of the first round's block.
const SEED: u64 = 1;
/// Transfers of bb's smaller leaf; the larger one has as many as the product's subtree.
const SMALL_LEAF: usize = 16;

/// Measures the part.
pub fn measure(tools: &Path, plan: &Plan) -> Result<Comparison> {
    let bb = Bb::open(tools)?;
    let rounds = plan.rounds(Part::Leaf);
    let transfers = circuit::capacity(ROWS_LOG2);
    let tasks = (0..=rounds as u64).map(|round| Task::generate(transfers, SEED + round)).collect::<Result<Vec<_>>>()?;
    let leaves = [SMALL_LEAF, transfers].map(|count| Leaf::prepare(&bb, count, &tasks));
    let leaves = leaves.into_iter().collect::<Result<Vec<_>>>()?;
    let farm = Farm::start(&bb.work().join("setup"), ROWS_LOG2, 1, 1)?;

    let mut own = tasks.iter();
    let mut contenders = vec![
        Contender::new("proofyard", || farm.prove(own.next().context("more rounds than blocks")?))
            .with_units(transfers as f64),
    ];
    for leaf in &leaves {
        let mut round = 0;
        let run = {
            let bb = &bb;
            move || {
                let Prepared { witness, public } = leaf.rounds.get(round).context("more rounds than witnesses")?;
                round += 1;
                let (proof, seconds) = bb.prove(&leaf.program, witness, "round")?;
                ensure!(words(&proof.join("public_inputs"))? == *public, "bb proved other batons than the block's");
                Ok(Run { seconds, output: () })
            }
        };
        contenders.push(Contender::new(format!("bb, {} transfers", leaf.count), run).with_units(leaf.count as f64));
    }
    let what = format!("subtree 2^{ROWS_LOG2}");
    let timings = interleave(&mut contenders, rounds, progress(&what))?;
    let (own, peers) = timings.split_first().context("no timings")?;
    let comparison = Comparison::new(what, own.clone(), peers.to_vec(), target(Part::Leaf, has_ifma()))
        .context("a comparison without rounds")?;
    Ok(comparison.with_notes(leaves.iter().map(|leaf| leaf.note.clone())))
}

/// A compiled leaf with what each round needs.
struct Leaf {
    count: usize,
    program: Program,
    rounds: Vec<Prepared>,
    note: String,
}

/// One round's witness and the public inputs that its proof must have.
struct Prepared {
    witness: PathBuf,
    public: Vec<String>,
}

impl Leaf {
    fn prepare(bb: &Bb, count: usize, tasks: &[Task]) -> Result<Self> {
        let program = bb.leaf(count)?;
        let witness = |(round, task): (usize, &Task)| {
            let start = task.executed.start;
            let traces = task.executed.traces.get(..count).context("the block is shorter than the leaf")?;
            let end = traces.last().map_or(start, |trace| trace.baton_after);
            let witness = bb.solve(&program, &round.to_string(), &inputs::leaf(start, traces))?;
            Ok(Prepared { witness, public: inputs::public(start, end) })
        };
        let rounds = tasks.iter().enumerate().map(witness).collect::<Result<_>>()?;
        let solving = bb.solving_seconds(&program).context("no witness was solved")?;
        let gates = program.gates;
        let note =
            format!("bb, {count} transfers: {gates} gates; solving the witness took {solving:.2} s, not counted");
        Ok(Self { count, program, rounds, note })
    }
}
