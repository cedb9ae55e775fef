//! A worker's side of the five rounds: a pure function of circuit, witness, subtree i, M and the challenges so far.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ark_bn254::{Fr, G1Affine};
use ark_ff::{FftField, Field, One, Zero};
use proofyard_kernels::{Backend, KernelError, Program};

use crate::{
    challenges::Challenges,
    circuit::{Circuit, PUBLIC_VALUES, Witness},
    domain::Domain,
    gates::{self, FIXED_COLUMNS, RowChallenges, RowValues, WIRES, row_identity},
    linear::{self, geometric},
    linearisation::{Claims, QUOTIENT_CHUNKS, RowWeights, ZeroDenominator},
    messages::{RoundMessage, RowOpenings},
    srs::SrsRow,
};

/// Why a worker could not perform a round.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProverError {
    /// The device refused or failed.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// A challenge hit the domain (probability about T/r).
    #[error(transparent)]
    ZeroDenominator(#[from] ZeroDenominator),
    /// The key's T is out of range.
    #[error("[PY-P-030] T = 2^{0} is out of range")]
    Rows(u32),
    /// The witness has the wrong height.
    #[error("[PY-P-031] the witness has {got} rows, the circuit {expected}")]
    Witness {
        /// Rows of the circuit.
        expected: usize,
        /// Rows of the witness.
        got: usize,
    },
    /// A copy constraint is broken: the permutation product does not close.
    #[error("[PY-P-032] the witness breaks a copy constraint: the permutation product does not close")]
    Permutation,
    /// The witness does not satisfy the gates.
    #[error("[PY-P-033] the witness does not satisfy the circuit: the row identity fails at zeta")]
    Unsatisfied,
    /// The challenges for the round are not there.
    #[error("[PY-P-034] round {round} needs challenges that were not given (they serve round {given})")]
    Challenges {
        /// The round asked for.
        round: u8,
        /// The last round the given challenges serve.
        given: u8,
    },
    /// The round was performed already, or does not exist.
    #[error("[PY-P-035] round {round} cannot be performed: rounds up to {completed} of 5 are done")]
    Order {
        /// The round asked for.
        round: u8,
        /// Rounds already done.
        completed: u8,
    },
}

/// The newest result of a computation that all subtrees of a block share.
struct Newest<K, V>(Mutex<Option<(K, V)>>);

impl<K: PartialEq + Clone, V: Clone> Newest<K, V> {
    fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// The result for `key`, computed unless it is the newest one.
    fn get(&self, key: &K, compute: impl FnOnce() -> Result<V, ProverError>) -> Result<V, ProverError> {
        let newest = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, value)) = newest().as_ref().filter(|(known, _)| known == key) {
            return Ok(value.clone());
        }
        // Not under the lock: a second thread computes the same.
        let value = compute()?;
        *newest() = Some((key.clone(), value.clone()));
        Ok(value)
    }
}

/// A circuit on a device; shared by all sessions of a worker.
pub struct DeviceKey<B: Backend> {
    backend: Arc<B>,
    rows: Domain,
    coefficients: Vec<B::Column>,
    permutation: Vec<B::Column>,
    labels: B::Column,
    /// First rows of the circuit's permutations.
    permutations: Vec<u32>,
    /// The fixed columns on the quotient's cosets, computed when first used.
    cosets: [OnceLock<Vec<B::Column>>; QUOTIENT_CHUNKS],
    mixing: Mixing,
    identity: Program,
    fifth_power: Program,
    numerator: Program,
    denominator: Program,
    /// The fixed columns at zeta.
    fixed_values: Newest<Fr, [Fr; FIXED_COLUMNS]>,
    /// The fixed columns' part of round 5's combination, by their weights.
    fixed_part: Newest<[Fr; FIXED_COLUMNS], B::Column>,
}

/// How the quotient's chunks come from what is interpolated over the cosets.
///
/// `Z_H` is the constant `shift^T - 1` on a coset, and modulo `X^T - shift^T` the quotient is `sum_c shift^(cT) t_c`, so
/// division and separation are one matrix.
struct Mixing {
    /// `chunk_c = sum_j pieces[c][j] piece_j`, where `piece_j` interpolates G without PI and `L_0 (z - 1)` on coset j.
    pieces: [[Fr; QUOTIENT_CHUNKS]; QUOTIENT_CHUNKS],
    /// The scalar of PI in each chunk: its degree is below T, so that it is its own interpolation on every coset.
    public: [Fr; QUOTIENT_CHUNKS],
}

impl Mixing {
    fn new(rows: &Domain) -> Result<Self, ZeroDenominator> {
        let vanishing: [Fr; QUOTIENT_CHUNKS] = std::array::from_fn(|coset| rows.vanishing_at(coset_shift(coset)));
        let powers = vanishing.map(|value| std::array::from_fn(|chunk| (value + Fr::one()).pow([chunk as u64])));
        let mut pieces = linear::inverse(powers).ok_or(ZeroDenominator)?;
        for (coset, value) in vanishing.into_iter().enumerate() {
            let inverse = value.inverse().ok_or(ZeroDenominator)?;
            pieces.iter_mut().for_each(|weights| weights[coset] *= inverse);
        }
        Ok(Self { public: pieces.map(|weights| weights.iter().sum()), pieces })
    }
}

impl<B: Backend> DeviceKey<B> {
    /// Uploads a circuit.
    pub fn new(backend: Arc<B>, circuit: &Circuit) -> Result<Self, ProverError> {
        let rows_log2 = circuit.rows_log2;
        let rows = Domain::new(rows_log2).ok_or(ProverError::Rows(rows_log2))?;
        let permutation =
            circuit.permutation.iter().map(|column| backend.upload(column)).collect::<Result<Vec<_>, _>>()?;
        let mut coefficients = Vec::with_capacity(FIXED_COLUMNS);
        for column in &circuit.fixed {
            coefficients.push(backend.interpolate(&backend.upload(column)?)?);
        }
        for column in &permutation {
            coefficients.push(backend.interpolate(column)?);
        }
        Ok(Self {
            labels: backend.upload_owned(geometric(Fr::one(), rows.generator, rows.size()))?,
            mixing: Mixing::new(&rows)?,
            cosets: [const { OnceLock::new() }; QUOTIENT_CHUNKS],
            identity: gates::quotient_program(),
            fifth_power: gates::fifth_power_program(),
            numerator: gates::permutation_numerator_program(),
            denominator: gates::permutation_denominator_program(),
            fixed_values: Newest::new(),
            fixed_part: Newest::new(),
            permutations: circuit.permutations().to_vec(),
            backend,
            rows,
            coefficients,
            permutation,
        })
    }

    /// The device.
    pub fn backend(&self) -> &Arc<B> {
        &self.backend
    }

    /// Whether sessions fill in the rows of permutations themselves, so that an [outline](crate::circuit::CircuitBuilder::outline)
    /// is enough of a witness: on a device with memory of its own. In the host's, whoever hashes writes the rows at once.
    pub fn fills_permutations(&self) -> bool {
        self.backend.memory().is_some()
    }

    /// The fixed columns on a coset.
    fn fixed_on_coset(&self, index: usize) -> Result<&[B::Column], ProverError> {
        if let Some(columns) = self.cosets[index].get() {
            return Ok(columns);
        }
        let evaluate = |column| self.backend.evaluate_on_coset(column, coset_shift(index));
        let columns = self.coefficients.iter().map(evaluate).collect::<Result<_, _>>()?;
        // A second thread may have been faster; both computed the same.
        Ok(self.cosets[index].get_or_init(|| columns))
    }

    /// The fixed columns at zeta.
    fn fixed_at(&self, zeta: Fr) -> Result<[Fr; FIXED_COLUMNS], ProverError> {
        self.fixed_values.get(&zeta, || {
            let mut values = [Fr::zero(); FIXED_COLUMNS];
            for (value, column) in values.iter_mut().zip(&self.coefficients) {
                *value = self.backend.evaluate(column, zeta)?;
            }
            Ok(values)
        })
    }

    /// The fixed columns' weighted sum.
    fn fixed_combined(&self, weights: &[Fr; FIXED_COLUMNS]) -> Result<B::Column, ProverError> {
        self.fixed_part.get(weights, || {
            let terms: Vec<_> = weights.iter().copied().zip(&self.coefficients).collect();
            Ok(self.backend.linear_combination(&terms)?)
        })
    }
}

/// Row i of the SRS for one M, on a device.
pub struct DeviceRow<B: Backend> {
    monomial: B::Bases,
    lagrange: B::Bases,
}

impl<B: Backend> DeviceRow<B> {
    /// Makes a row available on the device.
    pub fn new(backend: &B, row: &SrsRow) -> Result<Self, ProverError> {
        Ok(Self {
            monomial: backend.upload_bases(row.monomial.clone())?,
            lagrange: backend.upload_bases(row.lagrange.clone())?,
        })
    }
}

fn coset_shift(index: usize) -> Fr {
    <Fr as FftField>::GENERATOR.pow([index as u64 + 1])
}

/// One subtree between rounds.
pub struct SubtreeProver<B: Backend> {
    key: Arc<DeviceKey<B>>,
    row: Arc<DeviceRow<B>>,
    /// PI as evaluations: `-in_k` on row k, `-out_k` on row 3 + k.
    public: [Fr; 6],
    completed: u8,
    /// Wire columns over H, until round 2 is done.
    evaluations: Vec<B::Column>,
    /// Coefficients of the wires and of z from round 2 on, of the quotient's chunks from round 3 on, until round 5 is done.
    wires: Vec<B::Column>,
    z: Option<B::Column>,
    chunks: Vec<B::Column>,
}

impl<B: Backend> SubtreeProver<B> {
    /// Starts a session: `inputs` and `outputs` are the baton before and after the subtree. The witness may be an outline if the
    /// key [fills it in](DeviceKey::fills_permutations).
    pub fn new(
        key: Arc<DeviceKey<B>>,
        row: Arc<DeviceRow<B>>,
        witness: Witness,
        inputs: [Fr; 3],
        outputs: [Fr; 3],
    ) -> Result<Self, ProverError> {
        let expected = key.rows.size();
        if let Some(column) = witness.columns.iter().find(|column| column.len() != expected) {
            return Err(ProverError::Witness { expected, got: column.len() });
        }
        let upload = |column| key.backend.upload_owned(column);
        let [a, b, c, d] = witness.columns.map(upload);
        let mut wires = [a?, b?, c?, d?];
        if key.fills_permutations() {
            wires = key.backend.expand_permutations(wires, &key.permutations)?;
        }
        let evaluations = wires.into();
        let public = std::array::from_fn(|k| if k < 3 { -inputs[k] } else { -outputs[k - 3] });
        Ok(Self { key, row, public, completed: 0, evaluations, wires: Vec::new(), z: None, chunks: Vec::new() })
    }

    /// Rounds done so far, 0..=5.
    pub fn completed(&self) -> u8 {
        self.completed
    }

    /// Performs every round not yet done, up to and including `round`, and returns their messages in order: one when the
    /// session is current, all of 1..=round when it was rebuilt.
    pub fn run(&mut self, round: u8, challenges: &Challenges) -> Result<Vec<RoundMessage>, ProverError> {
        if round <= self.completed || round > 5 {
            return Err(ProverError::Order { round, completed: self.completed });
        }
        let missing = ProverError::Challenges { round, given: challenges.serves_round() };
        if challenges.serves_round() < round {
            return Err(missing);
        }
        let mut messages = Vec::with_capacity(usize::from(round - self.completed));
        while self.completed < round {
            let message = match self.completed {
                0 => self.commit_wires()?,
                1 => {
                    let (beta, gamma) = challenges.permutation.ok_or_else(|| missing.clone())?;
                    self.commit_permutation(beta, gamma)?
                }
                2 => self.commit_quotient(&row_challenges(challenges).ok_or_else(|| missing.clone())?)?,
                3 => {
                    let row = row_challenges(challenges).ok_or_else(|| missing.clone())?;
                    self.evaluate(&row, challenges.zeta.ok_or_else(|| missing.clone())?)?
                }
                _ => self.open(challenges).and_then(|message| message.ok_or_else(|| missing.clone()))?,
            };
            messages.push(message);
            self.completed += 1;
        }
        Ok(messages)
    }

    fn commit(&self, bases: &B::Bases, columns: &[&B::Column]) -> Result<Vec<G1Affine>, ProverError> {
        Ok(self.key.backend.msm(bases, columns)?)
    }

    fn commit_wires(&self) -> Result<RoundMessage, ProverError> {
        let points = self.commit(&self.row.lagrange, &self.evaluations.iter().collect::<Vec<_>>())?;
        Ok(RoundMessage::One { wires: std::array::from_fn(|c| points[c]) })
    }

    fn commit_permutation(&mut self, beta: Fr, gamma: Fr) -> Result<RoundMessage, ProverError> {
        let backend = &self.key.backend;
        let wires = self.evaluations.iter();
        let uniforms = gates::permutation_uniforms(beta, gamma);
        let numerators = backend.run(
            &self.key.numerator,
            &wires.clone().chain([&self.key.labels]).collect::<Vec<_>>(),
            &uniforms,
        )?;
        let columns: Vec<_> = wires.chain(&self.key.permutation).collect();
        let denominators = backend.run(&self.key.denominator, &columns, &uniforms)?;
        let (z, closing) = backend.grand_product(&numerators, &denominators)?;
        drop((numerators, denominators));
        if !closing.is_one() {
            return Err(ProverError::Permutation);
        }
        let point = self.commit(&self.row.lagrange, &[&z])?[0];
        self.z = Some(backend.interpolate(&z)?);
        for column in std::mem::take(&mut self.evaluations) {
            self.wires.push(backend.interpolate(&column)?);
        }
        Ok(RoundMessage::Two { z: point })
    }

    /// G without PI and `L_0 (z - 1)` on each coset, interpolated there.
    fn quotient_pieces(&self, z: &B::Column, challenges: &RowChallenges<Fr>) -> Result<Vec<B::Column>, ProverError> {
        let (key, backend) = (&self.key, &self.key.backend);
        let mut pieces = Vec::with_capacity(QUOTIENT_CHUNKS);
        for index in 0..QUOTIENT_CHUNKS {
            let shift = coset_shift(index);
            let fixed = key.fixed_on_coset(index)?;
            let mut columns = Vec::with_capacity(2 * WIRES + 1);
            for column in self.wires.iter().chain([z]) {
                columns.push(backend.evaluate_on_coset(column, shift)?);
            }
            for wire in 0..WIRES {
                columns.push(backend.run(&key.fifth_power, &[&columns[wire]], &[])?);
            }
            let (witness, powers) = columns.split_at(WIRES + 1);
            let given: Vec<_> = witness.iter().chain(fixed).chain([&key.labels]).chain(powers).collect();
            let values = backend.run(&key.identity, &given, &gates::quotient_uniforms(challenges, shift))?;
            drop(columns);
            pieces.push(backend.interpolate_from_coset(&values, shift)?);
        }
        Ok(pieces)
    }

    fn commit_quotient(&mut self, challenges: &RowChallenges<Fr>) -> Result<RoundMessage, ProverError> {
        let (key, backend) = (&self.key, &self.key.backend);
        let z = self.z.as_ref().ok_or(ProverError::Order { round: 3, completed: self.completed })?;
        let pieces = self.quotient_pieces(z, challenges)?;
        let mut public = vec![Fr::zero(); key.rows.size()];
        public[..6].copy_from_slice(&self.public);
        let public = backend.interpolate(&backend.upload_owned(public)?)?;
        // L_0 = Z_H / (T (X - 1)) and z(1) = 1, so L_0 (z - 1) / Z_H is a polynomial of degree below T.
        let (first_row, _) = backend.divide_by_linear(z, Fr::one())?;
        let size = Fr::from(key.rows.size() as u64).inverse().ok_or(ZeroDenominator)?;
        let first_row = (challenges.alpha_powers[8] * size, &first_row);
        self.chunks = (key.mixing.pieces.iter().zip(key.mixing.public).enumerate())
            .map(|(chunk, (weights, public_weight))| {
                let terms = weights.iter().copied().zip(&pieces).chain([(public_weight, &public)]);
                let terms: Vec<_> = terms.chain((chunk == 0).then_some(first_row)).collect();
                backend.linear_combination(&terms)
            })
            .collect::<Result<_, _>>()?;
        drop(pieces);
        let points = self.commit(&self.row.monomial, &self.chunks.iter().collect::<Vec<_>>())?;
        Ok(RoundMessage::Three { chunks: std::array::from_fn(|c| points[c]) })
    }

    fn evaluate(&self, challenges: &RowChallenges<Fr>, zeta: Fr) -> Result<RoundMessage, ProverError> {
        let (backend, rows) = (&self.key.backend, &self.key.rows);
        let z = self.z.as_ref().ok_or(ProverError::Order { round: 4, completed: self.completed })?;
        let next = rows.generator * zeta;
        let mut at_zeta = [Fr::zero(); 4];
        let mut at_next = [Fr::zero(); 4];
        for (c, column) in self.wires.iter().enumerate() {
            at_zeta[c] = backend.evaluate(column, zeta)?;
            at_next[c] = backend.evaluate(column, next)?;
        }
        let vanishing = rows.vanishing_at(zeta);
        let mut t = Fr::zero();
        for chunk in self.chunks.iter().rev() {
            t = t * (vanishing + Fr::one()) + backend.evaluate(chunk, zeta)?;
        }
        let openings = RowOpenings {
            at_zeta,
            at_next,
            z: backend.evaluate(z, zeta)?,
            z_next: backend.evaluate(z, next)?,
            t,
            fixed: self.key.fixed_at(zeta)?,
        };
        // A witness that breaks a gate is noticed here, before anybody is blamed for it.
        if !RowsAt::new(rows, zeta)?.identity_holds(challenges, &openings, &self.public) {
            return Err(ProverError::Unsatisfied);
        }
        Ok(RoundMessage::Four(Box::new(openings)))
    }

    fn open(&mut self, challenges: &Challenges) -> Result<Option<RoundMessage>, ProverError> {
        let (Some(row), Some(zeta), Some(opening), Some(z)) =
            (row_challenges(challenges), challenges.zeta, &challenges.opening, &self.z)
        else {
            return Ok(None);
        };
        let backend = &self.key.backend;
        let weights = RowWeights::new(&self.key.rows, &row, zeta, opening.v, &Claims(opening.claims))?;
        let one = Fr::one();
        let fixed = self.key.fixed_combined(&weights.fixed)?;
        let own = (weights.wires.iter().zip(&self.wires)).chain([(&weights.z, z)]);
        let terms = own
            .chain(weights.chunks.iter().zip(&self.chunks))
            .chain([(&one, &fixed)])
            .map(|(weight, column)| (*weight, column))
            .collect::<Vec<_>>();
        let (first, _) = backend.divide_by_linear(&backend.linear_combination(&terms)?, zeta)?;
        let terms: Vec<_> = weights.wires.iter().copied().zip(&self.wires).chain([(one, z)]).collect();
        let next = self.key.rows.generator * zeta;
        let (second, _) = backend.divide_by_linear(&backend.linear_combination(&terms)?, next)?;
        // A session that has done round 5 is never asked again: it answers from its messages or is rebuilt.
        (self.wires, self.z, self.chunks) = (Vec::new(), None, Vec::new());
        let points = self.commit(&self.row.monomial, &[&first, &second])?;
        Ok(Some(RoundMessage::Five { wx1: points[0], wx2: points[1] }))
    }
}

/// beta, gamma and alpha, when all are drawn.
fn row_challenges(challenges: &Challenges) -> Option<RowChallenges<Fr>> {
    let (beta, gamma) = challenges.permutation?;
    Some(RowChallenges::new(beta, gamma, challenges.alpha?))
}

/// H at zeta: what the row identity of every subtree needs there.
pub(crate) struct RowsAt {
    zeta: Fr,
    vanishing: Fr,
    /// `L_0 .. L_5`: the rows of the public values.
    pub(crate) lagrange: [Fr; 2 * PUBLIC_VALUES],
}

impl RowsAt {
    pub(crate) fn new(rows: &Domain, zeta: Fr) -> Result<Self, ZeroDenominator> {
        let mut lagrange = [Fr::zero(); 2 * PUBLIC_VALUES];
        for (row, value) in lagrange.iter_mut().enumerate() {
            *value = rows.lagrange_at(row, zeta).ok_or(ZeroDenominator)?;
        }
        Ok(Self { zeta, vanishing: rows.vanishing_at(zeta), lagrange })
    }

    /// Whether `G(zeta) = Z_H(zeta) t(zeta)` for one subtree; `public` is PI on the rows of the public values.
    pub(crate) fn identity_holds(
        &self,
        challenges: &RowChallenges<Fr>,
        openings: &RowOpenings,
        public: &[Fr; 2 * PUBLIC_VALUES],
    ) -> bool {
        let pi: Fr = self.lagrange.iter().zip(public).map(|(lagrange, value)| *lagrange * value).sum();
        let values = RowValues {
            w: openings.at_zeta,
            w_next: openings.at_next,
            z: openings.z,
            z_next: openings.z_next,
            fixed: openings.fixed,
        };
        let identity = row_identity(&|x| x, &values, challenges, self.zeta, self.lagrange[0], pi);
        identity == self.vanishing * openings.t
    }
}
