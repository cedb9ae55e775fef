//! The backend over the mirror beside the naive twin, on one thread and on several.

mod mirror;
#[path = "../../tests/suite/mod.rs"]
mod suite;

use mirror::{Call, Mirror};
use proofyard_kernels::{Backend, Fr, cpu::CpuBackend};
use proofyard_kernels_icicle::{IcicleBackend, Options};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

#[test]
fn icicle_agrees_with_the_twin() {
    let mirror = Mirror::build();
    let options = Options { folder: Some(mirror.folder.clone()), device: Some("CUDA:1".to_owned()) };
    let icicle = IcicleBackend::open(&options).unwrap();
    assert_eq!((icicle.name(), icicle.device().as_str()), ("icicle", "CUDA:1"));
    assert_eq!(mirror.live(), 0, "the check at opening leaves memory behind");
    suite::check(&icicle);
    assert_eq!(mirror.live(), 0, "dropped bases are freed");
    assert_eq!(mirror.calls(Call::Free), mirror.calls(Call::Malloc));
    assert!(mirror.calls(Call::Msm) > 500 && mirror.calls(Call::Ntt) > 500);
    // The domain grew with the sizes, 2^7 and 2^8 after the first of 2^6, and was kept for smaller ones.
    assert_eq!((mirror.calls(Call::InitDomain), mirror.calls(Call::ReleaseDomain)), (3, 2));

    // Threads that have not chosen a device, transforms of growing sizes among them, on a second backend's domain.
    let second = IcicleBackend::open(&options).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let backend = if thread % 2 == 0 { &icicle } else { &second };
            scope.spawn(move || compare(backend, thread));
        }
    });
    assert!(mirror.calls(Call::InitDomain) <= 3 + 4, "one domain for both");
}

/// Larger sizes beside the CPU's.
fn compare(icicle: &IcicleBackend, seed: u64) {
    let cpu = CpuBackend::new();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let points = suite::point_source(&suite::random_points(&mut rng, 1000));
    let bases = (icicle.upload_bases(points.clone()).unwrap(), cpu.upload_bases(points).unwrap());
    for log2 in [9, 10, 11, 12, 9] {
        let column = cpu.upload_owned(suite::random_scalars(&mut rng, 1 << log2)).unwrap();
        let shift = suite::random_scalar(&mut rng);
        let coset = icicle.evaluate_on_coset(&column, shift).unwrap();
        assert!(coset.as_ref() == cpu.evaluate_on_coset(&column, shift).unwrap().as_ref());
        assert!(icicle.interpolate_from_coset(&coset, shift).unwrap().as_ref() == column.as_ref());
    }
    let column = cpu.upload(&suite::random_scalars(&mut rng, 999)).unwrap();
    let empty = cpu.upload(&[] as &[Fr]).unwrap();
    let sums = icicle.msm(&bases.0, &[&column, &empty]).unwrap();
    assert_eq!(sums, cpu.msm(&bases.1, &[&column, &empty]).unwrap());
}
