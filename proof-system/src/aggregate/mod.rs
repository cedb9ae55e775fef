//! The coordinator's side of the five rounds: sums the workers' slices, checks every subtree, draws the challenges and opens
//! in Y. docs/protocol.md, sections 5 to 8. Work is O(M); nothing here touches the T rows.

mod in_y;
mod openings;
mod points;

use std::sync::Arc;

use ark_bn254::{Fr, G1Affine};
use ark_ff::AdditiveGroup;
use proofyard_kernels::{Backend, KernelError, cpu::CpuBackend};
use rand::RngCore;
use rayon::prelude::*;

use crate::{
    challenges::{Challenges, Opening},
    domain::{Domain, SUBTREES_MAX},
    gates::{FIXED_COLUMNS, RowChallenges},
    key::{AggregationKey, ProvingKey},
    linearisation::{BatonWeights, Claims, QUOTIENT_CHUNKS, RowWeights, ZeroDenominator},
    messages::{RoundMessage, RowOpenings},
    proof::GroupProof,
    statement::Statement,
    subtree::RowsAt,
    transcript::{Label, Transcript},
};

use in_y::{Batons, InY, divide, horner, interpolate};
use openings::OpeningCheck;
use points::{msm, sum};

/// Why the coordinator could not take a round.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AggregateError {
    /// Subtrees whose messages so far cannot all be right. The state is unchanged.
    #[error("[PY-P-040] round {round}: the messages of subtrees {subtrees:?} do not verify; recompute them elsewhere")]
    Faulty {
        /// The round in which it showed: 4 (row identity, fixed columns) or 5 (openings).
        round: u8,
        /// Their indices within the group.
        subtrees: Vec<usize>,
    },
    /// Not one message of the awaited round from each subtree.
    #[error("[PY-P-041] expected {expected} messages of round {round}, got {got} (or another round among them)")]
    Messages {
        /// The awaited round; 6 when the group is finished.
        round: u8,
        /// M.
        expected: usize,
        /// How many were given.
        got: usize,
    },
    /// M does not fit the key or the batons.
    #[error("[PY-P-042] {what}: expected {expected} subtrees, got {got}")]
    Subtrees {
        /// What disagrees.
        what: &'static str,
        /// M of the key.
        expected: usize,
        /// What was found.
        got: usize,
    },
    /// The first baton is not the statement's start.
    #[error("[PY-P-043] the first subtree's baton is not the start of the statement")]
    Start,
    /// A challenge hit a domain (probability about T/r).
    #[error(transparent)]
    ZeroDenominator(#[from] ZeroDenominator),
    /// A transform failed.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The identity over Y does not divide although every subtree's row identity holds.
    #[error("[PY-P-044] the identity over Y has a remainder: this is a bug, please report it")]
    Remainder,
}

/// One subtree's messages.
#[derive(Debug, Clone)]
struct Subtree {
    wires: [G1Affine; 4],
    z: G1Affine,
    chunks: [G1Affine; QUOTIENT_CHUNKS],
    openings: RowOpenings,
}

/// Aggregates the rounds of one group of subtrees. Cloning gives a snapshot to restart a round from.
#[derive(Clone)]
pub struct GroupAggregator {
    key: Arc<AggregationKey>,
    proving: Arc<ProvingKey>,
    rows: Domain,
    subtrees: Domain,
    statement: Statement,
    inputs: Vec<[Fr; 3]>,
    batons: Arc<Batons>,
    transcript: Transcript,
    next_round: u8,
    challenges: Challenges,
    messages: Vec<Subtree>,
    proof: GroupProof,
    mu: Fr,
    eta: Fr,
    /// Coefficients of Q.
    quotient: Vec<Fr>,
}

impl GroupAggregator {
    /// `inputs[i]` is subtree i's baton before its first transaction; `inputs[0]` is the statement's start.
    pub fn new(
        key: Arc<AggregationKey>,
        proving: Arc<ProvingKey>,
        statement: Statement,
        inputs: Vec<[Fr; 3]>,
    ) -> Result<Self, AggregateError> {
        let expected = key.subtrees;
        let subtrees = Domain::of_size(expected).filter(|domain| domain.size() <= SUBTREES_MAX);
        let subtrees = subtrees.ok_or(AggregateError::Subtrees { what: "the key", expected, got: expected })?;
        if inputs.len() != expected {
            return Err(AggregateError::Subtrees { what: "the batons", expected, got: inputs.len() });
        }
        if inputs[0] != statement.start {
            return Err(AggregateError::Start);
        }
        let rows = Domain::new(key.verifying.rows_log2).ok_or(ZeroDenominator)?;
        let digest = key.verifying.digest();
        let transcript = Transcript::new(&digest, rows.size() as u64, expected as u64, &statement);
        let empty = RowOpenings::default();
        let subtree =
            Subtree { wires: Default::default(), z: G1Affine::identity(), chunks: Default::default(), openings: empty };
        Ok(Self {
            batons: Arc::new(Batons::new(&key, &inputs)?),
            messages: vec![subtree; expected],
            key,
            proving,
            rows,
            subtrees,
            statement,
            inputs,
            transcript,
            next_round: 1,
            challenges: Challenges::default(),
            proof: GroupProof::default(),
            mu: Fr::ZERO,
            eta: Fr::ZERO,
            quotient: Vec::new(),
        })
    }

    /// The round whose messages are awaited; 6 when the proof is finished.
    pub fn next_round(&self) -> u8 {
        self.next_round
    }

    /// What workers need for [`GroupAggregator::next_round`].
    pub fn challenges(&self) -> &Challenges {
        &self.challenges
    }

    /// Takes the awaited round's messages of all subtrees, in order. Returns the proof after round 5.
    ///
    /// `weights` is a private, fresh source of randomness for the batched check of round 5: with predictable weights two
    /// colluding workers cancel each other's errors. It does not influence the proof.
    pub fn absorb(
        &mut self,
        messages: &[RoundMessage],
        weights: &mut dyn RngCore,
    ) -> Result<Option<GroupProof>, AggregateError> {
        let round = self.next_round;
        let expected = self.inputs.len();
        if messages.len() != expected || messages.iter().any(|message| message.round() != round) {
            return Err(AggregateError::Messages { round, expected, got: messages.len() });
        }
        let mut next = self.clone();
        let openings: Vec<[G1Affine; 2]> = (messages.iter().zip(&mut next.messages))
            .filter_map(|(message, subtree)| {
                match message {
                    RoundMessage::One { wires } => subtree.wires = *wires,
                    RoundMessage::Two { z } => subtree.z = *z,
                    RoundMessage::Three { chunks } => subtree.chunks = *chunks,
                    RoundMessage::Four(openings) => subtree.openings = (**openings).clone(),
                    RoundMessage::Five { wx1, wx2 } => return Some([*wx1, *wx2]),
                }
                None
            })
            .collect();
        match round {
            1 => next.sum_wires(),
            2 => next.sum_permutation(),
            3 => next.sum_quotient(),
            4 => next.claim()?,
            _ => next.open(&openings, weights)?,
        }
        next.next_round += 1;
        *self = next;
        Ok((round == 5).then(|| self.proof.clone()))
    }

    fn sum_wires(&mut self) {
        self.proof.wires = std::array::from_fn(|c| sum(self.messages.iter().map(|subtree| subtree.wires[c])));
        self.proof.batons = self.batons.points;
        self.transcript.absorb_points(&self.proof.wires);
        self.transcript.absorb_points(&self.proof.batons);
        let beta = self.transcript.challenge(Label::Beta);
        let gamma = self.transcript.challenge(Label::Gamma);
        self.challenges.permutation = Some((beta, gamma));
    }

    fn sum_permutation(&mut self) {
        self.proof.z = sum(self.messages.iter().map(|subtree| subtree.z));
        self.transcript.absorb_points(&[self.proof.z]);
        self.challenges.alpha = Some(self.transcript.challenge(Label::Alpha));
    }

    fn sum_quotient(&mut self) {
        self.proof.chunks = std::array::from_fn(|c| sum(self.messages.iter().map(|subtree| subtree.chunks[c])));
        self.transcript.absorb_points(&self.proof.chunks);
        self.challenges.zeta = Some(self.transcript.challenge(Label::Zeta));
        self.mu = self.transcript.challenge(Label::Mu);
    }

    fn row_challenges(&self) -> (RowChallenges<Fr>, Fr) {
        let (beta, gamma) = self.challenges.permutation.unwrap_or_default();
        let alpha = self.challenges.alpha.unwrap_or_default();
        (RowChallenges::new(beta, gamma, alpha), self.challenges.zeta.unwrap_or_default())
    }

    /// Baton after subtree i.
    fn output(&self, subtree: usize) -> [Fr; 3] {
        self.inputs.get(subtree + 1).copied().unwrap_or(self.statement.end)
    }

    /// The fixed columns at zeta: the workers' word where all agree (round 5 checks it against the key), else our own.
    fn fixed_values(&self, zeta: Fr) -> Result<[Fr; FIXED_COLUMNS], AggregateError> {
        let first = self.messages[0].openings.fixed;
        if self.messages.iter().all(|subtree| subtree.openings.fixed == first) {
            return Ok(first);
        }
        let backend = CpuBackend::new();
        let mut own = [Fr::ZERO; FIXED_COLUMNS];
        for (value, coefficients) in own.iter_mut().zip(&self.proving.coefficients) {
            *value = backend.evaluate(&backend.upload(coefficients)?, zeta)?;
        }
        Ok(own)
    }

    /// Round 4: the row identity of each subtree, then Q and the claims.
    fn claim(&mut self) -> Result<(), AggregateError> {
        let (row, zeta) = self.row_challenges();
        let fixed = self.fixed_values(zeta)?;
        let rows_at = RowsAt::new(&self.rows, zeta)?;
        let holds = |(index, subtree): (usize, &Subtree)| {
            let output = self.output(index);
            let public = std::array::from_fn(|k| if k < 3 { -self.inputs[index][k] } else { -output[k - 3] });
            subtree.openings.fixed == fixed && rows_at.identity_holds(&row, &subtree.openings, &public)
        };
        let held: Vec<bool> = self.messages.par_iter().enumerate().map(holds).collect();
        let faulty: Vec<usize> = (0..held.len()).filter(|index| !held[*index]).collect();
        if !faulty.is_empty() {
            return Err(AggregateError::Faulty { round: 4, subtrees: faulty });
        }
        let in_y = InY::new(self, &row, zeta, &fixed, rows_at.lagrange)?;
        let quotient = in_y.quotient(self.mu)?;
        let columns = in_y.into_columns();
        self.quotient = quotient;
        self.proof.q = msm(self.key.y_powers.iter().zip(&self.quotient))?;
        self.transcript.absorb_points(&[self.proof.q]);
        self.eta = self.transcript.challenge(Label::Eta);
        let shifted_point = self.subtrees.generator * self.eta;
        let shifted_batons = self.batons.coefficients.iter().map(|baton| horner(baton, shifted_point));
        let shifted = shifted_batons.zip(&rows_at.lagrange[3..]).map(|(value, weight)| value * weight).sum();
        let at = |coefficients: &Vec<Fr>| horner(coefficients, self.eta);
        let w = std::array::from_fn(|c| at(&columns[c]));
        let w_next = std::array::from_fn(|c| at(&columns[4 + c]));
        let claims = Claims::new(w, w_next, &fixed, at(&columns[9]), shifted).0;
        self.proof.claims = claims;
        self.transcript.absorb_scalars(&claims);
        let v = self.transcript.challenge(Label::V);
        self.challenges.opening = Some(Opening { v, claims });
        Ok(())
    }

    /// Round 5: each subtree's openings, then the openings in Y.
    fn open(&mut self, openings: &[[G1Affine; 2]], random: &mut dyn RngCore) -> Result<(), AggregateError> {
        let (row, zeta) = self.row_challenges();
        let claims = Claims(self.proof.claims);
        let v = self.challenges.opening.as_ref().map(|opening| opening.v).unwrap_or_default();
        let weights = RowWeights::new(&self.rows, &row, zeta, v, &claims)?;
        let values: Vec<[Fr; 2]> = self.messages.iter().map(|subtree| opened_values(&weights, subtree)).collect();
        let check = OpeningCheck::new(self, &weights, zeta, &values, openings, random);
        let faulty = check.faulty()?;
        if !faulty.is_empty() {
            return Err(AggregateError::Faulty { round: 5, subtrees: faulty });
        }

        self.proof.wx1 = sum(openings.iter().map(|[first, _]| *first));
        self.proof.wx2 = sum(openings.iter().map(|[_, second]| *second));
        self.transcript.absorb_points(&[self.proof.wx1, self.proof.wx2]);
        let u1 = self.transcript.challenge(Label::U1);

        let y = BatonWeights::new(
            &self.rows,
            &self.subtrees,
            &self.statement,
            (zeta, self.mu, self.eta),
            &weights,
            &claims,
        )?;
        // F(zeta, Y) + u1 N(w zeta, Y), then the shifted batons.
        let mut at_eta = interpolate(values.iter().map(|[first, second]| *first + u1 * second))?;
        let mut shifted = vec![Fr::ZERO; at_eta.len()];
        at_eta.resize(at_eta.len().max(self.quotient.len()), Fr::ZERO);
        for (k, baton) in self.batons.coefficients.iter().enumerate() {
            add_scaled(&mut at_eta, baton, y.batons[k]);
            add_scaled(&mut shifted, baton, y.shifted[k]);
        }
        add_scaled(&mut at_eta, &self.quotient, y.quotient);
        let shifted_point = self.subtrees.generator * self.eta;
        let (wy, value) = divide(&at_eta, self.eta);
        let (wy_shifted, shifted_value) = divide(&shifted, shifted_point);
        if value != y.value + u1 * weights.next_value(&claims) || shifted_value != claims.baton() {
            return Err(AggregateError::Remainder);
        }
        let commit = |coefficients: &[Fr]| msm(self.key.y_powers.iter().zip(coefficients));
        let (wy, wy_shifted) = rayon::join(|| commit(&wy), || commit(&wy_shifted));
        (self.proof.wy, self.proof.wy_shifted) = (wy?, wy_shifted?);
        Ok(())
    }
}

/// `F_i(zeta)` and `N_i(w zeta)` of one subtree from its own values.
fn opened_values(weights: &RowWeights, subtree: &Subtree) -> [Fr; 2] {
    let openings = &subtree.openings;
    let dot = |scalars: &[Fr], values: &[Fr]| scalars.iter().zip(values).map(|(a, b)| *a * b).sum::<Fr>();
    // The chunks' weights are -Z_H zeta^(cT), so together they weigh t(zeta) by the first of them.
    let first = dot(&weights.wires, &openings.at_zeta)
        + dot(&weights.fixed, &openings.fixed)
        + weights.z * openings.z
        + weights.chunks[0] * openings.t;
    [first, openings.z_next + dot(&weights.wires, &openings.at_next)]
}

fn add_scaled(into: &mut [Fr], values: &[Fr], scale: Fr) {
    for (sum, value) in into.iter_mut().zip(values) {
        *sum += scale * value;
    }
}
