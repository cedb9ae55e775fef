//! A submission that blocks do not take: its fees rise with the blocks that are left, and it lands once.

use alloy_primitives::U256;
use proofyard_coordinator::ledger::Ledger;
use proofyard_settlement::transactions::Record;
use serde_json::Value;

use crate::{
    rivals::with_a_proof,
    stage::{Stage, tokens},
};

fn number(transaction: &Value, key: &str) -> u128 {
    let digits = transaction[key].as_str().and_then(|text| text.strip_prefix("0x"));
    u128::from_str_radix(digits.expect("a number"), 16).expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fees_rise_with_the_blocks_left_until_the_proof_lands_once() {
    let mut stage = Stage::new().await;
    let prover = stage.prover();
    let running = with_a_proof(&mut stage, |_| ()).await;
    let schedule = stage.client.schedule(1).await.expect("an answer");
    stage.mine_to(schedule[3]).await;
    let last = schedule[5] - 1;
    let mut offers: Vec<(u128, u128)> = Vec::new();
    let mut nonces = std::collections::BTreeSet::new();
    // No block takes it but the last one that may.
    while stage.head().await + 1 < last {
        running.until("the submission", async || stage.pending_of(prover).await.is_some()).await;
        let waiting = stage.pending_of(prover).await.expect("it waits");
        nonces.insert(number(&waiting, "nonce"));
        offers.push((number(&waiting, "maxFeePerGas"), number(&waiting, "maxPriorityFeePerGas")));
        stage.forget_pending_of(prover).await;
        stage.mine(1).await;
        running.sees(stage.head().await).await;
    }
    assert!(!stage.client.is_proven(1, 0).await.expect("an answer"));
    assert!(offers.is_sorted() && nonces.len() == 1, "{offers:?}");
    let mut rises = offers.clone();
    rises.dedup();
    assert!(rises.len() >= 6, "{offers:?}");
    for pair in rises.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= pair[0].0 / 8, "every replacement offers an eighth more: {pair:?}");
    }
    let (calm, urgent) = (offers[0].1, offers[offers.len() - 1].1);
    assert!(urgent >= 4 * calm, "the builder's part: {calm}, then {urgent}");
    running.until("the submission", async || stage.pending_of(prover).await.is_some()).await;
    stage.mine(1).await;
    assert!(stage.client.is_proven(1, 0).await.expect("an answer"), "in the last block that may hold it");
    stage.mine(8).await;
    running.until("no more to do", async || stage.pending_of(prover).await.is_none()).await;
    assert_eq!(stage.proofs_on_l1().await, 1);
    running.end().await;

    // What the fees were reckoned from.
    let name = format!("submit/{}/0/0", stage.made.commitment);
    let record = stage.ledger().transaction(stage.deployment.chain_id, prover, &name).expect("read").expect("written");
    let Record { intent, attempts, .. } = serde_json::from_slice(&record).expect("a record");
    assert_eq!((intent.not_before, intent.deadline), (Some(schedule[3]), Some(last)));
    // A deposit of 60 tokens at a thousandth of an ether each, and the price.
    assert!(intent.at_risk > tokens(60) / U256::from(1_000) && intent.at_risk < tokens(61) / U256::from(1_000));
    assert!(attempts.len() >= rises.len());
}
