//! SIGTERM in the middle of a block: the worker is gone within ten seconds, its jobs go elsewhere, the bytes are the same.

mod common;

use std::time::{Duration, Instant};

use common::{nats::NatsServer, reference, request, with_processes};
use proofyard_coordinator::core::Progress;

#[test]
fn a_terminated_worker_hands_its_jobs_back() {
    let reference = reference();
    let server = NatsServer::start();
    let (farm, mut processes) = with_processes(&server, &[&[], &[]]);
    let mut told = None;
    let proved = farm.prove(request(), |progress| {
        if told.is_none() && matches!(progress, Progress::Round { round: 3, .. }) {
            processes.terminate(0).expect("told");
            told = Some(Instant::now());
        }
    });
    assert_eq!(proved.expect("proven").proven.proof, reference);
    let told = told.expect("round 3 was reached");
    while processes.is_running(0) {
        assert!(told.elapsed() < Duration::from_secs(10), "still there after ten seconds");
        std::thread::sleep(Duration::from_millis(20));
    }
}
