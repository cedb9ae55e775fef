//! The same block with any number of workers in one process gives the same bytes.

mod common;

use common::{SUBTREES, in_process, prove, reference, request};
use proofyard_coordinator::{client::Stage, core::Progress};

#[test]
fn one_and_three_workers_give_the_same_bytes() {
    let mut heard = Vec::new();
    let farm = in_process(3);
    let proved = farm.prove(request(), |progress| heard.push(progress.clone())).expect("proven");
    assert_eq!(proved.proven.proof, reference());
    assert_eq!(proved.status.stage, Stage::Done);
    let rounds: Vec<u8> = proved.status.rounds.iter().map(|time| time.round).collect();
    assert_eq!(rounds, [1, 2, 3, 4, 5]);
    assert!(proved.status.culprits.is_empty());
    let answers = heard.iter().filter(|progress| matches!(progress, Progress::Subtree { .. })).count();
    assert_eq!(answers, 5 * SUBTREES as usize);
    assert!(matches!(heard.first(), Some(Progress::Accepted { subtrees: SUBTREES, .. })));
    assert!(matches!(heard.last(), Some(Progress::Verifying { .. })));
}

#[test]
fn a_block_proven_twice_is_proven_once() {
    let farm = in_process(1);
    let first = prove(&farm);
    let again = prove(&farm);
    assert_eq!(first.status.seconds, again.status.seconds);
    assert_eq!(first.proven.sha256, again.proven.sha256);
}

#[test]
fn a_refused_block_names_its_transaction() {
    let farm = in_process(0);
    let mut request = request();
    let mut bytes = request.block.to_vec();
    // The last bytes of the first transfer are its signature's response.
    let end = proofyard_coordinator::rollup::block::HEADER_BYTES + proofyard_coordinator::rollup::block::TRANSFER_BYTES;
    bytes[end - 1] ^= 1;
    request.block = bytes.into();
    let error = farm.prove(request, |_| ()).expect_err("refused");
    assert!(error.to_string().starts_with("[PY-B-021] transaction 0"), "{error}");
}

#[test]
fn groups_of_subtrees_make_one_root_proof() {
    let farm = in_process(2);
    let proved = farm.prove(proofyard_embedded_farm::Request { groups: Some(2), ..request() }, |_| ()).expect("proven");
    assert_ne!(proved.proven.proof, reference());
    assert_eq!(proved.proven.proof.len(), 2 * 1824 - 96);
}
