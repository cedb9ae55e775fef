//! Promise P10 for a whole coordinator: trouble on L1, and the proof lands in its window, once.

use std::time::Duration;

use proofyard_coordinator::client::Rung;
use proofyard_settlement::{alloy::sol_types::SolCall, config::EndpointConfig, contracts::bindings::IProvingSidecar};
use serde_json::{Value, json};

use crate::{
    proxy::{Action, Proxy},
    rivals::with_a_proof,
    running::Running,
    stage::Stage,
};

/// Mines blocks, each when the coordinator has had a moment for it, until the proof is on L1.
async fn lands(stage: &Stage, running: &Running) {
    let closes = stage.client.schedule(1).await.expect("an answer")[5];
    while !stage.client.is_proven(1, 0).await.expect("an answer") {
        assert!(stage.head().await + 1 < closes, "the window is over");
        tokio::time::sleep(Duration::from_millis(400)).await;
        stage.mine(1).await;
        running.sees(stage.head().await).await;
    }
}

async fn opened(stage: &Stage) {
    let schedule = stage.client.schedule(1).await.expect("an answer");
    stage.mine_to(schedule[3]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p10_reorgs_of_depth_1_to_3_and_the_proof_lands_in_the_window() {
    for depth in 1..=3 {
        let mut stage = Stage::new().await;
        let commitment = stage.made.commitment;
        let running = with_a_proof(&mut stage, |_| ()).await;
        opened(&stage).await;
        lands(&stage, &running).await;
        stage.mine(depth - 1).await;
        running.sees(stage.head().await).await;
        stage.reorg(depth).await;
        assert!(!stage.client.is_proven(1, 0).await.expect("an answer"), "depth {depth}: L1 has taken it back");
        lands(&stage, &running).await;
        running.until("verified", async || running.rung(commitment).await == Some(Rung::Verified)).await;
        assert_eq!(stage.proofs_on_l1().await, 1, "depth {depth}");
        running.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p10_a_stuck_submission_and_a_base_fee_times_ten_and_the_proof_lands_in_the_window() {
    let mut stage = Stage::new().await;
    let prover = stage.prover();
    let running = with_a_proof(&mut stage, |_| ()).await;
    opened(&stage).await;
    running.until("the submission", async || stage.pending_of(prover).await.is_some()).await;
    let offered = |transaction: &Value| {
        let digits = transaction["maxFeePerGas"].as_str().and_then(|text| text.strip_prefix("0x")).expect("a number");
        u128::from_str_radix(digits, 16).expect("a number")
    };
    let first = offered(&stage.pending_of(prover).await.expect("it waits"));
    // The next blocks cost ten times what the newest does: what waits is stuck until it is replaced.
    let latest = stage.client.rpc().head().await.expect("a head").base_fee_per_gas;
    let dear = 10 * latest.max(first / 2);
    stage.anvil.rpc("anvil_setNextBlockBaseFeePerGas", json!([format!("{dear:#x}")])).await;
    stage.mine(1).await;
    running.sees(stage.head().await).await;
    assert!(!stage.client.is_proven(1, 0).await.expect("an answer"), "the first offer is too low");
    lands(&stage, &running).await;
    let sent = stage.included_of(prover).await;
    assert!(offered(sent.last().expect("it is included")) > first, "a dearer one landed");
    assert_eq!(stage.proofs_on_l1().await, 1);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p10_of_three_endpoints_one_lies_and_one_hangs_and_the_proof_lands_in_the_window() {
    let mut stage = Stage::new().await;
    let (liar, silent) = (Proxy::start(stage.url()).await, Proxy::start(stage.url()).await);
    let urls = [liar.url.clone(), silent.url.clone(), stage.url().to_owned()];
    let running = with_a_proof(&mut stage, |plan| {
        plan.l1.endpoints = urls.into_iter().map(EndpointConfig::url).collect();
        plan.l1.request_timeout_ms = 500;
    })
    .await;
    // It calls the group proven, so that nothing would be sent, and shows no receipt of anything.
    let is_proven = format!("0x{}", alloy_primitives::hex::encode(IProvingSidecar::isProvenCall::SELECTOR));
    liar.rule(move |method, parameters| {
        let data = parameters[0]["input"].as_str().or(parameters[0]["data"].as_str()).unwrap_or_default();
        match method {
            "eth_call" if data.starts_with(&is_proven) => Action::Say(json!(format!("0x{:064x}", 1))),
            "eth_getTransactionReceipt" => Action::Say(Value::Null),
            _ => Action::Forward,
        }
    });
    silent.rule(|_, _| Action::Hang);
    opened(&stage).await;
    lands(&stage, &running).await;
    let commitment = stage.made.commitment;
    running.until("verified", async || running.rung(commitment).await == Some(Rung::Verified)).await;
    assert_eq!(stage.proofs_on_l1().await, 1);
    running.end().await;
}
