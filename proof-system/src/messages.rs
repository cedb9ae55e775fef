//! What a worker sends in each of the five rounds, docs/protocol.md section 7.

use ark_bn254::{Fr, G1Affine};

use crate::codec::{self, DecodeError, POINT_BYTES, Reader, SCALAR_BYTES};

/// Scalars of round 4: wires at zeta and on the next row, `z(zeta)`, `z(w zeta)`, `t(zeta)`, 16 fixed columns.
pub const OPENING_COUNT: usize = 4 + 4 + 2 + 1 + 16;
/// Bytes of the messages of rounds 1 to 5.
pub const ROUND_BYTES: [usize; 5] =
    [4 * POINT_BYTES, POINT_BYTES, 5 * POINT_BYTES, OPENING_COUNT * SCALAR_BYTES, 2 * POINT_BYTES];
/// Bytes a worker sends for one subtree of a block: 12 points and 27 scalars.
pub const SUBTREE_BYTES: usize = ROUND_BYTES[0] + ROUND_BYTES[1] + ROUND_BYTES[2] + ROUND_BYTES[3] + ROUND_BYTES[4];

const _: () = assert!(OPENING_COUNT == 27 && SUBTREE_BYTES == 1_632);

/// The values of a subtree's columns at zeta and at w zeta.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowOpenings {
    /// `a_1..a_4` at zeta.
    pub at_zeta: [Fr; 4],
    /// `a_1..a_4` at w zeta.
    pub at_next: [Fr; 4],
    /// `z(zeta)`.
    pub z: Fr,
    /// `z(w zeta)`.
    pub z_next: Fr,
    /// `t(zeta) = sum_c zeta^(cT) t_c(zeta)`.
    pub t: Fr,
    /// The 16 fixed columns at zeta, in the order of section 2.
    pub fixed: [Fr; 16],
}

/// A worker's message of one round for one subtree i; commitments carry the factor `R_i(Y)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoundMessage {
    /// Round 1.
    One {
        /// `[R_i a_{c,i}]`, c = 1..4.
        wires: [G1Affine; 4],
    },
    /// Round 2.
    Two {
        /// `[R_i z_i]`.
        z: G1Affine,
    },
    /// Round 3.
    Three {
        /// `[R_i t_{c,i}]`, c = 0..4.
        chunks: [G1Affine; 5],
    },
    /// Round 4.
    Four(Box<RowOpenings>),
    /// Round 5.
    Five {
        /// `[R_i WX1_i]`.
        wx1: G1Affine,
        /// `[R_i WX2_i]`.
        wx2: G1Affine,
    },
}

impl RoundMessage {
    /// The round, 1..=5.
    pub fn round(&self) -> u8 {
        match self {
            Self::One { .. } => 1,
            Self::Two { .. } => 2,
            Self::Three { .. } => 3,
            Self::Four(_) => 4,
            Self::Five { .. } => 5,
        }
    }

    /// The message's bytes, fields in order of declaration; their number is in [`ROUND_BYTES`].
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::One { wires } => wires.iter().flat_map(codec::point_bytes).collect(),
            Self::Two { z } => codec::point_bytes(z).to_vec(),
            Self::Three { chunks } => chunks.iter().flat_map(codec::point_bytes).collect(),
            Self::Four(openings) => {
                let RowOpenings { at_zeta, at_next, z, z_next, t, fixed } = &**openings;
                let scalars = at_zeta.iter().chain(at_next).chain([z, z_next, t]).chain(fixed);
                scalars.flat_map(codec::scalar_bytes).collect()
            }
            Self::Five { wx1, wx2 } => [wx1, wx2].into_iter().flat_map(codec::point_bytes).collect(),
        }
    }

    /// Reads the message of `round`.
    pub fn decode(round: u8, bytes: &[u8]) -> Result<Self, DecodeError> {
        const NAMES: [&str; 5] = [
            "message of round 1",
            "message of round 2",
            "message of round 3",
            "message of round 4",
            "message of round 5",
        ];
        let index = usize::from(round).wrapping_sub(1);
        let (Some(&length), Some(&name)) = (ROUND_BYTES.get(index), NAMES.get(index)) else {
            return Err(DecodeError::Round { got: round });
        };
        let mut reader = Reader::new(bytes, name, length)?;
        Ok(match round {
            1 => Self::One { wires: reader.points("wire commitments")? },
            2 => Self::Two { z: reader.point("permutation product")? },
            3 => Self::Three { chunks: reader.points("quotient chunks")? },
            4 => Self::Four(Box::new(RowOpenings {
                at_zeta: reader.scalars("wires at zeta")?,
                at_next: reader.scalars("wires at w zeta")?,
                z: reader.scalar("z at zeta")?,
                z_next: reader.scalar("z at w zeta")?,
                t: reader.scalar("t at zeta")?,
                fixed: reader.scalars("fixed columns at zeta")?,
            })),
            _ => Self::Five { wx1: reader.point("WX1")?, wx2: reader.point("WX2")? },
        })
    }
}
