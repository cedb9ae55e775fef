//! The coordinator's side of the five rounds: sums the workers' slices, checks every subtree, draws the challenges and opens
//! in Y. docs/protocol.md, sections 5 to 8. Work is O(M); nothing here touches the T rows.

use std::sync::Arc;

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup, pairing::Pairing};
use ark_ff::{AdditiveGroup, Field, Zero};
use proofyard_kernels::{Backend, KernelError, cpu::CpuBackend};
use rand::RngCore;

use crate::{
    challenges::{Challenges, Opening},
    domain::{Domain, SUBTREES_MAX},
    gates::{FIXED_COLUMNS, RowChallenges, RowValues, row_identity},
    key::{AggregationKey, ProvingKey},
    linearisation::{BatonWeights, Claims, QUOTIENT_CHUNKS, RowWeights, ZeroDenominator},
    messages::{RoundMessage, RowOpenings},
    proof::GroupProof,
    statement::Statement,
    subtree::row_identity_holds,
    transcript::{Label, Transcript},
    verifier::msm,
};

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

    fn sum(&self, point: impl Fn(&Subtree) -> G1Affine) -> G1Affine {
        self.messages.iter().map(|subtree| point(subtree).into_group()).sum::<G1Projective>().into_affine()
    }

    fn sum_wires(&mut self) {
        self.proof.wires = std::array::from_fn(|c| self.sum(|subtree| subtree.wires[c]));
        self.proof.batons = std::array::from_fn(|k| {
            let values: Vec<Fr> = self.inputs.iter().map(|baton| baton[k]).collect();
            msm(&self.key.units, &values).into_affine()
        });
        self.transcript.absorb_points(&self.proof.wires);
        self.transcript.absorb_points(&self.proof.batons);
        let beta = self.transcript.challenge(Label::Beta);
        let gamma = self.transcript.challenge(Label::Gamma);
        self.challenges.permutation = Some((beta, gamma));
    }

    fn sum_permutation(&mut self) {
        self.proof.z = self.sum(|subtree| subtree.z);
        self.transcript.absorb_points(&[self.proof.z]);
        self.challenges.alpha = Some(self.transcript.challenge(Label::Alpha));
    }

    fn sum_quotient(&mut self) {
        self.proof.chunks = std::array::from_fn(|c| self.sum(|subtree| subtree.chunks[c]));
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
        let mut faulty = Vec::new();
        for (index, subtree) in self.messages.iter().enumerate() {
            let output = self.output(index);
            let public = std::array::from_fn(|k| if k < 3 { -self.inputs[index][k] } else { -output[k - 3] });
            if subtree.openings.fixed != fixed
                || !row_identity_holds(&self.rows, &row, zeta, &subtree.openings, &public)?
            {
                faulty.push(index);
            }
        }
        if !faulty.is_empty() {
            return Err(AggregateError::Faulty { round: 4, subtrees: faulty });
        }
        let in_y = InY::new(self, &row, zeta, &fixed)?;
        let quotient = in_y.quotient(self.mu)?;
        let InY { columns, batons, lagrange_out, .. } = in_y;
        self.quotient = quotient;
        self.proof.q = msm(&self.key.y_powers[..self.quotient.len()], &self.quotient).into_affine();
        self.transcript.absorb_points(&[self.proof.q]);
        self.eta = self.transcript.challenge(Label::Eta);
        let shifted = horner_batons(&batons, &lagrange_out, self.subtrees.generator * self.eta);
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
        let next = self.rows.generator * zeta;
        let terms: Vec<Check> = (0..self.messages.len())
            .map(|i| Check::new(self, i, &weights, values[i], openings[i], [zeta, next], random))
            .collect();
        let mut faulty = Vec::new();
        bisect(&terms, 0, self.key.verifying.tx, &mut faulty);
        if !faulty.is_empty() {
            return Err(AggregateError::Faulty { round: 5, subtrees: faulty });
        }

        let sum = |which: usize| -> G1Affine {
            openings.iter().map(|pair| pair[which].into_group()).sum::<G1Projective>().into_affine()
        };
        (self.proof.wx1, self.proof.wx2) = (sum(0), sum(1));
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
        let batons: Vec<Vec<Fr>> = (0..3)
            .map(|k| self.interpolate_in_y(self.inputs.iter().map(|baton| baton[k])))
            .collect::<Result<_, _>>()?;
        // F(zeta, Y) + u1 N(w zeta, Y), then the shifted batons.
        let mut at_eta = self.interpolate_in_y(values.iter().map(|[first, second]| *first + u1 * second))?;
        let mut shifted = vec![Fr::ZERO; at_eta.len()];
        at_eta.resize(at_eta.len().max(self.quotient.len()), Fr::ZERO);
        for (k, baton) in batons.iter().enumerate() {
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
        self.proof.wy = msm(&self.key.y_powers[..wy.len()], &wy).into_affine();
        self.proof.wy_shifted = msm(&self.key.y_powers[..wy_shifted.len()], &wy_shifted).into_affine();
        Ok(())
    }

    /// Coefficients in Y of the polynomial with these values on K.
    fn interpolate_in_y(&self, values: impl Iterator<Item = Fr>) -> Result<Vec<Fr>, AggregateError> {
        let backend = CpuBackend::new();
        let column = backend.upload(&values.collect::<Vec<_>>())?;
        Ok(backend.download(&backend.interpolate(&column)?)?)
    }
}

/// The identity over Y at X = zeta.
struct InY<'a> {
    group: &'a GroupAggregator,
    challenges: &'a RowChallenges<Fr>,
    zeta: Fr,
    fixed: &'a [Fr; FIXED_COLUMNS],
    /// Coefficients in Y: w (4), w' (4), z, z', t.
    columns: Vec<Vec<Fr>>,
    /// Coefficients of S_k.
    batons: Vec<Vec<Fr>>,
    lagrange_in: [Fr; 3],
    lagrange_out: [Fr; 3],
    l0: Fr,
}

impl<'a> InY<'a> {
    fn new(
        group: &'a GroupAggregator,
        challenges: &'a RowChallenges<Fr>,
        zeta: Fr,
        fixed: &'a [Fr; FIXED_COLUMNS],
    ) -> Result<Self, AggregateError> {
        let column = |index: usize| {
            group.interpolate_in_y(group.messages.iter().map(|subtree| {
                let openings = &subtree.openings;
                match index {
                    0..4 => openings.at_zeta[index],
                    4..8 => openings.at_next[index - 4],
                    8 => openings.z,
                    9 => openings.z_next,
                    _ => openings.t,
                }
            }))
        };
        let lagrange = |row: usize| group.rows.lagrange_at(row, zeta).ok_or(ZeroDenominator);
        Ok(Self {
            columns: (0..11).map(column).collect::<Result<_, _>>()?,
            batons: (0..3)
                .map(|k| group.interpolate_in_y(group.inputs.iter().map(|baton| baton[k])))
                .collect::<Result<_, _>>()?,
            lagrange_in: [lagrange(0)?, lagrange(1)?, lagrange(2)?],
            lagrange_out: [lagrange(3)?, lagrange(4)?, lagrange(5)?],
            l0: lagrange(0)?,
            group,
            challenges,
            zeta,
            fixed,
        })
    }

    /// Coefficients of `Q`: the identity divided by Z_K, on a coset of order 8M (its degree is at most 5(M-1)).
    fn quotient(&self, mu: Fr) -> Result<Vec<Fr>, AggregateError> {
        let backend = CpuBackend::new();
        let group = self.group;
        let subtrees = group.subtrees.size();
        let extended = 8 * subtrees;
        let shift = <Fr as ark_ff::FftField>::GENERATOR;
        let on_coset = |coefficients: &Vec<Fr>| -> Result<Vec<Fr>, KernelError> {
            let mut padded = coefficients.clone();
            padded.resize(extended, Fr::ZERO);
            backend.download(&backend.evaluate_on_coset(&backend.upload(&padded)?, shift)?)
        };
        let columns = self.columns.iter().map(on_coset).collect::<Result<Vec<_>, _>>()?;
        let batons = self.batons.iter().map(on_coset).collect::<Result<Vec<_>, _>>()?;
        let indicator = |i: usize| {
            on_coset(&group.interpolate_in_y((0..subtrees).map(|j| Fr::from(u64::from(i == j))))?)
                .map_err(AggregateError::from)
        };
        let (first, last) = (indicator(0)?, indicator(subtrees - 1)?);
        let domain = Domain::of_size(extended).ok_or(ZeroDenominator)?;
        let vanishing_row = group.rows.vanishing_at(self.zeta);
        let points = std::iter::successors(Some(shift), |point| Some(*point * domain.generator)).take(extended);
        let value = |(j, point): (usize, Fr)| {
            let mut pi = Fr::ZERO;
            let mut boundary = Fr::ZERO;
            let mut weight = mu;
            for (k, baton) in batons.iter().enumerate() {
                // S(gY) sits 8 places on, since the coset of order 8M steps by the eighth root of g.
                let out = baton[(j + 8) % extended] + (group.statement.end[k] - group.statement.start[k]) * last[j];
                pi -= self.lagrange_in[k] * baton[j] + self.lagrange_out[k] * out;
                boundary += weight * first[j] * (baton[j] - group.statement.start[k]);
                weight *= mu;
            }
            let row = RowValues {
                w: std::array::from_fn(|c| columns[c][j]),
                w_next: std::array::from_fn(|c| columns[4 + c][j]),
                z: columns[8][j],
                z_next: columns[9][j],
                fixed: *self.fixed,
            };
            let identity = row_identity(&|x| x, &row, self.challenges, self.zeta, self.l0, pi);
            let numerator = identity - vanishing_row * columns[10][j] + boundary;
            let inverse = group.subtrees.vanishing_at(point).inverse().ok_or(ZeroDenominator)?;
            Ok(numerator * inverse)
        };
        let values = points.enumerate().map(value).collect::<Result<Vec<Fr>, ZeroDenominator>>()?;
        let column = backend.upload(&values)?;
        let mut quotient = backend.download(&backend.interpolate_from_coset(&column, shift)?)?;
        while quotient.last().is_some_and(Fr::is_zero) {
            quotient.pop();
        }
        // deg Q <= 5(M-1) - M, so at most 4M - 4 coefficients, none for M = 1.
        if quotient.len() > 4 * subtrees - 4 {
            return Err(AggregateError::Remainder);
        }
        Ok(quotient)
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

/// One subtree's share of the batched check `e(left, [1]) = e(right, [tx])`.
struct Check {
    left: G1Projective,
    right: G1Projective,
}

impl Check {
    fn new(
        group: &GroupAggregator,
        index: usize,
        weights: &RowWeights,
        [first, second]: [Fr; 2],
        [wx1, wx2]: [G1Affine; 2],
        [zeta, next]: [Fr; 2],
        random: &mut dyn RngCore,
    ) -> Self {
        let mut draw = || Fr::from(u128::from(random.next_u64()) << 64 | u128::from(random.next_u64()));
        let (rho1, rho2) = (draw(), draw());
        let subtree = &group.messages[index];
        let mut bases = subtree.wires.to_vec();
        let mut scalars: Vec<Fr> = weights.wires.iter().map(|weight| *weight * (rho1 + rho2)).collect();
        bases.push(subtree.z);
        scalars.push(rho1 * weights.z + rho2);
        bases.extend(subtree.chunks);
        scalars.extend(weights.chunks.iter().map(|weight| rho1 * weight));
        bases.extend(group.key.fixed_rows[index]);
        scalars.extend(weights.fixed.iter().map(|weight| rho1 * weight));
        bases.extend([group.key.units[index], wx1, wx2]);
        scalars.extend([-(rho1 * first + rho2 * second), rho1 * zeta, rho2 * next]);
        Self { left: msm(&bases, &scalars), right: msm(&[wx1, wx2], &[rho1, rho2]) }
    }
}

/// Finds the subtrees whose checks fail; one pairing equation when all hold.
fn bisect(checks: &[Check], offset: usize, tx: G2Affine, faulty: &mut Vec<usize>) {
    let left: G1Projective = checks.iter().map(|check| check.left).sum();
    let right: G1Projective = checks.iter().map(|check| check.right).sum();
    let points = [left.into_affine(), (-right).into_affine()];
    if Bn254::multi_pairing(points, [G2Affine::generator(), tx]).is_zero() {
        return;
    }
    if checks.len() == 1 {
        faulty.push(offset);
        return;
    }
    let middle = checks.len() / 2;
    bisect(&checks[..middle], offset, tx, faulty);
    bisect(&checks[middle..], offset + middle, tx, faulty);
}

fn horner(coefficients: &[Fr], point: Fr) -> Fr {
    coefficients.iter().rev().fold(Fr::ZERO, |value, coefficient| value * point + coefficient)
}

/// `sum_k weight_k S_k(point)`.
fn horner_batons(batons: &[Vec<Fr>], weights: &[Fr; 3], point: Fr) -> Fr {
    batons.iter().zip(weights).map(|(baton, weight)| *weight * horner(baton, point)).sum()
}

fn add_scaled(into: &mut [Fr], values: &[Fr], scale: Fr) {
    for (sum, value) in into.iter_mut().zip(values) {
        *sum += scale * value;
    }
}

/// `(f(Y) - f(point)) / (Y - point)` and `f(point)`.
fn divide(coefficients: &[Fr], point: Fr) -> (Vec<Fr>, Fr) {
    let mut carry = Fr::ZERO;
    let mut quotient = vec![Fr::ZERO; coefficients.len().saturating_sub(1)];
    for (index, coefficient) in coefficients.iter().enumerate().rev() {
        carry = carry * point + coefficient;
        if index > 0 {
            quotient[index - 1] = carry;
        }
    }
    (quotient, carry)
}
