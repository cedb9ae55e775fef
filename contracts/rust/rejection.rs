//! Why the verifier reverted.

use thiserror::Error;

use crate::Word;
use crate::calldata::selector;

/// A revert reason of the verifier, one variant for each custom error of `IRootProofVerifier`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Rejection {
    /// No list of group proofs has this many bytes.
    #[error("[PY-C-001] contract: a proof of {0} bytes is no list of group proofs; send it as it was encoded")]
    InvalidLength(u64),
    /// A word of the proof is a scalar >= r or a coordinate >= q.
    #[error("[PY-C-002] contract: word {0} of the proof is not canonical; send it as it was encoded")]
    NotCanonical(u64),
    /// A word of the statement is >= r: 0..2 in start, 3..5 in end.
    #[error("[PY-C-003] contract: word {0} of start and end is not below r; check the statement")]
    StatementNotCanonical(u64),
    /// A group's number of subtrees is no power of two up to 256.
    #[error("[PY-C-004] contract: 0x{} subtrees are not supported; prove with a power of two up to 256", hex::encode(.0))]
    UnsupportedSubtrees(Word),
    /// The point whose x is this word of the proof is not on the curve.
    #[error("[PY-C-005] contract: the point at word {0} of the proof is not on the curve; send it as it was encoded")]
    PointNotOnCurve(u64),
    /// A challenge is a root of unity.
    #[error("[PY-C-006] contract: a challenge is a root of unity; prove with another beneficiary or grouping")]
    ZeroDenominator,
    /// A precompiled contract, named by its address, did not answer as it must.
    #[error("[PY-C-007] contract: precompiled contract {0} failed; give the call more gas or use a chain that has it")]
    PrecompileFailed(u64),
    /// Well formed, and the final equation does not hold.
    #[error(
        "[PY-C-008] contract: the proof does not prove this statement; check statement, key, chain id and contract"
    )]
    ProofRejected,
    /// The constructor's key: 1 rows, 2 a fixed column's commitment, 3 a point of G2.
    #[error("[PY-C-009] contract: part {0} of the key is unusable; deploy with the key the setup gave")]
    InvalidKey(u64),
    /// Nothing this contract reverts with; out of gas gives empty data.
    #[error("[PY-C-010] contract: reverted with unknown data 0x{}; check address and gas limit", hex::encode(.0))]
    Unknown(Vec<u8>),
}

impl Rejection {
    /// Decodes revert data.
    pub fn decode(data: &[u8]) -> Self {
        Self::known(data).unwrap_or_else(|| Self::Unknown(data.to_vec()))
    }

    fn known(data: &[u8]) -> Option<Self> {
        let (name, arguments) = data.split_at_checked(4)?;
        let is = |signature: &str| name == selector(signature);
        if arguments.is_empty() {
            return if is("ZeroDenominator()") {
                Some(Self::ZeroDenominator)
            } else if is("ProofRejected()") {
                Some(Self::ProofRejected)
            } else {
                None
            };
        }
        let word: Word = arguments.try_into().ok()?;
        if is("UnsupportedSubtrees(uint256)") {
            return Some(Self::UnsupportedSubtrees(word));
        }
        let (high, low) = word.split_at(24);
        let number = u64::from_be_bytes(low.try_into().ok()?);
        if high.iter().any(|byte| *byte != 0) {
            return None;
        }
        if is("InvalidLength(uint256)") {
            Some(Self::InvalidLength(number))
        } else if is("NotCanonical(uint256)") {
            Some(Self::NotCanonical(number))
        } else if is("StatementNotCanonical(uint256)") {
            Some(Self::StatementNotCanonical(number))
        } else if is("PointNotOnCurve(uint256)") {
            Some(Self::PointNotOnCurve(number))
        } else if is("PrecompileFailed(uint256)") {
            Some(Self::PrecompileFailed(number))
        } else if is("InvalidKey(uint256)") {
            Some(Self::InvalidKey(number))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_decoded_and_strange_data_is_kept() {
        assert_eq!(Rejection::decode(&selector("ProofRejected()")), Rejection::ProofRejected);
        let mut data = selector("NotCanonical(uint256)").to_vec();
        data.extend([0; 31]);
        data.push(29);
        assert_eq!(Rejection::decode(&data), Rejection::NotCanonical(29));
        data[4] = 1;
        assert_eq!(Rejection::decode(&data), Rejection::Unknown(data.clone()));
        data.push(0);
        assert_eq!(Rejection::decode(&data), Rejection::Unknown(data.clone()));
        assert_eq!(Rejection::decode(&[]), Rejection::Unknown(vec![]));
        assert_eq!(Rejection::decode(&[1, 2, 3]), Rejection::Unknown(vec![1, 2, 3]));
    }
}
