//! A worker process lost in each of the five rounds, killed with SIGKILL or stopped with SIGSTOP (there, and silent): the block
//! finishes without it and with the same bytes.

mod common;

use std::time::Duration;

use common::{nats::NatsServer, reference, request, with_processes};
use proofyard_coordinator::core::Progress;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Loss {
    Killed,
    Stopped,
}

fn lost_in(round: u8, loss: Loss) {
    let reference = reference();
    let server = NatsServer::start();
    let (farm, mut processes) = with_processes(&server, &[&[], &[], &[]]);
    let mut lost = false;
    let proved = farm.prove(request(), |progress| {
        if !lost && matches!(progress, Progress::Round { round: begun, .. } if *begun == round) {
            match loss {
                Loss::Killed => processes.kill(0).expect("killed"),
                Loss::Stopped => processes.pause(0).expect("stopped"),
            }
            lost = true;
        }
    });
    let proved = proved.expect("proven");
    assert!(lost, "round {round} was reached");
    assert_eq!(processes.is_running(0), loss == Loss::Stopped);
    assert_eq!(proved.proven.proof, reference, "round {round}");
    if loss == Loss::Stopped {
        processes.resume(0).expect("resumed");
        farm.wait_for_workers(3, Duration::from_secs(30)).expect("it is a worker again");
    }
    assert!(proved.status.culprits.is_empty(), "dying is no lie");
}

#[test]
fn killed_in_round_1() {
    lost_in(1, Loss::Killed);
}

#[test]
fn killed_in_round_2() {
    lost_in(2, Loss::Killed);
}

#[test]
fn killed_in_round_3() {
    lost_in(3, Loss::Killed);
}

#[test]
fn killed_in_round_4() {
    lost_in(4, Loss::Killed);
}

#[test]
fn killed_in_round_5() {
    lost_in(5, Loss::Killed);
}

#[test]
fn stopped_in_round_1() {
    lost_in(1, Loss::Stopped);
}

#[test]
fn stopped_in_round_2() {
    lost_in(2, Loss::Stopped);
}

#[test]
fn stopped_in_round_3() {
    lost_in(3, Loss::Stopped);
}

#[test]
fn stopped_in_round_4() {
    lost_in(4, Loss::Stopped);
}

#[test]
fn stopped_in_round_5() {
    lost_in(5, Loss::Stopped);
}
