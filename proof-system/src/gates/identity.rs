//! The whole identity of one row, section 3, with few operations: it runs 5T times per subtree.

use std::array::from_fn;

use ark_bn254::Fr;
use ark_ff::Field;

use super::{
    Algebra, RowValues, WIRES, column, column_shift,
    constraints::{
        GATE_TERMS, HALF, SIXTH, add, arith, dbl, demux, dot, fifth_powers, first_inputs, fixed_base, range, select,
    },
};
use crate::poseidon2::{self, Matrix};

/// The POSEIDON2 gate's matrices multiplied from the left by `a = (alpha, .., alpha^4)`, so that a product with a
/// matrix becomes a dot product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoseidonWeights<A> {
    /// `a E`.
    pub full: [A; 4],
    /// `a V2`.
    pub left_linear: [A; 4],
    /// `a (W2 - E)`.
    pub left_power: [A; 4],
    /// `a (1 - V)`.
    pub right_linear: [A; 4],
    /// `a W`.
    pub right_power: [A; 4],
}

/// The challenges of the row identity and what follows from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowChallenges<A> {
    /// beta.
    pub beta: A,
    /// gamma.
    pub gamma: A,
    /// `alpha^0 .. alpha^8`.
    pub alpha_powers: [A; 9],
    /// `beta k_c`.
    pub beta_shifts: [A; WIRES],
    /// `alpha^e / 2`, e = 1..6: ADD, DBL (negated) and DEMUX.
    pub halves: [A; GATE_TERMS - 1],
    /// `alpha / 6`: SELECT.
    pub sixth: A,
    /// The POSEIDON2 gate's weights.
    pub poseidon: PoseidonWeights<A>,
}

impl<A> RowChallenges<A> {
    /// Every field in order, produced one by one.
    pub(super) fn from_sequence(next: &mut dyn FnMut() -> A) -> Self {
        Self {
            beta: next(),
            gamma: next(),
            alpha_powers: from_fn(|_| next()),
            beta_shifts: from_fn(|_| next()),
            halves: from_fn(|_| next()),
            sixth: next(),
            poseidon: PoseidonWeights {
                full: from_fn(|_| next()),
                left_linear: from_fn(|_| next()),
                left_power: from_fn(|_| next()),
                right_linear: from_fn(|_| next()),
                right_power: from_fn(|_| next()),
            },
        }
    }
}

impl RowChallenges<Fr> {
    /// From the three challenges.
    pub fn new(beta: Fr, gamma: Fr, alpha: Fr) -> Self {
        let mut alpha_powers = [Fr::ONE; 9];
        for e in 1..9 {
            alpha_powers[e] = alpha_powers[e - 1] * alpha;
        }
        let weights: [Fr; 4] = from_fn(|e| alpha_powers[e + 1]);
        let weigh = |matrix: &Matrix| from_fn(|j| (0..4).map(|e| weights[e] * matrix[e][j]).sum::<Fr>());
        let subtract = |left: [Fr; 4], right: [Fr; 4]| from_fn(|j| left[j] - right[j]);
        let matrices = poseidon2::row_matrices();
        let full = weigh(&poseidon2::external_matrix());
        Self {
            beta,
            gamma,
            alpha_powers,
            beta_shifts: from_fn(|c| beta * column_shift(c)),
            halves: from_fn(|e| alpha_powers[e + 1] * HALF),
            sixth: alpha * SIXTH,
            poseidon: PoseidonWeights {
                full,
                left_linear: weigh(&matrices.after_linear),
                left_power: subtract(weigh(&matrices.after_power), full),
                right_linear: subtract(weights, weigh(&matrices.before_linear)),
                right_power: weigh(&matrices.before_power),
            },
        }
    }

    /// Every field in the order of the quotient program's uniforms.
    pub(super) fn to_sequence(&self) -> Vec<Fr> {
        let poseidon = &self.poseidon;
        let mut values = vec![self.beta, self.gamma];
        values.extend(self.alpha_powers);
        values.extend(self.beta_shifts);
        values.extend(self.halves);
        values.push(self.sixth);
        for weights in
            [&poseidon.full, &poseidon.left_linear, &poseidon.left_power, &poseidon.right_linear, &poseidon.right_power]
        {
            values.extend(weights);
        }
        values
    }
}

/// `sum_e weights_e terms_e`.
fn weigh<A: Algebra>(weights: &[A], terms: impl IntoIterator<Item = A>) -> A {
    let mut products = weights.iter().zip(terms).map(|(weight, term)| weight.clone() * term);
    let first = products.next().expect("a gate has a constraint");
    products.fold(first, |sum, product| sum + product)
}

/// The wires' fifth powers on a row and on the next one.
pub(super) struct Powers<A> {
    pub current: [A; WIRES],
    pub next: [A; WIRES],
}

fn poseidon2_gate<A: Algebra>(
    lift: &dyn Fn(Fr) -> A,
    row: &RowValues<A>,
    powers: &Powers<A>,
    challenges: &RowChallenges<A>,
) -> A {
    let weights = &challenges.poseidon;
    let [p0, pl, pi, pr] = [column::P0, column::PL, column::PI, column::PR].map(|index| row.fixed[index].clone());
    let full = dot(&weights.full, &powers.current);
    let constants = weigh(&challenges.alpha_powers[1..5], (0..4).map(|e| row.fixed[e].clone() - row.w_next[e].clone()));
    let left = dot(&weights.left_linear, &row.w) + dot(&weights.left_power, &powers.current);
    let initial = dot(&weights.full, &fifth_powers(&first_inputs(lift, &row.w))) - full.clone();
    let right = dot(&weights.right_linear, &row.w_next) - dot(&weights.right_power, &powers.next);
    p0 * (full + constants) + pl * left + pi * initial + pr * right
}

/// ADD, DBL and SELECT with the factors that k switches them on by.
fn gates_of_k<A: Algebra>(lift: &dyn Fn(Fr) -> A, row: &RowValues<A>, challenges: &RowChallenges<A>) -> A {
    let k = row.fixed[column::K].clone();
    let [minus_1, minus_2, minus_3] = [1, 2, 3].map(|value: u64| k.clone() - lift(Fr::from(value)));
    let curve = minus_2.clone() * weigh(&challenges.halves, add(lift, row))
        - minus_1.clone() * weigh(&challenges.halves, dbl(lift, row));
    let select = challenges.sixth.clone() * select(row);
    k * (minus_3 * curve + minus_1 * minus_2 * select)
}

/// RANGE and DEMUX with the factors that l switches them on by.
fn gates_of_l<A: Algebra>(lift: &dyn Fn(Fr) -> A, row: &RowValues<A>, challenges: &RowChallenges<A>) -> A {
    let l = row.fixed[column::L].clone();
    let range = (lift(Fr::from(2)) - l.clone()) * weigh(&challenges.alpha_powers[1..], range(lift, row));
    let demux = (l.clone() - lift(Fr::ONE)) * weigh(&challenges.halves, demux(row));
    l * (range + demux)
}

/// Term e = 7 without its power of alpha.
fn permutation<A: Algebra>(row: &RowValues<A>, challenges: &RowChallenges<A>, x: &A) -> A {
    let shifted: [A; WIRES] = from_fn(|c| row.w[c].clone() + challenges.gamma.clone());
    let identity = (0..WIRES).fold(row.z.clone(), |product, c| {
        product * (shifted[c].clone() + challenges.beta_shifts[c].clone() * x.clone())
    });
    let image = (0..WIRES).fold(row.z_next.clone(), |product, c| {
        product * (shifted[c].clone() + challenges.beta.clone() * row.fixed[column::S1 + c].clone())
    });
    identity - image
}

/// G on one row without the public input and `L_0 (z - 1)`; `x` is X.
pub(super) fn gates_and_permutation<A: Algebra>(
    lift: &dyn Fn(Fr) -> A,
    row: &RowValues<A>,
    powers: &Powers<A>,
    challenges: &RowChallenges<A>,
    x: &A,
) -> A {
    let [p0, fb] = [column::P0, column::FB].map(|index| row.fixed[index].clone());
    let alpha = &challenges.alpha_powers;
    (lift(Fr::ONE) - p0 - fb.clone()) * arith(row)
        + poseidon2_gate(lift, row, powers, challenges)
        + fb * weigh(&alpha[1..], fixed_base(lift, row))
        + gates_of_k(lift, row, challenges)
        + gates_of_l(lift, row, challenges)
        + alpha[7].clone() * permutation(row, challenges, x)
}

/// G on one row: every gate, the public input `pi`, the permutation and `L_0 (z - 1)`, combined with the powers of
/// alpha.
///
/// `x` is X (the row's `w^j` on H), `l0` is L_0 there. It is affine in each of q1..q4, qm, pl, pi, pr, s4 and z.
pub fn row_identity<A: Algebra>(
    lift: &dyn Fn(Fr) -> A,
    row: &RowValues<A>,
    challenges: &RowChallenges<A>,
    x: A,
    l0: A,
    pi: A,
) -> A {
    let powers = Powers { current: fifth_powers(&row.w), next: fifth_powers(&row.w_next) };
    gates_and_permutation(lift, row, &powers, challenges, &x)
        + pi
        + challenges.alpha_powers[8].clone() * (l0 * (row.z.clone() - lift(Fr::ONE)))
}
