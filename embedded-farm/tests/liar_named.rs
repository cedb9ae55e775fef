//! One of three worker processes lies in one round, in each of the five: it is named, replaced, and the bytes are the same.

mod common;

use common::{nats::NatsServer, prove, reference, with_processes};

fn lying_in(round: u8) {
    let reference = reference();
    let server = NatsServer::start();
    let lie = round.to_string();
    let (farm, _processes) = with_processes(&server, &[&["--lie-in-round", &lie], &[], &[]]);
    let proved = prove(&farm);
    assert_eq!(proved.proven.proof, reference, "round {round}");
    let culprits = &proved.status.culprits;
    assert!(!culprits.is_empty(), "round {round}: the liar is named");
    assert!(
        culprits.iter().all(|culprit| culprit.worker == "process-0" && culprit.round == round),
        "round {round}: {culprits:?}"
    );
}

#[test]
fn in_round_1() {
    lying_in(1);
}

#[test]
fn in_round_2() {
    lying_in(2);
}

#[test]
fn in_round_3() {
    lying_in(3);
}

#[test]
fn in_round_4() {
    lying_in(4);
}

#[test]
fn in_round_5() {
    lying_in(5);
}
