//! The HTTP endpoint by its own client, over the in-process bus without workers.

use std::{sync::Arc, time::Duration};

use proofyard_bus::{BusOptions, Start, in_process::InProcessBus};
use proofyard_coordinator::{
    Coordinator, Handle, Settings, SetupSource, Setups,
    client::{Client, ClientError, QuoteAnswer, Rung, Stage, Timeouts},
    core::Policy,
    endpoint::{Connections, FarmDesk, Limits, Statement, router, serve},
    rollup::generate,
};
use proofyard_job_schema::BlockId;
use tokio::net::TcpListener;

const BLOCK_BYTES_MAX: usize = 64 << 10;

/// A coordinator with an endpoint on a port of its own. The setup is kept between runs.
async fn served(policy: Policy) -> (Handle, Client) {
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("setup");
    let setups = tokio::task::spawn_blocking(|| {
        let setups = Setups::new(SetupSource::Insecure { dir }, 12).expect("a circuit");
        setups.get(1, &|_, _, _| ()).expect("a setup");
        Arc::new(setups)
    });
    let setups = setups.await.expect("no panic");
    let bus = InProcessBus::new(BusOptions::default());
    let (end, blobs) = (Arc::new(bus.coordinator(Start::Fresh)), Arc::new(bus.blobs()));
    let policy_blocks = policy.blocks_max;
    let settings = Settings { policy, setups, traces: Default::default(), metrics: Arc::default() };
    let handle = Coordinator::start(end, blobs, settings);
    let statement = Statement {
        chain_id: 1,
        contract: [0; 20],
        beneficiary: [0; 20],
        key_digest: [7; 32],
        insecure_setup: true,
        blocks_max: policy_blocks,
    };
    let limits = Limits { block_bytes_max: BLOCK_BYTES_MAX, ..Limits::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let routes = router(Arc::new(FarmDesk::new(handle.clone(), statement)), limits);
    tokio::spawn(serve(listener, routes, Connections::default()));
    (handle, Client::new(&url, Timeouts::default()).expect("a client"))
}

fn block(seed: u64) -> Vec<u8> {
    generate::block(1, seed).expect("a block").encode()
}

fn code(error: ClientError) -> String {
    match error {
        ClientError::Refused(body) | ClientError::Unavailable(body) => body.code,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_block_is_taken_once_and_followed() {
    let (_handle, client) = served(Policy::default()).await;
    let accepted = client.submit(block(1), None).await.expect("accepted");
    let again = client.submit(block(1), Some(1)).await.expect("accepted again");
    assert_eq!(accepted, again);
    let id: BlockId = accepted.id.parse().expect("an id");
    let status = client.status(id).await.expect("a status");
    assert_eq!((status.stage, status.subtrees, status.rows_log2), (Stage::Proving, 1, 12));
    assert_eq!((status.ladder.rung, status.ladder.subtrees), (Rung::Proving, 1));
    assert!(matches!(client.proof(id).await, Err(ClientError::NotFound { .. })), "no proof yet");
    let health = client.health().await.expect("health");
    assert_eq!((health.status.as_str(), health.blocks, health.insecure_setup), ("ok", 1, true));
    assert_eq!(health.key_digest, "07".repeat(32));
    let farm = client.farm().await.expect("a status");
    assert_eq!((farm.chain_id, farm.blocks, farm.free_blocks, farm.workers), (1, 1, 15, 0));
    assert_eq!((farm.l1_block, farm.prover, farm.classes[0].rows_log2), (None, None, 12));
    let readiness = client.ready().await.expect("an answer");
    let failing: Vec<_> = readiness.checks.iter().filter(|check| !check.ok).map(|check| check.name.as_str()).collect();
    assert_eq!((readiness.ready, failing), (false, vec!["workers"]));
}

#[tokio::test]
async fn a_block_is_followed_to_its_end() {
    let (handle, client) = served(Policy { drain_ms: 500, ..Policy::default() }).await;
    let accepted = client.submit(block(1), None).await.expect("accepted");
    let mut follow = client.follow(accepted.id.parse().expect("an id"));
    let first = follow.next().await.expect("an event").expect("a status");
    assert_eq!((first.stage, first.ladder.rung), (Stage::Proving, Rung::Proving));
    handle.drain();
    let mut last = first;
    while let Some(status) = follow.next().await {
        last = status.expect("a status");
    }
    assert_eq!((last.stage, last.ladder.rung), (Stage::Failed, Rung::Declined));
    assert_eq!(last.ladder.reason.map(|reason| reason.code).as_deref(), Some("PY-C-113"));
}

#[tokio::test]
async fn a_block_with_a_commitment_is_not_called_declined_by_the_farm() {
    let (handle, client) = served(Policy { drain_ms: 200, ..Policy::default() }).await;
    let accepted = client.submit(block(1), None).await.expect("accepted");
    let id: BlockId = accepted.id.parse().expect("an id");
    handle.board().note(id, |status| {
        status.block_commitment = Some([5; 32].into());
        status.ladder.slack_seconds = Some(12.5);
    });
    handle.drain();
    tokio::time::timeout(Duration::from_secs(30), handle.stopped()).await.expect("drained");
    let status = client.status(id).await.expect("a status");
    assert_eq!((status.stage, status.ladder.rung, status.is_final()), (Stage::Failed, Rung::Proving, false));
    assert_eq!(status.ladder.slack_seconds, Some(12.5));
}

#[tokio::test]
async fn a_farm_without_l1_makes_no_quotes() {
    let (_handle, client) = served(Policy::default()).await;
    let client = client.signed_by(Arc::new(crate::desk::signer(3)));
    let answer = client.quote(&crate::desk::quote_request(3), Duration::from_secs(20)).await.expect("an answer");
    assert!(matches!(answer, QuoteAnswer::Declined { code, .. } if code == "PY-Q-091"));
    let refused = client.hand_over(&crate::desk::submission(3, b"block")).await.expect_err("refused");
    assert_eq!(code(refused), "PY-Q-091");
}

#[tokio::test]
async fn a_bad_block_is_refused_with_code_and_transaction_and_may_come_again() {
    let (_handle, client) = served(Policy::default()).await;
    let mut forged = block(1);
    use proofyard_coordinator::rollup::block::{HEADER_BYTES, TRANSFER_BYTES};
    forged[HEADER_BYTES + TRANSFER_BYTES - 1] ^= 1;
    for _ in 0..2 {
        let Err(ClientError::Refused(body)) = client.submit(forged.clone(), None).await else { panic!("accepted") };
        assert_eq!((body.code.as_str(), body.transaction), ("PY-B-021", Some(0)));
    }
    assert!(code(client.submit(b"no block".to_vec(), None).await.expect_err("refused")).starts_with("PY-B-"));
    assert_eq!(code(client.submit(block(2), Some(3)).await.expect_err("refused")), "PY-B-030");
    assert_eq!(code(client.submit(block(3), Some(0)).await.expect_err("refused")), "PY-C-123");
    let long = vec![0; BLOCK_BYTES_MAX + 1];
    assert_eq!(code(client.submit(long, None).await.expect_err("refused")), "PY-C-203");
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let (_handle, client) = served(Policy::default()).await;
    let unknown = BlockId([9; 32]);
    assert!(matches!(client.status(unknown).await, Err(ClientError::NotFound { .. })));
    assert!(matches!(client.proof(unknown).await, Err(ClientError::NotFound { .. })));
}

#[tokio::test]
async fn a_full_or_stopping_coordinator_says_so() {
    let (handle, client) = served(Policy { blocks_max: 1, drain_ms: 1_000, ..Policy::default() }).await;
    client.submit(block(1), None).await.expect("accepted");
    let full = client.submit(block(2), None).await.expect_err("full");
    assert!(full.is_temporary());
    assert_eq!(code(full), "PY-C-102");
    handle.drain();
    assert_eq!(code(client.submit(block(2), None).await.expect_err("stopping")), "PY-C-101");
    assert_eq!(client.health().await.expect("health").status, "draining");
    tokio::time::timeout(Duration::from_secs(5), handle.stopped()).await.expect("drained");
    let id = BlockId(proofyard_bus::digest_of(&block(1)).0);
    let status = client.status(id).await.expect("a status");
    assert_eq!(status.stage, Stage::Failed);
    assert_eq!(status.error.map(|error| error.code).as_deref(), Some("PY-C-113"));
}

#[tokio::test]
async fn nobody_there_is_a_network_error() {
    let client = Client::new("http://127.0.0.1:1", Timeouts::default()).expect("a client");
    assert!(matches!(client.health().await, Err(ClientError::Network { .. })));
    for wrong in ["ftp://host", "host", "http://"] {
        assert!(matches!(Client::new(wrong, Timeouts::default()), Err(ClientError::Address { .. })), "{wrong}");
    }
}
