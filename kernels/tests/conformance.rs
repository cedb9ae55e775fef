//! The CPU backend beside the naive twin at small sizes and beside arkworks at larger ones.

mod suite;

use ark_bn254::{Fr, G1Projective};
use ark_ec::{CurveGroup, VariableBaseMSM};
use ark_ff::{One, Zero};
use ark_poly::{DenseUVPolynomial, EvaluationDomain, Polynomial, Radix2EvaluationDomain, univariate::DensePolynomial};
use proofyard_kernels::{
    Backend,
    cpu::{CpuBackend, Instructions},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// The backend with every kind of instructions that this machine has.
fn backends() -> impl Iterator<Item = CpuBackend> {
    Instructions::available().into_iter().filter_map(CpuBackend::with)
}

#[test]
fn cpu_agrees_with_the_twin() {
    backends().for_each(|cpu| suite::check(&cpu));
}

#[test]
fn results_do_not_depend_on_threads_and_instructions() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let size = 1 << 14;
    let points = suite::point_source(&suite::random_points(&mut rng, size));
    let values = suite::random_scalars(&mut rng, size);
    let small: Vec<Fr> = (0..size).map(|i| Fr::from(i as u64 % 3)).collect();
    let all = |cpu: &CpuBackend| {
        let bases = cpu.upload_bases(points.clone()).unwrap();
        let (values, small) = (cpu.upload(&values).unwrap(), cpu.upload(&small).unwrap());
        let sums = cpu.msm(&bases, &[&values, &small]).unwrap();
        let coset = cpu.evaluate_on_coset(&values, Fr::from(7u64)).unwrap();
        let back = cpu.download(&cpu.interpolate_from_coset(&coset, Fr::from(7u64)).unwrap()).unwrap();
        let (z, product) = cpu.grand_product(&coset, &values).unwrap();
        (sums, cpu.download(&coset).unwrap(), back, cpu.download(&z).unwrap(), product)
    };
    let expected = pool(1).install(|| all(&CpuBackend::new()));
    assert!(expected.2 == values);
    for threads in [2, 5] {
        for cpu in backends() {
            assert!(pool(threads).install(|| all(&cpu)) == expected);
        }
    }
}

#[test]
fn transforms_agree_with_arkworks() {
    backends().for_each(transforms_agree);
}

fn transforms_agree(cpu: CpuBackend) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for log2 in [5, 6, 7, 10, 11, 12, 15] {
        let values = suite::random_scalars(&mut rng, 1 << log2);
        let shift = suite::random_scalar(&mut rng);
        let domain = Radix2EvaluationDomain::<Fr>::new(values.len()).unwrap();
        let coset = domain.get_coset(shift).unwrap();
        let column = cpu.upload(&values).unwrap();
        let download = |column| cpu.download(&column).unwrap();
        assert!(download(cpu.interpolate(&column).unwrap()) == domain.ifft(&values));
        assert!(download(cpu.evaluate_on_coset(&column, Fr::one()).unwrap()) == domain.fft(&values));
        assert!(download(cpu.evaluate_on_coset(&column, shift).unwrap()) == coset.fft(&values));
        assert!(download(cpu.interpolate_from_coset(&column, shift).unwrap()) == coset.ifft(&values));
    }
}

#[test]
fn msm_agrees_with_arkworks() {
    backends().for_each(msm_agrees);
}

fn msm_agrees(cpu: CpuBackend) {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for size in [1 << 10, 3000, 1 << 12] {
        let points = suite::random_points(&mut rng, size);
        let bases = cpu.upload_bases(suite::point_source(&points)).unwrap();
        let columns: Vec<Vec<Fr>> = vec![
            suite::random_scalars(&mut rng, size),
            (0..size).map(|_| Fr::from(u64::from(rng.random::<bool>()))).collect(),
            (0..size).map(|_| Fr::from(rng.random::<u64>())).collect(),
            (0..size).map(|_| -Fr::from(rng.random::<u8>())).collect(),
            (0..size)
                .map(|_| if rng.random_ratio(1, 100) { suite::random_scalar(&mut rng) } else { Fr::zero() })
                .collect(),
            // Half bits, a few 64-bit values, a few full ones: a wire column.
            (0..size)
                .map(|i| match i % 8 {
                    0..6 => Fr::from(u64::from(rng.random::<bool>())),
                    6 => Fr::from(rng.random::<u64>()),
                    _ => suite::random_scalar(&mut rng),
                })
                .collect(),
            vec![suite::random_scalar(&mut rng); size],
        ];
        let uploaded: Vec<_> = columns.iter().map(|values| cpu.upload(values).unwrap()).collect();
        let got = cpu.msm(&bases, &uploaded.iter().collect::<Vec<_>>()).unwrap();
        let expected: Vec<_> =
            columns.iter().map(|values| G1Projective::msm(&points, values).unwrap().into_affine()).collect();
        assert_eq!(got, expected);
    }
}

#[test]
fn polynomials_agree_with_arkworks() {
    backends().for_each(polynomials_agree);
}

fn polynomials_agree(cpu: CpuBackend) {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for size in [4095, 4096, 4097, 20_000] {
        let values = suite::random_scalars(&mut rng, size);
        let point = suite::random_scalar(&mut rng);
        let column = cpu.upload(&values).unwrap();
        let polynomial = DensePolynomial::from_coefficients_vec(values);
        let value = polynomial.evaluate(&point);
        assert_eq!(cpu.evaluate(&column, point).unwrap(), value);
        let (quotient, remainder) = cpu.divide_by_linear(&column, point).unwrap();
        assert_eq!(remainder, value);
        let divisor = DensePolynomial::from_coefficients_vec(vec![-point, Fr::one()]);
        let mut expected = (&polynomial / &divisor).coeffs;
        expected.push(Fr::zero());
        assert!(cpu.download(&quotient).unwrap() == expected);
    }
}

#[test]
fn grand_product_closes_over_a_permutation() {
    backends().for_each(grand_product_closes);
}

fn grand_product_closes(cpu: CpuBackend) {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for size in [2048, 2049, 10_000] {
        let numerators = suite::random_scalars(&mut rng, size);
        let mut denominators = numerators.clone();
        denominators.rotate_left(17);
        let upload = |values: &[Fr]| cpu.upload(values).unwrap();
        let (z, product) = cpu.grand_product(&upload(&numerators), &upload(&denominators)).unwrap();
        assert_eq!(product, Fr::one());
        let z = cpu.download(&z).unwrap();
        assert_eq!(z[0], Fr::one());
        for i in 0..size {
            assert_eq!(z[(i + 1) % size] * denominators[i], z[i] * numerators[i]);
        }
        denominators[size - 1] = Fr::zero();
        assert!(cpu.grand_product(&upload(&numerators), &upload(&denominators)).is_err());
    }
}
