//! Strict canonical encodings of points and scalars, shared by proofs, messages and keys.
//!
//! A scalar is 32 bytes, big-endian, below r. A point of G1 is x then y, 32 bytes big-endian each, below q and on the
//! curve; a point of G2 is x.c1, x.c0, y.c1, y.c0 (the order of EIP-197), on the curve and in the subgroup. All zeros
//! is infinity. Every value has exactly one encoding and every other string of bytes is refused.

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInt, BigInteger, PrimeField};

/// Bytes of an encoded scalar or coordinate: one word of the EVM.
pub const SCALAR_BYTES: usize = 32;
/// Bytes of an encoded point of G1.
pub const POINT_BYTES: usize = 2 * SCALAR_BYTES;
/// Bytes of an encoded point of G2.
pub const G2_POINT_BYTES: usize = 4 * SCALAR_BYTES;

/// Why bytes are not the canonical encoding of anything. `what` names the field, `offset` the byte where it begins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Too few or too many bytes.
    #[error(
        "[PY-D-001] {what}: expected {expected} bytes, got {got}; send the exact encoding, nothing before or after it"
    )]
    Length {
        /// The message or field.
        what: &'static str,
        /// Bytes expected.
        expected: usize,
        /// Bytes found.
        got: usize,
    },
    /// A scalar that is not reduced.
    #[error("[PY-D-002] {what} at byte {offset}: expected a scalar below r, got 0x{got}; reduce it before encoding")]
    Scalar {
        /// The field.
        what: &'static str,
        /// Where it begins.
        offset: usize,
        /// The word, in hexadecimal.
        got: String,
    },
    /// A coordinate that is not reduced.
    #[error(
        "[PY-D-003] {what} at byte {offset}: expected a coordinate below q, got 0x{got}; reduce it before encoding"
    )]
    Coordinate {
        /// The field.
        what: &'static str,
        /// Where the coordinate begins.
        offset: usize,
        /// The word, in hexadecimal.
        got: String,
    },
    /// Coordinates that satisfy no curve equation.
    #[error(
        "[PY-D-004] {what} at byte {offset}: expected a point on the curve, got (0x{x}, 0x{y}); infinity is all zeros"
    )]
    OffCurve {
        /// The field.
        what: &'static str,
        /// Where the point begins.
        offset: usize,
        /// The words of x, in hexadecimal.
        x: String,
        /// The words of y, in hexadecimal.
        y: String,
    },
    /// A point of the twist outside the subgroup of order r.
    #[error(
        "[PY-D-005] {what} at byte {offset}: expected a point of the subgroup of order r; take it from a checked setup"
    )]
    Subgroup {
        /// The field.
        what: &'static str,
        /// Where the point begins.
        offset: usize,
    },
    /// A root proof whose length fits no number of groups.
    #[error(
        "[PY-D-006] root proof: expected 1824 J - 96 bytes with 1 <= J <= 16, got {got} bytes; send all groups, whole"
    )]
    ProofLength {
        /// Bytes found.
        got: usize,
    },
    /// A number that is not allowed where it stands.
    #[error("[PY-D-007] {what} at byte {offset}: expected {expected}, got {got}")]
    Number {
        /// The field.
        what: &'static str,
        /// Where it begins.
        offset: usize,
        /// The rule.
        expected: &'static str,
        /// The word, in hexadecimal.
        got: String,
    },
    /// A round that does not exist.
    #[error("[PY-D-008] round message: expected a round from 1 to 5, got {got}")]
    Round {
        /// The number found.
        got: u8,
    },
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn word_bytes(value: BigInt<4>) -> [u8; SCALAR_BYTES] {
    let mut bytes = [0; SCALAR_BYTES];
    for (chunk, limb) in bytes.rchunks_exact_mut(8).zip(value.0) {
        chunk.copy_from_slice(&limb.to_be_bytes());
    }
    bytes
}

fn word_from_bytes(bytes: &[u8]) -> BigInt<4> {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.rchunks(8)) {
        *limb = chunk.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte));
    }
    BigInt(limbs)
}

/// The 32 bytes of a small number.
pub fn number_bytes(value: u64) -> [u8; SCALAR_BYTES] {
    word_bytes(BigInt::from(value))
}

/// The 32 bytes of a scalar.
pub fn scalar_bytes(scalar: &Fr) -> [u8; SCALAR_BYTES] {
    word_bytes(scalar.into_bigint())
}

/// The 64 bytes of a point of G1.
pub fn point_bytes(point: &G1Affine) -> [u8; POINT_BYTES] {
    let mut bytes = [0; POINT_BYTES];
    if let Some((x, y)) = point.xy() {
        bytes[..SCALAR_BYTES].copy_from_slice(&word_bytes(x.into_bigint()));
        bytes[SCALAR_BYTES..].copy_from_slice(&word_bytes(y.into_bigint()));
    }
    bytes
}

/// The 128 bytes of a point of G2.
pub fn g2_point_bytes(point: &G2Affine) -> [u8; G2_POINT_BYTES] {
    let mut bytes = [0; G2_POINT_BYTES];
    if let Some((x, y)) = point.xy() {
        for (chunk, coordinate) in bytes.chunks_exact_mut(SCALAR_BYTES).zip([x.c1, x.c0, y.c1, y.c0]) {
            chunk.copy_from_slice(&word_bytes(coordinate.into_bigint()));
        }
    }
    bytes
}

/// Reads the scalar `what`, whose 32 bytes begin at `offset` of the whole message.
pub fn scalar_from_bytes(bytes: &[u8], what: &'static str, offset: usize) -> Result<Fr, DecodeError> {
    check_length(bytes, what, SCALAR_BYTES)?;
    Fr::from_bigint(word_from_bytes(bytes)).ok_or_else(|| DecodeError::Scalar { what, offset, got: hex(bytes) })
}

/// Reads the point `what`, whose 64 bytes begin at `offset` of the whole message.
pub fn point_from_bytes(bytes: &[u8], what: &'static str, offset: usize) -> Result<G1Affine, DecodeError> {
    check_length(bytes, what, POINT_BYTES)?;
    let (x, y) = bytes.split_at(SCALAR_BYTES);
    let point = G1Affine::new_unchecked(
        coordinate_from_bytes(x, what, offset)?,
        coordinate_from_bytes(y, what, offset + SCALAR_BYTES)?,
    );
    // (0, 0) is arkworks' own infinity for this curve, so that it needs no branch. The cofactor is 1.
    if point.is_zero() || point.is_on_curve() {
        return Ok(point);
    }
    Err(DecodeError::OffCurve { what, offset, x: hex(x), y: hex(y) })
}

/// Reads the point of G2 `what`, whose 128 bytes begin at `offset` of the whole message.
pub fn g2_point_from_bytes(bytes: &[u8], what: &'static str, offset: usize) -> Result<G2Affine, DecodeError> {
    check_length(bytes, what, G2_POINT_BYTES)?;
    let mut coordinates = [Fq::default(); 4];
    for (index, chunk) in bytes.chunks_exact(SCALAR_BYTES).enumerate() {
        coordinates[index] = coordinate_from_bytes(chunk, what, offset + index * SCALAR_BYTES)?;
    }
    let [x1, x0, y1, y0] = coordinates;
    let point = G2Affine::new_unchecked(Fq2::new(x0, x1), Fq2::new(y0, y1));
    if point.is_zero() {
        return Ok(point);
    }
    if !point.is_on_curve() {
        let (x, y) = bytes.split_at(2 * SCALAR_BYTES);
        return Err(DecodeError::OffCurve { what, offset, x: hex(x), y: hex(y) });
    }
    if !point.is_in_correct_subgroup_assuming_on_curve() {
        return Err(DecodeError::Subgroup { what, offset });
    }
    Ok(point)
}

fn coordinate_from_bytes(bytes: &[u8], what: &'static str, offset: usize) -> Result<Fq, DecodeError> {
    Fq::from_bigint(word_from_bytes(bytes)).ok_or_else(|| DecodeError::Coordinate { what, offset, got: hex(bytes) })
}

fn check_length(bytes: &[u8], what: &'static str, expected: usize) -> Result<(), DecodeError> {
    if bytes.len() == expected {
        return Ok(());
    }
    Err(DecodeError::Length { what, expected, got: bytes.len() })
}

/// Reads a message of known length field by field and keeps the offset for errors.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`, which must be exactly `expected` long.
    pub(crate) fn new(bytes: &'a [u8], what: &'static str, expected: usize) -> Result<Self, DecodeError> {
        check_length(bytes, what, expected)?;
        Ok(Self { bytes, offset: 0 })
    }

    /// A reader whose caller has checked the length in another way.
    pub(crate) fn new_unsized(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    pub(crate) fn bytes(&mut self, what: &'static str, length: usize) -> Result<&'a [u8], DecodeError> {
        let rest = &self.bytes[self.offset..];
        let taken = rest.get(..length).ok_or(DecodeError::Length { what, expected: length, got: rest.len() })?;
        self.offset += length;
        Ok(taken)
    }

    pub(crate) fn scalar(&mut self, what: &'static str) -> Result<Fr, DecodeError> {
        let offset = self.offset;
        scalar_from_bytes(self.bytes(what, SCALAR_BYTES)?, what, offset)
    }

    pub(crate) fn scalars<const N: usize>(&mut self, what: &'static str) -> Result<[Fr; N], DecodeError> {
        let mut scalars = [Fr::default(); N];
        for scalar in &mut scalars {
            *scalar = self.scalar(what)?;
        }
        Ok(scalars)
    }

    pub(crate) fn point(&mut self, what: &'static str) -> Result<G1Affine, DecodeError> {
        let offset = self.offset;
        point_from_bytes(self.bytes(what, POINT_BYTES)?, what, offset)
    }

    pub(crate) fn points<const N: usize>(&mut self, what: &'static str) -> Result<[G1Affine; N], DecodeError> {
        let mut points = [G1Affine::identity(); N];
        for point in &mut points {
            *point = self.point(what)?;
        }
        Ok(points)
    }

    pub(crate) fn g2_point(&mut self, what: &'static str) -> Result<G2Affine, DecodeError> {
        let offset = self.offset;
        g2_point_from_bytes(self.bytes(what, G2_POINT_BYTES)?, what, offset)
    }

    /// A power of two up to `2^log2_max`; returns its logarithm.
    pub(crate) fn power_of_two(
        &mut self,
        what: &'static str,
        log2_max: u32,
        expected: &'static str,
    ) -> Result<u32, DecodeError> {
        let offset = self.offset;
        let bytes = self.bytes(what, SCALAR_BYTES)?;
        let value = word_from_bytes(bytes);
        let log2 = value.num_bits().saturating_sub(1);
        if value != BigInt::one() << log2 || log2 > log2_max {
            return Err(DecodeError::Number { what, offset, expected, got: hex(bytes) });
        }
        Ok(log2)
    }
}
