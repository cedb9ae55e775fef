//! The verifying key, docs/protocol.md section 9, and what prover and aggregator need beside it.

use std::sync::Arc;

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use sha3::{Digest, Keccak256};

use crate::{
    circuit::Circuit,
    codec::{self, DecodeError, G2_POINT_BYTES, POINT_BYTES, Reader, SCALAR_BYTES},
};

/// The label of the developers' setup, whose secrets anyone can compute; zero-padded.
pub const INSECURE_LABEL: [u8; 32] = *b"INSECURE developers' setup\0\0\0\0\0\0";
/// The largest `log2 T` of a key.
pub const ROWS_LOG2_MAX: u32 = 24;
/// Fixed columns: 12 selectors and constants, 4 permutation columns.
pub const FIXED_COUNT: usize = 12 + 4;
/// Bytes of an encoded verifying key: label, T, 16 points of G1, 2 points of G2.
pub const KEY_BYTES: usize = 2 * SCALAR_BYTES + FIXED_COUNT * POINT_BYTES + 2 * G2_POINT_BYTES;

const _: () = assert!(KEY_BYTES == (2 + 32 + 8) * SCALAR_BYTES);
const _: () = assert!(ROWS_LOG2_MAX == 24, "the rule in the error message of `T` names 2^24");

/// What a verifier knows of a circuit and of the setup. One key serves every M.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    /// [`INSECURE_LABEL`] or the ceremony's digest.
    pub label: [u8; 32],
    /// `log2 T`.
    pub rows_log2: u32,
    /// Commitments `[f(tx)]` of the fixed columns, in the order of section 2.
    pub fixed: [G1Affine; FIXED_COUNT],
    /// `[tx]` in G2.
    pub tx: G2Affine,
    /// `[ty]` in G2.
    pub ty: G2Affine,
}

impl VerifyingKey {
    /// The key's [`KEY_BYTES`] bytes: what [`VerifyingKey::digest`] hashes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(KEY_BYTES);
        bytes.extend(self.label);
        bytes.extend(codec::number_bytes(1 << self.rows_log2));
        bytes.extend(self.fixed.iter().flat_map(codec::point_bytes));
        bytes.extend([&self.tx, &self.ty].into_iter().flat_map(codec::g2_point_bytes));
        bytes
    }

    /// Reads a key; a secret that is zero is refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes, "verifying key", KEY_BYTES)?;
        let mut label = [0; 32];
        label.copy_from_slice(reader.bytes("setup label", SCALAR_BYTES)?);
        let rows_log2 = reader.power_of_two("T", ROWS_LOG2_MAX, "a power of two up to 2^24")?;
        let fixed = reader.points("fixed commitments")?;
        let key = Self { label, rows_log2, fixed, tx: reader.g2_point("[tx]")?, ty: reader.g2_point("[ty]")? };
        for (what, point, back) in [("[tx]", &key.tx, 2), ("[ty]", &key.ty, 1)] {
            if point.is_zero() {
                let offset = KEY_BYTES - back * G2_POINT_BYTES;
                return Err(DecodeError::Number { what, offset, expected: "a point but infinity", got: "0".into() });
            }
        }
        Ok(key)
    }

    /// Keccak-256 of [`VerifyingKey::encode`]; every transcript begins with it.
    pub fn digest(&self) -> [u8; 32] {
        Keccak256::digest(self.encode()).into()
    }

    /// Whether the key comes from the developers' setup: anyone can forge proofs for it.
    pub fn is_insecure(&self) -> bool {
        self.label == INSECURE_LABEL
    }
}

/// What the aggregator of groups of M subtrees needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregationKey {
    /// The key of the circuit.
    pub verifying: Arc<VerifyingKey>,
    /// M.
    pub subtrees: usize,
    /// `[R_i(ty)]`, i < M.
    pub units: Vec<G1Affine>,
    /// `[R_i(ty) f(tx)]` of the fixed columns, i < M.
    pub fixed_rows: Vec<[G1Affine; FIXED_COUNT]>,
    /// `[ty^k]`, `k <= max(M - 1, 4M - 5)`.
    pub y_powers: Vec<G1Affine>,
}

/// A circuit with its fixed columns in coefficient form: what an aggregator needs to settle the fixed columns' values itself.
#[derive(Debug, Clone)]
pub struct ProvingKey {
    /// The circuit: the fixed columns as evaluations over H.
    pub circuit: Arc<Circuit>,
    /// Coefficients of the 16 fixed columns, T each.
    pub coefficients: [Vec<Fr>; FIXED_COUNT],
    /// The key of the circuit.
    pub verifying: Arc<VerifyingKey>,
}
