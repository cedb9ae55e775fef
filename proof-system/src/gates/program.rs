//! The device programs: the quotient's numerator, and the permutation product's factors.

use std::array::from_fn;

use ark_bn254::Fr;
use proofyard_kernels::{Expr, Program, ProgramBuilder, Rotation};

use super::{
    FIXED_COLUMNS, RowChallenges, RowValues, WIRES, column_shift,
    constraints::fifth_power,
    identity::{Powers, gates_and_permutation},
};

/// G on a coset, without PI and `L_0 (z - 1)`, which the prover adds in coefficient form.
///
/// Columns: w1..w4, z, the 16 fixed columns, X over H (the coset's shift is in the uniforms), the fifth powers of w1..w4 (26
/// in all); wires, z and powers are also read on the next row. Uniforms: [`quotient_uniforms`].
pub fn quotient_program() -> Program {
    let builder = ProgramBuilder::default();
    let z = WIRES as u16;
    let fixed = z + 1;
    let x = fixed + FIXED_COLUMNS as u16;
    let powers = x + 1;
    let current = |index: u16| builder.column(index, Rotation::Current);
    let next = |index: u16| builder.column(index, Rotation::Next);
    let row = RowValues {
        w: from_fn(|c| current(c as u16)),
        w_next: from_fn(|c| next(c as u16)),
        z: current(z),
        z_next: next(z),
        fixed: from_fn(|c| current(fixed + c as u16)),
    };
    let powers =
        Powers { current: from_fn(|c| current(powers + c as u16)), next: from_fn(|c| next(powers + c as u16)) };
    let mut uniforms = 0;
    let mut uniform = || {
        uniforms += 1;
        builder.uniform(uniforms - 1)
    };
    let challenges = RowChallenges::from_sequence(&mut uniform);
    let lift = |value: Fr| builder.constant(value);
    builder.finish(&gates_and_permutation(&lift, &row, &powers, &challenges, &current(x)))
}

/// The uniforms of [`quotient_program`] on the coset `shift H`: the fields of [`RowChallenges`] in order, `beta k_c` times the
/// shift.
pub fn quotient_uniforms(challenges: &RowChallenges<Fr>, shift: Fr) -> Vec<Fr> {
    let beta_shifts = challenges.beta_shifts.map(|beta_shift| beta_shift * shift);
    RowChallenges { beta_shifts, ..challenges.clone() }.to_sequence()
}

/// The fifth power of a column. A row's wires are read with it and with the row before, so powers are computed once.
pub fn fifth_power_program() -> Program {
    let builder = ProgramBuilder::default();
    builder.finish(&fifth_power(&builder.column(0, Rotation::Current)))
}

/// `prod_c (w_c + gamma + beta_c label_c)` over the wires.
fn permutation_product(builder: &ProgramBuilder, term: impl Fn(usize) -> Expr) -> Program {
    let gamma = builder.uniform(1);
    let factor = |c: usize| builder.column(c as u16, Rotation::Current) + gamma.clone() + term(c);
    let product = (1..WIRES).fold(factor(0), |product, c| product * factor(c));
    builder.finish(&product)
}

/// `prod_c (w_c + beta k_c X + gamma)` on H. Columns: w1..w4, X. Uniforms: [`permutation_uniforms`].
pub fn permutation_numerator_program() -> Program {
    let builder = ProgramBuilder::default();
    let x = builder.column(WIRES as u16, Rotation::Current);
    permutation_product(&builder, |c| builder.uniform(2 + c as u16) * x.clone())
}

/// `prod_c (w_c + beta s_c + gamma)` on H. Columns: w1..w4, s1..s4. Uniforms: [`permutation_uniforms`].
pub fn permutation_denominator_program() -> Program {
    let builder = ProgramBuilder::default();
    let beta = builder.uniform(0);
    permutation_product(&builder, |c| beta.clone() * builder.column((WIRES + c) as u16, Rotation::Current))
}

/// The uniforms of the permutation's two programs: beta, gamma, `beta k_1 .. beta k_4`.
pub fn permutation_uniforms(beta: Fr, gamma: Fr) -> Vec<Fr> {
    [beta, gamma].into_iter().chain((0..WIRES).map(|c| beta * column_shift(c))).collect()
}
