//! Poseidon2 against foreign vectors, a naive twin, its parameters' derivation, and its rows.

mod common;

use std::array::from_fn;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use common::{Stream, from_hex};
use proofyard_proof_system::poseidon2::{
    Domain, FULL_ROUNDS, GROUPS, Matrix, PARTIAL_ROUNDS, PERMUTATION_ROWS, compress4, external_matrix, full_constants,
    full_layer, hash3, internal_matrix, partial_constants, permute, row_constants, row_matrices, trace,
};

const VECTORS: &str = include_str!("../../testdata/poseidon2_bn254_t4.txt");

fn apply(matrix: &Matrix, vector: [Fr; 4]) -> [Fr; 4] {
    from_fn(|i| (0..4).map(|j| matrix[i][j] * vector[j]).sum())
}

fn add(a: [Fr; 4], b: [Fr; 4]) -> [Fr; 4] {
    from_fn(|i| a[i] + b[i])
}

/// The permutation with dense matrices, one round at a time; calls back with the state before each round.
fn naive(input: [Fr; 4], mut before_round: impl FnMut(usize, [Fr; 4])) -> [Fr; 4] {
    let (external, internal) = (external_matrix(), internal_matrix());
    let mut state = apply(&external, input);
    for round in 0..FULL_ROUNDS + PARTIAL_ROUNDS {
        before_round(round, state);
        let partial = round.checked_sub(FULL_ROUNDS / 2).filter(|index| *index < PARTIAL_ROUNDS);
        state = match partial {
            Some(index) => {
                let first = (state[0] + partial_constants()[index]).pow([5]);
                apply(&internal, [first, state[1], state[2], state[3]])
            }
            None => {
                let index = if round < FULL_ROUNDS / 2 { round } else { round - PARTIAL_ROUNDS };
                apply(&external, add(state, full_constants()[index]).map(|x| x.pow([5])))
            }
        };
    }
    state
}

fn invert_matrix(matrix: &Matrix) -> Matrix {
    // Cramer's rule by cofactors, so as not to repeat the elimination under test.
    let minor = |skip_row: usize, skip_column: usize| {
        let rows: Vec<usize> = (0..4).filter(|i| *i != skip_row).collect();
        let columns: Vec<usize> = (0..4).filter(|j| *j != skip_column).collect();
        let at = |i: usize, j: usize| matrix[rows[i]][columns[j % 3]];
        (0..3).map(|j| at(0, j) * (at(1, j + 1) * at(2, j + 2) - at(1, j + 2) * at(2, j + 1))).sum::<Fr>()
    };
    let sign = |i: usize, j: usize| if (i + j).is_multiple_of(2) { Fr::ONE } else { -Fr::ONE };
    let determinant: Fr = (0..4).map(|j| matrix[0][j] * sign(0, j) * minor(0, j)).sum();
    let scale = determinant.inverse().unwrap();
    from_fn(|i| from_fn(|j| sign(i, j) * minor(j, i) * scale))
}

/// `x -> x^(1/5)`: the exponent is the inverse of 5 modulo r - 1.
fn fifth_root(x: Fr) -> Fr {
    // (k (r - 1) + 1) / 5 for the k that makes it whole.
    let mut order = Fr::MODULUS;
    order.sub_with_borrow(&1u64.into());
    let limbs = order.0;
    let residue = limbs.iter().rev().fold(0u128, |rest, limb| ((rest << 64) | u128::from(*limb)) % 5);
    let factor = (1..5u128).find(|k| (k * residue + 1) % 5 == 0).unwrap();
    let (mut wide, mut carry) = ([0u64; 5], 1u128);
    for (slot, limb) in wide.iter_mut().zip(limbs.iter().chain(&[0])) {
        carry += factor * u128::from(*limb);
        *slot = carry as u64;
        carry >>= 64;
    }
    let mut rest = 0u128;
    for slot in wide.iter_mut().rev() {
        let value = (rest << 64) | u128::from(*slot);
        *slot = (value / 5) as u64;
        rest = value % 5;
    }
    assert_eq!(rest, 0);
    x.pow(wide)
}

fn unpermute(output: [Fr; 4]) -> [Fr; 4] {
    let (external, internal) = (invert_matrix(&external_matrix()), invert_matrix(&internal_matrix()));
    let mut state = output;
    let subtract = |state: [Fr; 4], constants: &[Fr; 4]| from_fn(|i| state[i] - constants[i]);
    for constants in full_constants()[FULL_ROUNDS / 2..].iter().rev() {
        state = subtract(apply(&external, state).map(fifth_root), constants);
    }
    for constant in partial_constants().iter().rev() {
        state = apply(&internal, state);
        state[0] = fifth_root(state[0]) - constant;
    }
    for constants in full_constants()[..FULL_ROUNDS / 2].iter().rev() {
        state = subtract(apply(&external, state).map(fifth_root), constants);
    }
    apply(&external, state)
}

#[test]
fn foreign_vectors() {
    let mut sources = Vec::new();
    for line in VECTORS.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        sources.push(words.next().unwrap());
        let values: Vec<Fr> = words.map(from_hex).collect();
        let (input, output) = values.split_at(4);
        assert_eq!(permute(input.try_into().unwrap()), output, "{line}");
    }
    assert_eq!(sources, ["noir", "noir", "noir", "noir", "noir", "taceo", "taceo"]);
}

#[test]
fn the_naive_twin_agrees() {
    let mut stream = Stream(1);
    for _ in 0..50 {
        let input = stream.elements();
        assert_eq!(permute(input), naive(input, |_, _| {}));
    }
}

/// The parameters' generator: an 80-bit Grain LFSR, seeded with the instance's numbers.
struct Grain(Vec<bool>);

impl Grain {
    fn new() -> Self {
        let mut bits = Vec::new();
        // Prime field, S-box x^d, bits of r, width, full rounds, partial rounds; then thirty ones.
        for (value, width) in [(1u32, 2), (0, 4), (254, 12), (4, 12), (8, 10), (56, 10), ((1 << 30) - 1, 30)] {
            bits.extend((0..width).rev().map(|bit| value >> bit & 1 == 1));
        }
        let mut grain = Self(bits);
        for _ in 0..160 {
            grain.step();
        }
        grain
    }

    fn step(&mut self) -> bool {
        let bit = [62, 51, 38, 23, 13, 0].into_iter().fold(false, |bit, tap| bit ^ self.0[tap]);
        self.0.rotate_left(1);
        self.0[79] = bit;
        bit
    }

    /// Bits come in pairs; the second counts when the first is set.
    fn bit(&mut self) -> bool {
        loop {
            let (take, bit) = (self.step(), self.step());
            if take {
                return bit;
            }
        }
    }

    fn word(&mut self) -> ark_ff::BigInt<4> {
        let bits: Vec<bool> = (0..254).map(|_| self.bit()).collect();
        ark_ff::BigInt::from_bits_be(&bits)
    }

    fn element(&mut self) -> Fr {
        loop {
            if let Some(value) = Fr::from_bigint(self.word()) {
                return value;
            }
        }
    }
}

#[test]
fn the_parameters_come_from_the_grain_lfsr() {
    let mut grain = Grain::new();
    let mut four = || from_fn::<Fr, 4, _>(|_| grain.element());
    let first: Vec<[Fr; 4]> = (0..4).map(|_| four()).collect();
    assert_eq!(first, full_constants()[..4]);
    for (index, constant) in partial_constants().iter().enumerate() {
        assert_eq!(grain.element(), *constant, "partial round {index}");
    }
    let mut four = || from_fn::<Fr, 4, _>(|_| grain.element());
    let last: Vec<[Fr; 4]> = (0..4).map(|_| four()).collect();
    assert_eq!(last, full_constants()[4..]);
    // The script draws diagonals, reduced modulo r, until the internal matrix has no invariant subspaces; the published
    // one is the fifth.
    let diagonal: [Fr; 4] = from_fn(|i| internal_matrix()[i][i]);
    let mut drawn = || from_fn::<Fr, 4, _>(|_| Fr::from_le_bytes_mod_order(&grain.word().to_bytes_le()));
    let candidates: Vec<[Fr; 4]> = (0..5).map(|_| drawn()).collect();
    assert_eq!(candidates[4], diagonal);
}

#[test]
fn bare_first_outputs_collide_and_the_feed_forward_does_not() {
    let mut stream = Stream(2);
    let input: [Fr; 4] = stream.elements();
    let mut output = permute(input);
    assert_eq!(unpermute(output), input);
    for _ in 0..4 {
        output[1..].copy_from_slice(&stream.elements::<3>());
        let other = unpermute(output);
        assert_ne!(other, input);
        assert_eq!(permute(other)[0], permute(input)[0]);
        assert_ne!(compress4(other), compress4(input));
    }
    assert_eq!(compress4(input), permute(input)[0] + input[0]);
}

#[test]
fn domains_separate_hashes() {
    let inputs: [Fr; 3] = Stream(3).elements();
    let hashes = Domain::ALL.map(|domain| hash3(domain, inputs));
    for (index, hash) in hashes.iter().enumerate() {
        assert!(!hashes[..index].contains(hash));
    }
    let tag = Domain::Account.tag();
    let bytes = tag.into_bigint().to_bytes_be();
    assert_eq!(bytes[12..], *b"proofyard/account/v1");
    assert_eq!(bytes[..12], [0; 12]);
    assert_eq!(hashes[0], permute([inputs[0], inputs[1], inputs[2], tag])[0]);
    for domain in Domain::ALL {
        assert!(domain.label().is_ascii() && domain.label().len() < 32);
    }
}

#[test]
fn rows_hold_the_permutation() {
    assert_eq!(PERMUTATION_ROWS, 23);
    let matrices = row_matrices();
    let mut stream = Stream(4);
    for _ in 0..10 {
        let input = stream.elements();
        let mut states = Vec::new();
        let output = naive(input, |_, state| states.push(state));
        states.push(output);
        let rows = trace(input);
        assert_eq!((rows[0], rows[22]), (input, output));
        for round in 1..4 {
            assert_eq!(rows[round], add(states[round], full_constants()[round]));
        }
        for group in 0..GROUPS {
            let x = rows[4 + group];
            let constants: [Fr; 4] = from_fn(|j| partial_constants()[4 * group + j]);
            for j in 0..4 {
                assert_eq!(x[j], states[4 + 4 * group + j][0] + constants[j]);
            }
            let powers = x.map(|x| x.pow([5]));
            let state = |linear: &Matrix, power: &Matrix| {
                let offset = apply(linear, constants).map(|value| -value);
                add(add(apply(linear, x), apply(power, powers)), offset)
            };
            assert_eq!(state(&matrices.before_linear, &matrices.before_power), states[4 + 4 * group]);
            assert_eq!(state(&matrices.after_linear, &matrices.after_power), states[8 + 4 * group]);
        }
        for round in 4..8 {
            assert_eq!(rows[14 + round], add(states[56 + round], full_constants()[round]));
        }
    }
    assert_eq!(row_constants()[22], [Fr::ZERO; 4]);
    assert_eq!(row_constants()[0], full_constants()[1]);
    let x = stream.elements();
    assert_eq!(full_layer(x), apply(&external_matrix(), x.map(|x| x.pow([5]))));
}
