//! The CUDA kernels under the launch emulator, one operation at a time, beside the CPU backend.

use std::sync::Arc;

use proofyard_kernels::{Backend, Fr, KernelError, ProgramBuilder, Rotation, cpu::CpuBackend};
use proofyard_kernels_cuda::CudaBackend;
use proofyard_kernels_cuda_emulator::Emulator;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const MIB: usize = 1 << 20;

fn backend(budget: usize) -> CudaBackend<Emulator> {
    CudaBackend::new(Arc::new(Emulator::new(2 * budget)), budget)
}

fn random(rng: &mut ChaCha8Rng, size: usize) -> Vec<Fr> {
    (0..size)
        .map(|_| match rng.random_range(0..8) {
            0 => Fr::from(0u64),
            1 => Fr::from(1u64),
            2 => -Fr::from(1u64),
            3 => Fr::from(rng.random::<u64>()),
            _ => Fr::from(rng.random::<u128>()) * Fr::from(rng.random::<u128>()),
        })
        .collect()
}

/// Sizes around the kernels' chunks and blocks, up to more than a block of blocks.
const SIZES: [usize; 9] = [1, 2, 7, 8, 9, 2047, 2048, 2049, 12_345];

#[test]
fn polynomials_agree_with_the_cpu() {
    let (cuda, cpu) = (backend(64 * MIB), CpuBackend::new());
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for size in SIZES {
        let values = random(&mut rng, size);
        let (ours, theirs) = (cuda.upload(&values).unwrap(), cpu.upload(&values).unwrap());
        for point in [Fr::from(0u64), Fr::from(1u64), -Fr::from(1u64), Fr::from(rng.random::<u128>())] {
            assert_eq!(cuda.evaluate(&ours, point), cpu.evaluate(&theirs, point), "{size} at {point}");
            let (quotient, value) = cuda.divide_by_linear(&ours, point).unwrap();
            let (expected, expected_value) = cpu.divide_by_linear(&theirs, point).unwrap();
            assert_eq!(value, expected_value);
            assert!(cuda.download(&quotient).unwrap() == cpu.download(&expected).unwrap(), "{size} at {point}");
        }
    }
}

#[test]
fn grand_products_agree_with_the_cpu() {
    let (cuda, cpu) = (backend(64 * MIB), CpuBackend::new());
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for size in SIZES {
        let nonzero = |values: Vec<Fr>| -> Vec<Fr> {
            values.into_iter().map(|value| if value == Fr::from(0u64) { Fr::from(3u64) } else { value }).collect()
        };
        let numerators = random(&mut rng, size);
        let mut denominators = nonzero(random(&mut rng, size));
        let up = |values: &[Fr]| (cuda.upload(values).unwrap(), cpu.upload(values).unwrap());
        let (n, d) = (up(&numerators), up(&denominators));
        let (z, product) = cuda.grand_product(&n.0, &d.0).unwrap();
        let (expected, expected_product) = cpu.grand_product(&n.1, &d.1).unwrap();
        assert_eq!(product, expected_product);
        assert!(cuda.download(&z).unwrap() == cpu.download(&expected).unwrap(), "{size}");
        denominators[size / 2] = Fr::from(0u64);
        let refused = cuda.grand_product(&n.0, &up(&denominators).0).map(|_| ());
        assert_eq!(refused, Err(KernelError::ZeroDenominator("a denominator of the product")));
    }
}

/// Many values alive at once: their buffers do not fit shared memory.
#[test]
fn programs_with_many_buffers_run_in_memory() {
    let (cuda, cpu) = (backend(64 * MIB), CpuBackend::new());
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let builder = ProgramBuilder::default();
    let (now, next) = (builder.column(0, Rotation::Current), builder.column(0, Rotation::Next));
    let mut values = vec![now.clone() * next.clone()];
    for i in 0..100 {
        values.push(values[i].clone() * now.clone() + builder.constant(Fr::from(i as u64)));
    }
    let sum = values.iter().skip(1).fold(values[0].clone(), |sum, value| sum * value.clone() - next.clone());
    let program = builder.finish(&sum);
    let column = random(&mut rng, 2100);
    let ours = cuda.run(&program, &[&cuda.upload(&column).unwrap()], &[]).unwrap();
    let theirs = cpu.run(&program, &[&cpu.upload(&column).unwrap()], &[]).unwrap();
    assert!(cuda.download(&ours).unwrap() == cpu.download(&theirs).unwrap());
}

#[test]
fn memory_is_handed_on_and_a_budget_is_kept() {
    let cuda = backend(MIB);
    let values = vec![Fr::from(7u64); 1 << 12];
    let columns: Vec<_> = (0..8).map(|_| cuda.upload(&values).unwrap()).collect();
    assert!(matches!(cuda.upload(&values), Err(KernelError::OutOfMemory(_))));
    assert_eq!(cuda.device().used_bytes(), MIB);
    // The results are right when memory comes from freed columns, and nothing more is taken from the device.
    drop(columns);
    let column = cuda.upload(&values).unwrap();
    let sum = cuda.linear_combination(&[(Fr::from(2u64), &column), (Fr::from(3u64), &column)]).unwrap();
    assert!(cuda.download(&sum).unwrap() == vec![Fr::from(35u64); 1 << 12]);
    // Another size: what is free goes back to the device first.
    drop((column, sum));
    let large = cuda.upload(&vec![Fr::from(1u64); 1 << 14]).unwrap();
    assert!(cuda.download(&large).unwrap() == vec![Fr::from(1u64); 1 << 14]);
    assert!(cuda.device().used_bytes() <= MIB);
}
