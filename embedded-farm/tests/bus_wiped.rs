//! The NATS server killed and replaced by an empty one in the middle of a block: jobs, replies and inputs on it are gone, and
//! the block finishes with the same bytes.

mod common;

use common::{nats::NatsServer, reference, request, with_processes};
use proofyard_coordinator::core::Progress;

fn wiped_in(round: u8) {
    let reference = reference();
    let mut server = NatsServer::start();
    let (farm, mut processes) = with_processes(&server, &[&[], &[]]);
    let mut wiped = false;
    let proved = farm.prove(request(), |progress| {
        if !wiped && matches!(progress, Progress::Round { round: begun, .. } if *begun == round) {
            server.replace();
            // One worker's sessions are lost too: the other one needs the inputs again.
            processes.kill(0).expect("killed");
            wiped = true;
        }
    });
    let proved = proved.expect("proven");
    assert!(wiped, "round {round} was reached");
    assert_eq!(proved.proven.proof, reference, "round {round}");
    assert!(proved.status.culprits.is_empty(), "a lost server is no lie");
}

#[test]
fn in_round_1() {
    wiped_in(1);
}

#[test]
fn in_round_4() {
    wiped_in(4);
}
