//! The slow, obvious twin of every backend: each operation is its definition, so that it can be read and believed.
//!
//! The transform is the sum over all terms, the MSM is double-and-add, the program is interpreted row by row. Costs are
//! quadratic; use it to check other backends at small sizes only.

use std::sync::Arc;

use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::{AdditiveGroup, CurveGroup};
use ark_ff::{BigInteger, Field, One, PrimeField, Zero};

use crate::{
    backend::{Backend, KernelError, PointSource},
    poseidon2::{self, FULL_ROUNDS, PARTIAL_ROUNDS, WIDTH},
    program::{Op, Program, Rotation},
};

/// The reference backend.
#[derive(Debug, Clone, Copy, Default)]
pub struct NaiveBackend;

impl NaiveBackend {
    /// The reference backend; it holds no state.
    pub fn new() -> Self {
        Self
    }
}

/// `w` of order `size`: `5^((r - 1) / size)`, or an error when no transform has this size.
fn root_of_unity(size: usize) -> Result<Fr, KernelError> {
    if !size.is_power_of_two() || size > 1 << 28 {
        return Err(KernelError::TransformSize(size));
    }
    let mut exponent = Fr::MODULUS;
    exponent.sub_with_borrow(&1u64.into());
    for _ in 0..size.trailing_zeros() {
        exponent.div2();
    }
    Ok(Fr::from(5u64).pow(exponent))
}

/// Horner's rule.
fn horner(coefficients: &[Fr], point: Fr) -> Fr {
    coefficients.iter().rev().fold(Fr::zero(), |value, coefficient| value * point + coefficient)
}

/// Double-and-add from the top bit.
fn multiply(point: G1Affine, scalar: Fr) -> G1Projective {
    let mut sum = G1Projective::zero();
    for bit in scalar.into_bigint().to_bits_be() {
        sum.double_in_place();
        if bit {
            sum += point;
        }
    }
    sum
}

/// A matrix times a vector.
fn apply(matrix: &[[Fr; WIDTH]; WIDTH], vector: [Fr; WIDTH]) -> [Fr; WIDTH] {
    matrix.map(|row| row.iter().zip(vector).map(|(entry, value)| *entry * value).sum())
}

/// The rows of a permutation, round by round: what enters the S-boxes of all full rounds but the first and of the partial
/// rounds, those of four rounds in a row.
fn permutation_rows(input: [Fr; WIDTH]) -> Vec<[Fr; WIDTH]> {
    let external = [[5u64, 7, 1, 3], [4, 6, 1, 1], [1, 3, 5, 7], [1, 1, 4, 6]].map(|row| row.map(Fr::from));
    let mut internal = [[Fr::one(); WIDTH]; WIDTH];
    for (i, mu) in poseidon2::diagonal().iter().enumerate() {
        internal[i][i] += mu;
    }
    let (mut rows, mut single) = (vec![input], Vec::new());
    let mut state = apply(&external, input);
    for round in 0..FULL_ROUNDS + PARTIAL_ROUNDS {
        let partial = round.checked_sub(FULL_ROUNDS / 2).filter(|index| *index < PARTIAL_ROUNDS);
        if let Some(index) = partial {
            state[0] += poseidon2::partial_constants()[index];
            single.push(state[0]);
            if let Ok(row) = <[Fr; WIDTH]>::try_from(&single[..]) {
                rows.push(row);
                single.clear();
            }
            state[0] = state[0].pow([5]);
            state = apply(&internal, state);
        } else {
            let index = if round < FULL_ROUNDS / 2 { round } else { round - PARTIAL_ROUNDS };
            state = std::array::from_fn(|i| state[i] + poseidon2::full_constants()[index][i]);
            if round > 0 {
                rows.push(state);
            }
            state = apply(&external, state.map(|value| value.pow([5])));
        }
    }
    rows.push(state);
    rows
}

impl Backend for NaiveBackend {
    type Column = Arc<Vec<Fr>>;
    type Bases = Arc<Vec<G1Affine>>;

    fn name(&self) -> &'static str {
        "naive"
    }

    fn upload(&self, values: &[Fr]) -> Result<Self::Column, KernelError> {
        Ok(Arc::new(values.to_vec()))
    }

    fn download(&self, column: &Self::Column) -> Result<Vec<Fr>, KernelError> {
        Ok(column.to_vec())
    }

    fn upload_bases(&self, points: PointSource) -> Result<Self::Bases, KernelError> {
        let points: &[_] = (*points).as_ref();
        Ok(Arc::new(points.iter().map(G1Affine::from).collect()))
    }

    fn msm(&self, bases: &Self::Bases, scalars: &[&Self::Column]) -> Result<Vec<G1Affine>, KernelError> {
        scalars
            .iter()
            .map(|column| {
                if column.len() > bases.len() {
                    return Err(KernelError::Length { what: "scalars", expected: bases.len(), got: column.len() });
                }
                let sum: G1Projective =
                    bases.iter().zip(column.iter()).map(|(point, scalar)| multiply(*point, *scalar)).sum();
                Ok(sum.into_affine())
            })
            .collect()
    }

    fn interpolate(&self, evaluations: &Self::Column) -> Result<Self::Column, KernelError> {
        self.interpolate_from_coset(evaluations, Fr::one())
    }

    fn evaluate_on_coset(&self, coefficients: &Self::Column, shift: Fr) -> Result<Self::Column, KernelError> {
        let root = root_of_unity(coefficients.len())?;
        let points = (0..coefficients.len() as u64).map(|i| shift * root.pow([i]));
        Ok(Arc::new(points.map(|point| horner(coefficients, point)).collect()))
    }

    fn interpolate_from_coset(&self, evaluations: &Self::Column, shift: Fr) -> Result<Self::Column, KernelError> {
        let size = evaluations.len();
        let root = root_of_unity(size)?;
        let backwards = root.inverse().ok_or(KernelError::ZeroDenominator("the root of unity"))?;
        let unshift = shift.inverse().ok_or(KernelError::ZeroDenominator("the coset shift"))?;
        let share = Fr::from(size as u64).inverse().ok_or(KernelError::ZeroDenominator("the transform size"))?;
        // Coefficient j is `1/n sum_i e_i (c w^i)^-j`.
        let coefficient = |j: u64| share * unshift.pow([j]) * horner(evaluations, backwards.pow([j]));
        Ok(Arc::new((0..size as u64).map(coefficient).collect()))
    }

    fn run(&self, program: &Program, columns: &[&Self::Column], uniforms: &[Fr]) -> Result<Self::Column, KernelError> {
        let size = program.rows(columns.iter().map(|column| column.len()), uniforms.len())?;
        let row = |i: usize| {
            let mut registers: Vec<Fr> = Vec::with_capacity(program.ops.len());
            for op in &program.ops {
                registers.push(match *op {
                    Op::Column(index, Rotation::Current) => columns[index as usize][i],
                    Op::Column(index, Rotation::Next) => columns[index as usize][(i + 1) % size],
                    Op::Uniform(index) => uniforms[index as usize],
                    Op::Constant(value) => value,
                    Op::Add(a, b) => registers[a as usize] + registers[b as usize],
                    Op::Sub(a, b) => registers[a as usize] - registers[b as usize],
                    Op::Mul(a, b) => registers[a as usize] * registers[b as usize],
                });
            }
            registers[program.output as usize]
        };
        Ok(Arc::new((0..size).map(row).collect()))
    }

    fn grand_product(
        &self,
        numerators: &Self::Column,
        denominators: &Self::Column,
    ) -> Result<(Self::Column, Fr), KernelError> {
        if numerators.len() != denominators.len() {
            return Err(KernelError::Length {
                what: "denominators",
                expected: numerators.len(),
                got: denominators.len(),
            });
        }
        let mut running = Fr::one();
        let mut z = Vec::with_capacity(numerators.len());
        for (numerator, denominator) in numerators.iter().zip(denominators.iter()) {
            z.push(running);
            running *= numerator;
            running *= denominator.inverse().ok_or(KernelError::ZeroDenominator("a denominator of the product"))?;
        }
        Ok((Arc::new(z), running))
    }

    fn linear_combination(&self, terms: &[(Fr, &Self::Column)]) -> Result<Self::Column, KernelError> {
        let size = terms.iter().map(|(_, column)| column.len()).max().unwrap_or(0);
        let entry = |i: usize| {
            terms.iter().map(|(weight, column)| column.get(i).map_or(Fr::zero(), |value| *weight * value)).sum()
        };
        Ok(Arc::new((0..size).map(entry).collect()))
    }

    fn divide_by_linear(&self, coefficients: &Self::Column, point: Fr) -> Result<(Self::Column, Fr), KernelError> {
        // Entry i of the quotient is `sum_{j > i} f_j point^(j - i - 1)`, the Horner value of the coefficients above i.
        let quotient = (0..coefficients.len()).map(|i| horner(&coefficients[i + 1..], point)).collect();
        Ok((Arc::new(quotient), horner(coefficients, point)))
    }

    fn evaluate(&self, coefficients: &Self::Column, point: Fr) -> Result<Fr, KernelError> {
        Ok(horner(coefficients, point))
    }

    fn expand_permutations(
        &self,
        wires: [Self::Column; WIDTH],
        first_rows: &[u32],
    ) -> Result<[Self::Column; WIDTH], KernelError> {
        poseidon2::check_first_rows(wires.each_ref().map(|wire| wire.len()), first_rows)?;
        let mut wires = wires.map(|wire| wire.to_vec());
        for first_row in first_rows {
            let first = *first_row as usize;
            let input = std::array::from_fn(|wire| wires[wire][first]);
            for (offset, row) in permutation_rows(input).into_iter().enumerate() {
                wires.iter_mut().zip(row).for_each(|(wire, value)| wire[first + offset] = value);
            }
        }
        Ok(wires.map(Arc::new))
    }
}
