//! A made-up common reference string for bb: powers of a secret that anybody can compute.
//!
//! bb's own is a download. Proving takes the same steps with any; only bb's verifier, which holds the published string's
//! G2 point, does not accept the proofs. INSECURE, and good for nothing but timing.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

use anyhow::{Context, Result};
use ark_bn254::Fr;
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, Field, PrimeField};
use proofyard_proof_system::fixed_base::FixedBase;

/// What the secret is.
const SECRET: &[u8] = b"proofyard/benches/crs/v1";
/// Bytes of a point: x, then y, big-endian.
const POINT_BYTES: usize = 64;
/// Points that are computed at a time.
const CHUNK: usize = 1 << 16;

/// Makes sure that the folder holds at least `points` powers in `bn254_g1.dat`.
pub fn ensure(dir: &Path, points: usize) -> Result<()> {
    let file = dir.join("bn254_g1.dat");
    let bytes = points as u64 * POINT_BYTES as u64;
    if fs::metadata(&file).is_ok_and(|meta| meta.len() >= bytes) {
        return Ok(());
    }
    eprintln!("making a common reference string of {points} points for bb");
    fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
    // Renamed when it is whole, so that a file that is there is good.
    let fresh = dir.join("bn254_g1.dat.tmp");
    let out = File::create(&fresh).with_context(|| format!("creating {}", fresh.display()))?;
    write_powers(&mut BufWriter::new(out), points).with_context(|| format!("writing {}", fresh.display()))?;
    fs::rename(&fresh, &file).with_context(|| format!("placing {}", file.display()))
}

fn write_powers(out: &mut impl Write, points: usize) -> std::io::Result<()> {
    let secret = Fr::from_be_bytes_mod_order(SECRET);
    let table = FixedBase::new(points);
    let mut power = Fr::ONE;
    let mut left = points;
    while left > 0 {
        let count = left.min(CHUNK);
        let powers: Vec<Fr> = (0..count)
            .map(|_| {
                let this = power;
                power *= secret;
                this
            })
            .collect();
        for point in table.multiply(&powers) {
            let (x, y) = point.xy().unwrap_or_default();
            out.write_all(&x.into_bigint().to_bytes_be())?;
            out.write_all(&y.into_bigint().to_bytes_be())?;
        }
        left -= count;
    }
    out.flush()
}
