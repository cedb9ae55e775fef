//! Copy constraints as the cycles of one permutation of all cells.

use ark_bn254::Fr;
use ark_ff::Field;

use crate::gates::{WIRES, column_shift};

/// The permutation under construction: every cell of four columns maps to the next cell of its cycle.
///
/// Cells are numbered column by column: `column * T + row`. The result depends on the copies and their order alone.
pub(super) struct Cycles {
    links: Vec<u32>,
    /// Union-find: two cells are in the same cycle exactly when their roots agree.
    parents: Vec<u32>,
}

impl Cycles {
    /// The identity on `4 rows` cells.
    pub(super) fn new(rows: usize) -> Self {
        let identity: Vec<u32> = (0..(WIRES * rows) as u32).collect();
        Self { parents: identity.clone(), links: identity }
    }

    fn root(&mut self, mut cell: u32) -> u32 {
        while self.parents[cell as usize] != cell {
            let grandparent = self.parents[self.parents[cell as usize] as usize];
            self.parents[cell as usize] = grandparent;
            cell = grandparent;
        }
        cell
    }

    /// Joins the cycles of two cells; cells of one cycle stay as they are.
    pub(super) fn join(&mut self, a: u32, b: u32) {
        let (first, second) = (self.root(a), self.root(b));
        if first == second {
            return;
        }
        self.parents[first.max(second) as usize] = first.min(second);
        self.links.swap(a as usize, b as usize);
    }

    /// Every cell's image.
    pub(super) fn into_links(self) -> Vec<u32> {
        self.links
    }
}

/// The permutation columns: at each cell the identity label `k_c w^j` of its image.
pub(super) fn labels(links: &[u32], generator: Fr) -> [Vec<Fr>; WIRES] {
    let rows = links.len() / WIRES;
    let powers: Vec<Fr> = std::iter::successors(Some(Fr::ONE), |power| Some(*power * generator)).take(rows).collect();
    let shifts: [Fr; WIRES] = std::array::from_fn(column_shift);
    let label = |image: &u32| shifts[*image as usize / rows] * powers[*image as usize % rows];
    std::array::from_fn(|column| links[column * rows..(column + 1) * rows].iter().map(label).collect())
}
