//! What the desk does not take, each with its code; and what it still takes afterwards.

use alloy_primitives::{Address, B256, Bytes};
use proofyard_coordinator::{
    client::{BlockSubmission, SignedQuote},
    endpoint::{Desk, Why},
    ledger::Ledger,
};

use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_that_are_not_what_was_quoted_are_refused_and_the_right_one_is_taken() {
    let stage = Stage::new().await;
    let running = stage.coordinator().await;
    let quote = running.quote(stage.request().await).await.expect("a quote");
    let good = stage.submission(quote.clone());
    let desk = running.desk();
    let refused = async |submission: BlockSubmission, caller: Address| {
        let refusal = desk.accept(submission, caller).await.expect_err("refused");
        (refusal.why, refusal.error.code)
    };
    let sequencer = stage.sequencer();
    let stranger = Address::repeat_byte(9);
    assert_eq!(refused(good.clone(), stranger).await, (Why::Forbidden, "PY-C-331".to_owned()));

    let mut dearer = good.clone();
    dearer.quote.quote.price += alloy_primitives::U256::from(1);
    assert_eq!(refused(dearer, sequencer).await, (Why::Forbidden, "PY-C-332".to_owned()));
    let signature = Bytes::from_static(&[7; 65]);
    let forged = BlockSubmission { quote: SignedQuote { signature, ..quote.clone() }, ..good.clone() };
    assert_eq!(refused(forged, sequencer).await, (Why::Forbidden, "PY-C-332".to_owned()));

    let salted = BlockSubmission { salt: B256::ZERO, ..good.clone() };
    assert_eq!(refused(salted, sequencer).await, (Why::Wrong, "PY-C-320".to_owned()));
    let mut header = good.clone();
    header.header.subtrees = 2;
    assert_eq!(refused(header, sequencer).await, (Why::Wrong, "PY-C-320".to_owned()));
    let mut file = good.block.to_vec();
    file[40] ^= 1;
    let other = BlockSubmission { block: file.into(), ..good.clone() };
    assert_eq!(refused(other, sequencer).await, (Why::Wrong, "PY-C-321".to_owned()));

    let receipt = desk.accept(good, sequencer).await.expect("the right one");
    assert_eq!(receipt.receipt.nonce, quote.quote.nonce);
    running.end().await;
    assert_eq!(stage.ledger().open_work().expect("read").unproven.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_that_lies_about_its_block_is_refused_before_anything_is_signed() {
    // The commitment is made to a header with another end: header, salt and file fit, the execution does not.
    let mut stage = Stage::new().await;
    stage.made.header.ends[0][0] += alloy_primitives::U256::from(1);
    let d = &stage.deployment;
    let header = proofyard_settlement::contracts::bindings::IProvingSidecar::Header {
        start: stage.made.header.start,
        ends: stage.made.header.ends.clone(),
        rowsLog2: 12,
        subtrees: 1,
        dataVersion: 0,
        dataCommitment: stage.made.header.data_commitment,
        dataUri: String::new(),
    };
    stage.made.commitment = proofyard_settlement::contracts::bindings::block_commitment(
        d.chain_id,
        d.sidecar,
        1,
        stage.sequencer(),
        &header,
        stage.made.salt,
    );
    let running = stage.coordinator().await;
    let quote = running.quote(stage.request().await).await.expect("a quote");
    let refusal = running.desk().accept(stage.submission(quote), stage.sequencer()).await.expect_err("refused");
    assert_eq!((refusal.why, refusal.error.code.as_str()), (Why::Wrong, "PY-C-324"));
    running.end().await;
    assert!(stage.ledger().open_work().expect("read").unproven.is_empty());
}
