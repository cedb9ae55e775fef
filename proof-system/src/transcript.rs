//! The Keccak-256 transcript of docs/protocol.md, section 6.
//!
//! Words are 32 bytes, big-endian. A challenge is `state mod r` after `state = keccak(state || absorbed words || label)`.

use ark_bn254::{Fr, G1Affine};
use ark_ff::PrimeField;
use sha3::{Digest, Keccak256};

use crate::{
    codec::{number_bytes, point_bytes, scalar_bytes},
    statement::Statement,
};

/// The ASCII tag that begins every preamble.
pub const VERSION_TAG: &[u8] = b"proofyard/root-proof/v1";
/// Baton values of a subtree.
pub const BATON_VALUES: usize = 3;

/// Which challenge is drawn; each has a byte of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Label {
    /// Permutation argument, weight of the labels.
    Beta = 1,
    /// Permutation argument, offset.
    Gamma = 2,
    /// Combines the constraints.
    Alpha = 3,
    /// Evaluation point of X.
    Zeta = 4,
    /// Combines the boundary constraints of the batons; never a power of alpha.
    Mu = 5,
    /// Evaluation point of Y.
    Eta = 6,
    /// Combines the openings at one point.
    V = 7,
    /// Combines the openings at zeta and at w zeta.
    U1 = 8,
    /// Combines the openings at eta and at g eta.
    U2 = 9,
}

/// A running transcript.
#[derive(Debug, Clone)]
pub struct Transcript {
    state: [u8; 32],
    absorbed: Vec<u8>,
}

fn address_word(address: &[u8; 20]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[12..].copy_from_slice(address);
    bytes
}

impl Transcript {
    /// Starts from the preamble: everything that the proof is bound to and that is known before round 1.
    pub fn new(key_digest: &[u8; 32], rows: u64, subtrees: u64, statement: &Statement) -> Self {
        let mut tag = [0; 32];
        tag[..VERSION_TAG.len()].copy_from_slice(VERSION_TAG);
        let mut words = vec![
            tag,
            *key_digest,
            number_bytes(statement.chain_id),
            address_word(&statement.contract),
            number_bytes(rows),
            number_bytes(subtrees),
            number_bytes(BATON_VALUES as u64),
        ];
        words.extend(statement.start.iter().map(scalar_bytes));
        words.extend(statement.end.iter().map(scalar_bytes));
        words.push(address_word(&statement.beneficiary));
        Self { state: Keccak256::digest(words.concat()).into(), absorbed: Vec::new() }
    }

    /// Absorbs points, two words each.
    pub fn absorb_points(&mut self, points: &[G1Affine]) {
        for point in points {
            self.absorbed.extend_from_slice(&point_bytes(point));
        }
    }

    /// Absorbs scalars, one word each.
    pub fn absorb_scalars(&mut self, scalars: &[Fr]) {
        for scalar in scalars {
            self.absorbed.extend_from_slice(&scalar_bytes(scalar));
        }
    }

    /// Draws a challenge bound to everything absorbed so far.
    pub fn challenge(&mut self, label: Label) -> Fr {
        let hash = Keccak256::new().chain_update(self.state).chain_update(&self.absorbed).chain_update([label as u8]);
        self.state = hash.finalize().into();
        self.absorbed.clear();
        Fr::from_be_bytes_mod_order(&self.state)
    }

    /// The state after the last draw.
    pub fn state(&self) -> [u8; 32] {
        self.state
    }
}

/// `rho_j` of section 10: 1 for the first group, else bound to the final states of all groups.
pub fn group_weight(final_states: &[[u8; 32]], group: usize) -> Fr {
    if group == 0 {
        return Fr::from(1u64);
    }
    let hash = Keccak256::new().chain_update(final_states.concat()).chain_update(number_bytes(group as u64));
    Fr::from_be_bytes_mod_order(&hash.finalize())
}
