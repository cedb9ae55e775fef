//! The root proof and its bytes, docs/protocol.md section 10.

use ark_bn254::{Fr, G1Affine};

use crate::{
    codec::{self, DecodeError, POINT_BYTES, Reader, SCALAR_BYTES},
    domain::SUBTREES_MAX,
};

/// Claimed values of a group proof: 4 wires, 4 wires on the next row, s1 s2 s3, z', p0 fb k l, sbar.
pub const CLAIM_COUNT: usize = 4 + 4 + 3 + 1 + 4 + 1;
/// Points of a group proof: a_1..a_4, S_0..S_2, z, t_0..t_4, Q, WX1, WX2, WY, WY'.
pub const POINT_COUNT: usize = 4 + 3 + 1 + 5 + 1 + 4;
/// Bytes of a group proof's body.
pub const BODY_BYTES: usize = POINT_COUNT * POINT_BYTES + CLAIM_COUNT * SCALAR_BYTES;
/// Bytes of a root proof of one group: its M and the body.
pub const PROOF_BYTES: usize = SCALAR_BYTES + BODY_BYTES;
/// Bytes of the end baton that every group but the last carries.
pub const END_BYTES: usize = 3 * SCALAR_BYTES;
/// The most groups in a root proof.
pub const GROUPS_MAX: usize = 16;

const _: () = assert!(CLAIM_COUNT == 17 && POINT_COUNT == 18);
const _: () = assert!(BODY_BYTES == 1_696 && PROOF_BYTES == 1_728 && PROOF_BYTES + END_BYTES == 1_824);
const _: () = assert!(SUBTREES_MAX == 1 << 8, "the rule in the error message of `subtrees` names 2^8");

/// The body of a group proof: commitments, claims and openings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupProof {
    /// `[a_1]..[a_4]`.
    pub wires: [G1Affine; 4],
    /// `[S_0]..[S_2]`: the batons that enter the subtrees.
    pub batons: [G1Affine; 3],
    /// `[z]`.
    pub z: G1Affine,
    /// `[t_0]..[t_4]`.
    pub chunks: [G1Affine; 5],
    /// `[Q]`.
    pub q: G1Affine,
    /// The claimed values in the order of [`CLAIM_COUNT`].
    pub claims: [Fr; CLAIM_COUNT],
    /// `[WX1]`: X-witness at zeta.
    pub wx1: G1Affine,
    /// `[WX2]`: X-witness at w zeta.
    pub wx2: G1Affine,
    /// `[WY]`: Y-witness at eta.
    pub wy: G1Affine,
    /// `[WY']`: Y-witness at g eta.
    pub wy_shifted: G1Affine,
}

impl GroupProof {
    /// The body's [`BODY_BYTES`] bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BODY_BYTES);
        let before = self.wires.iter().chain(&self.batons).chain([&self.z]).chain(&self.chunks).chain([&self.q]);
        bytes.extend(before.flat_map(codec::point_bytes));
        bytes.extend(self.claims.iter().flat_map(codec::scalar_bytes));
        bytes.extend([&self.wx1, &self.wx2, &self.wy, &self.wy_shifted].into_iter().flat_map(codec::point_bytes));
        bytes
    }

    /// Reads a body of exactly [`BODY_BYTES`] bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::read(&mut Reader::new(bytes, "group proof", BODY_BYTES)?)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            wires: reader.points("wire commitments")?,
            batons: reader.points("baton commitments")?,
            z: reader.point("permutation product")?,
            chunks: reader.points("quotient chunks")?,
            q: reader.point("Y-quotient")?,
            claims: reader.scalars("claims")?,
            wx1: reader.point("WX1")?,
            wx2: reader.point("WX2")?,
            wy: reader.point("WY")?,
            wy_shifted: reader.point("WY'")?,
        })
    }
}

/// One group of subtrees in a root proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// M: subtrees of the group.
    pub subtrees: usize,
    /// Baton after the group's last subtree; the next group starts from it.
    pub end: [Fr; 3],
    /// The group's proof.
    pub proof: GroupProof,
}

/// The proof of a block: at least one and at most [`GROUPS_MAX`] groups in block order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootProof {
    /// The groups.
    pub groups: Vec<Group>,
}

impl RootProof {
    /// The proof's bytes: `1824 J - 96` for J groups. The last group's end is the statement's and is not among them.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.groups.len() * (PROOF_BYTES + END_BYTES));
        for (index, group) in self.groups.iter().enumerate() {
            bytes.extend(codec::number_bytes(group.subtrees as u64));
            if index + 1 < self.groups.len() {
                bytes.extend(group.end.iter().flat_map(codec::scalar_bytes));
            }
            bytes.extend(group.proof.encode());
        }
        bytes
    }

    /// Reads a root proof; `final_end` is the statement's end baton, which becomes the last group's.
    pub fn decode(bytes: &[u8], final_end: [Fr; 3]) -> Result<Self, DecodeError> {
        const GROUP_BYTES: usize = PROOF_BYTES + END_BYTES;
        let count = (bytes.len() + END_BYTES) / GROUP_BYTES;
        if !(bytes.len() + END_BYTES).is_multiple_of(GROUP_BYTES) || count == 0 || count > GROUPS_MAX {
            return Err(DecodeError::ProofLength { got: bytes.len() });
        }
        let mut reader = Reader::new_unsized(bytes);
        let mut groups = Vec::with_capacity(count);
        for index in 0..count {
            let log2_max = SUBTREES_MAX.trailing_zeros();
            let log2 = reader.power_of_two("subtrees of a group", log2_max, "a power of two up to 2^8")?;
            let end = if index + 1 < count { reader.scalars("end baton of a group")? } else { final_end };
            groups.push(Group { subtrees: 1 << log2, end, proof: GroupProof::read(&mut reader)? });
        }
        Ok(Self { groups })
    }
}
