//! The SRS, its rows and the keys: agreement of the direct and the ceremony's path, and refusal of everything bad.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use ark_bn254::{Bn254, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup, pairing::Pairing};
use ark_ff::{Field, One};
use proofyard_kernels::{AffinePoint, Backend, backend::PointSource, cpu::CpuBackend};
use proofyard_proof_system::{
    circuit::{Circuit, CircuitBuilder},
    domain::Domain,
    setup::{Setup, SetupError, circuit_digest, commit_row},
    srs::{Srs, derive, insecure::InsecureSetup, y_power_count},
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const QUIET: &(dyn Fn(&str, u64, u64) + Sync) = &|_, _, _| ();

fn points(source: &PointSource) -> Vec<AffinePoint> {
    (**source).as_ref().to_vec()
}

fn circuit(rows_log2: u32, seed: u64) -> Arc<Circuit> {
    let mut builder = CircuitBuilder::structure();
    let cells = builder.arith([Fr::from(seed), Fr::from(2), -Fr::one(), Fr::from(3)], Fr::from(5), [Fr::from(0); 4]);
    builder.copy(cells[0], cells[1]);
    Arc::new(builder.finish_structure(rows_log2).unwrap())
}

fn written(secrets: (Fr, Fr), rows_log2: u32, subtrees: usize) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ceremony.pysrs");
    let setup = InsecureSetup::from_secrets(secrets.0, secrets.1, 1 << 8);
    setup.write_srs(&path, rows_log2, subtrees, QUIET).unwrap();
    (dir, path)
}

fn secrets() -> (Fr, Fr) {
    (Fr::from(0x1234_5678_9abc_u64).pow([5]), Fr::from(0xdead_beef_u64).pow([7]))
}

#[test]
fn direct_rows_and_group_transforms_agree() {
    let (tx, ty) = secrets();
    let direct = InsecureSetup::from_secrets(tx, ty, 1 << 8);
    let (_dir, path) = written((tx, ty), 5, 8);
    let srs = Srs::open(&path).unwrap();
    for (rows_log2, subtrees) in [(5, 8), (5, 1), (3, 4), (1, 2)] {
        let mut rows = vec![Vec::new(); subtrees];
        let mut emit = |i: usize, part: &[AffinePoint]| {
            rows[i].extend_from_slice(part);
            Ok(())
        };
        derive::monomial_rows(&srs, rows_log2, subtrees, &mut emit, QUIET).unwrap();
        for (i, monomial) in rows.iter().enumerate() {
            let row = direct.row(rows_log2, subtrees, i).unwrap();
            assert_eq!(&points(&row.monomial), monomial, "row {i} of {subtrees}");
            assert_eq!(points(&row.lagrange), derive::lagrange_row(monomial).unwrap(), "row {i} of {subtrees}");
            let unit = Domain::of_size(subtrees).unwrap().lagrange_at(i, ty).unwrap();
            assert_eq!(row.unit, (G1Affine::generator() * unit).into_affine());
        }
    }
}

#[test]
fn a_commitment_is_the_same_from_coefficients_and_evaluations() {
    let (tx, ty) = secrets();
    let (rows_log2, subtrees, i) = (6, 4, 2);
    let row = InsecureSetup::from_secrets(tx, ty, 1 << 8).row(rows_log2, subtrees, i).unwrap();
    let backend = CpuBackend::new();
    let evaluations: Vec<Fr> = (0..64).map(|j| Fr::from(j * j + 3_u64)).collect();
    let evaluations = backend.upload(&evaluations).unwrap();
    let coefficients = backend.interpolate(&evaluations).unwrap();
    let commit = |source: &PointSource, column| {
        backend.msm(&backend.upload_bases(source.clone()).unwrap(), &[column]).unwrap()[0]
    };
    let value =
        backend.evaluate(&coefficients, tx).unwrap() * Domain::of_size(subtrees).unwrap().lagrange_at(i, ty).unwrap();
    let expected = (G1Affine::generator() * value).into_affine();
    assert_eq!(commit(&row.monomial, &coefficients), expected);
    assert_eq!(commit(&row.lagrange, &evaluations), expected);
}

#[test]
fn a_sound_srs_passes_and_is_what_it_says() {
    let (tx, ty) = secrets();
    for (rows_log2, subtrees) in [(4, 4), (3, 1), (1, 1), (2, 16)] {
        let (_dir, path) = written((tx, ty), rows_log2, subtrees);
        let srs = Srs::open(&path).unwrap();
        srs.check(QUIET).unwrap();
        assert_eq!((srs.rows_log2(), srs.max_subtrees()), (rows_log2, subtrees));
        assert!(srs.y_powers().len() >= y_power_count(subtrees).max(2));
        let top = (subtrees - 1, (1_usize << rows_log2) - 1);
        let point = G1Affine::from(&points(&srs.monomials(top.0).unwrap())[top.1]);
        let value = ty.pow([top.0 as u64]) * tx.pow([top.1 as u64]);
        assert_eq!(point, (G1Affine::generator() * value).into_affine());
        assert_eq!(
            Bn254::pairing(srs.y_powers()[1], G2Affine::generator()),
            Bn254::pairing(G1Affine::generator(), srs.ty())
        );
        assert!(matches!(srs.monomials(subtrees), Err(SetupError::Size { .. })));
    }
    assert_eq!((y_power_count(1), y_power_count(2), y_power_count(4), y_power_count(256)), (1, 4, 12, 1020));
}

/// Trap 4: with `ty = tx^T` the two-variable commitment is a one-variable one in disguise and openings prove anything.
#[test]
fn tied_secrets_are_refused() {
    let (tx, _) = secrets();
    let rows = 16_u64;
    let inverse = tx.inverse().unwrap();
    for (ty, y_power, row, x_power) in [
        (tx.pow([rows]), 1, 0, 16),
        (tx, 1, 0, 1),
        (tx.pow([15]), 1, 0, 15),
        // A negative power: [ty tx^3] = [ty^0].
        (inverse.pow([3]), 0, 1, 3),
    ] {
        let (dir, path) = written((tx, ty), 4, 4);
        let refused = |error: SetupError| match error {
            SetupError::TiedSecrets { y_power: a, row: b, x_power: c } => {
                assert_eq!((a, b, c), (y_power, row, x_power));
            }
            error => panic!("{error}"),
        };
        refused(Srs::open(&path).unwrap().check(QUIET).unwrap_err());
        // And no key is made from it.
        let made = Setup::open_or_derive(dir.path(), &path, circuit(4, 1), 4, QUIET);
        refused(made.err().unwrap());
        assert!(find(dir.path(), "pykey").is_empty() && find(dir.path(), "pyrow").is_empty());
    }
    // Only a power of ty is tied: [ty^2] = [tx].
    let (_dir, path) = written((tx.square(), tx), 4, 4);
    let error = Srs::open(&path).unwrap().check(QUIET).unwrap_err();
    assert!(matches!(error, SetupError::TiedSecrets { y_power: 2, row: 0, x_power: 1 }), "{error}");
}

#[test]
fn secrets_in_a_domain_are_refused() {
    let (tx, ty) = secrets();
    let w = Domain::new(3).unwrap().generator;
    let setup = |tx, ty| InsecureSetup::from_secrets(tx, ty, 1 << 8);
    assert!(matches!(setup(w, ty).row(3, 4, 0), Err(SetupError::SecretInDomain { secret: "tx" })));
    let g = Domain::new(2).unwrap().generator;
    assert!(matches!(setup(tx, g).row(3, 4, 0), Err(SetupError::SecretInDomain { secret: "ty" })));
    let (_dir, path) = written((w, ty), 3, 4);
    assert!(matches!(Srs::open(&path).unwrap().check(QUIET), Err(SetupError::TiedSecrets { .. })));
}

/// Makes the digests of a changed file right again, from the documented layout alone.
fn reseal(bytes: &mut [u8]) {
    let count = u32::from_le_bytes(bytes[28..32].try_into().unwrap()) as usize;
    let header = 128 + 64 * count;
    let mut start = header + 64;
    for section in 0..count {
        let entry = 128 + 64 * section;
        let length = u64::from_le_bytes(bytes[entry..entry + 8].try_into().unwrap()) as usize;
        let digest = Sha256::digest(&bytes[start..start + length]);
        bytes[entry + 32..entry + 64].copy_from_slice(&digest);
        start += length;
    }
    assert_eq!(start, bytes.len());
    let digest = Sha256::digest(&bytes[..header]);
    bytes[header..header + 32].copy_from_slice(&digest);
}

#[test]
fn a_wrong_point_anywhere_is_refused() {
    let (_dir, path) = written(secrets(), 2, 2);
    let good = fs::read(&path).unwrap();
    let points = 192 + 64 * 4;
    let other = AffinePoint::from(&(G1Affine::generator() * Fr::from(77)).into_affine());
    let g2 = points + 4 * 64..points + 4 * 64 + 256;
    for offset in (points..good.len()).step_by(64) {
        if g2.contains(&offset) {
            continue;
        }
        // A point of the curve that does not belong there, a point off the curve, and infinity.
        for bytes in [bytemuck::bytes_of(&other), &[1; 64], &[0; 64]] {
            let mut changed = good.clone();
            changed[offset..offset + 64].copy_from_slice(bytes);
            reseal(&mut changed);
            fs::write(&path, &changed).unwrap();
            let error = Srs::open(&path).unwrap().check(QUIET).unwrap_err();
            assert!(matches!(error, SetupError::Inconsistent { .. }), "point at {offset}: {error}");
        }
    }
    // Other secrets in G2, and the two exchanged.
    let foreign = (G2Affine::generator() * Fr::from(77)).into_affine();
    let foreign = proofyard_proof_system::codec::g2_point_bytes(&foreign);
    for part in [g2.start..g2.start + 128, g2.start + 128..g2.end] {
        let mut changed = good.clone();
        changed[part].copy_from_slice(&foreign);
        reseal(&mut changed);
        fs::write(&path, &changed).unwrap();
        assert!(matches!(Srs::open(&path).unwrap().check(QUIET), Err(SetupError::Inconsistent { .. })));
    }
    let mut changed = good.clone();
    changed[g2.clone()].rotate_left(128);
    reseal(&mut changed);
    fs::write(&path, &changed).unwrap();
    assert!(matches!(Srs::open(&path).unwrap().check(QUIET), Err(SetupError::Inconsistent { .. })));
    changed[g2].fill(0xff);
    reseal(&mut changed);
    fs::write(&path, &changed).unwrap();
    assert!(matches!(Srs::open(&path), Err(SetupError::Encoding { .. })));
}

fn find(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(find(&path, extension));
        } else if path.extension().is_some_and(|other| other == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_byte_of_every_file_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let circuit = circuit(3, 1);
    Setup::open_or_create_insecure(dir.path(), circuit.clone(), 2, QUIET).unwrap();
    let use_all = || -> Result<(), SetupError> {
        let setup = Setup::open(dir.path(), circuit.clone(), 2)?;
        setup.row(0)?;
        setup.row(1)?;
        let srs = Srs::open(&setup.srs_path())?;
        (0..2).try_for_each(|i| srs.monomials(i).map(|_| ()))
    };
    use_all().unwrap();
    for extension in ["pysrs", "pyrow", "pykey"] {
        for path in find(dir.path(), extension) {
            let good = fs::read(&path).unwrap();
            let try_with = |bytes: &[u8], what: &str| {
                fs::write(&path, bytes).unwrap();
                let error = use_all().expect_err(what);
                assert!(matches!(error, SetupError::Damaged { .. }), "{what}: {error}");
                assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
                assert!(error.to_string().contains("delete this file"), "{error}");
            };
            let step = if extension == "pykey" { 13 } else { 7 };
            for offset in (0..good.len()).step_by(step).chain(0..192) {
                let mut changed = good.clone();
                changed[offset] ^= 0x40;
                try_with(&changed, &format!("{extension}, byte {offset}"));
            }
            for length in [0, 1, 100, 128, 300, good.len() - 64, good.len() - 1] {
                try_with(&good[..length], &format!("{extension} cut to {length}"));
            }
            try_with(&[&good[..], &[0; 64]].concat(), "lengthened");
            // A header that announces more than there is must not make anyone allocate it.
            let mut huge = good.clone();
            huge[128..136].copy_from_slice(&(u64::MAX - 63).to_le_bytes());
            try_with(&huge, "huge section");
            huge[20..24].fill(0xff);
            try_with(&huge, "huge M");
            fs::write(&path, &good).unwrap();
        }
    }
    use_all().unwrap();
}

#[test]
fn files_of_another_setup_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    Setup::open_or_create_insecure(dir.path(), circuit(3, 1), 4, QUIET).unwrap();
    let rows = find(dir.path(), "pyrow");
    fs::copy(&rows[1], &rows[2]).unwrap();
    let setup = Setup::open(dir.path(), circuit(3, 1), 4).unwrap();
    assert!(setup.row(1).is_ok());
    assert!(matches!(setup.row(2), Err(SetupError::Foreign { what: "subtree", .. })));
    assert!(matches!(setup.row(4), Err(SetupError::Size { .. })));
    fs::remove_file(&rows[3]).unwrap();
    let error = setup.row(3).unwrap_err();
    assert!(error.to_string().contains("proofyard setup --insecure --rows-log2 3 --subtrees 4"), "{error}");
    fs::remove_file(&rows[2]).unwrap();
    // What is missing is made again, byte for byte.
    let setup = Setup::open_or_create_insecure(dir.path(), circuit(3, 1), 4, QUIET).unwrap();
    assert_eq!((0..4).map(|i| setup.row(i).unwrap().subtree).collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[test]
fn what_is_missing_is_named_with_its_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let error = Setup::open(dir.path(), circuit(3, 1), 4).err().unwrap();
    assert!(matches!(error, SetupError::Missing { .. }));
    assert!(error.to_string().contains("run `proofyard setup --insecure --rows-log2 3 --subtrees 4`"), "{error}");
    for subtrees in [0, 3, 512, usize::MAX] {
        let refused = Setup::open_or_create_insecure(dir.path(), circuit(3, 1), subtrees, QUIET);
        assert!(matches!(refused, Err(SetupError::Size { what: "subtrees", .. })));
    }
    let mut short = (*circuit(3, 1)).clone();
    short.fixed[4].pop();
    let refused = Setup::open_or_create_insecure(dir.path(), Arc::new(short), 4, QUIET);
    assert!(matches!(refused, Err(SetupError::Size { what: "rows of a fixed column", .. })));
    assert!(fs::read_dir(dir.path()).unwrap().next().is_none(), "a refused size leaves nothing behind");
}

#[test]
fn keys_from_secrets_and_from_commitments_agree() {
    let dir = tempfile::tempdir().unwrap();
    let circuit = circuit(4, 1);
    for subtrees in [1, 2, 8] {
        let direct = Setup::open_or_create_insecure(&dir.path().join("a"), circuit.clone(), subtrees, QUIET).unwrap();
        let derived_dir = dir.path().join(format!("b{subtrees}"));
        let derived =
            Setup::open_or_derive(&derived_dir, &direct.srs_path(), circuit.clone(), subtrees, QUIET).unwrap();
        assert_eq!(direct.aggregation_key(), derived.aggregation_key());
        assert_eq!(derived.subtrees(), subtrees);
        for i in 0..subtrees {
            let (one, other) = (direct.row(i).unwrap(), derived.row(i).unwrap());
            assert_eq!(points(&one.monomial), points(&other.monomial));
            assert_eq!(points(&one.lagrange), points(&other.lagrange));
            let commitments = commit_row(&CpuBackend::new(), &one, &circuit).unwrap();
            assert_eq!(commitments, direct.aggregation_key().fixed_rows[i]);
        }
        // The same bytes on disk, whichever way they were computed.
        let relative = |dir: &Path| -> Vec<Vec<u8>> {
            find(dir, "pyrow").iter().chain(&find(dir, "pykey")).map(|path| fs::read(path).unwrap()).collect()
        };
        let same_size = |bytes: Vec<Vec<u8>>| -> Vec<Vec<u8>> {
            bytes.into_iter().filter(|file| file[20..24] == (subtrees as u32).to_le_bytes()).collect()
        };
        assert_eq!(same_size(relative(&dir.path().join("a"))), same_size(relative(&derived_dir)));
        // One key serves every M.
        assert_eq!(direct.verifying_key().digest(), {
            Setup::open(&dir.path().join("a"), circuit.clone(), 1).unwrap().verifying_key().digest()
        });
    }
}

#[test]
fn a_larger_srs_serves_smaller_sizes() {
    let (dir, path) = written(secrets(), 5, 8);
    let circuit = circuit(3, 1);
    let from_large = Setup::open_or_derive(dir.path(), &path, circuit.clone(), 2, QUIET).unwrap();
    let expected = InsecureSetup::from_secrets(secrets().0, secrets().1, 1 << 8).keys(&circuit, 2).unwrap();
    assert_eq!(*from_large.aggregation_key(), expected);
    let refused = Setup::open_or_derive(dir.path(), &path, circuit.clone(), 16, QUIET);
    assert!(matches!(refused, Err(SetupError::Size { what: "subtrees", .. })));
    let taller = Setup::open_or_derive(dir.path(), &path, self::circuit(6, 1), 2, QUIET);
    assert!(matches!(taller, Err(SetupError::Size { what: "log2 of the rows", .. })));
}

#[test]
fn proving_keys_hold_the_coefficients_of_the_fixed_columns() {
    let dir = tempfile::tempdir().unwrap();
    let circuit = circuit(3, 1);
    let setup = Setup::open_or_create_insecure(dir.path(), circuit.clone(), 2, QUIET).unwrap();
    let key = setup.proving_key().unwrap();
    let w = Domain::new(3).unwrap().generator;
    for (column, coefficients) in circuit.fixed.iter().chain(&circuit.permutation).zip(&key.coefficients) {
        for (j, value) in column.iter().enumerate() {
            let x = w.pow([j as u64]);
            let sum = coefficients.iter().rev().fold(Fr::from(0), |sum, coefficient| sum * x + coefficient);
            assert_eq!(sum, *value);
        }
    }
    assert!(Arc::ptr_eq(&key, &setup.proving_key().unwrap()));
}

#[test]
fn insecure_is_written_everywhere_and_the_setup_is_deterministic() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let circuit = circuit(3, 1);
    let setup = Setup::open_or_create_insecure(one.path(), circuit.clone(), 4, QUIET).unwrap();
    Setup::open_or_create_insecure(two.path(), circuit.clone(), 4, QUIET).unwrap();
    let files = |dir: &Path| ["pysrs", "pyrow", "pykey"].map(|extension| find(dir, extension)).concat();
    let (first, second) = (files(one.path()), files(two.path()));
    assert_eq!((first.len(), second.len()), (6, 6));
    for (one, two) in first.iter().zip(&second) {
        let bytes = fs::read(one).unwrap();
        assert_eq!(&bytes[32..58], b"INSECURE developers' setup");
        assert_eq!(bytes, fs::read(two).unwrap());
    }
    let key = setup.verifying_key();
    assert!(key.is_insecure());
    let mut relabelled = (*key).clone();
    relabelled.label = [7; 32];
    assert!(!relabelled.is_insecure());
    assert_ne!(relabelled.digest(), key.digest(), "the label is part of the key digest");
}

#[test]
fn another_circuit_has_another_key_file() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (circuit(3, 1), circuit(3, 2));
    assert_ne!(circuit_digest(&one), circuit_digest(&two));
    let first = Setup::open_or_create_insecure(dir.path(), one.clone(), 2, QUIET).unwrap();
    let stages = Mutex::new(Vec::new());
    let record = |stage: &str, done: u64, total: u64| stages.lock().unwrap().push((stage.to_owned(), done, total));
    let second = Setup::open_or_create_insecure(dir.path(), two, 2, &record).unwrap();
    assert_ne!(first.verifying_key().digest(), second.verifying_key().digest());
    assert_eq!(find(dir.path(), "pykey").len(), 2);
    assert_eq!(*stages.lock().unwrap(), [("rows".to_owned(), 0, 0)], "SRS and rows are used again");
    stages.lock().unwrap().clear();
    Setup::open_or_create_insecure(dir.path(), one, 2, &record).unwrap();
    assert!(stages.lock().unwrap().is_empty(), "nothing is made twice");
}

#[test]
fn concurrent_creators_agree_and_leave_nothing_half_done() {
    let dir = tempfile::tempdir().unwrap();
    let circuit = circuit(6, 1);
    // What a killed process would have left.
    let folder = dir.path().join("insecure-v1");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("srs-t6-m4.pysrs.1.partial"), b"half").unwrap();
    let made = Mutex::new(0);
    let count = |stage: &str, done: u64, _: u64| {
        if (stage, done) == ("monomials", 0) {
            *made.lock().unwrap() += 1;
        }
    };
    let keys: Vec<_> = std::thread::scope(|scope| {
        let threads: Range<usize> = 0..4;
        let start = || {
            let setup = Setup::open_or_create_insecure(dir.path(), circuit.clone(), 4, &count).unwrap();
            assert_eq!(setup.row(3).unwrap().rows(), 64);
            setup.aggregation_key()
        };
        let handles: Vec<_> = threads.map(|_| scope.spawn(start)).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(*made.lock().unwrap(), 1, "one makes it, the others wait");
    assert!(find(dir.path(), "partial").is_empty());
}
