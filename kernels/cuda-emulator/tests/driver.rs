//! The driver's adapter against a mirror of the driver's library: order, staging, arguments, memory, errors.
//!
//! What it cannot show is whether NVIDIA's driver takes the fatbin; `cargo xtask gpu-check` does on a GPU.

use std::{env, process::Command, sync::Arc};

use proofyard_kernels::{Backend, Fr, KernelError, ProgramBuilder, Rotation, cpu::CpuBackend};
use proofyard_kernels_cuda::{CudaBackend, Driver, OpenError, device::Device};
use proofyard_kernels_cuda_emulator::DRIVER_MIRROR;

/// The library is looked for by the loader, so that the tests that use it run in a process with its folder.
#[test]
fn the_adapter_works_on_a_mirror_of_the_driver() {
    let output = Command::new(env::current_exe().unwrap())
        .env("LD_LIBRARY_PATH", DRIVER_MIRROR)
        .args(["--ignored", "--test-threads=1"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("4 passed"), "{text}");
}

fn values(size: usize) -> Vec<Fr> {
    (0..size as u64).map(|i| Fr::from(i * i + 1)).collect()
}

#[test]
#[ignore = "needs the mirror"]
fn a_device_is_opened_and_described() {
    assert_eq!(Driver::count(), 1);
    assert!(matches!(Driver::open(1), Err(OpenError::NoDevice { ordinal: 1, count: 1 })));
    let driver = Driver::open(0).unwrap();
    assert_eq!((driver.properties().name.as_str(), driver.properties().multiprocessors), ("driver mirror", 2));
}

#[test]
#[ignore = "needs the mirror"]
fn results_are_those_of_the_cpu() {
    let (cuda, cpu) = (CudaBackend::open(0, None).unwrap(), CpuBackend::new());
    // Twenty-four MiB: several fillings of the staging buffers, none of which may be overwritten too early.
    let long = values(3 << 18);
    assert!(cuda.download(&cuda.upload(&long).unwrap()).unwrap() == long);

    let short = values(1 << 11);
    let (ours, theirs) = (cuda.upload(&short).unwrap(), cpu.upload(&short).unwrap());
    let same = |ours, theirs| assert!(cuda.download(&ours).unwrap() == cpu.download(&theirs).unwrap());
    // Shared memory beyond what every kernel has.
    let shift = Fr::from(5u64);
    same(cuda.evaluate_on_coset(&ours, shift).unwrap(), cpu.evaluate_on_coset(&theirs, shift).unwrap());
    let builder = ProgramBuilder::default();
    let program = builder.finish(&(builder.column(0, Rotation::Next) * builder.uniform(0)));
    same(cuda.run(&program, &[&ours], &[shift]).unwrap(), cpu.run(&program, &[&theirs], &[shift]).unwrap());
    assert_eq!(cuda.evaluate(&ours, shift), cpu.evaluate(&theirs, shift));
}

#[test]
#[ignore = "needs the mirror"]
fn threads_share_a_device() {
    let cuda = Arc::new(CudaBackend::open(0, None).unwrap());
    let threads: Vec<_> = (1..5u64)
        .map(|k| {
            let cuda = cuda.clone();
            std::thread::spawn(move || {
                for _ in 0..10 {
                    let column = cuda.upload(&values(5000)).unwrap();
                    let scaled = cuda.linear_combination(&[(Fr::from(k), &column)]).unwrap();
                    drop(column);
                    let expected: Vec<Fr> = values(5000).into_iter().map(|value| value * Fr::from(k)).collect();
                    assert!(cuda.download(&scaled).unwrap() == expected);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
#[ignore = "needs the mirror"]
fn exhausted_memory_is_an_error_and_comes_back() {
    let cuda = CudaBackend::open(0, Some(1 << 30)).unwrap();
    let large = vec![Fr::from(1u64); 1 << 20];
    let both = [cuda.upload(&large).unwrap(), cuda.upload(&large).unwrap()];
    // Beyond the device, within the budget.
    assert!(matches!(cuda.upload(&large), Err(KernelError::OutOfMemory(_))));
    drop(both);
    assert!(cuda.download(&cuda.upload(&large).unwrap()).unwrap() == large);
}
