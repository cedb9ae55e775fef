//! The component tls: between nodes and to clients nothing but TLS with certificates of the farm's authority.

use proofyard_bus::nats::{NatsAccess, NatsFarm, Role};
use proofyard_bus::{BusError, BusOptions, FarmName, Start};
use proofyard_job_schema::WorkerId;

use crate::certificates::Certificates;
use crate::cluster::Cluster;
use crate::roles::exchange;

async fn refusal(access: NatsAccess) -> BusError {
    let connected = NatsFarm::connect(&access, &FarmName::default(), "test", Role::Worker, BusOptions::default()).await;
    connected.err().expect("refused")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farm_works_over_tls_and_trusts_its_authority_only() {
    let cluster = Cluster::with_tls();
    let farm = cluster.coordinator().await;
    let coordinator = farm.coordinator(Start::Fresh).await.expect("a coordinator");
    let worker_farm = cluster.worker(2).await;
    let worker = worker_farm.worker(WorkerId::new("a").expect("a name")).await.expect("a worker");
    exchange(&coordinator, &worker, "a").await;

    // An authority that did not sign the server's certificate.
    let stranger = Certificates::new();
    let error = refusal(NatsAccess { ca_file: stranger.authority(), ..cluster.access(0, "worker") }).await;
    assert!(matches!(error, BusError::Tls { .. }), "{error}");
    // A name that is not in the certificate.
    let access = cluster.access(0, "worker");
    let error = refusal(NatsAccess { url: access.url.replace("127.0.0.1", "localhost"), ..access.clone() }).await;
    // The last of the name's addresses says why, and the server is not on all of them.
    assert!(matches!(error, BusError::Tls { .. } | BusError::Connect { .. }), "{error}");
    // No authority at all: the system's do not know this one.
    let error = refusal(NatsAccess { ca_file: "".into(), ..access.clone() }).await;
    assert!(matches!(error, BusError::Tls { .. }), "{error}");
    let error = refusal(NatsAccess { ca_file: "no/such/file".into(), ..access }).await;
    assert!(matches!(error, BusError::File { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_wants_tls_does_not_go_without() {
    let cluster = Cluster::start();
    cluster.coordinator().await;
    let certificates = Certificates::new();
    let error = refusal(NatsAccess { ca_file: certificates.authority(), ..cluster.access(0, "worker") }).await;
    assert!(matches!(error, BusError::Tls { .. } | BusError::Connect { .. }), "{error}");
}
