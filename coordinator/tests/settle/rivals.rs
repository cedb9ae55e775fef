//! Somebody else's proof lands first: nothing is sent any more, or what was sent is withdrawn.

use alloy_primitives::{Address, U256};
use proofyard_coordinator::{
    client::Rung,
    endpoint::Desk,
    ledger::{GroupKey, Ledger, QuoteState},
};
use proofyard_settlement::sidecar_client::calls;
use serde_json::Value;

use crate::{
    running::{Plan, Running},
    stage::{Stage, prove},
};

/// A coordinator with a committed group and its proof, just before the proof would be sent.
pub async fn with_a_proof(stage: &mut Stage, change: impl FnOnce(&mut Plan)) -> Running {
    let first = stage.coordinator().await;
    let quote = first.quote(stage.request().await).await.expect("a quote");
    first.desk().accept(stage.submission(quote.clone()), stage.sequencer()).await.expect("a receipt");
    stage.commit(&quote).await;
    first.end().await;
    prove(&stage.ledger(), stage.made.commitment);
    let mut plan = stage.plan();
    change(&mut plan);
    plan.start().await
}

async fn settled(stage: &mut Stage, running: Running) {
    let commitment = stage.made.commitment;
    running.until("verified", async || running.rung(commitment).await >= Some(Rung::Verified)).await;
    let sidecar = stage.deployment.sidecar;
    stage.does(sidecar, calls::settle(1), U256::ZERO).await;
    for _ in 0..10 {
        stage.mine(1).await;
        running.sees(stage.head().await).await;
    }
    running.until("final", async || running.rung(commitment).await == Some(Rung::Finalized)).await;
    // A later block is looked at when all that came before is written.
    stage.mine(1).await;
    running.sees(stage.head().await).await;
    running.end().await;
    let ledger = stage.ledger();
    let record = ledger.quote_of(GroupKey { commitment, group: 0 }).expect("read").expect("written");
    assert_eq!(record.state, QuoteState::Settled);
    let owed = stage.client.withdrawable(Address::ZERO, stage.prover()).await.expect("an answer");
    assert_eq!(owed, record.terms.price, "whoever submits, the committed prover is paid");
    assert!(ledger.open_work().expect("read").transactions.is_empty(), "no transaction is left to look after");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_is_proven_already_is_not_submitted() {
    let mut stage = Stage::new().await;
    let before = stage.included_of(stage.prover()).await.len();
    // It waits for more blocks on top of the commitment than the rival does.
    let running = with_a_proof(&mut stage, |plan| plan.settlement.submit_depth = 12).await;
    let schedule = stage.client.schedule(1).await.expect("an answer");
    stage.mine_to(schedule[3]).await;
    stage.rival_submits().await;
    assert!(stage.client.is_proven(1, 0).await.expect("an answer"));
    for _ in 0..16 {
        stage.mine(1).await;
        running.sees(stage.head().await).await;
        assert_eq!(stage.pending_of(stage.prover()).await, None);
    }
    settled(&mut stage, running).await;
    assert_eq!(stage.included_of(stage.prover()).await.len(), before, "nothing was sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submission_under_way_is_withdrawn_when_a_rivals_lands() {
    let mut stage = Stage::new().await;
    let before = stage.included_of(stage.prover()).await.len();
    let running = with_a_proof(&mut stage, |_| ()).await;
    let schedule = stage.client.schedule(1).await.expect("an answer");
    stage.mine_to(schedule[3]).await;
    let is_submission = |transaction: &Value| {
        transaction["to"].as_str().and_then(|to| to.parse().ok()) == Some(stage.deployment.sidecar)
    };
    let waits = async || stage.pending_of(stage.prover()).await.is_some_and(|transaction| is_submission(&transaction));
    running.until("the submission", waits).await;
    // The node loses it, and a block comes with the rival's only.
    let ours = stage.pending_of(stage.prover()).await.expect("it waits");
    stage.forget_pending_of(stage.prover()).await;
    stage.rival_submits().await;
    assert!(stage.client.is_proven(1, 0).await.expect("an answer"));
    assert_eq!(stage.included_of(stage.prover()).await.len(), before, "ours was not in it");
    for _ in 0..4 {
        stage.mine(1).await;
        running.sees(stage.head().await).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    let sent = stage.included_of(stage.prover()).await;
    for transaction in &sent[before..] {
        // Its nonce is used up by a transaction that does nothing; the proof is not sent a second time.
        assert_eq!(transaction["input"], "0x", "{transaction}");
        assert_eq!(transaction["nonce"], ours["nonce"]);
    }
    settled(&mut stage, running).await;
    assert_eq!(stage.proofs_on_l1().await, 1);
}
