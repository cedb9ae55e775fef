//! The whole protocol in the clear: a slow, obvious twin of worker, coordinator and setup for one group.
//!
//! Every polynomial is held as a matrix of coefficients in X and Y, a commitment is its value at the developers' secrets
//! times the generator, and each step is a method of its own, so that a test can deviate from the protocol between two
//! steps and build the forged thing. The secrets serve for committing only; no forgery may use them otherwise.

use ark_bn254::{Fr, G1Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, FftField, Field, One};
use proofyard_kernels::{Backend, naive::NaiveBackend};
use proofyard_proof_system::{
    circuit::{Circuit, Witness},
    domain::Domain,
    gates::{FIXED_COLUMNS, RowChallenges, RowValues, row_identity},
    key::VerifyingKey,
    linearisation::{BatonWeights, Claims, QUOTIENT_CHUNKS, RowWeights},
    proof::GroupProof,
    statement::Statement,
    transcript::{Label, Transcript},
};

/// Coefficients of a polynomial in X and Y: `rows[y][x]` belongs to `Y^y X^x`.
#[derive(Clone, Debug, Default)]
pub struct Poly2 {
    pub rows: Vec<Vec<Fr>>,
}

pub fn horner(coefficients: &[Fr], point: Fr) -> Fr {
    coefficients.iter().rev().fold(Fr::ZERO, |value, coefficient| value * point + coefficient)
}

/// `(f - f(point)) / (X - point)` by long division.
fn divide(coefficients: &[Fr], point: Fr) -> Vec<Fr> {
    let mut quotient = vec![Fr::ZERO; coefficients.len()];
    for index in (1..coefficients.len()).rev() {
        quotient[index - 1] = coefficients[index] + quotient[index] * point;
    }
    quotient
}

/// Coefficients from values on a subgroup, by the definition of the inverse transform.
pub fn interpolate(domain: &Domain, values: &[Fr]) -> Vec<Fr> {
    assert_eq!(values.len(), domain.size());
    let backend = NaiveBackend::new();
    backend.download(&backend.interpolate(&backend.upload(values).unwrap()).unwrap()).unwrap()
}

impl Poly2 {
    /// `sum_i R_i(Y) slices[i](X)`, slices as coefficients in X.
    pub fn from_slices(subtrees: &Domain, slices: &[Vec<Fr>]) -> Self {
        let width = slices[0].len();
        let columns: Vec<Vec<Fr>> = (0..width)
            .map(|x| interpolate(subtrees, &slices.iter().map(|slice| slice[x]).collect::<Vec<_>>()))
            .collect();
        Self { rows: (0..subtrees.size()).map(|y| columns.iter().map(|column| column[y]).collect()).collect() }
    }

    /// A polynomial in X alone.
    pub fn in_x(coefficients: &[Fr]) -> Self {
        Self { rows: vec![coefficients.to_vec()] }
    }

    /// A polynomial in Y alone.
    pub fn in_y(coefficients: &[Fr]) -> Self {
        Self { rows: coefficients.iter().map(|coefficient| vec![*coefficient]).collect() }
    }

    /// The coefficients in Y at X = point.
    pub fn at_x(&self, point: Fr) -> Vec<Fr> {
        self.rows.iter().map(|row| horner(row, point)).collect()
    }

    pub fn evaluate(&self, x: Fr, y: Fr) -> Fr {
        horner(&self.at_x(x), y)
    }

    pub fn add_scaled(&mut self, other: &Self, scale: Fr) {
        if self.rows.len() < other.rows.len() {
            self.rows.resize(other.rows.len(), Vec::new());
        }
        for (row, from) in self.rows.iter_mut().zip(&other.rows) {
            if row.len() < from.len() {
                row.resize(from.len(), Fr::ZERO);
            }
            for (value, addend) in row.iter_mut().zip(from) {
                *value += scale * addend;
            }
        }
    }

    /// `(f(X, Y) - f(point, Y)) / (X - point)`.
    pub fn divide_x(&self, point: Fr) -> Self {
        Self { rows: self.rows.iter().map(|row| divide(row, point)).collect() }
    }

    /// `(f(Y) - f(point)) / (Y - point)` of `f(x, Y)`.
    pub fn divide_y(&self, x: Fr, point: Fr) -> Self {
        Self::in_y(&divide(&self.at_x(x), point))
    }
}

/// The secrets of the developers' setup.
#[derive(Clone, Copy, Debug)]
pub struct Secrets {
    pub tx: Fr,
    pub ty: Fr,
}

impl Secrets {
    pub fn commit(&self, poly: &Poly2) -> G1Affine {
        (G1Affine::generator() * poly.evaluate(self.tx, self.ty)).into_affine()
    }
}

/// One group's prover; call the steps in the order of their definition.
#[derive(Clone)]
pub struct Reference {
    pub secrets: Secrets,
    pub rows: Domain,
    pub subtrees: Domain,
    pub statement: Statement,
    pub inputs: Vec<[Fr; 3]>,
    pub transcript: Transcript,
    witnesses: Vec<Witness>,
    permutation: [Vec<Fr>; 4],
    pub fixed: Vec<Poly2>,
    pub wires: Vec<Poly2>,
    pub batons: Vec<Poly2>,
    pub z: Poly2,
    z_slices: Vec<Vec<Fr>>,
    pub chunks: Vec<Poly2>,
    pub q: Poly2,
    pub row: Option<RowChallenges<Fr>>,
    beta: Fr,
    gamma: Fr,
    pub zeta: Fr,
    pub mu: Fr,
    pub eta: Fr,
    pub v: Fr,
    pub u1: Fr,
    pub u2: Fr,
    pub proof: GroupProof,
}

impl Reference {
    /// `inputs[i]` is the baton before subtree i; the last subtree ends at the statement's end.
    pub fn new(
        secrets: Secrets,
        key: &VerifyingKey,
        circuit: &Circuit,
        statement: Statement,
        inputs: Vec<[Fr; 3]>,
        witnesses: Vec<Witness>,
    ) -> Self {
        let rows = Domain::new(circuit.rows_log2).unwrap();
        let subtrees = Domain::of_size(inputs.len()).unwrap();
        let columns = circuit.fixed.iter().chain(&circuit.permutation);
        let fixed = columns.map(|column| Poly2::in_x(&interpolate(&rows, column))).collect();
        let wires = (0..4)
            .map(|c| {
                let slice = |witness: &Witness| interpolate(&rows, &witness.columns[c]);
                Poly2::from_slices(&subtrees, &witnesses.iter().map(slice).collect::<Vec<_>>())
            })
            .collect();
        let batons = (0..3)
            .map(|k| Poly2::in_y(&interpolate(&subtrees, &inputs.iter().map(|baton| baton[k]).collect::<Vec<_>>())))
            .collect();
        let transcript = Transcript::new(&key.digest(), rows.size() as u64, subtrees.size() as u64, &statement);
        Self {
            secrets,
            rows,
            subtrees,
            statement,
            inputs,
            transcript,
            witnesses,
            permutation: circuit.permutation.clone(),
            fixed,
            wires,
            batons,
            z: Poly2::default(),
            z_slices: Vec::new(),
            chunks: Vec::new(),
            q: Poly2::default(),
            row: None,
            beta: Fr::ZERO,
            gamma: Fr::ZERO,
            zeta: Fr::ZERO,
            mu: Fr::ZERO,
            eta: Fr::ZERO,
            v: Fr::ZERO,
            u1: Fr::ZERO,
            u2: Fr::ZERO,
            proof: GroupProof::default(),
        }
    }

    /// Round 1: wires and batons, then beta and gamma.
    pub fn commit_wires(&mut self) {
        self.proof.wires = std::array::from_fn(|c| self.secrets.commit(&self.wires[c]));
        self.proof.batons = std::array::from_fn(|k| self.secrets.commit(&self.batons[k]));
        self.transcript.absorb_points(&self.proof.wires);
        self.transcript.absorb_points(&self.proof.batons);
        self.beta = self.transcript.challenge(Label::Beta);
        self.gamma = self.transcript.challenge(Label::Gamma);
    }

    /// Round 2: the permutation product, row by row, then alpha.
    pub fn commit_permutation(&mut self) {
        let (beta, gamma) = (self.beta, self.gamma);
        self.z_slices = (self.witnesses.iter())
            .map(|witness| {
                let (mut values, mut z, mut label) = (Vec::new(), Fr::one(), Fr::one());
                for row in 0..self.rows.size() {
                    values.push(z);
                    for c in 0..4 {
                        let wire = witness.columns[c][row] + gamma;
                        let shift = Fr::GENERATOR.pow([c as u64]);
                        z *= wire + beta * shift * label;
                        z /= wire + beta * self.permutation[c][row];
                    }
                    label *= self.rows.generator;
                }
                interpolate(&self.rows, &values)
            })
            .collect();
        self.z = Poly2::from_slices(&self.subtrees, &self.z_slices);
        self.proof.z = self.secrets.commit(&self.z);
        self.transcript.absorb_points(&[self.proof.z]);
        let alpha = self.transcript.challenge(Label::Alpha);
        self.row = Some(RowChallenges::new(beta, gamma, alpha));
    }

    /// Round 3: the quotient by interpolation over a coset of order 8T, then zeta and mu.
    pub fn commit_quotient(&mut self) {
        let slices: Vec<Vec<Fr>> = (0..self.inputs.len()).map(|i| self.quotient_slice(i)).collect();
        let size = self.rows.size();
        self.chunks = (0..QUOTIENT_CHUNKS)
            .map(|c| {
                let chunk = |slice: &Vec<Fr>| slice[c * size..(c + 1) * size].to_vec();
                Poly2::from_slices(&self.subtrees, &slices.iter().map(chunk).collect::<Vec<_>>())
            })
            .collect();
        self.proof.chunks = std::array::from_fn(|c| self.secrets.commit(&self.chunks[c]));
        self.transcript.absorb_points(&self.proof.chunks);
        self.zeta = self.transcript.challenge(Label::Zeta);
        self.mu = self.transcript.challenge(Label::Mu);
    }

    fn quotient_slice(&self, subtree: usize) -> Vec<Fr> {
        let size = self.rows.size();
        let extended = Domain::of_size(8 * size).unwrap();
        let shift = Fr::GENERATOR;
        // OUT by construction: after the last subtree it is S(1) + end - start.
        let Statement { start, end, .. } = &self.statement;
        let last = std::array::from_fn(|k| self.inputs[0][k] + end[k] - start[k]);
        let output = self.inputs.get(subtree + 1).copied().unwrap_or(last);
        let mut public = vec![Fr::ZERO; size];
        for k in 0..3 {
            public[k] = -self.inputs[subtree][k];
            public[3 + k] = -output[k];
        }
        let mut first = vec![Fr::ZERO; size];
        first[0] = Fr::one();
        let backend = proofyard_kernels::cpu::CpuBackend::new();
        let on_coset = |coefficients: &[Fr]| {
            let mut padded = coefficients.to_vec();
            padded.resize(8 * size, Fr::ZERO);
            backend.download(&backend.evaluate_on_coset(&backend.upload(&padded).unwrap(), shift).unwrap()).unwrap()
        };
        let wires: Vec<_> =
            (self.witnesses[subtree].columns.iter()).map(|column| on_coset(&interpolate(&self.rows, column))).collect();
        let z = on_coset(&self.z_slices[subtree]);
        let fixed: Vec<_> = self.fixed.iter().map(|column| on_coset(&column.rows[0])).collect();
        let public = on_coset(&interpolate(&self.rows, &public));
        let first = on_coset(&interpolate(&self.rows, &first));
        let mut x = shift;
        let values: Vec<Fr> = (0..8 * size)
            .map(|j| {
                let next = (j + 8) % (8 * size);
                let row = RowValues {
                    w: std::array::from_fn(|c| wires[c][j]),
                    w_next: std::array::from_fn(|c| wires[c][next]),
                    z: z[j],
                    z_next: z[next],
                    fixed: std::array::from_fn(|c| fixed[c][j]),
                };
                let value = row_identity(&|x| x, &row, self.row.as_ref().unwrap(), x, first[j], public[j])
                    / self.rows.vanishing_at(x);
                x *= extended.generator;
                value
            })
            .collect();
        let column = backend.upload(&values).unwrap();
        backend.download(&backend.interpolate_from_coset(&column, shift).unwrap()).unwrap()
    }

    /// PI at X = zeta over Y, with OUT by construction from the batons at X = x (honest batons do not depend on X).
    fn public_at(&self, y: Fr, x: Fr) -> Fr {
        let last = self.subtrees.lagrange_at(self.subtrees.size() - 1, y).unwrap();
        let lagrange = |row| self.rows.lagrange_at(row, self.zeta).unwrap();
        (0..3)
            .map(|k| {
                let shifted = self.batons[k].evaluate(x, self.subtrees.generator * y);
                let out = shifted + (self.statement.end[k] - self.statement.start[k]) * last;
                -(lagrange(k) * self.batons[k].evaluate(x, y) + lagrange(3 + k) * out)
            })
            .sum()
    }

    /// The left side of the identity over Y at one point.
    fn identity_over_y(&self, y: Fr) -> Fr {
        let zeta = self.zeta;
        let next = self.rows.generator * zeta;
        let row = RowValues {
            w: std::array::from_fn(|c| self.wires[c].evaluate(zeta, y)),
            w_next: std::array::from_fn(|c| self.wires[c].evaluate(next, y)),
            z: self.z.evaluate(zeta, y),
            z_next: self.z.evaluate(next, y),
            fixed: self.fixed_values(),
        };
        let l0 = self.rows.lagrange_at(0, zeta).unwrap();
        let pi = self.public_at(y, zeta);
        let identity = row_identity(&|x| x, &row, self.row.as_ref().unwrap(), zeta, l0, pi);
        let vanishing = self.rows.vanishing_at(zeta);
        let t: Fr = (0..QUOTIENT_CHUNKS)
            .map(|c| (vanishing + Fr::one()).pow([c as u64]) * self.chunks[c].evaluate(zeta, y))
            .sum();
        let first = self.subtrees.lagrange_at(0, y).unwrap();
        let boundary: Fr = (0..3)
            .map(|k| self.mu.pow([k as u64 + 1]) * first * (self.batons[k].evaluate(zeta, y) - self.statement.start[k]))
            .sum();
        identity - vanishing * t + boundary
    }

    pub fn fixed_values(&self) -> [Fr; FIXED_COLUMNS] {
        std::array::from_fn(|c| horner(&self.fixed[c].rows[0], self.zeta))
    }

    /// Whether the identity over Y vanishes on K, so that Q is a polynomial.
    pub fn y_identity_divides(&self) -> bool {
        // Q has at most 4M - 4 coefficients exactly when the division leaves no remainder.
        self.q.rows.len() <= 4 * self.subtrees.size() - 4
    }

    /// Everything up to the claims with another mu than the transcript's.
    pub fn run_with_mu(&mut self, mu: Option<Fr>) {
        self.commit_wires();
        self.commit_permutation();
        self.commit_quotient();
        self.mu = mu.unwrap_or(self.mu);
        self.commit_y_quotient();
        self.claim();
    }

    /// Q, then eta.
    pub fn commit_y_quotient(&mut self) {
        let extended = Domain::of_size(8 * self.subtrees.size()).unwrap();
        let shift = Fr::GENERATOR;
        let mut y = shift;
        let mut values = Vec::new();
        for _ in 0..extended.size() {
            values.push(self.identity_over_y(y) / self.subtrees.vanishing_at(y));
            y *= extended.generator;
        }
        // From values over the coset to coefficients: f(shift Y), then undo the shift.
        let mut coefficients = interpolate(&extended, &values);
        let mut power = Fr::one();
        for coefficient in &mut coefficients {
            *coefficient *= power.inverse().unwrap();
            power *= shift;
        }
        while coefficients.last() == Some(&Fr::ZERO) {
            coefficients.pop();
        }
        self.q = Poly2::in_y(&coefficients);
        self.proof.q = self.secrets.commit(&self.q);
        self.transcript.absorb_points(&[self.proof.q]);
        self.eta = self.transcript.challenge(Label::Eta);
    }

    /// The true values at (zeta, eta); not yet absorbed, so a test may change `proof.claims`.
    pub fn claim(&mut self) {
        let (zeta, eta) = (self.zeta, self.eta);
        let next = self.rows.generator * zeta;
        let baton = (0..3)
            .map(|k| {
                let weight = self.rows.lagrange_at(3 + k, zeta).unwrap();
                weight * self.batons[k].evaluate(zeta, self.subtrees.generator * eta)
            })
            .sum();
        let w = std::array::from_fn(|c| self.wires[c].evaluate(zeta, eta));
        let w_next = std::array::from_fn(|c| self.wires[c].evaluate(next, eta));
        self.proof.claims = Claims::new(w, w_next, &self.fixed_values(), self.z.evaluate(next, eta), baton).0;
    }

    /// v from the claims.
    pub fn absorb_claims(&mut self) {
        self.transcript.absorb_scalars(&self.proof.claims);
        self.v = self.transcript.challenge(Label::V);
    }

    pub fn weights(&self) -> (RowWeights, BatonWeights) {
        let claims = Claims(self.proof.claims);
        let row = RowWeights::new(&self.rows, self.row.as_ref().unwrap(), self.zeta, self.v, &claims).unwrap();
        let points = (self.zeta, self.mu, self.eta);
        let y = BatonWeights::new(&self.rows, &self.subtrees, &self.statement, points, &row, &claims).unwrap();
        (row, y)
    }

    /// F, N and P of section 8.
    pub fn opened(&self) -> [Poly2; 3] {
        let (row, y) = self.weights();
        let mut f = Poly2::default();
        let mut n = self.z.clone();
        let mut p = Poly2::default();
        for (wire, weight) in self.wires.iter().zip(row.wires) {
            f.add_scaled(wire, weight);
            n.add_scaled(wire, weight);
        }
        for (column, weight) in self.fixed.iter().zip(row.fixed) {
            f.add_scaled(column, weight);
        }
        f.add_scaled(&self.z, row.z);
        for (chunk, weight) in self.chunks.iter().zip(row.chunks) {
            f.add_scaled(chunk, weight);
        }
        for k in 0..3 {
            f.add_scaled(&self.batons[k], y.batons[k]);
            p.add_scaled(&self.batons[k], y.shifted[k]);
        }
        f.add_scaled(&self.q, y.quotient);
        [f, n, p]
    }

    /// The X-witnesses.
    pub fn witnesses_x(&self) -> [Poly2; 2] {
        let [f, n, _] = self.opened();
        [f.divide_x(self.zeta), n.divide_x(self.rows.generator * self.zeta)]
    }

    /// Round 5 in X, then u1.
    pub fn open_x(&mut self) {
        let [first, second] = self.witnesses_x();
        self.proof.wx1 = self.secrets.commit(&first);
        self.proof.wx2 = self.secrets.commit(&second);
        self.absorb_x();
    }

    pub fn absorb_x(&mut self) {
        self.transcript.absorb_points(&[self.proof.wx1, self.proof.wx2]);
        self.u1 = self.transcript.challenge(Label::U1);
    }

    /// The witnesses in Y.
    pub fn witnesses_y(&self) -> [Poly2; 2] {
        let [f, n, p] = self.opened();
        let mut wy = f.divide_y(self.zeta, self.eta);
        wy.add_scaled(&n.divide_y(self.rows.generator * self.zeta, self.eta), self.u1);
        [wy, p.divide_y(self.zeta, self.subtrees.generator * self.eta)]
    }

    /// The openings in Y, then u2.
    pub fn open_y(&mut self) {
        let [wy, shifted] = self.witnesses_y();
        self.proof.wy = self.secrets.commit(&wy);
        self.proof.wy_shifted = self.secrets.commit(&shifted);
        self.absorb_y();
    }

    pub fn absorb_y(&mut self) {
        self.transcript.absorb_points(&[self.proof.wy, self.proof.wy_shifted]);
        self.u2 = self.transcript.challenge(Label::U2);
    }

    /// All steps, honestly.
    pub fn prove(mut self) -> GroupProof {
        self.run_to_claims();
        self.absorb_claims();
        self.open_x();
        self.open_y();
        self.proof
    }

    /// Everything up to the claims, which are not absorbed yet.
    pub fn run_to_claims(&mut self) {
        self.run_with_mu(None);
    }
}
