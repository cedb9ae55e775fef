//! Between ledger and farm: a block that fails there is tried again, and a proof of the same file for somebody else is not taken for ours.

use proofyard_coordinator::{
    Request,
    client::{Rung, Stage as Step},
    core::{Policy, Progress},
    endpoint::Desk,
};

use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_that_fails_in_the_farm_is_tried_again_and_not_given_up() {
    let mut stage = Stage::new().await;
    let mut plan = stage.plan();
    // Its worker never answers, so a block fails after this long.
    plan.policy = Policy { block_deadline_ms: 700, ..Policy::default() };
    let ledger = plan.ledger.clone();
    let running = plan.start().await;
    let mut progress = running.handle.observe();
    let quote = running.quote(stage.request().await).await.expect("a quote");
    running.desk().accept(stage.submission(quote.clone()), stage.sequencer()).await.expect("a receipt");
    stage.commit(&quote).await;
    stage.mine(1).await;
    let mut starts = 0;
    let often = async || {
        while let Ok(event) = progress.try_recv() {
            starts += u32::from(matches!(event, Progress::Accepted { .. }));
        }
        starts >= 4
    };
    running.until("the fourth try", often).await;
    let commitment = stage.made.commitment;
    assert_eq!(ledger.block(commitment).expect("read").expect("accepted").given_up, None);
    let ladder = running.status(commitment).await.expect("shown").ladder;
    assert!(ladder.rung < Rung::Proven && ladder.reason.is_none(), "{ladder:?}");
    // Its window over, nothing more is tried.
    let schedule = stage.client.schedule(1).await.expect("an answer");
    stage.mine_to(schedule[5]).await;
    running.sees(schedule[5]).await;
    let over = async || running.status(commitment).await.expect("shown").ladder.reason.is_some();
    running.until("given up", over).await;
    running.until("the farm at rest", async || running.handle.board().unfinished() == 0).await;
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    assert_eq!(running.handle.board().unfinished(), 0);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proof_of_the_same_file_for_another_verifier_is_not_submitted() {
    let mut stage = Stage::honest().await;
    let mut plan = stage.plan();
    plan.proves = true;
    let running = plan.start().await;
    let bare = Request {
        block: stage.made.file.clone().into(),
        subtrees: Some(1),
        groups: Some(1),
        chain_id: 1,
        contract: [9; 20],
        beneficiary: [0; 20],
    };
    let id = running.handle.submit(bare);
    let entry = running.handle.finished(id).await.expect("known");
    assert_eq!(entry.status.stage, Step::Done);
    let foreign = entry.proven.expect("proven").proof.clone();

    let quote = running.quote(stage.request().await).await.expect("a quote");
    running.desk().accept(stage.submission(quote.clone()), stage.sequencer()).await.expect("a receipt");
    stage.commit(&quote).await;
    let schedule = stage.client.schedule(1).await.expect("an answer");
    stage.mine_to(schedule[3]).await;
    running.until("the submission", async || stage.pending_of(stage.prover()).await.is_some()).await;
    stage.mine(1).await;
    assert!(stage.client.is_proven(1, 0).await.expect("an answer"), "the real verifier took it");
    let ours = running.desk().proof(stage.made.commitment).await.expect("proven").bytes;
    assert_ne!(ours, foreign);
    running.end().await;
}
