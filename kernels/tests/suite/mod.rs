//! The conformance suite: every backend must agree with the naive twin on every operation, edge values included.
//!
//! A device crate runs the same suite by including this module and calling [`check`] with its own backend.

mod permutations;

use std::{fmt::Debug, sync::Arc};

use ark_ff::{Field, One, PrimeField, Zero};
use proofyard_kernels::{
    AffinePoint, Backend, Fr, G1Affine, G1Projective, KernelError, Program, ProgramBuilder, Rotation,
    naive::NaiveBackend, program::Op,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The largest size at which the quadratic twin is asked.
const MAX_LOG2: u32 = 8;

/// A uniform field element.
pub fn random_scalar(rng: &mut ChaCha8Rng) -> Fr {
    Fr::from_le_bytes_mod_order(&rng.random::<[u8; 48]>())
}

/// `count` uniform field elements.
pub fn random_scalars(rng: &mut ChaCha8Rng, count: usize) -> Vec<Fr> {
    (0..count).map(|_| random_scalar(rng)).collect()
}

/// `count` points with unrelated discrete logarithms: a chain of doublings and additions, cheap for large counts.
pub fn random_points(rng: &mut ChaCha8Rng, count: usize) -> Vec<G1Affine> {
    use ark_ff::AdditiveGroup;
    let generator = G1Projective::from(ark_bn254::G1Affine::new(1u64.into(), 2u64.into()));
    let step = generator * random_scalar(rng);
    let mut point = generator * random_scalar(rng);
    let points: Vec<G1Projective> = (0..count)
        .map(|_| {
            point = point.double() + step;
            point
        })
        .collect();
    ark_ec::CurveGroup::normalize_batch(&points)
}

/// Columns of one length that stress an implementation: each with a name for messages.
fn columns(rng: &mut ChaCha8Rng, size: usize) -> Vec<(&'static str, Vec<Fr>)> {
    let minus_one = -Fr::one();
    let edges = [Fr::zero(), Fr::one(), minus_one, minus_one / Fr::from(2u64), Fr::from(u64::MAX), -Fr::from(2u64)];
    let mut pick = |choose: &mut dyn FnMut(&mut ChaCha8Rng) -> Fr| (0..size).map(|_| choose(rng)).collect::<Vec<_>>();
    vec![
        ("zeros", vec![Fr::zero(); size]),
        ("ones", vec![Fr::one(); size]),
        ("r - 1", vec![minus_one; size]),
        ("uniform", pick(&mut random_scalar)),
        ("edges", pick(&mut |rng| edges[rng.random_range(0..edges.len())])),
        ("bits", pick(&mut |rng| Fr::from(u64::from(rng.random::<bool>())))),
        ("bytes", pick(&mut |rng| Fr::from(u64::from(rng.random::<u8>())))),
        ("64 bits", pick(&mut |rng| Fr::from(rng.random::<u64>()))),
        ("128 bits", pick(&mut |rng| Fr::from(rng.random::<u128>()))),
        ("small negatives", pick(&mut |rng| -Fr::from(rng.random::<u16>()))),
        ("powers of two", pick(&mut |rng| Fr::from(2u64).pow([rng.random_range(0..254u64)]))),
        ("99 % zeros", pick(&mut |rng| if rng.random_ratio(1, 100) { random_scalar(rng) } else { Fr::zero() })),
        ("one repeated", {
            let value = random_scalar(rng);
            vec![value; size]
        }),
    ]
}

/// Sets of MSM bases that stress an implementation.
fn bases(rng: &mut ChaCha8Rng, size: usize) -> Vec<(&'static str, Vec<G1Affine>)> {
    let points = random_points(rng, size);
    let signed = (0..size).map(|i| if i % 2 == 0 { points[0] } else { -points[0] }).collect();
    let infinite = (0..size).map(|i| if i % 3 == 0 { G1Affine::identity() } else { points[i] }).collect();
    let few = (0..size).map(|_| points[rng.random_range(0..size.min(3))]).collect();
    vec![
        ("uniform", points.clone()),
        ("all equal", vec![points[0]; size]),
        ("P and -P", signed),
        ("some at infinity", infinite),
        ("all at infinity", vec![G1Affine::identity(); size]),
        ("three distinct", few),
    ]
}

/// The points as a backend takes them.
pub fn point_source(points: &[G1Affine]) -> Arc<Vec<AffinePoint>> {
    Arc::new(points.iter().map(AffinePoint::from).collect())
}

/// A device beside the twin: uploads to both, and compares what comes back.
struct Pair<'a, B: Backend> {
    device: &'a B,
    twin: NaiveBackend,
}

/// A column on both.
struct Both<B: Backend> {
    device: B::Column,
    twin: <NaiveBackend as Backend>::Column,
}

impl<B: Backend> Pair<'_, B> {
    fn upload(&self, values: &[Fr]) -> Both<B> {
        Both { device: self.device.upload(values).unwrap(), twin: self.twin.upload(values).unwrap() }
    }

    /// Compares two results that are columns; errors must be the same error.
    fn same_column(
        &self,
        case: &str,
        got: Result<B::Column, KernelError>,
        expected: Result<<NaiveBackend as Backend>::Column, KernelError>,
    ) {
        let got = got.map(|column| self.device.download(&column).unwrap());
        same(case, got, expected.map(|column| column.to_vec()));
    }

    /// Compares two results of a column and a value.
    fn same_pair(
        &self,
        case: &str,
        got: Result<(B::Column, Fr), KernelError>,
        expected: Result<(<NaiveBackend as Backend>::Column, Fr), KernelError>,
    ) {
        let got = got.map(|(column, value)| (self.device.download(&column).unwrap(), value));
        same(case, got, expected.map(|(column, value)| (column.to_vec(), value)));
    }
}

fn same<T: PartialEq + Debug>(case: &str, got: Result<T, KernelError>, expected: Result<T, KernelError>) {
    match (got, expected) {
        (Ok(got), Ok(expected)) => assert!(got == expected, "{case}: values differ from the twin's"),
        (Err(got), Err(expected)) => {
            assert_eq!(std::mem::discriminant(&got), std::mem::discriminant(&expected), "{case}: {got} / {expected}");
        }
        (got, expected) => panic!("{case}: {:?} where the twin has {:?}", got.err(), expected.err()),
    }
}

/// Runs the whole suite.
pub fn check<B: Backend>(device: &B) {
    let pair = Pair { device, twin: NaiveBackend::new() };
    let mut rng = ChaCha8Rng::seed_from_u64(0x5eed);
    for log2 in 0..=MAX_LOG2 {
        transforms(&pair, &mut rng, 1 << log2);
        msms(&pair, &mut rng, 1 << log2);
    }
    for size in [0, 1, 2, 3, 7, 64, 100, 256, 300] {
        polynomials(&pair, &mut rng, size);
        products(&pair, &mut rng, size);
        programs(&pair, &mut rng, size);
    }
    permutations::check(&pair, &mut rng);
    refusals(&pair, &mut rng);
}

fn transforms<B: Backend>(pair: &Pair<B>, rng: &mut ChaCha8Rng, size: usize) {
    let shift = random_scalar(rng);
    for (name, values) in columns(rng, size) {
        let column = pair.upload(&values);
        let case = |op: &str| format!("{op} of {size} {name}");
        let downloaded = pair.device.download(&column.device).unwrap();
        assert!(downloaded == values, "{}", case("upload and download"));
        let owned = pair.device.upload_owned(values.clone()).unwrap();
        assert!(pair.device.download(&owned).unwrap() == values, "{}", case("upload of owned values"));
        pair.same_column(
            &case("interpolate"),
            pair.device.interpolate(&column.device),
            pair.twin.interpolate(&column.twin),
        );
        for shift in [Fr::one(), shift, -Fr::one(), Fr::zero()] {
            pair.same_column(
                &case("evaluate on coset"),
                pair.device.evaluate_on_coset(&column.device, shift),
                pair.twin.evaluate_on_coset(&column.twin, shift),
            );
            pair.same_column(
                &case("interpolate from coset"),
                pair.device.interpolate_from_coset(&column.device, shift),
                pair.twin.interpolate_from_coset(&column.twin, shift),
            );
        }
    }
}

fn msms<B: Backend>(pair: &Pair<B>, rng: &mut ChaCha8Rng, size: usize) {
    let mut columns = columns(rng, size);
    columns.push(("half as many", random_scalars(rng, size / 2)));
    columns.push(("none", Vec::new()));
    let uploaded: Vec<Both<B>> = columns.iter().map(|(_, values)| pair.upload(values)).collect();
    let device_columns: Vec<_> = uploaded.iter().map(|column| &column.device).collect();
    let twin_columns: Vec<_> = uploaded.iter().map(|column| &column.twin).collect();
    let mut sets = bases(rng, size);
    if size > 64 {
        // The twin is slow: at the larger sizes the two sets with the most collisions are enough.
        sets.retain(|(name, _)| ["uniform", "P and -P"].contains(name));
    }
    for (bases_name, points) in sets {
        let source = point_source(&points);
        let device_bases = pair.device.upload_bases(source.clone()).unwrap();
        let twin_bases = pair.twin.upload_bases(source).unwrap();
        let got = pair.device.msm(&device_bases, &device_columns).unwrap();
        let expected = pair.twin.msm(&twin_bases, &twin_columns).unwrap();
        for ((got, expected), (name, _)) in got.iter().zip(&expected).zip(&columns) {
            assert_eq!(got, expected, "MSM of {size} {name}, bases {bases_name}");
        }
        assert!(pair.device.msm(&device_bases, &[]).unwrap().is_empty());
    }
}

fn polynomials<B: Backend>(pair: &Pair<B>, rng: &mut ChaCha8Rng, size: usize) {
    let columns = columns(rng, size);
    let points = [Fr::zero(), Fr::one(), -Fr::one(), random_scalar(rng)];
    for (name, values) in &columns {
        let column = pair.upload(values);
        for point in points {
            let case = |op: &str| format!("{op} of {size} {name} at {point}");
            same(
                &case("evaluate"),
                pair.device.evaluate(&column.device, point),
                pair.twin.evaluate(&column.twin, point),
            );
            pair.same_pair(
                &case("divide by linear"),
                pair.device.divide_by_linear(&column.device, point),
                pair.twin.divide_by_linear(&column.twin, point),
            );
        }
    }
    // Columns of different lengths, all at once; then none.
    let uploaded: Vec<(Fr, Both<B>)> = columns
        .iter()
        .enumerate()
        .map(|(i, (_, values))| (random_scalar(rng), pair.upload(&values[..size - (i * 3).min(size)])))
        .collect();
    let device_terms: Vec<_> = uploaded.iter().map(|(weight, column)| (*weight, &column.device)).collect();
    let twin_terms: Vec<_> = uploaded.iter().map(|(weight, column)| (*weight, &column.twin)).collect();
    for range in [0..columns.len(), 3..columns.len(), 0..1, 0..0] {
        pair.same_column(
            &format!("linear combination of {range:?} at {size}"),
            pair.device.linear_combination(&device_terms[range.clone()]),
            pair.twin.linear_combination(&twin_terms[range]),
        );
    }
}

fn products<B: Backend>(pair: &Pair<B>, rng: &mut ChaCha8Rng, size: usize) {
    let columns = columns(rng, size);
    let numerators = pair.upload(&random_scalars(rng, size));
    for (name, values) in &columns {
        // With zeros among the denominators both must refuse; as numerators everything is allowed.
        let column = pair.upload(values);
        for (numerators, denominators) in [(&numerators, &column), (&column, &numerators), (&column, &column)] {
            pair.same_pair(
                &format!("grand product of {size} {name}"),
                pair.device.grand_product(&numerators.device, &denominators.device),
                pair.twin.grand_product(&numerators.twin, &denominators.twin),
            );
        }
    }
}

/// A program with shared, dead and long-lived values over `columns` columns.
fn random_program(rng: &mut ChaCha8Rng, columns: u16, uniforms: u16, steps: usize) -> Program {
    let builder = ProgramBuilder::default();
    let mut values = vec![
        builder.column(0, Rotation::Next),
        builder.uniform(0),
        builder.constant(random_scalar(rng)),
        builder.constant(Fr::zero()),
    ];
    for _ in 0..steps {
        // Mostly recent operands, sometimes old ones.
        let operand = |rng: &mut ChaCha8Rng| {
            let reach = if rng.random_ratio(1, 4) { values.len() } else { values.len().min(4) };
            values[values.len() - 1 - rng.random_range(0..reach)].clone()
        };
        let value = match rng.random_range(0..7) {
            0 => builder.column(rng.random_range(0..columns), Rotation::Current),
            1 => builder.column(rng.random_range(0..columns), Rotation::Next),
            2 => builder.uniform(rng.random_range(0..uniforms)),
            3 => operand(rng) + operand(rng),
            4 => operand(rng) - operand(rng),
            _ => operand(rng) * operand(rng),
        };
        values.push(value);
    }
    let output = values[values.len() - 1 - rng.random_range(0..values.len().min(6))].clone();
    builder.finish(&output)
}

fn programs<B: Backend>(pair: &Pair<B>, rng: &mut ChaCha8Rng, size: usize) {
    let columns: Vec<Both<B>> = columns(rng, size).iter().map(|(_, values)| pair.upload(values)).collect();
    let device_columns: Vec<_> = columns.iter().map(|column| &column.device).collect();
    let twin_columns: Vec<_> = columns.iter().map(|column| &column.twin).collect();
    let uniforms = random_scalars(rng, 5);
    for steps in [0, 1, 2, 5, 20, 100, 400] {
        for _ in 0..4 {
            let program = random_program(rng, columns.len() as u16, uniforms.len() as u16, steps);
            pair.same_column(
                &format!("program of {steps} steps on {size} rows: {program:?}"),
                pair.device.run(&program, &device_columns, &uniforms),
                pair.twin.run(&program, &twin_columns, &uniforms),
            );
        }
    }
}

fn refusals<B: Backend>(pair: &Pair<B>, rng: &mut ChaCha8Rng) {
    let column = |size: usize| pair.device.upload(&vec![Fr::one(); size]).unwrap();
    for size in [0, 3, 6, 12, 100] {
        let refused = Err(KernelError::TransformSize(size));
        assert_eq!(pair.device.interpolate(&column(size)).map(|_| ()), refused);
        assert_eq!(pair.device.evaluate_on_coset(&column(size), Fr::one()).map(|_| ()), refused);
        assert_eq!(pair.device.interpolate_from_coset(&column(size), Fr::one()).map(|_| ()), refused);
    }
    let bases = pair.device.upload_bases(point_source(&random_points(rng, 4))).unwrap();
    let too_long = pair.device.msm(&bases, &[&column(4), &column(5)]);
    assert_eq!(too_long, Err(KernelError::Length { what: "scalars", expected: 4, got: 5 }));
    let unequal = pair.device.grand_product(&column(4), &column(5)).map(|_| ());
    assert_eq!(unequal, Err(KernelError::Length { what: "denominators", expected: 4, got: 5 }));

    let run = |ops: Vec<Op>, output: u32, sizes: &[usize]| {
        let columns: Vec<_> = sizes.iter().map(|size| column(*size)).collect();
        let columns: Vec<_> = columns.iter().collect();
        pair.device.run(&Program { ops, output }, &columns, &[Fr::one()]).map(|_| ()).unwrap_err()
    };
    let read = |index| Op::Column(index, Rotation::Current);
    let input = |what, index, given| KernelError::ProgramInput { what, index, given };
    assert_eq!(run(vec![read(0)], 0, &[]), KernelError::Length { what: "columns", expected: 1, got: 0 });
    let uneven = run(vec![read(0)], 0, &[4, 5]);
    assert_eq!(uneven, KernelError::Length { what: "a column of the program", expected: 4, got: 5 });
    assert_eq!(run(vec![read(2)], 0, &[4, 4]), input("column", 2, 2));
    assert_eq!(run(vec![read(0), Op::Uniform(1)], 0, &[4]), input("uniform", 1, 1));
    assert_eq!(run(vec![read(0), Op::Add(0, 1)], 1, &[4]), input("register", 1, 1));
    assert_eq!(run(vec![read(0)], 1, &[4]), input("register", 1, 1));
    assert_eq!(run(vec![], 0, &[4]), input("register", 0, 0));
}
