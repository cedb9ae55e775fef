//! Poseidon2 permutations: foreign vectors, the twin, neighbouring rows, shared columns, refusals.

use std::array::from_fn;

use ark_ff::{AdditiveGroup, BigInt};
use proofyard_kernels::poseidon2::{PERMUTATION_ROWS, WIDTH};

use super::*;

const VECTORS: &str = include_str!("../../../testdata/poseidon2_bn254_t4.txt");

/// A field element from 32 big-endian bytes in hex.
fn from_hex(text: &str) -> Fr {
    let limb = |index: usize| u64::from_str_radix(&text[16 * index..16 * (index + 1)], 16).unwrap();
    Fr::from_bigint(BigInt([limb(3), limb(2), limb(1), limb(0)])).unwrap()
}

type Wires = [Vec<Fr>; WIDTH];

fn upload<B: Backend>(device: &B, wires: &Wires) -> [B::Column; WIDTH] {
    wires.each_ref().map(|wire| device.upload(wire).unwrap())
}

fn download<B: Backend>(device: &B, wires: &[B::Column; WIDTH]) -> Wires {
    wires.each_ref().map(|wire| device.download(wire).unwrap())
}

fn row(wires: &Wires, row: usize) -> [Fr; WIDTH] {
    from_fn(|wire| wires[wire][row])
}

pub(super) fn check<B: Backend>(pair: &Pair<B>, rng: &mut ChaCha8Rng) {
    foreign_vectors(pair);
    for (count, gap) in [(0, 0), (1, 0), (2, 0), (5, 1), (33, 7), (70, 0)] {
        agrees_with_the_twin(pair, rng, count, gap);
    }
    shared_columns_stay(pair, rng);
    refusals(pair, rng);
}

fn foreign_vectors<B: Backend>(pair: &Pair<B>) {
    let vectors: Vec<Vec<Fr>> = VECTORS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(' ').skip(1).map(from_hex).collect())
        .collect();
    assert_eq!(vectors.len(), 7);
    let mut wires: Wires = from_fn(|_| vec![Fr::ZERO; vectors.len() * PERMUTATION_ROWS]);
    let first_rows: Vec<u32> = (0..vectors.len()).map(|index| (index * PERMUTATION_ROWS) as u32).collect();
    for (vector, first_row) in vectors.iter().zip(&first_rows) {
        wires.iter_mut().zip(vector).for_each(|(wire, value)| wire[*first_row as usize] = *value);
    }
    let expanded = pair.device.expand_permutations(upload(pair.device, &wires), &first_rows).unwrap();
    let expanded = download(pair.device, &expanded);
    for (vector, first_row) in vectors.iter().zip(&first_rows) {
        assert_eq!(row(&expanded, *first_row as usize), vector[..WIDTH]);
        assert_eq!(row(&expanded, *first_row as usize + PERMUTATION_ROWS - 1), vector[WIDTH..]);
    }
}

/// `count` permutations with up to `gap` rows before each; all other rows hold what they held.
fn agrees_with_the_twin<B: Backend>(pair: &Pair<B>, rng: &mut ChaCha8Rng, count: usize, gap: u32) {
    let mut first_rows = Vec::new();
    let mut free = 0;
    for _ in 0..count {
        first_rows.push(free + rng.random_range(0..=gap));
        free = first_rows[first_rows.len() - 1] + PERMUTATION_ROWS as u32;
    }
    let edges = [Fr::zero(), Fr::one(), -Fr::one()];
    let rows = (free + gap) as usize;
    let mut wires: Wires = from_fn(|_| random_scalars(rng, rows));
    for (index, first_row) in first_rows.iter().enumerate() {
        // Edges in every second state: the same one in all places, then mixed.
        for (place, wire) in wires.iter_mut().enumerate().filter(|_| index % 2 == 0) {
            wire[*first_row as usize] = if index < 6 { edges[index / 2] } else { edges[(index + place * place) % 3] };
        }
    }
    let got = pair.device.expand_permutations(upload(pair.device, &wires), &first_rows).unwrap();
    let twin = pair.twin.expand_permutations(upload(&pair.twin, &wires), &first_rows).unwrap();
    let (got, twin) = (download(pair.device, &got), download(&pair.twin, &twin));
    let last = |at: usize| first_rows.iter().rfind(|first| **first as usize <= at).copied();
    for at in 0..rows {
        let case = format!("row {at} of {count} permutations {gap} apart");
        match last(at).map(|first| at - first as usize) {
            Some(1..PERMUTATION_ROWS) => {
                assert_eq!(row(&got, at), row(&twin, at), "{case}");
                assert_ne!(row(&got, at), row(&wires, at), "{case}");
            }
            _ => assert_eq!(row(&got, at), row(&wires, at), "{case}: not the permutations'"),
        }
    }
}

/// A column that somebody else holds too, or that is several wires at once.
fn shared_columns_stay<B: Backend>(pair: &Pair<B>, rng: &mut ChaCha8Rng) {
    let values = random_scalars(rng, PERMUTATION_ROWS + 2);
    let column = pair.upload(&values);
    let got = pair.device.expand_permutations(from_fn(|_| column.device.clone()), &[1]).unwrap();
    let twin = pair.twin.expand_permutations(from_fn(|_| column.twin.clone()), &[1]).unwrap();
    assert_eq!(download(pair.device, &got), download(&pair.twin, &twin));
    assert_eq!(pair.device.download(&column.device).unwrap(), values);
}

fn refusals<B: Backend>(pair: &Pair<B>, rng: &mut ChaCha8Rng) {
    let rows = 3 * PERMUTATION_ROWS;
    let wires: Wires = from_fn(|_| random_scalars(rng, rows));
    let refused = |first_rows: &[u32]| {
        pair.device.expand_permutations(upload(pair.device, &wires), first_rows).map(|_| ()).unwrap_err()
    };
    let error = |first_row, free| KernelError::PermutationRows { first_row, free, rows };
    let last = (rows - PERMUTATION_ROWS) as u32;
    assert_eq!(refused(&[last + 1]), error(last + 1, 0));
    assert_eq!(refused(&[u32::MAX]), error(u32::MAX, 0));
    assert_eq!(refused(&[5, 5]), error(5, 5 + PERMUTATION_ROWS));
    assert_eq!(refused(&[0, 22]), error(22, PERMUTATION_ROWS));
    assert_eq!(refused(&[last, 0]), error(0, rows));
    let mut uneven = upload(pair.device, &wires);
    uneven[2] = pair.device.upload(&wires[2][1..]).unwrap();
    let error = KernelError::Length { what: "a wire of the permutations", expected: rows, got: rows - 1 };
    assert_eq!(pair.device.expand_permutations(uneven, &[0]).map(|_| ()), Err(error));
}
