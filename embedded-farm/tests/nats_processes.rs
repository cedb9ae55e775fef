//! A coordinator and worker processes over a real NATS server: any number of workers gives the same bytes.

mod common;

use common::{nats::NatsServer, prove, reference, with_processes};

#[test]
fn one_two_and_three_processes_give_the_same_bytes() {
    let reference = reference();
    for count in 1..=3 {
        let server = NatsServer::start();
        let (farm, _processes) = with_processes(&server, &vec![&[][..]; count]);
        assert_eq!(prove(&farm).proven.proof, reference, "{count} worker processes");
    }
}
