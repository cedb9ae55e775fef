//! What the metrics say while a deposit is at stake.

use alloy_primitives::U256;
use proofyard_coordinator::{client::Rung, endpoint::Desk};
use proofyard_settlement::sidecar_client::calls;

use crate::{rivals::with_a_proof, stage::Stage};

/// The deposits at risk, by how the slack is.
const AT_RISK: [&str; 3] = [
    "proofyard_market_deposit_at_risk_tokens{state=\"in_time\"}",
    "proofyard_market_deposit_at_risk_tokens{state=\"tight\"}",
    "proofyard_market_deposit_at_risk_tokens{state=\"late\"}",
];
const SLACK: &str = "proofyard_market_slack_expected_seconds";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deposit_is_shown_from_the_quote_to_its_slashing() {
    let mut stage = Stage::new().await;
    let commitment = stage.made.commitment;
    let running = stage.coordinator().await;
    let quotes = |outcome: &str| running.metric(&format!("proofyard_market_quotes_total{{outcome={outcome:?}}}"));
    let at_risk = || AT_RISK.iter().filter_map(|series| running.metric(series)).sum::<f64>();
    assert_eq!((quotes("made"), quotes("slashed"), running.metric(SLACK)), (Some(0.0), Some(0.0), None));
    assert_eq!(running.metric("proofyard_market_escrow_balance_tokens"), Some(100.0));
    assert_eq!(running.metric("proofyard_coordinator_workers_wanted"), Some(1.0), "the floor");

    let request = stage.request().await;
    let quote = running.quote(request.clone()).await.expect("a quote");
    running.quote(request.clone()).await.expect("the same again");
    let mut other = request;
    other.block_commitment.0[0] ^= 1;
    assert_eq!(running.quote(other).await, Err("PY-Q-008"));
    assert_eq!(quotes("made"), Some(1.0), "once, however often it is asked for");
    assert_eq!(running.metric("proofyard_market_quotes_declined_total{code=\"PY-Q-008\"}"), Some(1.0));
    assert_eq!(running.metric("proofyard_market_quotes_open"), Some(1.0));
    assert!(running.metric("proofyard_coordinator_device_seconds_due").is_some_and(|seconds| seconds > 0.0));
    assert_eq!(at_risk(), 0.0, "nobody has drawn it yet");

    running.desk().accept(stage.submission(quote.clone()), stage.sequencer()).await.expect("a receipt");
    stage.commit(&quote).await;
    stage.mine(1).await;
    running.until("proving", async || running.rung(commitment).await == Some(Rung::Proving)).await;
    assert_eq!((quotes("won"), at_risk()), (Some(1.0), 60.0));
    assert_eq!(running.metric("proofyard_market_groups_committed"), Some(1.0));
    let slack = running.metric(SLACK).expect("a window");
    let worst = running.metric("proofyard_market_slack_worst_seconds").expect("a window");
    assert!(worst <= slack && slack < 60.0, "{worst} {slack}");
    let schedule = stage.client.schedule(1).await.expect("an answer");
    // The proof would have to be there by now, and is not: late.
    stage.mine_to(schedule[5] - 2).await;
    running.until("late", async || running.metric(AT_RISK[2]) == Some(60.0)).await;
    assert!(running.metric(SLACK).is_some_and(|slack| slack < 0.0));
    assert!(running.metric("proofyard_coordinator_workers_wanted").is_some_and(|workers| workers >= 1.0));

    stage.mine_to(schedule[5]).await;
    let given_up = || running.metric("proofyard_market_groups_given_up_total");
    running.until("given up", async || given_up() == Some(1.0)).await;
    stage.does(stage.deployment.sidecar, calls::settle(1), U256::ZERO).await;
    running.until("slashed", async || quotes("slashed") == Some(1.0)).await;
    running.until("nothing at risk", async || at_risk() == 0.0 && running.metric(SLACK).is_none()).await;
    let head = stage.head().await as f64;
    running.until("the head", async || running.metric("proofyard_l1_head_block") >= Some(head)).await;
    assert_eq!(running.metric("proofyard_l1_endpoints{state=\"healthy\"}"), Some(1.0));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submission_is_shown_with_its_slack_its_gas_and_a_reorg() {
    let mut stage = Stage::new().await;
    let commitment = stage.made.commitment;
    let running = with_a_proof(&mut stage, |_| ()).await;
    let schedule = stage.client.schedule(1).await.expect("an answer");
    stage.mine_to(schedule[3]).await;
    let mined = async || {
        stage.mine(1).await;
        stage.client.is_proven(1, 0).await.expect("an answer")
    };
    running.until("the proof on L1", mined).await;
    assert_eq!(running.metric("proofyard_market_submission_slack_seconds_count"), Some(1.0));
    assert!(running.metric("proofyard_market_submission_slack_seconds_sum").is_some_and(|slack| slack > 0.0));
    running.until("verified", async || running.rung(commitment).await == Some(Rung::Verified)).await;
    let included = || running.metric("proofyard_l1_transactions_open{state=\"included\"}");
    running.until("included", async || included() == Some(1.0)).await;

    let deep = stage.head().await;
    stage.reorg(3).await;
    running.until("the proof on L1 again", mined).await;
    stage.mine_to(deep + 1).await;
    running.until("verified again", async || running.rung(commitment).await == Some(Rung::Verified)).await;
    assert!(running.metric("proofyard_l1_reorged_blocks_total").is_some_and(|blocks| blocks >= 1.0));

    stage.does(stage.deployment.sidecar, calls::settle(1), U256::ZERO).await;
    let succeeded = async || {
        stage.mine(1).await;
        running.metric("proofyard_l1_transactions_total{outcome=\"succeeded\"}") == Some(1.0)
    };
    running.until("final", succeeded).await;
    assert!(running.metric("proofyard_l1_gas_total").is_some_and(|gas| gas > 21_000.0));
    assert!(running.metric("proofyard_l1_fees_ether_total").is_some_and(|ether| ether > 0.0));
    assert!(included() == Some(0.0) && running.metric("proofyard_l1_transaction_in_flight_blocks").is_none());
    let settled = || running.metric("proofyard_market_quotes_total{outcome=\"settled\"}");
    running.until("settled", async || settled().is_some_and(|settled| settled >= 1.0)).await;
    running.end().await;
}
