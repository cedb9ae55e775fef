//! Every way in which opening or an operation can fail. One test: the mirror's state is the process's.

mod mirror;

use ark_ec::AffineRepr;
use mirror::{Call, Mirror};
use proofyard_kernels::{AffinePoint, Backend, Fr, G1Affine, KernelError};
use proofyard_kernels_icicle::{IcicleBackend, OpenError, Options};

const OUT_OF_MEMORY: i32 = 2;
const ALLOCATION_FAILED: i32 = 4;
const SYNCHRONIZATION_FAILED: i32 = 7;
const BACKEND_LOAD_FAILED: i32 = 12;
const LICENSE_CHECK_ERROR: i32 = 13;

fn open(mirror: &Mirror, device: Option<&str>) -> Result<IcicleBackend, OpenError> {
    IcicleBackend::open(&Options { folder: Some(mirror.folder.clone()), device: device.map(str::to_owned) })
}

/// Opens in vain: the error, whose text must hold its code and these words.
fn refused(mirror: &Mirror, device: Option<&str>, words: &[&str]) -> OpenError {
    let error = open(mirror, device).map(|backend| backend.device()).unwrap_err();
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
    error
}

#[test]
fn failures_are_told_apart() {
    let mirror = Mirror::build();
    libraries(&mirror);
    devices(&mirror);
    wrong_answers(&mirror);
    operations(&mirror);
}

fn libraries(good: &Mirror) {
    let broken = Mirror::empty();
    let error = refused(&broken, None, &["PY-I-001", "libicicle_device", &broken.folder.display().to_string()]);
    assert!(matches!(error, OpenError::NoLibrary { .. }));

    // The device library alone; then one that is no library.
    broken.take(good, "icicle_device");
    refused(&broken, None, &["PY-I-001", "libicicle_field_bn254"]);
    std::fs::write(broken.library("icicle_field_bn254"), "text").unwrap();
    let error = refused(&broken, None, &["PY-I-002"]);
    assert!(matches!(error, OpenError::NotLoadable { .. }));

    // A v3 curve library, and one without the MSM.
    std::fs::remove_file(broken.library("icicle_field_bn254")).unwrap();
    broken.take(good, "icicle_field_bn254");
    mirror::compile(&broken.library("icicle_curve_bn254"), "curve.c", &["-DMIRROR_V3"]);
    let error = refused(&broken, None, &["PY-I-003", "bn254_projective_eq", "v3's bn254_eq"]);
    assert!(matches!(error, OpenError::OtherVersion { symbol: "bn254_projective_eq", .. }));
    // Another file: the loader knows the first one by its inode.
    let other = Mirror::empty();
    other.take(good, "icicle_device");
    other.take(good, "icicle_field_bn254");
    mirror::compile(&other.library("icicle_curve_bn254"), "curve.c", &["-Dbn254_msm=bn254MSMCuda"]);
    let error = refused(&other, None, &["PY-I-003", "bn254_msm"]);
    assert!(matches!(error, OpenError::OtherVersion { symbol: "bn254_msm", hint: "", .. }));
    assert_eq!(good.calls(Call::LoadBackend), 0, "nothing is called before all is found");
}

fn devices(mirror: &Mirror) {
    assert!(matches!(refused(mirror, Some("CUDA:x"), &["PY-I-005"]), OpenError::DeviceName(_)));
    let other = refused(mirror, Some("VULKAN"), &["PY-I-004", "VULKAN:0", "CPU,CUDA"]);
    assert!(matches!(other, OpenError::NoDevice { .. }));
    refused(mirror, Some("CUDA:2"), &["PY-I-004", "CUDA:2", "2 of CUDA"]);

    mirror.fail(Call::SetDevice, LICENSE_CHECK_ERROR);
    assert!(matches!(refused(mirror, None, &["PY-I-006", "CUDA:0"]), OpenError::Licence { .. }));
    mirror.fail(Call::SetDevice, SYNCHRONIZATION_FAILED);
    refused(mirror, None, &["PY-I-007", "icicle_set_device", "SYNCHRONIZATION_FAILED (7)"]);
    mirror.fail(Call::SetDevice, 0);
    mirror.fail(Call::LoadBackend, BACKEND_LOAD_FAILED);
    refused(mirror, None, &["PY-I-007", "icicle_load_backend"]);
    mirror.fail(Call::LoadBackend, 0);

    assert_eq!(open(mirror, None).unwrap().device(), "CUDA:0");
    assert_eq!(open(mirror, Some("CPU")).unwrap().device(), "CPU:0");
}

fn wrong_answers(mirror: &Mirror) {
    mirror.spoil(true);
    let error = refused(mirror, None, &["PY-I-009", "MSM", "no point of the curve"]);
    assert!(matches!(error, OpenError::CheckFailed { .. }));
    mirror.spoil(false);
    mirror.twist(true);
    assert_eq!(refused(mirror, None, &["PY-I-008", "MSM"]), OpenError::WrongAnswer { what: "MSM" });
    mirror.twist(false);
    mirror.fail(Call::Ntt, LICENSE_CHECK_ERROR);
    refused(mirror, None, &["PY-I-009", "NTT", "PY-K-006", "LICENSE_CHECK_ERROR"]);
    mirror.fail(Call::Ntt, 0);
    assert_eq!(mirror.live(), 0);
}

fn operations(mirror: &Mirror) {
    let backend = open(mirror, None).unwrap();
    let points = || std::sync::Arc::new(vec![AffinePoint::from(&G1Affine::generator()); 4]);
    let bases = backend.upload_bases(points()).unwrap();
    let column = backend.upload(&[Fr::from(3u64); 4]).unwrap();
    let all = |backend: &IcicleBackend| -> Result<(), KernelError> {
        backend.upload_bases(points())?;
        backend.msm(&bases, &[&column])?;
        backend.interpolate(&column).map(|_| ())
    };
    assert_eq!(all(&backend), Ok(()));
    for call in [Call::SetDevice, Call::Malloc, Call::Copy, Call::Msm, Call::Ntt] {
        for code in [OUT_OF_MEMORY, ALLOCATION_FAILED] {
            mirror.fail(call, code);
            assert!(matches!(all(&backend), Err(KernelError::OutOfMemory(_))), "{}", call as i32);
        }
        mirror.fail(call, SYNCHRONIZATION_FAILED);
        assert!(matches!(all(&backend), Err(KernelError::Device(_))), "{}", call as i32);
        mirror.fail(call, 0);
        assert_eq!(all(&backend), Ok(()), "it goes on afterwards");
    }
    assert_eq!(mirror.live(), 1, "a failed upload leaves no memory behind");

    // A domain that cannot grow is grown by the next transform.
    let long = backend.upload(&[Fr::from(3u64); 256]).unwrap();
    for call in [Call::ReleaseDomain, Call::InitDomain] {
        mirror.fail(call, OUT_OF_MEMORY);
        assert!(matches!(backend.interpolate(&long), Err(KernelError::OutOfMemory(_))));
        mirror.fail(call, 0);
    }
    assert!(backend.interpolate(&long).is_ok());

    // What comes back is checked.
    mirror.spoil(true);
    let text = |result: Result<(), KernelError>| result.unwrap_err().to_string();
    let msm = text(backend.msm(&bases, &[&column]).map(|_| ()));
    assert!(msm.contains("PY-K-006") && msm.contains("no point of the curve"), "{msm}");
    let ntt = text(backend.interpolate(&column).map(|_| ()));
    assert!(ntt.contains("PY-K-006") && ntt.contains("not reduced"), "{ntt}");
    mirror.spoil(false);
    drop(bases);
    assert_eq!(mirror.live(), 0);
}
