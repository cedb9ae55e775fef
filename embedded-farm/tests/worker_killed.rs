//! A worker process killed with SIGKILL in each of the five rounds: the block finishes with the same bytes.

mod common;

use common::{nats::NatsServer, reference, request, with_processes};
use proofyard_coordinator::core::Progress;

fn killed_in(round: u8) {
    let reference = reference();
    let server = NatsServer::start();
    let (farm, mut processes) = with_processes(&server, &[&[], &[], &[]]);
    let mut killed = false;
    let proved = farm.prove(request(), |progress| {
        if !killed && matches!(progress, Progress::Round { round: begun, .. } if *begun == round) {
            processes.kill(0).expect("killed");
            killed = true;
        }
    });
    let proved = proved.expect("proven");
    assert!(killed, "round {round} was reached");
    assert!(!processes.is_running(0));
    assert_eq!(proved.proven.proof, reference, "round {round}");
    assert!(proved.status.culprits.is_empty(), "dying is no lie");
}

#[test]
fn in_round_1() {
    killed_in(1);
}

#[test]
fn in_round_2() {
    killed_in(2);
}

#[test]
fn in_round_3() {
    killed_in(3);
}

#[test]
fn in_round_4() {
    killed_in(4);
}

#[test]
fn in_round_5() {
    killed_in(5);
}
