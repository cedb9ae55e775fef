//! A worker's side of the five rounds: a pure function of circuit, witness, subtree i, M and the challenges so far.

use std::sync::{Arc, OnceLock};

use ark_bn254::{Fr, G1Affine};
use ark_ff::{FftField, Field, One, Zero};
use proofyard_kernels::{Backend, KernelError, Program};

use crate::{
    challenges::Challenges,
    circuit::Witness,
    domain::Domain,
    gates::{self, FIXED_COLUMNS, RowChallenges, RowValues, row_identity},
    key::ProvingKey,
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

/// What stays the same on one coset `shift * H` whatever the witness.
struct Coset<B: Backend> {
    shift: Fr,
    fixed: Vec<B::Column>,
    x: B::Column,
    l0: B::Column,
}

/// A proving key on a device; shared by all sessions of a worker.
pub struct DeviceKey<B: Backend> {
    backend: Arc<B>,
    rows: Domain,
    coefficients: Vec<B::Column>,
    permutation: Vec<B::Column>,
    labels: B::Column,
    /// The quotient's cosets, filled when first used.
    cosets: [OnceLock<Coset<B>>; QUOTIENT_CHUNKS],
    /// Inverse of the matrix `(shift_j^(cT))_{j,c}`: chunks from the interpolations over the cosets.
    unmix: [[Fr; QUOTIENT_CHUNKS]; QUOTIENT_CHUNKS],
    identity: Program,
    numerator: Program,
    denominator: Program,
}

impl<B: Backend> DeviceKey<B> {
    /// Uploads a key.
    pub fn new(backend: Arc<B>, key: &ProvingKey) -> Result<Self, ProverError> {
        let rows_log2 = key.circuit.rows_log2;
        let rows = Domain::new(rows_log2).ok_or(ProverError::Rows(rows_log2))?;
        let upload = |values: &Vec<Fr>| backend.upload(values);
        let coefficients = key.coefficients.iter().map(upload).collect::<Result<_, _>>()?;
        let permutation = key.circuit.permutation.iter().map(upload).collect::<Result<_, _>>()?;
        let labels = upload(&geometric(Fr::one(), rows.generator, rows.size()))?;
        let mixing = std::array::from_fn(|coset| {
            let step = rows.vanishing_at(coset_shift(coset)) + Fr::one();
            std::array::from_fn(|chunk| step.pow([chunk as u64]))
        });
        Ok(Self {
            unmix: linear::inverse(mixing).ok_or(ZeroDenominator)?,
            cosets: [const { OnceLock::new() }; QUOTIENT_CHUNKS],
            identity: gates::quotient_program(),
            numerator: gates::permutation_numerator_program(),
            denominator: gates::permutation_denominator_program(),
            backend,
            rows,
            coefficients,
            permutation,
            labels,
        })
    }

    /// The device.
    pub fn backend(&self) -> &Arc<B> {
        &self.backend
    }

    fn coset(&self, index: usize) -> Result<&Coset<B>, ProverError> {
        if let Some(coset) = self.cosets[index].get() {
            return Ok(coset);
        }
        let shift = coset_shift(index);
        let fixed = self
            .coefficients
            .iter()
            .map(|column| self.backend.evaluate_on_coset(column, shift))
            .collect::<Result<_, _>>()?;
        let mut first = vec![Fr::zero(); self.rows.size()];
        first[0] = Fr::one();
        let l0 = self.backend.interpolate(&self.backend.upload(&first)?)?;
        let coset = Coset {
            shift,
            fixed,
            x: self.backend.linear_combination(&[(shift, &self.labels)])?,
            l0: self.backend.evaluate_on_coset(&l0, shift)?,
        };
        // A second thread may have been faster; both computed the same.
        Ok(self.cosets[index].get_or_init(|| coset))
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
    /// Wire columns over H until round 2 is done.
    evaluations: Vec<B::Column>,
    wires: Vec<B::Column>,
    z: Option<B::Column>,
    chunks: Vec<B::Column>,
}

impl<B: Backend> SubtreeProver<B> {
    /// Starts a session: `inputs` and `outputs` are the baton before and after the subtree.
    pub fn new(
        key: Arc<DeviceKey<B>>,
        row: Arc<DeviceRow<B>>,
        witness: &Witness,
        inputs: [Fr; 3],
        outputs: [Fr; 3],
    ) -> Result<Self, ProverError> {
        let expected = key.rows.size();
        if let Some(column) = witness.columns.iter().find(|column| column.len() != expected) {
            return Err(ProverError::Witness { expected, got: column.len() });
        }
        let evaluations =
            witness.columns.iter().map(|column| key.backend.upload(column)).collect::<Result<Vec<_>, _>>()?;
        let wires = evaluations.iter().map(|column| key.backend.interpolate(column)).collect::<Result<_, _>>()?;
        let public = std::array::from_fn(|k| if k < 3 { -inputs[k] } else { -outputs[k - 3] });
        Ok(Self { key, row, public, completed: 0, evaluations, wires, z: None, chunks: Vec::new() })
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
        if !closing.is_one() {
            return Err(ProverError::Permutation);
        }
        let point = self.commit(&self.row.lagrange, &[&z])?[0];
        self.z = Some(backend.interpolate(&z)?);
        self.evaluations = Vec::new();
        Ok(RoundMessage::Two { z: point })
    }

    /// The columns of the quotient program: w1..w4, z, 16 fixed, x, l0, pi.
    fn commit_quotient(&mut self, challenges: &RowChallenges<Fr>) -> Result<RoundMessage, ProverError> {
        let backend = &self.key.backend;
        let z = self.z.as_ref().ok_or(ProverError::Order { round: 3, completed: self.completed })?;
        let mut public = vec![Fr::zero(); self.key.rows.size()];
        public[..6].copy_from_slice(&self.public);
        let public = backend.interpolate(&backend.upload(&public)?)?;
        let mut pieces = Vec::with_capacity(QUOTIENT_CHUNKS);
        for index in 0..QUOTIENT_CHUNKS {
            let coset = self.key.coset(index)?;
            let on_coset = |column: &B::Column| backend.evaluate_on_coset(column, coset.shift);
            let mut columns = self.wires.iter().map(on_coset).collect::<Result<Vec<_>, _>>()?;
            columns.push(on_coset(z)?);
            let public = on_coset(&public)?;
            let inverse = self.key.rows.vanishing_at(coset.shift).inverse().ok_or(ZeroDenominator)?;
            let columns: Vec<_> = columns.iter().chain(&coset.fixed).chain([&coset.x, &coset.l0, &public]).collect();
            let quotient = backend.run(&self.key.identity, &columns, &gates::quotient_uniforms(challenges, inverse))?;
            pieces.push(backend.interpolate_from_coset(&quotient, coset.shift)?);
        }
        self.chunks = (self.key.unmix.iter())
            .map(|weights| backend.linear_combination(&weights.iter().copied().zip(&pieces).collect::<Vec<_>>()))
            .collect::<Result<_, _>>()?;
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
        let mut fixed = [Fr::zero(); FIXED_COLUMNS];
        for (value, column) in fixed.iter_mut().zip(&self.key.coefficients) {
            *value = backend.evaluate(column, zeta)?;
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
            fixed,
        };
        // A witness that breaks a gate is noticed here, before anybody is blamed for it.
        if !row_identity_holds(rows, challenges, zeta, &openings, &self.public)? {
            return Err(ProverError::Unsatisfied);
        }
        Ok(RoundMessage::Four(Box::new(openings)))
    }

    fn open(&self, challenges: &Challenges) -> Result<Option<RoundMessage>, ProverError> {
        let (Some(row), Some(zeta), Some(opening), Some(z)) =
            (row_challenges(challenges), challenges.zeta, &challenges.opening, &self.z)
        else {
            return Ok(None);
        };
        let backend = &self.key.backend;
        let weights = RowWeights::new(&self.key.rows, &row, zeta, opening.v, &Claims(opening.claims))?;
        let own = (weights.wires.iter().zip(&self.wires)).chain([(&weights.z, z)]);
        let terms = own
            .chain(weights.chunks.iter().zip(&self.chunks))
            .chain(weights.fixed.iter().zip(&self.key.coefficients))
            .map(|(weight, column)| (*weight, column))
            .collect::<Vec<_>>();
        let (first, _) = backend.divide_by_linear(&backend.linear_combination(&terms)?, zeta)?;
        let one = Fr::one();
        let terms: Vec<_> = weights.wires.iter().copied().zip(&self.wires).chain([(one, z)]).collect();
        let next = self.key.rows.generator * zeta;
        let (second, _) = backend.divide_by_linear(&backend.linear_combination(&terms)?, next)?;
        let points = self.commit(&self.row.monomial, &[&first, &second])?;
        Ok(Some(RoundMessage::Five { wx1: points[0], wx2: points[1] }))
    }
}

/// beta, gamma and alpha, when all are drawn.
fn row_challenges(challenges: &Challenges) -> Option<RowChallenges<Fr>> {
    let (beta, gamma) = challenges.permutation?;
    Some(RowChallenges::new(beta, gamma, challenges.alpha?))
}

/// Whether `G(zeta) = Z_H(zeta) t(zeta)` for one subtree; `public` is PI on rows 0..6.
pub(crate) fn row_identity_holds(
    rows: &Domain,
    challenges: &RowChallenges<Fr>,
    zeta: Fr,
    openings: &RowOpenings,
    public: &[Fr; 6],
) -> Result<bool, ZeroDenominator> {
    let mut pi = Fr::zero();
    for (row, value) in public.iter().enumerate() {
        pi += rows.lagrange_at(row, zeta).ok_or(ZeroDenominator)? * value;
    }
    let l0 = rows.lagrange_at(0, zeta).ok_or(ZeroDenominator)?;
    let values = RowValues {
        w: openings.at_zeta,
        w_next: openings.at_next,
        z: openings.z,
        z_next: openings.z_next,
        fixed: openings.fixed,
    };
    let identity = row_identity(&|x| x, &values, challenges, zeta, l0, pi);
    Ok(identity == rows.vanishing_at(zeta) * openings.t)
}
