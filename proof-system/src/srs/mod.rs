//! The structured reference string (SRS) of two secrets tx, ty, docs/protocol.md section 1.
//!
//! A ceremony gives the monomials `[ty^i tx^j]`, `[ty^k]` and in G2 `[tx]`, `[ty]`; they lie in one file ([`Srs`]) and
//! are checked by [`Srs::check`]. What proving needs are rows for one M: `[R_i(ty) tx^j]` and `[R_i(ty) L_j(tx)]`
//! ([`SrsRow`]), which [`derive`] computes from monomials by group transforms. The developers' setup ([`insecure`])
//! knows its secrets and computes all of it directly.

mod check;
pub(crate) mod container;
pub mod derive;
mod error;
pub mod insecure;

use std::{fmt, path::Path, sync::Arc};

use ark_bn254::{G1Affine, G2Affine};
use proofyard_kernels::{AffinePoint, backend::PointSource};

use self::container::{Container, Kind};
pub use self::error::SetupError;
pub(crate) use self::error::io_error;
use crate::{
    codec::{self, G2_POINT_BYTES},
    domain::SUBTREES_MAX,
    key::ROWS_LOG2_MAX,
};

/// Called with a stage's name, what is done and what there is to do.
pub type Progress<'a> = &'a (dyn Fn(&str, u64, u64) + Sync);

/// Powers `[ty^k]` that the aggregator of M subtrees needs: `k <= max(M - 1, 4M - 5)`.
pub fn y_power_count(subtrees: usize) -> usize {
    subtrees.max((4 * subtrees).saturating_sub(4))
}

/// Powers `[ty^k]` in an SRS file: at least `[ty]` itself, so that G2 `[ty]` can be checked against it.
fn stored_y_power_count(max_subtrees: usize) -> usize {
    y_power_count(max_subtrees).max(2)
}

/// Refuses sizes outside `1 <= log2 T <= 24` and `M = 2^m <= 256`.
pub(crate) fn check_sizes(rows_log2: u32, subtrees: usize) -> Result<(), SetupError> {
    if !(1..=ROWS_LOG2_MAX).contains(&rows_log2) {
        let expected = format!("1 to {ROWS_LOG2_MAX}");
        return Err(SetupError::Size { what: "log2 of the rows", expected, got: rows_log2.into() });
    }
    if !subtrees.is_power_of_two() || subtrees > SUBTREES_MAX {
        let expected = format!("a power of two up to {SUBTREES_MAX}");
        return Err(SetupError::Size { what: "subtrees", expected, got: subtrees as u64 });
    }
    Ok(())
}

/// What the worker on subtree i needs of the SRS: T points in each form.
#[derive(Clone)]
pub struct SrsRow {
    /// i.
    pub subtree: usize,
    /// M.
    pub subtrees: usize,
    /// `[R_i(ty) tx^j]`: commits coefficients.
    pub monomial: PointSource,
    /// `[R_i(ty) L_j(tx)]`: commits evaluations over H.
    pub lagrange: PointSource,
    /// `[R_i(ty)]`.
    pub unit: G1Affine,
}

impl SrsRow {
    /// T.
    pub fn rows(&self) -> usize {
        (*self.monomial).as_ref().len()
    }
}

impl fmt::Debug for SrsRow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SrsRow({} of {}, {} rows)", self.subtree, self.subtrees, self.rows())
    }
}

/// A monomial SRS file; `container` documents its bytes.
pub struct Srs {
    container: Container,
    y_powers: Vec<G1Affine>,
    tx: G2Affine,
    ty: G2Affine,
}

impl Srs {
    /// Opens the file at `path`. Digests of the powers of ty and of G2 are checked now, those of the monomial rows as
    /// they are taken; that the points are powers at all is [`Srs::check`]'s.
    pub fn open(path: &Path) -> Result<Self, SetupError> {
        let container = Container::open(path, Kind::Srs)?;
        check_sizes(container.identity.rows_log2, container.identity.subtrees as usize)?;
        let powers = container.points(0, stored_y_power_count(container.identity.subtrees as usize))?;
        let y_powers = (*powers).as_ref().iter().map(G1Affine::from).collect();
        let g2 = container.section(1, 2 * G2_POINT_BYTES)?;
        let encoding = |source| SetupError::Encoding { path: path.to_owned(), source };
        let tx = codec::g2_point_from_bytes(&g2[..G2_POINT_BYTES], "[tx]", 0).map_err(encoding)?;
        let ty = codec::g2_point_from_bytes(&g2[G2_POINT_BYTES..], "[ty]", G2_POINT_BYTES).map_err(encoding)?;
        Ok(Self { container, y_powers, tx, ty })
    }

    /// [`crate::key::INSECURE_LABEL`] or the ceremony's digest.
    pub fn label(&self) -> [u8; 32] {
        self.container.identity.label
    }

    /// The digest of the whole file.
    pub fn digest(&self) -> [u8; 32] {
        self.container.digest
    }

    /// `log2 T`; smaller T are served as well.
    pub fn rows_log2(&self) -> u32 {
        self.container.identity.rows_log2
    }

    /// `M_max`; smaller M are served as well.
    pub fn max_subtrees(&self) -> usize {
        self.container.identity.subtrees as usize
    }

    /// `[ty^k]`, `k <= max(1, M_max - 1, 4 M_max - 5)`.
    pub fn y_powers(&self) -> &[G1Affine] {
        &self.y_powers
    }

    /// `[tx]` in G2.
    pub fn tx(&self) -> G2Affine {
        self.tx
    }

    /// `[ty]` in G2.
    pub fn ty(&self) -> G2Affine {
        self.ty
    }

    /// `[ty^i tx^j]`, `j < T`, mapped.
    pub fn monomials(&self, i: usize) -> Result<PointSource, SetupError> {
        if i >= self.max_subtrees() {
            let expected = format!("below {}", self.max_subtrees());
            return Err(SetupError::Size { what: "power of ty", expected, got: i as u64 });
        }
        self.container.points(2 + i, 1 << self.rows_log2())
    }
}

fn to_points(points: &[G1Affine]) -> Vec<AffinePoint> {
    points.iter().map(AffinePoint::from).collect()
}

fn shared(points: Vec<AffinePoint>) -> PointSource {
    Arc::new(points)
}
