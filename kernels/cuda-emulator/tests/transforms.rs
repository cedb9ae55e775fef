//! Transforms under the launch emulator beside the CPU backend's, in all shapes of passes and tiles.

use std::sync::Arc;

use proofyard_kernels::{
    Backend, Fr, KernelError,
    cpu::{CpuBackend, Instructions},
};
use proofyard_kernels_cuda::{
    CudaBackend,
    device::{Device, Properties},
};
use proofyard_kernels_cuda_emulator::Emulator;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const MEMORY: usize = 1 << 28;

/// The emulator with other properties: they decide into how many passes and which tiles a transform is cut.
fn shaped(multiprocessors: u32, shared_bytes_max: usize) -> CudaBackend<Emulator> {
    let properties = Properties { multiprocessors, shared_bytes_max, ..Emulator::new(MEMORY).properties().clone() };
    CudaBackend::new(Arc::new(Emulator::with(properties)), MEMORY)
}

fn cpu() -> CpuBackend {
    CpuBackend::with(Instructions::Scalar).unwrap()
}

fn random(rng: &mut ChaCha8Rng) -> Fr {
    rng.random::<[u64; 4]>().into_iter().fold(Fr::from(0u64), |sum, word| sum * Fr::from(1u128 << 64) + Fr::from(word))
}

/// Columns that stress an implementation.
fn columns(rng: &mut ChaCha8Rng, size: usize) -> Vec<(&'static str, Vec<Fr>)> {
    let minus_one = -Fr::from(1u64);
    let edges = [Fr::from(0u64), Fr::from(1u64), minus_one, minus_one / Fr::from(2u64), Fr::from(u64::MAX)];
    let mut pick = |choose: &mut dyn FnMut(&mut ChaCha8Rng) -> Fr| (0..size).map(|_| choose(rng)).collect::<Vec<_>>();
    vec![
        ("zeros", vec![Fr::from(0u64); size]),
        ("r - 1", vec![minus_one; size]),
        ("uniform", pick(&mut random)),
        ("edges", pick(&mut |rng| edges[rng.random_range(0..edges.len())])),
        ("99 % zeros", pick(&mut |rng| if rng.random_ratio(1, 100) { random(rng) } else { Fr::from(0u64) })),
        ("alternating", (0..size).map(|i| if i % 2 == 0 { minus_one } else { Fr::from(1u64) }).collect()),
    ]
}

/// Compares every transform of these values with the CPU's.
fn compare<D: Device>(device: &CudaBackend<D>, case: &str, values: &[Fr], shifts: &[Fr]) {
    let cpu = cpu();
    let (on_device, on_cpu) = (device.upload(values).unwrap(), cpu.upload(values).unwrap());
    let size = values.len();
    let same = |what: &str, got: Result<_, KernelError>, expected: Result<_, KernelError>| match (got, expected) {
        (Ok(got), Ok(expected)) => {
            let (got, expected) = (device.download(&got).unwrap(), cpu.download(&expected).unwrap());
            let first = got.iter().zip(&expected).position(|(got, expected)| got != expected);
            assert_eq!(first, None, "{what} of {size} {case}: first difference");
            assert!(got.len() == expected.len());
        }
        (got, expected) => assert_eq!(got.err(), expected.err(), "{what} of {size} {case}"),
    };
    same("interpolate", device.interpolate(&on_device), cpu.interpolate(&on_cpu));
    for &shift in shifts {
        let what = format!("evaluate at {shift}");
        same(&what, device.evaluate_on_coset(&on_device, shift), cpu.evaluate_on_coset(&on_cpu, shift));
        let what = format!("interpolate from {shift}");
        same(&what, device.interpolate_from_coset(&on_device, shift), cpu.interpolate_from_coset(&on_cpu, shift));
    }
    assert!(device.download(&on_device).unwrap() == values, "the input of {size} {case} has changed");
}

fn compare_sizes<D: Device>(device: &CudaBackend<D>, log2s: std::ops::RangeInclusive<u32>) {
    let mut rng = ChaCha8Rng::seed_from_u64(u64::from(*log2s.end()));
    for log2 in log2s {
        let shifts = [Fr::from(1u64), random(&mut rng), -Fr::from(1u64), Fr::from(0u64)];
        for (name, values) in columns(&mut rng, 1 << log2) {
            compare(device, name, &values, &shifts);
        }
    }
}

#[test]
fn all_small_sizes() {
    let device = Arc::new(Emulator::new(MEMORY));
    compare_sizes(&CudaBackend::new(device, MEMORY), 0..=12);
}

#[test]
fn two_passes() {
    // Tiles of 2^8: columns up to 2^7, every number of stages and levels in both passes.
    compare_sizes(&shaped(1, 1 << 13), 9..=13);
}

#[test]
fn three_passes() {
    // Tiles of 2^6: columns up to 2^5.
    compare_sizes(&shaped(1, 1 << 11), 11..=13);
}

#[test]
fn tiles_of_two_columns() {
    // So many multiprocessors that tiles are as narrow as they may be.
    let device = shaped(1000, 1 << 16);
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for log2 in [14, 17] {
        let shift = random(&mut rng);
        let values: Vec<Fr> = (0..1 << log2).map(|_| random(&mut rng)).collect();
        compare(&device, "uniform", &values, &[shift]);
    }
}

#[test]
fn a_large_transform_and_back() {
    let device = shaped(132, 1 << 16);
    let mut rng = ChaCha8Rng::seed_from_u64(20);
    let values: Vec<Fr> = (0..1 << 19).map(|_| random(&mut rng)).collect();
    let shift = random(&mut rng);
    let column = device.upload(&values).unwrap();
    let evaluations = device.evaluate_on_coset(&column, shift).unwrap();
    let expected = cpu().evaluate_on_coset(&cpu().upload(&values).unwrap(), shift).unwrap();
    assert!(device.download(&evaluations).unwrap() == cpu().download(&expected).unwrap());
    let back = device.interpolate_from_coset(&evaluations, shift).unwrap();
    assert!(device.download(&back).unwrap() == values);
}

#[test]
fn refuses_what_is_no_size() {
    let device = CudaBackend::new(Arc::new(Emulator::new(MEMORY)), MEMORY);
    for size in [0, 3, 6, 100, 1000] {
        let column = device.upload(&vec![Fr::from(1u64); size]).unwrap();
        let refused = Some(KernelError::TransformSize(size));
        assert_eq!(device.interpolate(&column).err(), refused);
        assert_eq!(device.evaluate_on_coset(&column, Fr::from(1u64)).err(), refused);
        assert_eq!(device.interpolate_from_coset(&column, Fr::from(1u64)).err(), refused);
    }
}

#[test]
fn shared_memory_that_is_too_small_is_an_error() {
    let device = shaped(1, 1 << 11);
    let column = device.upload(&vec![Fr::from(1u64); 1 << 16]).unwrap();
    assert!(matches!(device.interpolate(&column), Err(KernelError::Device(_))));
}

#[test]
fn memory_comes_back_whatever_fails() {
    let size = 1 << 12;
    let bytes = size * 32;
    let values: Vec<Fr> = (0..size as u64).map(Fr::from).collect();
    let shift = Fr::from(7u64);
    // What the tables take, and what a transform takes beside its input.
    let device = CudaBackend::new(Arc::new(Emulator::new(MEMORY)), MEMORY);
    let before = device.arena().available();
    let column = device.upload(&values).unwrap();
    let expected = device.download(&device.evaluate_on_coset(&column, shift).unwrap()).unwrap();
    drop(column);
    let tables = before - device.arena().available();
    assert!(tables < 2 << 20, "{tables} bytes of tables");

    let mut failures = 0;
    for budget in (bytes..).step_by(bytes / 2) {
        let device = CudaBackend::new(Arc::new(Emulator::new(MEMORY)), budget);
        let column = device.upload(&values).unwrap();
        let result = device.evaluate_on_coset(&column, shift);
        drop(column);
        match result {
            Err(KernelError::OutOfMemory(_)) => {
                failures += 1;
                let available = device.arena().available();
                assert!(available == budget || available == budget - tables, "{available} of {budget} are left");
            }
            other => {
                let evaluations = other.unwrap();
                assert!(device.download(&evaluations).unwrap() == expected);
                drop(evaluations);
                assert_eq!(device.arena().available(), budget - tables);
                break;
            }
        }
    }
    assert!(failures > 3);
}
