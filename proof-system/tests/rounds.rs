//! A toy block through the whole proof system: workers, aggregation, verifier, and the protocol in the clear beside them.

mod common;

use std::sync::Arc;

use ark_bn254::Fr;
use common::farm::Farm;
use proofyard_proof_system::{
    aggregate::{AggregateError, GroupAggregator},
    messages::{RoundMessage, SUBTREE_BYTES},
    proof::{PROOF_BYTES, RootProof},
    verifier::{VerifyError, verify},
};
use rand::{SeedableRng, rngs::StdRng};

#[test]
fn a_toy_block_is_proven_for_every_number_of_subtrees() {
    for subtrees in [1, 2, 4, 8] {
        let farm = Farm::new(subtrees, 7);
        let proof = farm.prove();
        let bytes = proof.encode();
        assert_eq!(bytes.len(), PROOF_BYTES);
        let decoded = RootProof::decode(&bytes, farm.statement.end).unwrap();
        assert_eq!(verify(&farm.key.verifying, &farm.statement, &decoded), Ok(()), "M = {subtrees}");
    }
}

#[test]
fn the_farm_and_the_protocol_in_the_clear_give_the_same_bytes() {
    for subtrees in [1, 2, 4] {
        let farm = Farm::new(subtrees, 3);
        let proof = farm.reference().prove();
        assert_eq!(proof, farm.prove().groups[0].proof, "M = {subtrees}");
    }
}

#[test]
fn a_worker_sends_at_most_2144_bytes_a_block() {
    let farm = Farm::new(2, 1);
    let sent: usize = farm.messages().iter().map(|round| round[0].encode().len()).sum();
    assert_eq!(sent, SUBTREE_BYTES);
    assert!(sent <= 2_144, "{sent}");
}

#[test]
fn two_groups_make_one_root_proof() {
    let farm = Farm::new(4, 9);
    let proof = farm.prove_in_groups(2);
    assert_eq!(proof.groups.len(), 2);
    assert_eq!(verify(&farm.key.verifying, &farm.statement, &proof), Ok(()));
    let bytes = proof.encode();
    let decoded = RootProof::decode(&bytes, farm.statement.end).unwrap();
    assert_eq!(decoded, proof);
}

#[test]
fn a_rebuilt_session_sends_the_same_messages() {
    let farm = Farm::new(2, 5);
    let messages = farm.messages();
    for round in 1..=5u8 {
        let replay = farm.session(1).run(round, &farm.challenges_for(round)).unwrap();
        let recorded: Vec<RoundMessage> =
            messages[..usize::from(round)].iter().map(|messages| messages[1].clone()).collect();
        assert_eq!(replay, recorded, "round {round}");
    }
}

#[test]
fn every_corrupted_message_is_noticed_and_its_subtree_named() {
    let farm = Farm::new(4, 2);
    let honest = farm.messages();
    for round in 1..=5u8 {
        let encoded = honest[usize::from(round) - 1][2].encode();
        for word in 0..encoded.len() / 32 {
            let Some(lie) = farm.corrupt(round, &encoded, word) else { continue };
            let mut messages = honest.clone();
            messages[usize::from(round) - 1][2] = lie;
            let error = farm.aggregate_with_later_rounds_honest(&messages, round);
            let AggregateError::Faulty { round: shown, subtrees } = error else { panic!("{error}") };
            assert_eq!(subtrees, vec![2], "round {round}, word {word}");
            assert!(shown == 4 || shown == 5);
        }
    }
}

#[test]
fn two_colluders_whose_errors_cancel_are_both_named() {
    let farm = Farm::new(4, 2);
    let mut messages = farm.messages();
    let shift = farm.key.verifying.fixed[0];
    for (subtree, sign) in [(0, Fr::from(1u64)), (3, -Fr::from(1u64))] {
        let RoundMessage::Five { wx1, .. } = &mut messages[4][subtree] else { panic!() };
        *wx1 = (*wx1 + shift * sign).into();
    }
    let mut aggregator = farm.aggregator();
    for round in &messages[..4] {
        aggregator.absorb(round, &mut StdRng::seed_from_u64(1)).unwrap();
    }
    let before = aggregator.challenges().clone();
    let error = aggregator.absorb(&messages[4], &mut StdRng::seed_from_u64(2)).unwrap_err();
    assert_eq!(error, AggregateError::Faulty { round: 5, subtrees: vec![0, 3] });
    // Nothing changed: the right messages still finish the proof.
    assert_eq!((aggregator.next_round(), aggregator.challenges()), (5, &before));
}

#[test]
fn the_private_weights_do_not_influence_the_proof() {
    let farm = Farm::new(2, 4);
    assert_eq!(farm.prove_with_weights(1), farm.prove_with_weights(2));
}

#[test]
fn a_statement_that_differs_in_anything_is_rejected() {
    let farm = Farm::new(2, 6);
    let proof = farm.prove();
    let mut others = vec![farm.statement.clone(); 9];
    others[0].chain_id += 1;
    others[1].contract[3] ^= 1;
    others[2].beneficiary[19] ^= 1;
    for k in 0..3 {
        others[3 + k].start[k] = Fr::from(77u64);
        others[6 + k].end[k] += Fr::from(1u64);
    }
    for (index, other) in others.iter().enumerate() {
        let mut proof = proof.clone();
        proof.groups[0].end = other.end;
        assert_eq!(verify(&farm.key.verifying, other, &proof), Err(VerifyError::Equation), "statement {index}");
    }
}

#[test]
fn an_aggregator_refuses_what_does_not_belong_to_its_round() {
    let farm = Farm::new(2, 6);
    let messages = farm.messages();
    let mut aggregator = farm.aggregator();
    let mut weights = StdRng::seed_from_u64(1);
    for bad in [&messages[1][..], &messages[0][..1], &[][..]] {
        let error = aggregator.absorb(bad, &mut weights).unwrap_err();
        assert!(matches!(error, AggregateError::Messages { round: 1, expected: 2, .. }), "{error}");
    }
    let mut start = farm.statement.clone();
    start.start[0] += Fr::from(1u64);
    let error = GroupAggregator::new(Arc::clone(&farm.key), Arc::clone(&farm.proving), start, farm.inputs.clone());
    assert_eq!(error.err(), Some(AggregateError::Start));
}
