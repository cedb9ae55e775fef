//! Each gate's constraints, and all of them summed with their selectors.
//!
//! The functions return a gate's constraints without the selector, in the order of their number e. Selector factors
//! come without their rational scale ([`HALF`], [`SIXTH`]), which callers fold into other constants.

use std::array::from_fn;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, MontFp};

use super::{Algebra, RowValues, WIRES, column};
use crate::poseidon2::{self, Matrix};

/// Powers of alpha that carry gate constraints: e = 0..6.
pub const GATE_TERMS: usize = 7;

/// ADD is active with `k (k-2) (k-3) / 2`, DEMUX with `l (l-1) / 2`.
pub(super) const HALF: Fr = MontFp!("10944121435919637611123202872628637544274182200208017171849102093287904247809");
/// SELECT is active with `k (k-1) (k-2) / 6`.
pub(super) const SIXTH: Fr = MontFp!("18240202393199396018538671454381062573790303667013361953081836822146507079681");

pub(super) fn double<A: Algebra>(a: &A) -> A {
    a.clone() + a.clone()
}

pub(super) fn square<A: Algebra>(a: &A) -> A {
    a.clone() * a.clone()
}

/// The S-box on every element.
pub(super) fn fifth_powers<A: Algebra>(values: &[A; 4]) -> [A; 4] {
    from_fn(|i| fifth_power(&values[i]))
}

/// The S-box.
pub(super) fn fifth_power<A: Algebra>(value: &A) -> A {
    square(&square(value)) * value.clone()
}

/// `sum_i left_i right_i`.
pub(super) fn dot<A: Algebra>(left: &[A; 4], right: &[A; 4]) -> A {
    let term = |i: usize| left[i].clone() * right[i].clone();
    term(0) + term(1) + term(2) + term(3)
}

/// `E x`, by additions.
pub(super) fn external<A: Algebra>([a, b, c, d]: &[A; 4]) -> [A; 4] {
    let left = a.clone() + b.clone();
    let right = c.clone() + d.clone();
    let p = double(b) + right.clone();
    let q = double(d) + left.clone();
    let fourth = double(&double(&right)) + q.clone();
    let second = double(&double(&left)) + p.clone();
    [q + second.clone(), second, p + fourth.clone(), fourth]
}

/// `E x + c0`, the S-boxes' inputs of the first full round.
pub(super) fn first_inputs<A: Algebra>(lift: &dyn Fn(Fr) -> A, x: &[A; 4]) -> [A; 4] {
    let mixed = external(x);
    from_fn(|i| mixed[i].clone() + lift(poseidon2::full_constants()[0][i]))
}

fn apply<A: Algebra>(lift: &dyn Fn(Fr) -> A, matrix: &Matrix, x: &[A; 4]) -> [A; 4] {
    matrix.map(|row| dot(&row.map(lift), x))
}

/// ARITH without its selector: `q1 w1 + q2 w2 + q3 w3 + q4 w4 + qm w1 w2`.
pub(super) fn arith<A: Algebra>(row: &RowValues<A>) -> A {
    let q = from_fn(|i| row.fixed[i].clone());
    dot(&q, &row.w) + row.fixed[column::QM].clone() * (row.w[0].clone() * row.w[1].clone())
}

/// FIXED-BASE.
pub(super) fn fixed_base<A: Algebra>(lift: &dyn Fn(Fr) -> A, row: &RowValues<A>) -> [A; 4] {
    let [x, y, d, u] = row.w.clone();
    let [x_next, y_next, ..] = row.w_next.clone();
    let [q1, q2, q3, q4] = from_fn(|i| row.fixed[i].clone());
    let d2 = square(&d);
    let table_y = d * (q3 + q4 * d2.clone());
    let run = u.clone() - x.clone();
    let target = square(&u) * u.clone() - lift(Fr::from(17)) - double(&(table_y.clone() * y.clone())) + square(&y);
    [
        (d2.clone() - lift(Fr::ONE)) * (d2.clone() - lift(Fr::from(9))),
        u.clone() - q1 - q2 * d2,
        (x_next.clone() + x.clone() + u) * square(&run) - target,
        (y_next + y.clone()) * run - (table_y - y) * (x - x_next),
    ]
}

/// ADD.
pub(super) fn add<A: Algebra>(lift: &dyn Fn(Fr) -> A, row: &RowValues<A>) -> [A; 4] {
    let [x, y, u, v] = row.w.clone();
    let [x_next, y_next, s, h] = row.w_next.clone();
    let run = u.clone() - x.clone();
    let rise = v.clone() - y.clone();
    [
        (x_next.clone() + x.clone() + u) * square(&run) - square(&rise),
        (y_next + y) * run - rise * (x - x_next),
        v - s.clone() * h,
        square(&s) - lift(Fr::ONE),
    ]
}

/// DBL.
pub(super) fn dbl<A: Algebra>(lift: &dyn Fn(Fr) -> A, row: &RowValues<A>) -> [A; 2] {
    let [x, y, ..] = row.w.clone();
    let [x_next, y_next, ..] = row.w_next.clone();
    let y2 = square(&y);
    let x3 = double(&x) + x.clone();
    let x9 = double(&x3) + x3.clone();
    [
        double(&double(&y2)) * (x_next.clone() + double(&x)) - x9 * (y2.clone() + lift(Fr::from(17))),
        double(&y) * (y_next + y) - x3 * x.clone() * (x - x_next),
    ]
}

/// SELECT: a bilinear interpolation between the four candidates.
pub(super) fn select<A: Algebra>(row: &RowValues<A>) -> A {
    let [c0, c1, c2, c3] = row.w.clone();
    let [b0, b1, v, _] = row.w_next.clone();
    let low = c0.clone() + b0.clone() * (c1 - c0);
    let high = c2.clone() + b0 * (c3 - c2);
    v - low.clone() - b1 * (high - low)
}

/// RANGE: `D(x) = x (x-3) (x (x-3) + 2)` of four base-4 digits.
pub(super) fn range<A: Algebra>(lift: &dyn Fn(Fr) -> A, row: &RowValues<A>) -> [A; 4] {
    let chain: [A; WIRES + 1] = from_fn(|i| if i < WIRES { row.w[i].clone() } else { row.w_next[0].clone() });
    from_fn(|i| {
        let digit = chain[i + 1].clone() - double(&double(&chain[i]));
        let product = digit.clone() * (digit - lift(Fr::from(3)));
        product.clone() * (product + lift(Fr::from(2)))
    })
}

/// DEMUX.
pub(super) fn demux<A: Algebra>(row: &RowValues<A>) -> [A; 6] {
    let [b0, b1, cur, new] = row.w.clone();
    let [t0, t1, t2, t3] = row.w_next.clone();
    let delta = new - cur;
    let first = b0.clone() * delta.clone();
    let second = b1.clone() * delta.clone();
    let both = b1.clone() * first.clone();
    [
        t0 - (delta - first.clone() - (second.clone() - both.clone())),
        t1 - (first - both.clone()),
        t2 - (second - both.clone()),
        t3 - both,
        square(&b0) - b0,
        square(&b1) - b1,
    ]
}

/// The factors that switch the gates on.
pub(super) struct Selectors<A> {
    /// ARITH: `1 - p0 - fb`.
    pub arith: A,
    /// ADD, to be scaled by 1/2.
    pub add: A,
    /// DBL, to be scaled by -1/2.
    pub dbl: A,
    /// SELECT, to be scaled by 1/6.
    pub select: A,
    /// RANGE: `l (2 - l)`.
    pub range: A,
    /// DEMUX, to be scaled by 1/2.
    pub demux: A,
}

impl<A: Algebra> Selectors<A> {
    pub(super) fn new(lift: &dyn Fn(Fr) -> A, row: &RowValues<A>) -> Self {
        let constant = |value: u64| lift(Fr::from(value));
        let [k, l] = [column::K, column::L].map(|index| row.fixed[index].clone());
        let k_minus = |value: u64| k.clone() - constant(value);
        let k1 = k.clone() * k_minus(1);
        let k3 = k.clone() * k_minus(3);
        Self {
            arith: constant(1) - row.fixed[column::P0].clone() - row.fixed[column::FB].clone(),
            add: k3.clone() * k_minus(2),
            dbl: k3 * k_minus(1),
            select: k1 * k_minus(2),
            range: l.clone() * (constant(2) - l.clone()),
            demux: l.clone() * (l - constant(1)),
        }
    }
}

/// POSEIDON2 with its selectors, term by term as section 3 has it.
fn poseidon2_gate<A: Algebra>(lift: &dyn Fn(Fr) -> A, row: &RowValues<A>) -> [A; 4] {
    let matrices = poseidon2::row_matrices();
    let [p0, pl, pi, pr] = [column::P0, column::PL, column::PI, column::PR].map(|index| row.fixed[index].clone());
    let powers = fifth_powers(&row.w);
    let full = external(&powers);
    let initial = external(&fifth_powers(&first_inputs(lift, &row.w)));
    let left_linear = apply(lift, &matrices.after_linear, &row.w);
    let left_power = apply(lift, &matrices.after_power, &powers);
    let right_linear = apply(lift, &matrices.before_linear, &row.w_next);
    let right_power = apply(lift, &matrices.before_power, &fifth_powers(&row.w_next));
    from_fn(|e| {
        let next = row.w_next[e].clone();
        p0.clone() * (full[e].clone() + row.fixed[e].clone() - next.clone())
            + pl.clone() * (left_linear[e].clone() + left_power[e].clone() - full[e].clone())
            + pi.clone() * (initial[e].clone() - full[e].clone())
            + pr.clone() * (next - right_linear[e].clone() - right_power[e].clone())
    })
}

/// The gates' terms e = 0..6 on one row, selectors included and all gates summed; without the public input, which
/// belongs to e = 0. All are zero on a satisfied row (rows 0 to 5 aside, where term 0 is the public value).
pub fn gate_constraints<A: Algebra>(lift: &dyn Fn(Fr) -> A, row: &RowValues<A>) -> [A; GATE_TERMS] {
    let on = Selectors::new(lift, row);
    let mut terms: [A; GATE_TERMS] = from_fn(|_| lift(Fr::ZERO));
    let mut accumulate = |first: usize, factor: A, constraints: &[A]| {
        for (term, constraint) in terms[first..].iter_mut().zip(constraints) {
            *term = term.clone() + factor.clone() * constraint.clone();
        }
    };
    accumulate(0, on.arith, &[arith(row)]);
    accumulate(1, lift(Fr::ONE), &poseidon2_gate(lift, row));
    accumulate(1, row.fixed[column::FB].clone(), &fixed_base(lift, row));
    accumulate(1, on.add * lift(HALF), &add(lift, row));
    accumulate(1, on.dbl * lift(-HALF), &dbl(lift, row));
    accumulate(1, on.select * lift(SIXTH), &[select(row)]);
    accumulate(1, on.range, &range(lift, row));
    accumulate(1, on.demux * lift(HALF), &demux(row));
    terms
}
