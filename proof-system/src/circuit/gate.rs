//! Gates as a circuit's author names them, and the fixed columns they become.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, MontFp};

use crate::gates::{GATE_COLUMNS, column};

/// The left side of the Poseidon2 gate: how the current row turns into the state that enters the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// S-box inputs of a full round: `E S(w)`.
    Full,
    /// S-box inputs of four partial rounds: `V2 w + W2 S(w)`.
    Partial,
    /// The permutation's input: `E S(E w + c0)`.
    Initial,
}

/// The right side of the Poseidon2 gate: how the next row gives the state that entered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// The row is the state.
    Full,
    /// S-box inputs of four partial rounds: `V w' + W S(w')`.
    Partial,
}

/// The coefficients of `q1 w1 + q2 w2 + q3 w3 + q4 w4 + qm w1 w2 = 0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arith {
    /// q1..q4.
    pub q: [Fr; 4],
    /// qm.
    pub qm: Fr,
}

impl Arith {
    /// No constraint.
    pub const NONE: Self = Self { q: [Fr::ZERO; 4], qm: Fr::ZERO };

    /// From small coefficients; negative ones are taken modulo r.
    pub fn small(q: [i64; 4], qm: i64) -> Self {
        Self { q: q.map(Fr::from), qm: Fr::from(qm) }
    }
}

/// What is switched on for a row, docs/protocol.md section 3. All but Free and Arith also read the next row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Nothing.
    Free,
    /// A linear or quadratic relation of the row's wires.
    Arith {
        /// q1..q4.
        q: [Fr; 4],
        /// qm.
        qm: Fr,
    },
    /// A transition of the Poseidon2 permutation.
    Poseidon2 {
        /// The form of the current row.
        left: Left,
        /// The form of the next row.
        right: Right,
        /// q1..q4, added on the left.
        constants: [Fr; 4],
    },
    /// Adds the table point of digit d in {1, -1, 3, -3} to (x, y); see [`Gate::fixed_base`].
    FixedBase {
        /// q1..q4.
        constants: [Fr; 4],
    },
    /// Adds two points.
    Add,
    /// Doubles a point.
    Double,
    /// Picks one of four values.
    Select,
    /// Four base-4 digits.
    Range,
    /// Routes an update to one of four places.
    Demux,
}

impl Gate {
    /// The fixed-base gate whose table holds `once` for d = 1 and `thrice` for d = 3 (for -d the negated points):
    /// `u = q1 + q2 d^2`, `Ty = d (q3 + q4 d^2)`.
    pub fn fixed_base(once: (Fr, Fr), thrice: (Fr, Fr)) -> Self {
        const EIGHTH: Fr = MontFp!("19152212512859365819465605027100115702479818850364030050735928663253832433665");
        const THIRD: Fr = MontFp!("14592161914559516814830937163504850059032242933610689562465469457717205663745");
        let q2 = (thrice.0 - once.0) * EIGHTH;
        let q4 = (thrice.1 * THIRD - once.1) * EIGHTH;
        Self::FixedBase { constants: [once.0 - q2, q2, once.1 - q4, q4] }
    }

    /// The gate's name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Free => "FREE",
            Self::Arith { .. } => "ARITH",
            Self::Poseidon2 { .. } => "POSEIDON2",
            Self::FixedBase { .. } => "FIXED-BASE",
            Self::Add => "ADD",
            Self::Double => "DBL",
            Self::Select => "SELECT",
            Self::Range => "RANGE",
            Self::Demux => "DEMUX",
        }
    }

    /// Whether the gate uses q1..q4 itself, so that no ARITH fits on its row.
    pub(super) const fn owns_coefficients(&self) -> bool {
        matches!(self, Self::Arith { .. } | Self::Poseidon2 { .. } | Self::FixedBase { .. })
    }

    /// The row of the twelve fixed columns; `arith` is added on the same row.
    pub(super) fn columns(&self, arith: &Arith) -> [Fr; GATE_COLUMNS] {
        let mut columns = [Fr::ZERO; GATE_COLUMNS];
        columns[..4].copy_from_slice(&arith.q);
        columns[column::QM] = arith.qm;
        match self {
            Self::Free => {}
            Self::Arith { q, qm } => {
                columns[..4].copy_from_slice(q);
                columns[column::QM] = *qm;
            }
            Self::Poseidon2 { left, right, constants } => {
                columns[..4].copy_from_slice(constants);
                columns[column::P0] = Fr::ONE;
                match left {
                    Left::Full => {}
                    Left::Partial => columns[column::PL] = Fr::ONE,
                    Left::Initial => columns[column::PI] = Fr::ONE,
                }
                if *right == Right::Partial {
                    columns[column::PR] = Fr::ONE;
                }
            }
            Self::FixedBase { constants } => {
                columns[..4].copy_from_slice(constants);
                columns[column::FB] = Fr::ONE;
            }
            Self::Add => columns[column::K] = Fr::from(1),
            Self::Double => columns[column::K] = Fr::from(2),
            Self::Select => columns[column::K] = Fr::from(3),
            Self::Range => columns[column::L] = Fr::from(1),
            Self::Demux => columns[column::L] = Fr::from(2),
        }
        columns
    }
}

/// The names of the gates that a row of fixed columns switches on, other than ARITH.
pub(super) fn active_gates(columns: &[Fr; GATE_COLUMNS]) -> String {
    let mut names = Vec::new();
    if columns[column::P0..=column::PR].iter().any(|value| *value != Fr::ZERO) {
        names.push("POSEIDON2");
    }
    if columns[column::FB] != Fr::ZERO {
        names.push("FIXED-BASE");
    }
    let among = |value: Fr, gates: &[&'static str]| {
        (1..).zip(gates).find(|(number, _)| Fr::from(*number as u64) == value).map(|(_, name)| *name)
    };
    names.extend(among(columns[column::K], &["ADD", "DBL", "SELECT"]));
    names.extend(among(columns[column::L], &["RANGE", "DEMUX"]));
    names.join(" and ")
}
