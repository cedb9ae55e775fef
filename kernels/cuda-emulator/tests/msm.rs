//! MSM on the emulated device against the CPU backend: edge sets, skew, and memory that does not suffice.

#[path = "../../tests/suite/mod.rs"]
#[allow(dead_code, reason = "the inputs only")]
mod suite;

use std::sync::Arc;

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, BigInt, Field};
use proofyard_kernels::{Backend, Fq, Fr, G1Affine, G1Projective, KernelError, cpu::CpuBackend};
use proofyard_kernels_cuda::{
    CudaBackend,
    device::{Argument, Device, Shape},
};
use proofyard_kernels_cuda_emulator::Emulator;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use suite::{point_source, random_points, random_scalar, random_scalars};

/// Memory that suffices for everything here.
const PLENTY: usize = 1 << 30;

type Gpu = CudaBackend<Emulator>;

fn gpu(budget: usize) -> Gpu {
    CudaBackend::new(Arc::new(Emulator::new(PLENTY)), budget)
}

/// Uploads columns and asks for all their MSMs at once.
fn msm<B: Backend>(backend: &B, bases: &B::Bases, columns: &[Vec<Fr>]) -> Result<Vec<G1Affine>, KernelError> {
    let columns = columns.iter().map(|values| backend.upload(values)).collect::<Result<Vec<_>, _>>()?;
    backend.msm(bases, &columns.iter().collect::<Vec<_>>())
}

/// What the CPU backend makes of it.
fn expected(points: &[G1Affine], columns: &[Vec<Fr>]) -> Vec<G1Affine> {
    let cpu = CpuBackend::new();
    msm(&cpu, &cpu.upload_bases(point_source(points)).unwrap(), columns).unwrap()
}

/// Compares with the CPU backend on the same points and columns.
fn check(gpu: &Gpu, bases: &<Gpu as Backend>::Bases, points: &[G1Affine], columns: &[Vec<Fr>], case: &str) {
    assert_eq!(msm(gpu, bases, columns).unwrap(), expected(points, columns), "{case}");
}

/// Columns with all kinds of skew.
fn skewed(rng: &mut ChaCha8Rng, size: usize) -> Vec<Vec<Fr>> {
    let same = random_scalar(rng);
    vec![
        random_scalars(rng, size),
        vec![same; size],
        vec![-Fr::ONE; size],
        (0..size).map(|_| if rng.random_ratio(1, 100) { random_scalar(rng) } else { Fr::ZERO }).collect(),
        (0..size).map(|_| if rng.random_ratio(1, 100) { random_scalar(rng) } else { same }).collect(),
        (0..size).map(|_| Fr::from(u64::from(rng.random::<bool>()))).collect(),
        vec![Fr::ZERO; size],
        random_scalars(rng, size.div_ceil(3)),
        Vec::new(),
    ]
}

#[test]
fn agrees_with_the_cpu_at_every_size() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let gpu = gpu(PLENTY);
    for size in [1, 2, 3, 7, 8, 31, 64, 100, 257, 512] {
        let points = random_points(&mut rng, size);
        let mut mixed: Vec<G1Affine> = (0..size)
            .map(|i| match i % 5 {
                0 => G1Affine::identity(),
                1 => points[0],
                2 => -points[0],
                _ => points[i],
            })
            .collect();
        mixed[size - 1] = G1Affine::identity();
        for (set, points) in [("uniform", points.clone()), ("equal", vec![points[0]; size]), ("mixed", mixed)] {
            let bases = gpu.upload_bases(point_source(&points)).unwrap();
            assert!(bases.tables() > 1);
            let columns = skewed(&mut rng, size);
            check(&gpu, &bases, &points, &columns, &format!("{size} points, {set}"));
        }
    }
}

#[test]
fn skew_at_a_size_with_many_pieces_and_several_joins() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let gpu = gpu(PLENTY);
    let points = random_points(&mut rng, 1 << 12);
    let bases = gpu.upload_bases(point_source(&points)).unwrap();
    let mut columns = skewed(&mut rng, 1 << 12);
    let edges: Vec<Fr> = (0..254u64).flat_map(|bit| [Fr::from(2u64).pow([bit]), -Fr::from(2u64).pow([bit])]).collect();
    columns.push(edges.iter().flat_map(|edge| [*edge, *edge - Fr::ONE, *edge + Fr::ONE]).collect());
    check(&gpu, &bases, &points, &columns, "4096 points");
    assert!(gpu.device().launches("msm_join") > 1, "one join would not test the next level");
    gpu.device().launches("msm_weigh_segments");
    check(&gpu, &bases, &points, &columns[..1], "4096 points, one column");
    assert!(gpu.device().launches("msm_weigh_segments") > 0, "one block would not test the next level");
}

#[test]
fn no_points_and_no_columns() {
    let gpu = gpu(PLENTY);
    let bases = gpu.upload_bases(point_source(&[])).unwrap();
    assert_eq!(msm(&gpu, &bases, &[Vec::new(), Vec::new()]).unwrap(), vec![G1Affine::identity(); 2]);
    assert!(msm(&gpu, &bases, &[]).unwrap().is_empty());
    let too_long = KernelError::Length { what: "scalars", expected: 0, got: 1 };
    assert_eq!(msm(&gpu, &bases, &[Vec::new(), vec![Fr::ONE]]), Err(too_long));
    assert_eq!(gpu.device().launches("msm_clear"), 0);
}

#[test]
fn with_less_memory_there_are_fewer_tables() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let size = 300;
    let points = random_points(&mut rng, size);
    let columns = skewed(&mut rng, size);
    let mut counts = Vec::new();
    for tables in [1, 2, 5, 11] {
        // Half of the budget is for tables.
        let gpu = gpu(2 * tables * 64 * size + 4096);
        let bases = gpu.upload_bases(point_source(&points)).unwrap();
        counts.push(bases.tables());
        // The columns need memory of their own.
        let roomy = CudaBackend::new(gpu.device().clone(), PLENTY);
        check(&roomy, &bases, &points, &columns, &format!("{} tables", bases.tables()));
    }
    assert_eq!(counts[0], 1);
    assert!(counts.is_sorted() && counts[3] > counts[1], "{counts:?}");

    // No memory for the making of tables: the points alone.
    let gpu = gpu(64 * size + 256);
    assert_eq!(gpu.upload_bases(point_source(&points)).unwrap().tables(), 1);
    let gpu = self::gpu(64 * size - 256);
    assert!(matches!(gpu.upload_bases(point_source(&points)), Err(KernelError::OutOfMemory(_))));
}

#[test]
fn what_does_not_fit_is_split_until_nothing_can_be() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let size = 1 << 11;
    let points = random_points(&mut rng, size);
    let gpu = gpu(PLENTY);
    let bases = gpu.upload_bases(point_source(&points)).unwrap();
    let values: Vec<Vec<Fr>> = skewed(&mut rng, size).into_iter().take(5).collect();
    let expected = expected(&points, &values);
    let columns: Vec<_> = values.iter().map(|values| gpu.upload(values).unwrap()).collect();
    let columns: Vec<_> = columns.iter().collect();
    gpu.device().launches("msm_scan_bins");

    // How many chains it takes when so many bytes are to be had; `None` is out of memory.
    let chains = |left: usize| {
        let _ballast = gpu.arena().allocate(gpu.arena().available() - left).unwrap();
        match gpu.msm(&bases, &columns) {
            Ok(sums) => assert_eq!(sums, expected, "with {left} bytes"),
            Err(error) => {
                assert!(matches!(error, KernelError::OutOfMemory(_)), "{error}");
                return None;
            }
        }
        Some(gpu.device().launches("msm_scan_bins"))
    };
    let runs: Vec<Option<usize>> = [26, 24, 23, 22, 21, 20, 19, 18].map(|log2| chains(1 << log2)).to_vec();
    assert_eq!(runs[0], Some(1));
    let done: Vec<usize> = runs.iter().map_while(|run| *run).collect();
    assert!(done.is_sorted(), "{runs:?}");
    assert!(done.iter().any(|chains| (2..=5).contains(chains)), "fewer columns at a time: {runs:?}");
    assert!(done.iter().any(|chains| *chains > 5), "columns in parts: {runs:?}");
    assert!(runs[done.len()..].iter().all(Option::is_none) && done.len() < runs.len(), "{runs:?}");
    // What failed has left nothing behind.
    assert_eq!(gpu.msm(&bases, &columns).unwrap(), expected);
}

/// What `msm_weigh_segments` makes of parts (weighted sum, sum times its length), as affine points.
fn weigh(device: &Emulator, parts: &[[G1Affine; 2]], blocks: u32, segments: u32, log2: u32) -> Vec<G1Affine> {
    // XYZZ with ZZ = ZZZ = 1, or 0 at infinity.
    let words: Vec<[u64; 4]> = parts
        .iter()
        .flatten()
        .flat_map(|point| match point.xy() {
            Some((x, y)) => [x, y, Fq::ONE, Fq::ONE],
            None => [Fq::ONE, Fq::ONE, Fq::ZERO, Fq::ZERO],
        })
        .map(|coordinate| coordinate.0.0)
        .collect();
    let bytes: Vec<u8> = words.iter().flatten().flat_map(|word| word.to_le_bytes()).collect();
    let from = device.allocate(bytes.len()).unwrap();
    device.write(&from, 0, &bytes).unwrap();
    let to = device.allocate(256 * blocks as usize).unwrap();
    let arguments = [Argument::Buffer(&from, 0), segments.into(), log2.into(), Argument::Buffer(&to, 0)];
    let shape = Shape { blocks, threads: 128, shared_bytes: 0 };
    device.launch("msm_weigh_segments", shape, &arguments).unwrap();
    let mut bytes = vec![0; 256 * blocks as usize];
    device.read(&to, 0, &mut bytes).unwrap();
    let coordinate = |bytes: &[u8]| {
        let limb = |i: usize| u64::from_le_bytes(bytes[8 * i..8 * i + 8].try_into().unwrap());
        Fq::new_unchecked(BigInt([limb(0), limb(1), limb(2), limb(3)]))
    };
    bytes
        .chunks(256)
        .map(|segment| {
            let [x, y, zz, zzz] = [0, 32, 64, 96].map(|at| coordinate(&segment[at..at + 32]));
            if zz == Fq::ZERO { G1Affine::identity() } else { G1Affine::new(x / zz, y / zzz) }
        })
        .collect()
}

#[test]
fn segments_are_weighed_by_their_places() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let device = Emulator::new(PLENTY);
    for (segments, log2) in [(1, 0), (1, 3), (2, 2), (8, 0), (64, 1), (128, 0), (128, 1)] {
        let (blocks, parts) = (2, (segments as usize) << log2);
        let mut points = random_points(&mut rng, 2 * blocks * parts);
        points[1] = G1Affine::identity();
        points[2 * parts - 2] = G1Affine::identity();
        let pairs: Vec<[G1Affine; 2]> = points.chunks(2).map(|pair| [pair[0], pair[1]]).collect();
        let expected: Vec<G1Affine> = pairs
            .chunks(parts)
            .map(|set| {
                let weighted = (0u64..).zip(set).map(|(place, [w, d])| *d * Fr::from(place) + w);
                weighted.sum::<G1Projective>().into_affine()
            })
            .collect();
        assert_eq!(weigh(&device, &pairs, blocks as u32, segments, log2), expected, "{segments} segments of 2^{log2}");
    }
}
