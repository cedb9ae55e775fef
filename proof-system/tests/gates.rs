//! The row identity and its programs against the page's formulas, written out once more.

mod common;

use std::array::from_fn;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, FftField, Field};
use common::{Stream, toy_circuit, toy_witness};
use proofyard_kernels::{Backend, Program, Rotation, cpu::CpuBackend, program::Op};
use proofyard_proof_system::{
    circuit::CircuitError,
    gates::{
        self, Degree, FIXED_COLUMNS, IDENTITY_DEGREE, RowChallenges, RowValues, check_degree, column, column_shift,
        gate_constraints, row_identity,
    },
    poseidon2::{Matrix, external_matrix, full_constants, row_matrices},
};

fn same(value: Fr) -> Fr {
    value
}

fn int(value: i64) -> Fr {
    Fr::from(value)
}

fn apply(matrix: &Matrix, x: [Fr; 4]) -> [Fr; 4] {
    from_fn(|i| (0..4).map(|j| matrix[i][j] * x[j]).sum())
}

fn fifth(x: [Fr; 4]) -> [Fr; 4] {
    x.map(|x| x.pow([5]))
}

/// Section 3, formula by formula: the terms e = 0..6 without PI.
fn specification(row: &RowValues<Fr>) -> [Fr; 7] {
    let [w1, w2, w3, w4] = row.w;
    let [n1, n2, n3, n4] = row.w_next;
    let [q1, q2, q3, q4, qm, p0, pl, pi, pr, fb, k, l, ..] = row.fixed;
    let mut terms = [Fr::ZERO; 7];
    terms[0] = (int(1) - p0 - fb) * (q1 * w1 + q2 * w2 + q3 * w3 + q4 * w4 + qm * w1 * w2);

    let (external, matrices) = (external_matrix(), row_matrices());
    let full = apply(&external, fifth(row.w));
    let mixed = apply(&external, row.w);
    let initial = apply(&external, fifth(from_fn(|i| mixed[i] + full_constants()[0][i])));
    let (v, w) = (apply(&matrices.before_linear, row.w_next), apply(&matrices.before_power, fifth(row.w_next)));
    let (v2, w2_) = (apply(&matrices.after_linear, row.w), apply(&matrices.after_power, fifth(row.w)));
    for e in 0..4 {
        terms[e + 1] += p0 * (full[e] + row.fixed[e] - row.w_next[e])
            + pl * (v2[e] + w2_[e] - full[e])
            + pi * (initial[e] - full[e])
            + pr * (row.w_next[e] - v[e] - w[e]);
    }

    let (x, y, d, u) = (w1, w2, w3, w4);
    let table = d * (q3 + q4 * d * d);
    terms[1] += fb * (d * d - int(1)) * (d * d - int(9));
    terms[2] += fb * (u - q1 - q2 * d * d);
    terms[3] += fb * ((n1 + x + u) * (u - x).square() - (u * u * u - int(17) - int(2) * table * y + y * y));
    terms[4] += fb * ((n2 + y) * (u - x) - (table - y) * (x - n1));

    let add = k * (k - int(2)) * (k - int(3)) / int(2);
    let (x, y, u, v) = (w1, w2, w3, w4);
    terms[1] += add * ((n1 + x + u) * (u - x).square() - (v - y).square());
    terms[2] += add * ((n2 + y) * (u - x) - (v - y) * (x - n1));
    terms[3] += add * (v - n3 * n4);
    terms[4] += add * (n3 * n3 - int(1));

    let dbl = -k * (k - int(1)) * (k - int(3)) / int(2);
    terms[1] += dbl * (int(4) * y * y * (n1 + int(2) * x) - int(9) * x * (y * y + int(17)));
    terms[2] += dbl * (int(2) * y * (n2 + y) - int(3) * x * x * (x - n1));

    let indicators = |b0: Fr, b1: Fr| {
        let (c0, c1) = (int(1) - b0, int(1) - b1);
        [c0 * c1, b0 * c1, c0 * b1, b0 * b1]
    };
    let select = k * (k - int(1)) * (k - int(2)) / int(6);
    let chosen: Fr = indicators(n1, n2).iter().zip(row.w).map(|(indicator, c)| *indicator * c).sum();
    terms[1] += select * (n3 - chosen);

    let range = l * (int(2) - l);
    let digit = |x: Fr| x * (x - int(1)) * (x - int(2)) * (x - int(3));
    let digits = [w2 - int(4) * w1, w3 - int(4) * w2, w4 - int(4) * w3, n1 - int(4) * w4];
    let demux = l * (l - int(1)) / int(2);
    for e in 0..4 {
        terms[e + 1] += range * digit(digits[e]) + demux * (row.w_next[e] - indicators(w1, w2)[e] * (w4 - w3));
    }
    terms[5] += demux * w1 * (w1 - int(1));
    terms[6] += demux * w2 * (w2 - int(1));
    terms
}

fn identity_specification(row: &RowValues<Fr>, [beta, gamma, alpha, x, l0, pi]: [Fr; 6]) -> Fr {
    let mut sum = pi;
    for (e, term) in specification(row).into_iter().enumerate() {
        sum += alpha.pow([e as u64]) * term;
    }
    let product = |label: &dyn Fn(usize) -> Fr| (0..4).map(|c| row.w[c] + beta * label(c) + gamma).product::<Fr>();
    let identity = row.z * product(&|c| int(5).pow([c as u64]) * x);
    let image = row.z_next * product(&|c| row.fixed[12 + c]);
    sum + alpha.pow([7]) * (identity - image) + alpha.pow([8]) * l0 * (row.z - int(1))
}

/// Rows with random wires and constants; every selector value of section 2 occurs, then random ones.
fn rows(stream: &mut Stream) -> Vec<RowValues<Fr>> {
    // (p0, pl, pi, pr, fb, k, l)
    let mut selectors: Vec<[Fr; 7]> = Vec::new();
    let transitions = [[1, 0, 1, 0], [1, 0, 0, 0], [1, 0, 0, 1], [1, 1, 0, 1], [1, 1, 0, 0]];
    selectors.extend(transitions.map(|[a, b, c, d]| [a, b, c, d, 0, 0, 0].map(int)));
    selectors.push([0, 0, 0, 0, 1, 0, 0].map(int));
    for k in 0..4 {
        for l in 0..3 {
            selectors.push([0, 0, 0, 0, 0, k, l].map(int));
        }
    }
    selectors.extend((0..14).map(|_| stream.elements()));
    let build = |on: [Fr; 7]| {
        let mut fixed: [Fr; FIXED_COLUMNS] = stream.elements();
        fixed[column::P0..=column::L].copy_from_slice(&on);
        let [z, z_next] = stream.elements();
        RowValues { w: stream.elements(), w_next: stream.elements(), z, z_next, fixed }
    };
    selectors.into_iter().map(build).collect()
}

#[test]
fn the_constraints_are_the_pages() {
    for row in rows(&mut Stream(1)) {
        assert_eq!(gate_constraints(&same, &row), specification(&row));
    }
}

#[test]
fn the_identity_is_the_pages() {
    let mut stream = Stream(2);
    for row in rows(&mut stream) {
        let values @ [beta, gamma, alpha, x, l0, pi] = stream.elements();
        let challenges = RowChallenges::new(beta, gamma, alpha);
        assert_eq!(row_identity(&same, &row, &challenges, x, l0, pi), identity_specification(&row, values));
    }
}

/// One row of a program, in the plainest way.
fn interpret(program: &Program, columns: &[Vec<Fr>], uniforms: &[Fr], row: usize) -> Fr {
    let mut registers: Vec<Fr> = Vec::new();
    for op in &program.ops {
        let at = |index: u32| registers[index as usize];
        let value = match *op {
            Op::Column(index, Rotation::Current) => columns[index as usize][row],
            Op::Column(index, Rotation::Next) => {
                let column = &columns[index as usize];
                column[(row + 1) % column.len()]
            }
            Op::Uniform(index) => uniforms[index as usize],
            Op::Constant(value) => value,
            Op::Add(a, b) => at(a) + at(b),
            Op::Sub(a, b) => at(a) - at(b),
            Op::Mul(a, b) => at(a) * at(b),
        };
        registers.push(value);
    }
    registers[program.output as usize]
}

#[test]
fn the_quotient_program_computes_the_identity() {
    let mut stream = Stream(3);
    let samples = rows(&mut stream);
    let count = samples.len();
    let mut columns: Vec<Vec<Fr>> = Vec::new();
    for c in 0..4 {
        columns.push(samples.iter().map(|row| row.w[c]).collect());
    }
    columns.push(samples.iter().map(|row| row.z).collect());
    for c in 0..FIXED_COLUMNS {
        columns.push(samples.iter().map(|row| row.fixed[c]).collect());
    }
    columns.push((0..count).map(|_| stream.element()).collect());
    let fifth_power = gates::fifth_power_program();
    for c in 0..4 {
        let powers: Vec<Fr> = (0..count).map(|j| interpret(&fifth_power, &columns[c..=c], &[], j)).collect();
        assert!(columns[c].iter().zip(&powers).all(|(wire, power)| wire.pow([5]) == *power));
        columns.push(powers);
    }
    let [beta, gamma, alpha, shift] = stream.elements();
    let challenges = RowChallenges::new(beta, gamma, alpha);
    let program = gates::quotient_program();
    let uniforms = gates::quotient_uniforms(&challenges, shift);
    let device = CpuBackend::new();
    let handles: Vec<_> = columns.iter().map(|column| device.upload(column).unwrap()).collect();
    let result = device.run(&program, &handles.iter().collect::<Vec<_>>(), &uniforms).unwrap();
    let result = device.download(&result).unwrap();
    for j in 0..count {
        let next = &samples[(j + 1) % count];
        let row = RowValues { w_next: next.w, z_next: next.z, ..samples[j].clone() };
        // The prover adds PI and L_0 (z - 1) later.
        let (x, l0, pi) = (shift * columns[21][j], int(0), int(0));
        let expected = identity_specification(&row, [beta, gamma, alpha, x, l0, pi]);
        assert_eq!(interpret(&program, &columns, &uniforms, j), expected);
        assert_eq!(result[j], expected);
    }
}

/// The prover's hot loop must not grow unnoticed.
#[test]
fn the_quotient_program_stays_small() {
    let program = gates::quotient_program();
    let count = |kind: fn(&Op) -> bool| program.ops.iter().filter(|op| kind(op)).count();
    let products = count(|op| matches!(op, Op::Mul(..)));
    let sums = count(|op| matches!(op, Op::Add(..) | Op::Sub(..)));
    let loads = program.ops.len() - products - sums;
    println!("quotient program: {products} products, {sums} sums and differences, {loads} loads");
    assert!(products <= 139 && sums <= 165 && loads <= 86, "{products} {sums} {loads}");
    // Every step is used, powers of alpha aside that need no weight of their own.
    let mut used = vec![false; program.ops.len()];
    used[program.output as usize] = true;
    for (index, op) in program.ops.iter().enumerate().rev() {
        if let (true, Op::Add(a, b) | Op::Sub(a, b) | Op::Mul(a, b)) = (used[index], *op) {
            used[a as usize] = true;
            used[b as usize] = true;
        }
    }
    let idle: Vec<_> = (0..used.len()).filter(|index| !used[*index]).map(|index| program.ops[index]).collect();
    assert_eq!(idle, [Op::Uniform(2), Op::Uniform(7), Op::Uniform(8), Op::Uniform(10)]);
}

/// On a satisfied witness the permutation product closes and the identity holds on every row of H.
#[test]
fn the_identity_vanishes_on_the_toy() {
    let rows_log2 = 6;
    let circuit = toy_circuit(rows_log2);
    let rows = circuit.rows();
    let mut stream = Stream(4);
    let inputs = stream.elements();
    let (mut witness, outputs) = toy_witness(rows_log2, inputs, 9);
    let [beta, gamma, alpha] = stream.elements();
    let generator = Fr::get_root_of_unity(rows as u64).unwrap();
    let labels: Vec<Fr> = (0..rows).map(|j| generator.pow([j as u64])).collect();
    let uniforms = gates::permutation_uniforms(beta, gamma);
    let product = |witness: &[Vec<Fr>; 4]| {
        let numerators = [witness.as_slice(), std::slice::from_ref(&labels)].concat();
        let denominators = [witness.as_slice(), circuit.permutation.as_slice()].concat();
        let mut z = vec![Fr::ONE];
        for j in 0..rows {
            let numerator = interpret(&gates::permutation_numerator_program(), &numerators, &uniforms, j);
            let denominator = interpret(&gates::permutation_denominator_program(), &denominators, &uniforms, j);
            z.push(z[j] * numerator / denominator);
        }
        z
    };
    let z = product(&witness.columns);
    assert_eq!(z[rows], Fr::ONE);
    let challenges = RowChallenges::new(beta, gamma, alpha);
    let public = [inputs, outputs].concat();
    for j in 0..rows {
        let next = (j + 1) % rows;
        let row = RowValues {
            w: from_fn(|c| witness.columns[c][j]),
            w_next: from_fn(|c| witness.columns[c][next]),
            z: z[j],
            z_next: z[next],
            fixed: from_fn(|c| if c < 12 { circuit.fixed[c][j] } else { circuit.permutation[c - 12][j] }),
        };
        let l0 = if j == 0 { Fr::ONE } else { Fr::ZERO };
        let pi = -public.get(j).copied().unwrap_or_default();
        let identity = |row: &RowValues<Fr>| row_identity(&same, row, &challenges, labels[j], l0, pi);
        assert_eq!(identity(&row), Fr::ZERO, "row {j}");
        // A permutation product that is off anywhere is seen.
        let shifted = RowValues { z_next: row.z_next + Fr::ONE, ..row };
        assert_ne!(identity(&shifted), Fr::ZERO, "row {j}");
    }
    // A broken copy leaves the product open.
    witness.columns[0][0] += Fr::ONE;
    assert_ne!(product(&witness.columns)[rows], Fr::ONE);
}

#[test]
fn degrees_fill_the_quotient_exactly_and_more_is_refused() {
    let degree = check_degree(|lift, inputs| {
        row_identity(lift, &inputs.row, &inputs.challenges, inputs.x, inputs.l0, inputs.pi)
    });
    assert_eq!(degree, Ok(IDENTITY_DEGREE));
    // A gate with one factor more.
    let refused = check_degree(|lift, inputs| {
        let whole = row_identity(lift, &inputs.row, &inputs.challenges, inputs.x, inputs.l0, inputs.pi);
        let power = (0..6).fold(inputs.row.fixed[column::K], |product, _| product * inputs.row.w[0]);
        whole + power
    });
    assert_eq!(refused, Err(CircuitError::Degree { degree: Degree { x: 7, y: 6 }, allowed: Degree { x: 6, y: 5 } }));
    assert!(refused.unwrap_err().to_string().starts_with("[PY-C-010]"));
    // Each of the two bounds alone.
    let selectors = check_degree(|_, inputs| (0..6).fold(inputs.row.fixed[0], |product, _| product * inputs.x));
    assert!(matches!(selectors, Err(CircuitError::Degree { degree: Degree { x: 7, y: 0 }, .. })));
    let wires = check_degree(|_, inputs| (0..5).fold(inputs.row.w[0], |product, _| product * inputs.row.w_next[1]));
    assert!(matches!(wires, Err(CircuitError::Degree { degree: Degree { x: 6, y: 6 }, .. })));
}

#[test]
fn the_column_shifts_are_powers_of_five() {
    for c in 0..4 {
        assert_eq!(column_shift(c), int(5).pow([c as u64]));
    }
}
