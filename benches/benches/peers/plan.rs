//! What is measured, how often, and what must be reached.

use clap::ValueEnum;

/// What can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Multi-scalar multiplications.
    Msm,
    /// Number-theoretic transforms.
    Ntt,
    /// A full subtree of 2^16 rows beside bb's leaves.
    Leaf,
    /// A block of 64 transfers in 4 subtrees to its root proof beside bb's leaves and merges.
    Block,
}

impl Part {
    const ALL: [Self; 4] = [Self::Msm, Self::Ntt, Self::Leaf, Self::Block];
}

/// The choices of one invocation.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What to measure.
    pub parts: Vec<Part>,
    quick: bool,
}

impl Plan {
    /// The parts that are named; else all, without the block when it has to be quick.
    pub fn new(only: &[Part], quick: bool) -> Self {
        let parts = match only {
            [] => Part::ALL.into_iter().filter(|part| !(quick && *part == Part::Block)).collect(),
            only => Part::ALL.into_iter().filter(|part| only.contains(part)).collect(),
        };
        Self { parts, quick }
    }

    /// Base-2 logarithms of the sizes of a part; none for the parts that prove.
    pub fn sizes(&self, part: Part) -> &'static [u32] {
        match (part, self.quick) {
            (Part::Msm, false) => &[14, 16, 18],
            (Part::Msm, true) => &[14, 16],
            (Part::Ntt, false) => &[16, 17, 18, 19, 20],
            (Part::Ntt, true) => &[16, 18],
            (Part::Leaf | Part::Block, _) => &[],
        }
    }

    /// Rounds that count.
    pub fn rounds(&self, part: Part) -> usize {
        match (part, self.quick) {
            (Part::Msm | Part::Ntt, false) => 15,
            (Part::Msm | Part::Ntt, true) => 5,
            (Part::Leaf, false) => 7,
            (Part::Leaf, true) => 3,
            (Part::Block, false) => 3,
            (Part::Block, true) => 1,
        }
    }
}

/// The least ratio to the best peer; None where nothing is asked.
pub fn target(part: Part, ifma: bool) -> Option<f64> {
    match (part, ifma) {
        (Part::Msm, true) => Some(3.0),
        (Part::Msm, false) => Some(1.3),
        (Part::Ntt, true) => Some(2.0),
        (Part::Ntt, false) => Some(1.2),
        (Part::Leaf, true) => Some(4.0),
        (Part::Leaf, false) => Some(2.0),
        (Part::Block, true) => Some(15.0),
        (Part::Block, false) => None,
    }
}
