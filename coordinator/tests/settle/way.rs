//! A block's way, with crashes, a reorg and a slashing on it.

use alloy_primitives::U256;
use proofyard_coordinator::{
    client::Rung,
    endpoint::Desk,
    ledger::{GroupKey, Ledger, QuoteState},
};
use proofyard_settlement::{contracts::bindings::IProverEscrow, sidecar_client::calls};

use crate::stage::{Stage, prove, tokens};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_quote_to_the_paid_proof_through_crashes_and_a_reorg() {
    let mut stage = Stage::new().await;
    let commitment = stage.made.commitment;
    let first = stage.coordinator().await;
    let request = stage.request().await;
    let quote = first.quote(request.clone()).await.expect("a quote");
    assert_eq!(quote, first.quote(request.clone()).await.expect("again"), "the same request, the same quote");
    assert_eq!((quote.quote.prover, quote.quote.deposit), (stage.prover(), tokens(60)));
    // The escrow has 100: a second deposit of 60 is not covered.
    let mut other = request.clone();
    other.block_commitment.0[0] ^= 1;
    assert_eq!(first.quote(other.clone()).await, Err("PY-Q-008"));
    first.end().await;

    // Another process, from the ledger alone: it gives the same quote, and no second one.
    let second = stage.coordinator().await;
    assert_eq!(second.quote(request).await.as_ref(), Ok(&quote));
    assert_eq!(second.quote(other).await, Err("PY-Q-008"));
    let receipt = second.desk().accept(stage.submission(quote.clone()), stage.sequencer()).await.expect("a receipt");
    let again = second.desk().accept(stage.submission(quote.clone()), stage.sequencer()).await.expect("again");
    assert_eq!(receipt, again);
    let signed = IProverEscrow::Receipt {
        blockCommitment: receipt.receipt.block_commitment,
        blockId: receipt.receipt.block_id,
        nonce: receipt.receipt.nonce,
        acceptedAt: receipt.receipt.accepted_at,
    };
    let signer = stage.deployment.domain().recover_receipt(&signed, &receipt.signature).expect("a signature");
    assert_eq!(signer, stage.prover());
    assert_eq!(second.rung(commitment).await, Some(Rung::Executing));
    stage.commit(&quote).await;
    stage.mine(1).await;
    second.until("proving", async || second.rung(commitment).await == Some(Rung::Proving)).await;
    assert_eq!(second.handle.board().unfinished(), 1, "the farm has it");
    let by_id = second.status(receipt.receipt.block_id).await.expect("known by its id too");
    assert_eq!(by_id.block_commitment, Some(commitment));
    second.end().await;

    // With an empty bus and a proof that was written: it goes on at the submission.
    prove(&stage.ledger(), commitment);
    let third = stage.coordinator().await;
    let schedule = stage.client.schedule(1).await.expect("an answer");
    stage.mine_to(schedule[3]).await;
    let mined = async || {
        stage.mine(1).await;
        stage.client.is_proven(1, 0).await.expect("an answer")
    };
    third.until("the proof on L1", mined).await;
    third.until("verified", async || third.rung(commitment).await == Some(Rung::Verified)).await;

    // A reorg takes it back: lower on the ladder, and it lands again.
    let deep = stage.head().await;
    stage.reorg(3).await;
    if !stage.client.is_proven(1, 0).await.expect("an answer") {
        third.until("published again", async || third.rung(commitment).await == Some(Rung::Published)).await;
    }
    third.until("the proof on L1 again", mined).await;
    stage.mine_to(deep + 1).await;
    third.until("verified again", async || third.rung(commitment).await == Some(Rung::Verified)).await;

    let sidecar = stage.deployment.sidecar;
    stage.does(sidecar, calls::settle(1), U256::ZERO).await;
    stage.mine(8).await;
    third.until("finalized", async || third.rung(commitment).await == Some(Rung::Finalized)).await;
    assert_eq!(
        third.desk().proof(commitment).await.map(|proof| proof.bytes.to_vec()),
        Some(crate::stage::readable_proof())
    );
    stage.mine(1).await;
    third.sees(stage.head().await).await;
    third.end().await;
    let ledger = stage.ledger();
    let record = ledger.quote_of(GroupKey { commitment, group: 0 }).expect("read").expect("written");
    assert_eq!(record.state, QuoteState::Settled);
    assert!(ledger.deposits_at_risk().expect("read").is_empty());
    let owed = stage.client.withdrawable(alloy_primitives::Address::ZERO, stage.prover()).await.expect("an answer");
    assert_eq!(owed, quote.quote.price, "paid once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_closes_is_slashed_and_written_so() {
    let mut stage = Stage::new().await;
    let commitment = stage.made.commitment;
    let running = stage.coordinator().await;
    let quote = running.quote(stage.request().await).await.expect("a quote");
    running.desk().accept(stage.submission(quote.clone()), stage.sequencer()).await.expect("a receipt");
    stage.commit(&quote).await;
    stage.mine(1).await;
    running.until("proving", async || running.rung(commitment).await == Some(Rung::Proving)).await;
    let slack = running.status(commitment).await.expect("shown").ladder.slack_seconds.expect("a window");
    assert!(slack > 0.0 && slack < 60.0, "{slack}");
    let shown = running.desk().view().await.blocks.into_iter().find(|block| !block.promises.is_empty());
    let promise = shown.expect("a block with a promise").promises.remove(0);
    let (window, left) = (promise.window_seconds.expect("it is open"), promise.slack_seconds.expect("a window"));
    assert!(window >= left && ["none", "tight"].contains(&promise.alarm.as_deref().unwrap_or_default()), "{promise:?}");
    let schedule = stage.client.schedule(1).await.expect("an answer");
    stage.mine_to(schedule[5]).await;
    let given_up = async || {
        let ladder = running.status(commitment).await.expect("shown").ladder;
        ladder.reason.is_some_and(|reason| reason.code == "PY-C-306" && ladder.rung == Rung::Proving)
    };
    running.until("given up", given_up).await;
    let sidecar = stage.deployment.sidecar;
    stage.does(sidecar, calls::settle(1), U256::ZERO).await;
    running.until("slashed", async || running.rung(commitment).await == Some(Rung::Slashed)).await;
    let status = running.status(commitment).await.expect("shown");
    assert!(status.is_final() && status.ladder.reason.is_some_and(|reason| reason.code == "PY-C-301"));
    // A later block is looked at when all that came before is written.
    stage.mine(1).await;
    running.sees(stage.head().await).await;
    running.end().await;
    let ledger = stage.ledger();
    let record = ledger.quote_of(GroupKey { commitment, group: 0 }).expect("read").expect("written");
    assert_eq!(record.state, QuoteState::Slashed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quote_that_nobody_publishes_expires_and_frees_deposit_and_capacity() {
    let stage = Stage::new().await;
    let running = stage.coordinator().await;
    let request = stage.request().await;
    let quote = running.quote(request.clone()).await.expect("a quote");
    stage.mine_to(quote.quote.expiry + 3).await;
    running.sees(quote.quote.expiry + 3).await;
    let later = |mut request: proofyard_coordinator::client::QuoteRequest| {
        request.block_commitment.0[0] ^= 1;
        (request.commit_by, request.prove_by) = (request.commit_by + 20, request.prove_by + 20);
        request
    };
    assert_eq!(running.quote(later(request.clone())).await, Err("PY-Q-008"), "a reorg may still draw it");
    stage.mine(2).await;
    running.sees(quote.quote.expiry + 5).await;
    running.until("room", async || running.quote(later(request.clone())).await.is_ok()).await;
}
