//! The challenges a worker needs, round by round, and their encoding for the bus.

use ark_bn254::Fr;

use crate::{
    codec::{DecodeError, scalar_bytes, scalar_from_bytes},
    proof::CLAIM_COUNT,
};

/// What round 5 needs beyond the earlier challenges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Combines the openings.
    pub v: Fr,
    /// The claimed values at (zeta, eta), in proof order; the linearisation's scalars follow from them.
    pub claims: [Fr; CLAIM_COUNT],
}

/// Everything drawn so far. A round needs all fields before it: beta and gamma for 2, alpha for 3, zeta for 4, opening for 5.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Challenges {
    /// beta, gamma.
    pub permutation: Option<(Fr, Fr)>,
    /// alpha.
    pub alpha: Option<Fr>,
    /// zeta.
    pub zeta: Option<Fr>,
    /// v and the claims.
    pub opening: Option<Opening>,
}

/// Scalars of an encoding that serves rounds 1..=5.
const LENGTHS: [usize; 5] = [0, 2, 3, 4, 4 + 1 + CLAIM_COUNT];

impl Challenges {
    /// The last round whose challenges are all here, 1..=5.
    pub fn serves_round(&self) -> u8 {
        match (&self.permutation, &self.alpha, &self.zeta, &self.opening) {
            (Some(_), Some(_), Some(_), Some(_)) => 5,
            (Some(_), Some(_), Some(_), None) => 4,
            (Some(_), Some(_), None, _) => 3,
            (Some(_), None, _, _) => 2,
            (None, _, _, _) => 1,
        }
    }

    /// 32-byte big-endian scalars: beta, gamma, alpha, zeta, v, claims; cut after the last one known.
    pub fn encode(&self) -> Vec<u8> {
        let mut scalars = Vec::with_capacity(LENGTHS[4]);
        if let Some((beta, gamma)) = self.permutation {
            scalars.extend([beta, gamma]);
        }
        scalars.extend(self.alpha);
        scalars.extend(self.zeta);
        if let Some(opening) = &self.opening {
            scalars.push(opening.v);
            scalars.extend(opening.claims);
        }
        scalars.truncate(LENGTHS[usize::from(self.serves_round()) - 1]);
        scalars.iter().flat_map(scalar_bytes).collect()
    }

    /// The inverse of [`Challenges::encode`]; the length tells the round.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let count = bytes.len() / 32;
        if !bytes.len().is_multiple_of(32) || !LENGTHS.contains(&count) {
            return Err(DecodeError::Length { what: "challenges", expected: 32 * LENGTHS[4], got: bytes.len() });
        }
        let mut scalars = Vec::with_capacity(count);
        for (index, chunk) in bytes.chunks_exact(32).enumerate() {
            scalars.push(scalar_from_bytes(chunk, "challenge", index * 32)?);
        }
        let mut claims = [Fr::default(); CLAIM_COUNT];
        let opening = (count == LENGTHS[4]).then(|| {
            claims.copy_from_slice(&scalars[5..]);
            Opening { v: scalars[4], claims }
        });
        Ok(Self {
            permutation: (count >= 2).then(|| (scalars[0], scalars[1])),
            alpha: scalars.get(2).copied(),
            zeta: scalars.get(3).copied(),
            opening,
        })
    }
}
