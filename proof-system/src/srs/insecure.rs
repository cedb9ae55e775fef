//! The INSECURE developers' setup: its secrets follow from a public seed, so that anyone can forge proofs for its keys.
//!
//! `tx` and `ty` are `SHA-256(seed || 0, name) || SHA-256(seed || 1, name)` as a big-endian integer mod r, with the
//! ASCII seed [`SEED`], one byte, and the name "tx" or "ty". Nothing is sampled. Files and keys made here carry the
//! label `INSECURE developers' setup` whatever the secrets were. Known secrets allow a shortcut: every point is one
//! multiple of the generator ([`FixedBase`]).

use std::path::Path;

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{One, PrimeField, Zero, batch_inversion};
use sha2::{Digest, Sha256};

use super::{
    Progress, SetupError, SrsRow, check_sizes,
    container::{ContainerWriter, Identity, Kind},
    shared, stored_y_power_count, to_points, y_power_count,
};
use crate::{
    circuit::Circuit,
    codec,
    domain::Domain,
    fixed_base::FixedBase,
    key::{AggregationKey, FIXED_COUNT, INSECURE_LABEL, VerifyingKey},
    linear::geometric,
};

/// The public seed of the developers' setup.
pub const SEED: &[u8] = b"proofyard INSECURE developers' setup, seed 1";

/// A setup with known secrets.
pub struct InsecureSetup {
    tx: Fr,
    ty: Fr,
    base: FixedBase,
}

fn secret(name: &[u8]) -> Fr {
    let half = |index: u8| Sha256::new().chain_update(SEED).chain_update([index]).chain_update(name).finalize();
    Fr::from_be_bytes_mod_order(&[half(0), half(1)].concat())
}

impl InsecureSetup {
    /// The developers' setup; `points` is about how many points will be computed.
    pub fn developers(points: usize) -> Self {
        Self::from_secrets(secret(b"tx"), secret(b"ty"), points)
    }

    /// A setup with given secrets, for tests of bad ones. What it makes is labelled INSECURE like everything here.
    pub fn from_secrets(tx: Fr, ty: Fr, points: usize) -> Self {
        Self { tx, ty, base: FixedBase::new(points) }
    }

    /// `[tx]` and `[ty]` in G2.
    fn g2(&self) -> [G2Affine; 2] {
        [self.tx, self.ty].map(|secret| (G2Affine::generator() * secret).into_affine())
    }

    /// `R_i(ty)` for i < M.
    fn units(&self, subtrees: usize) -> Result<Vec<Fr>, SetupError> {
        let domain = Domain::of_size(subtrees).ok_or(SetupError::SecretInDomain { secret: "ty" })?;
        (0..subtrees)
            .map(|i| domain.lagrange_at(i, self.ty).ok_or(SetupError::SecretInDomain { secret: "ty" }))
            .collect()
    }

    /// `L_j(tx)` for j < T.
    fn lagrange(&self, rows_log2: u32) -> Result<Vec<Fr>, SetupError> {
        let degenerate = SetupError::SecretInDomain { secret: "tx" };
        let Some(domain) = Domain::new(rows_log2) else { return Err(degenerate) };
        let vanishing = domain.vanishing_at(self.tx);
        if vanishing.is_zero() {
            return Err(degenerate);
        }
        let roots = geometric(Fr::one(), domain.generator, domain.size());
        let size = Fr::from(domain.size() as u64);
        let mut values: Vec<Fr> = roots.iter().map(|root| size * (self.tx - root)).collect();
        batch_inversion(&mut values);
        for (value, root) in values.iter_mut().zip(&roots) {
            *value *= *root * vanishing;
        }
        Ok(values)
    }

    /// Row i of M for T rows, in memory.
    pub fn row(&self, rows_log2: u32, subtrees: usize, i: usize) -> Result<SrsRow, SetupError> {
        check_sizes(rows_log2, subtrees)?;
        let Some(unit) = self.units(subtrees)?.get(i).copied() else {
            return Err(SetupError::Size { what: "subtree", expected: format!("below {subtrees}"), got: i as u64 });
        };
        let monomial = self.base.multiply(&geometric(unit, self.tx, 1 << rows_log2));
        let mut scalars = self.lagrange(rows_log2)?;
        for scalar in &mut scalars {
            *scalar *= unit;
        }
        let lagrange = self.base.multiply(&scalars);
        Ok(SrsRow {
            subtree: i,
            subtrees,
            unit: monomial[0],
            monomial: shared(to_points(&monomial)),
            lagrange: shared(to_points(&lagrange)),
        })
    }

    /// Writes the monomial file for T rows and `M_max` subtrees; returns its digest.
    pub fn write_srs(
        &self,
        path: &Path,
        rows_log2: u32,
        max_subtrees: usize,
        progress: Progress<'_>,
    ) -> Result<[u8; 32], SetupError> {
        check_sizes(rows_log2, max_subtrees)?;
        let identity = Identity {
            kind: Kind::Srs,
            rows_log2,
            subtrees: max_subtrees as u32,
            index: 0,
            label: INSECURE_LABEL,
            source: [0; 32],
            circuit: [0; 32],
        };
        let mut writer = ContainerWriter::create(path, identity)?;
        let y_powers = geometric(Fr::one(), self.ty, stored_y_power_count(max_subtrees));
        writer.write_points(&to_points(&self.base.multiply(&y_powers)))?;
        writer.end_section();
        for point in self.g2() {
            writer.write(&codec::g2_point_bytes(&point))?;
        }
        writer.end_section();
        for (i, y_power) in y_powers.into_iter().take(max_subtrees).enumerate() {
            progress("monomials", i as u64, max_subtrees as u64);
            writer.write_points(&to_points(&self.base.multiply(&geometric(y_power, self.tx, 1 << rows_log2))))?;
            writer.end_section();
        }
        progress("monomials", max_subtrees as u64, max_subtrees as u64);
        writer.finish()
    }

    /// The keys of a circuit, by evaluating its fixed columns at tx.
    pub fn keys(&self, circuit: &Circuit, subtrees: usize) -> Result<AggregationKey, SetupError> {
        check_sizes(circuit.rows_log2, subtrees)?;
        let lagrange = self.lagrange(circuit.rows_log2)?;
        let mut values = Vec::with_capacity(FIXED_COUNT);
        for column in circuit.fixed.iter().chain(&circuit.permutation) {
            values.push(column.iter().zip(&lagrange).map(|(value, weight)| *value * weight).sum::<Fr>());
        }
        let units = self.units(subtrees)?;
        let commit_all = |unit: Fr| {
            let scalars: Vec<Fr> = values.iter().map(|value| *value * unit).collect();
            let points = self.base.multiply(&scalars);
            std::array::from_fn::<G1Affine, FIXED_COUNT, _>(|column| points[column])
        };
        let [tx, ty] = self.g2();
        let rows_log2 = circuit.rows_log2;
        let verifying = VerifyingKey { label: INSECURE_LABEL, rows_log2, fixed: commit_all(Fr::one()), tx, ty };
        Ok(AggregationKey {
            verifying: verifying.into(),
            subtrees,
            units: self.base.multiply(&units),
            fixed_rows: units.iter().map(|unit| commit_all(*unit)).collect(),
            y_powers: self.base.multiply(&geometric(Fr::one(), self.ty, y_power_count(subtrees))),
        })
    }
}
