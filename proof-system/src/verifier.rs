//! The verifier of root proofs: docs/protocol.md, sections 6 to 10. The contract has the same semantics.

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM, pairing::Pairing};
use ark_ff::{One, Zero};

use crate::{
    domain::{Domain, SUBTREES_MAX},
    gates::RowChallenges,
    key::VerifyingKey,
    linearisation::{BatonWeights, Claims, RowWeights, ZeroDenominator},
    proof::{GROUPS_MAX, GroupProof, RootProof},
    statement::Statement,
    transcript::{Label, Transcript, group_weight},
};

/// Why a root proof is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The number of groups.
    #[error("[PY-P-020] a root proof has 1 to {max} groups, this one has {got}")]
    Groups {
        /// The largest number.
        max: usize,
        /// The number found.
        got: usize,
    },
    /// M is not in the table.
    #[error("[PY-P-021] group {group}: M must be a power of two up to 256, not {got}")]
    Subtrees {
        /// Which group.
        group: usize,
        /// The M found.
        got: usize,
    },
    /// The last group does not end at the statement's end.
    #[error("[PY-P-022] the last group's end is not the end that is claimed for the block")]
    End,
    /// A challenge lies in a domain.
    #[error(transparent)]
    ZeroDenominator(#[from] ZeroDenominator),
    /// The key's T is no size of a domain.
    #[error("[PY-P-023] the key's T = 2^{0} is out of range")]
    Rows(u32),
    /// The final pairing equation does not hold.
    #[error("[PY-P-024] the pairing equation does not hold: the proof does not prove this statement")]
    Equation,
}

/// All challenges of a group and its final state.
#[derive(Debug, Clone)]
pub(crate) struct GroupChallenges {
    pub row: RowChallenges<Fr>,
    pub zeta: Fr,
    pub mu: Fr,
    pub eta: Fr,
    pub v: Fr,
    pub u1: Fr,
    pub u2: Fr,
    pub final_state: [u8; 32],
}

fn draw(key: &VerifyingKey, subtrees: usize, statement: &Statement, proof: &GroupProof) -> GroupChallenges {
    let mut transcript = Transcript::new(&key.digest(), 1 << key.rows_log2, subtrees as u64, statement);
    transcript.absorb_points(&proof.wires);
    transcript.absorb_points(&proof.batons);
    let beta = transcript.challenge(Label::Beta);
    let gamma = transcript.challenge(Label::Gamma);
    transcript.absorb_points(&[proof.z]);
    let alpha = transcript.challenge(Label::Alpha);
    transcript.absorb_points(&proof.chunks);
    let zeta = transcript.challenge(Label::Zeta);
    let mu = transcript.challenge(Label::Mu);
    transcript.absorb_points(&[proof.q]);
    let eta = transcript.challenge(Label::Eta);
    transcript.absorb_scalars(&proof.claims);
    let v = transcript.challenge(Label::V);
    transcript.absorb_points(&[proof.wx1, proof.wx2]);
    let u1 = transcript.challenge(Label::U1);
    transcript.absorb_points(&[proof.wy, proof.wy_shifted]);
    let u2 = transcript.challenge(Label::U2);
    let row = RowChallenges::new(beta, gamma, alpha);
    GroupChallenges { row, zeta, mu, eta, v, u1, u2, final_state: transcript.state() }
}

/// The points `A, -B, -C` of a group's final equation `e(A, [1]) e(-B, [tx]) e(-C, [ty]) = 1`.
fn equation(
    key: &VerifyingKey,
    subtrees: &Domain,
    statement: &Statement,
    proof: &GroupProof,
    challenges: &GroupChallenges,
) -> Result<[G1Projective; 3], VerifyError> {
    let rows = Domain::new(key.rows_log2).ok_or(VerifyError::Rows(key.rows_log2))?;
    let claims = Claims(proof.claims);
    let GroupChallenges { row, zeta, mu, eta, v, u1, u2, .. } = challenges;
    let weights = RowWeights::new(&rows, row, *zeta, *v, &claims)?;
    let points = (*zeta, *mu, *eta);
    let y = BatonWeights::new(&rows, subtrees, statement, points, &weights, &claims)?;

    let mut bases: Vec<G1Affine> = Vec::with_capacity(36);
    let mut scalars: Vec<Fr> = Vec::with_capacity(36);
    let mut term = |base: G1Affine, scalar: Fr| {
        bases.push(base);
        scalars.push(scalar);
    };
    // Each commitment once, its scalars in E1, E2 and E3 merged.
    for (base, weight) in proof.wires.iter().zip(weights.wires) {
        term(*base, weight * (Fr::one() + u1));
    }
    for (base, weight) in key.fixed.iter().zip(weights.fixed) {
        term(*base, weight);
    }
    term(proof.z, weights.z + u1);
    for (base, weight) in proof.chunks.iter().zip(weights.chunks) {
        term(*base, weight);
    }
    for (k, base) in proof.batons.iter().enumerate() {
        term(*base, y.batons[k] + *u2 * y.shifted[k]);
    }
    term(proof.q, y.quotient);
    let value = y.value + *u1 * weights.next_value(&claims) + *u2 * claims.baton();
    term(G1Affine::generator(), -value);
    term(proof.wx1, *zeta);
    term(proof.wx2, *u1 * rows.generator * zeta);
    term(proof.wy, *eta);
    term(proof.wy_shifted, *u2 * subtrees.generator * eta);

    let a = msm(&bases, &scalars);
    let b = proof.wx2 * u1 + proof.wx1;
    let c = proof.wy_shifted * u2 + proof.wy;
    Ok([a, -b, -c])
}

pub(crate) fn msm(bases: &[G1Affine], scalars: &[Fr]) -> G1Projective {
    debug_assert_eq!(bases.len(), scalars.len());
    G1Projective::msm_unchecked(bases, scalars)
}

/// Whether `e(a, [1]) e(b, [tx]) e(c, [ty]) = 1`.
fn pairing_holds(points: [G1Projective; 3], key: &VerifyingKey) -> bool {
    let points: [G1Affine; 3] = points.map(|point| point.into_affine());
    let twists: [G2Affine; 3] = [G2Affine::generator(), key.tx, key.ty];
    Bn254::multi_pairing(points, twists).is_zero()
}

/// Verifies a root proof for a statement.
///
/// The points of `proof` are on the curve and its scalars canonical by type: [`RootProof::decode`] refuses anything else.
/// Soundness error: the degree of the identity (at most 6T + 6M) over r for each challenge, below 2^-220 for T = 2^24.
pub fn verify(key: &VerifyingKey, statement: &Statement, proof: &RootProof) -> Result<(), VerifyError> {
    let groups = &proof.groups;
    if groups.is_empty() || groups.len() > GROUPS_MAX {
        return Err(VerifyError::Groups { max: GROUPS_MAX, got: groups.len() });
    }
    if groups.last().map(|group| group.end) != Some(statement.end) {
        return Err(VerifyError::End);
    }
    let mut start = statement.start;
    let mut drawn = Vec::with_capacity(groups.len());
    for (index, group) in groups.iter().enumerate() {
        let subtrees = Domain::of_size(group.subtrees)
            .filter(|domain| domain.size() <= SUBTREES_MAX)
            .ok_or(VerifyError::Subtrees { group: index, got: group.subtrees })?;
        let statement = Statement { start, end: group.end, ..statement.clone() };
        start = group.end;
        let challenges = draw(key, group.subtrees, &statement, &group.proof);
        drawn.push((subtrees, statement, challenges));
    }
    let states: Vec<[u8; 32]> = drawn.iter().map(|(_, _, challenges)| challenges.final_state).collect();
    let mut sum = [G1Projective::zero(); 3];
    for (index, (subtrees, statement, challenges)) in drawn.iter().enumerate() {
        let weight = group_weight(&states, index);
        let points = equation(key, subtrees, statement, &groups[index].proof, challenges)?;
        for (total, point) in sum.iter_mut().zip(points) {
            *total += point * weight;
        }
    }
    if pairing_holds(sum, key) { Ok(()) } else { Err(VerifyError::Equation) }
}
