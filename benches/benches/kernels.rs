//! The CPU backend's MSM and NTT beside arkworks, on the threads rayon is given (`RAYON_NUM_THREADS`).

use std::{hint::black_box, sync::Arc};

use ark_bn254::{Fr, G1Projective};
use ark_ec::VariableBaseMSM;
use ark_ff::PrimeField;
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use criterion::{BenchmarkId, Criterion};
use proofyard_benches::inputs::{random_points, random_scalars};
use proofyard_kernels::{AffinePoint, Backend, ProgramBuilder, Rotation, cpu::CpuBackend};

fn msm(criterion: &mut Criterion) {
    let cpu = CpuBackend::new();
    let mut group = criterion.benchmark_group("msm");
    group.sample_size(10);
    for log2 in [14, 16] {
        let size = 1 << log2;
        let points = random_points(&mut ark_std::test_rng(), size);
        let source: Vec<AffinePoint> = points.iter().map(AffinePoint::from).collect();
        let bases = cpu.upload_bases(Arc::new(source)).expect("memory");
        let full = random_scalars(&mut ark_std::test_rng(), size);
        let low_limb = |scalar: &Fr| scalar.into_bigint().0[0];
        let small: Vec<Fr> = full.iter().map(|scalar| low_limb(scalar).into()).collect();
        let bits: Vec<Fr> = full.iter().map(|scalar| (low_limb(scalar) & 1).into()).collect();
        for (kind, scalars) in [("full", full), ("64 bits", small), ("bits", bits)] {
            let column = cpu.upload(&scalars).expect("memory");
            group.bench_function(BenchmarkId::new(format!("proofyard/{kind}"), log2), |bencher| {
                bencher.iter(|| cpu.msm(&bases, &[black_box(&column)]));
            });
            group.bench_function(BenchmarkId::new(format!("arkworks/{kind}"), log2), |bencher| {
                bencher.iter(|| G1Projective::msm(&points, black_box(&scalars)));
            });
        }
    }
}

fn ntt(criterion: &mut Criterion) {
    let cpu = CpuBackend::new();
    let mut group = criterion.benchmark_group("ntt");
    for log2 in [14, 16] {
        let values = random_scalars(&mut ark_std::test_rng(), 1 << log2);
        let shift = Fr::from(5u64);
        let domain = Radix2EvaluationDomain::<Fr>::new(values.len()).expect("a power of two");
        let coset = domain.get_coset(shift).expect("not zero");
        let column = cpu.upload(&values).expect("memory");
        group.bench_function(BenchmarkId::new("proofyard/interpolate", log2), |bencher| {
            bencher.iter(|| cpu.interpolate(black_box(&column)));
        });
        group.bench_function(BenchmarkId::new("arkworks/interpolate", log2), |bencher| {
            bencher.iter(|| domain.ifft(black_box(&values)));
        });
        group.bench_function(BenchmarkId::new("proofyard/coset", log2), |bencher| {
            bencher.iter(|| cpu.evaluate_on_coset(black_box(&column), shift));
        });
        group.bench_function(BenchmarkId::new("arkworks/coset", log2), |bencher| {
            bencher.iter(|| coset.fft(black_box(&values)));
        });
    }
}

/// A program shaped like a row identity: sums of fifth powers under running weights.
fn program(criterion: &mut Criterion) {
    let cpu = CpuBackend::new();
    let builder = ProgramBuilder::default();
    let mut sum = builder.uniform(0);
    for column in 0..16 {
        let value = builder.column(column, Rotation::Current) + builder.uniform(1);
        let square = value.clone() * value.clone();
        let fifth = square.clone() * square * value.clone();
        sum = sum * builder.uniform(2) + fifth * (builder.column(column, Rotation::Next) - value);
    }
    let program = builder.finish(&sum);
    let columns: Vec<_> =
        (0..16).map(|_| cpu.upload(&random_scalars(&mut ark_std::test_rng(), 1 << 16)).expect("memory")).collect();
    let columns: Vec<_> = columns.iter().collect();
    let uniforms = random_scalars(&mut ark_std::test_rng(), 3);
    let mut group = criterion.benchmark_group("program");
    group.sample_size(20);
    group.bench_function("proofyard/16 columns/16", |bencher| {
        bencher.iter(|| cpu.run(&program, black_box(&columns), &uniforms));
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    msm(&mut criterion);
    ntt(&mut criterion);
    program(&mut criterion);
    criterion.final_summary();
}
