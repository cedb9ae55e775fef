//! Key commitments without secrets, and the bytes of key files.

use std::sync::Arc;

use ark_bn254::G1Affine;
use ark_ec::{AffineRepr, CurveGroup};
use proofyard_kernels::{Backend, KernelError};
use sha2::{Digest, Sha256};

use crate::{
    circuit::Circuit,
    codec::{self, DecodeError, POINT_BYTES, Reader},
    key::{AggregationKey, FIXED_COUNT, KEY_BYTES, VerifyingKey},
    srs::{Srs, SrsRow, y_power_count},
};

/// SHA-256 of a circuit: the ASCII tag `proofyard/circuit/v1`, `log2 T` as 4 bytes, then the 12 fixed and 4 permutation
/// columns one after the other, each value as the 32 bytes of its Montgomery form (R = 2^256); all little-endian.
pub fn circuit_digest(circuit: &Circuit) -> [u8; 32] {
    let mut hash = Sha256::new().chain_update(b"proofyard/circuit/v1").chain_update(circuit.rows_log2.to_le_bytes());
    for column in circuit.fixed.iter().chain(&circuit.permutation) {
        for values in column.chunks(256) {
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.0.0).flat_map(u64::to_le_bytes).collect();
            hash.update(bytes);
        }
    }
    hash.finalize().into()
}

/// `[R_i(ty) f(tx)]` of the 16 fixed columns from row i of the SRS.
pub fn commit_row<B: Backend>(
    backend: &B,
    row: &SrsRow,
    circuit: &Circuit,
) -> Result<[G1Affine; FIXED_COUNT], KernelError> {
    let bases = backend.upload_bases(row.lagrange.clone())?;
    let mut points = [G1Affine::identity(); FIXED_COUNT];
    for (point, column) in points.iter_mut().zip(circuit.fixed.iter().chain(&circuit.permutation)) {
        let sums = backend.msm(&bases, &[&backend.upload(column)?])?;
        *point = sums[0];
    }
    Ok(points)
}

/// The keys from the commitments of all M rows. The sum of all R_i is 1, so `[f(tx)]` is the sum of a column's points.
pub(super) fn keys_from_rows(
    srs: &Srs,
    rows_log2: u32,
    units: Vec<G1Affine>,
    fixed_rows: Vec<[G1Affine; FIXED_COUNT]>,
) -> AggregationKey {
    let subtrees = units.len();
    let column = |column: usize| fixed_rows.iter().map(|row| row[column].into_group()).sum::<ark_bn254::G1Projective>();
    let fixed = std::array::from_fn(|index| column(index).into_affine());
    let verifying = VerifyingKey { label: srs.label(), rows_log2, fixed, tx: srs.tx(), ty: srs.ty() };
    let y_powers = srs.y_powers()[..y_power_count(subtrees)].to_vec();
    AggregationKey { verifying: Arc::new(verifying), subtrees, units, fixed_rows, y_powers }
}

/// The sections of a key file.
pub(super) fn key_sections(key: &AggregationKey) -> [Vec<u8>; 4] {
    [
        key.verifying.encode(),
        key.units.iter().flat_map(codec::point_bytes).collect(),
        key.fixed_rows.iter().flatten().flat_map(codec::point_bytes).collect(),
        key.y_powers.iter().flat_map(codec::point_bytes).collect(),
    ]
}

/// Bytes of the sections of a key file for M subtrees.
pub(super) fn key_section_bytes(subtrees: usize) -> [usize; 4] {
    [KEY_BYTES, subtrees * POINT_BYTES, subtrees * FIXED_COUNT * POINT_BYTES, y_power_count(subtrees) * POINT_BYTES]
}

/// The inverse of [`key_sections`]; the sections' lengths are already checked.
pub(super) fn key_from_sections(subtrees: usize, sections: [&[u8]; 4]) -> Result<AggregationKey, DecodeError> {
    let [verifying, units, fixed_rows, y_powers] = sections;
    let verifying = Arc::new(VerifyingKey::decode(verifying)?);
    let points = |bytes, what, count| -> Result<Vec<G1Affine>, DecodeError> {
        let mut reader = Reader::new(bytes, what, count * POINT_BYTES)?;
        (0..count).map(|_| reader.point(what)).collect()
    };
    let units = points(units, "units of the subtrees", subtrees)?;
    let y_powers = points(y_powers, "powers of ty", y_power_count(subtrees))?;
    let mut reader = Reader::new(fixed_rows, "fixed rows", subtrees * FIXED_COUNT * POINT_BYTES)?;
    let fixed_rows = (0..subtrees).map(|_| reader.points("fixed rows")).collect::<Result<_, _>>()?;
    Ok(AggregationKey { verifying, subtrees, units, fixed_rows, y_powers })
}
