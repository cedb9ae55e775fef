//! What is signed was written and held before; a signer that fails costs nothing; more is asked for than there is.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use alloy_primitives::{Address, B256, ChainId, Signature, U256};
use alloy_signer_local::PrivateKeySigner;
use async_trait::async_trait;
use proofyard_coordinator::{
    client::{QuoteRequest, Rung},
    endpoint::{Desk, Why},
    ledger::{Ledger, QuoteState},
};
use proofyard_settlement::{
    alloy::{
        consensus::SignableTransaction,
        network::TxSigner,
        signers::{Error, Result, Signer},
    },
    contracts::bindings::IProverEscrow,
    signer::{Key, typed::Domain},
};

use crate::stage::{PROVER_SEED, Stage, bound_quote, local_key, tokens};

/// A key that looks into the ledger before it signs, and fails when it is told to.
struct Careful {
    key: PrivateKeySigner,
    ledger: Arc<dyn Ledger>,
    domain: Domain,
    fails: Arc<AtomicBool>,
    signed: Arc<AtomicUsize>,
}

impl Careful {
    /// Whether the ledger has what this digest is of, not signed yet.
    fn is_written(&self, digest: &B256) -> bool {
        let work = self.ledger.open_work().expect("read");
        let reserved = work.quotes.iter().filter(|quote| quote.state == QuoteState::Reserved);
        let is_quote =
            reserved.map(|quote| bound_quote(&quote.terms)).any(|quote| self.domain.quote_digest(&quote) == *digest);
        let receipts = work.unsigned_receipts.iter().map(|receipt| IProverEscrow::Receipt {
            blockCommitment: receipt.commitment,
            blockId: receipt.id,
            nonce: receipt.nonce,
            acceptedAt: receipt.accepted_at,
        });
        is_quote || receipts.into_iter().any(|receipt| self.domain.receipt_digest(&receipt) == *digest)
    }
}

#[async_trait]
impl Signer for Careful {
    async fn sign_hash(&self, hash: &B256) -> Result<Signature> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(Error::message("told to"));
        }
        if !self.is_written(hash) {
            return Err(Error::message("not written"));
        }
        self.signed.fetch_add(1, Ordering::SeqCst);
        self.key.sign_hash(hash).await
    }

    fn address(&self) -> Address {
        self.key.address()
    }

    fn chain_id(&self) -> Option<ChainId> {
        None
    }

    fn set_chain_id(&mut self, _: Option<ChainId>) {}
}

#[async_trait]
impl TxSigner<Signature> for Careful {
    fn address(&self) -> Address {
        self.key.address()
    }

    async fn sign_transaction(&self, transaction: &mut dyn SignableTransaction<Signature>) -> Result<Signature> {
        self.key.sign_transaction(transaction).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_signed_is_written_and_a_failing_signer_loses_nothing() {
    let mut stage = Stage::new().await;
    let (fails, signed) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let mut plan = stage.plan();
    plan.key = Key::other(Careful {
        key: local_key(PROVER_SEED),
        ledger: plan.ledger.clone(),
        domain: stage.deployment.domain(),
        fails: fails.clone(),
        signed: signed.clone(),
    });
    let ledger = plan.ledger.clone();
    let running = plan.start().await;
    let request = stage.request().await;
    assert_eq!(running.quote(request.clone()).await, Err("PY-Q-018"));
    let reserved = ledger.open_work().expect("read").quotes.remove(0);
    assert_eq!((reserved.state, reserved.signature), (QuoteState::Reserved, None));
    // It still holds the deposit: nobody knows what the signer has in its log.
    let other = QuoteRequest { block_commitment: B256::repeat_byte(3), ..request.clone() };
    assert_eq!(running.quote(other).await, Err("PY-Q-008"));
    fails.store(false, Ordering::SeqCst);
    let quote = running.quote(request.clone()).await.expect("a quote");
    assert_eq!(quote.quote, reserved.terms, "the one that was written");
    assert_eq!(running.quote(request).await, Ok(quote.clone()));
    assert_eq!(signed.load(Ordering::SeqCst), 1);

    // The block is work from when it is written, whether or not the receipt could be signed.
    fails.store(true, Ordering::SeqCst);
    let submission = stage.submission(quote.clone());
    let refusal = running.desk().accept(submission.clone(), stage.sequencer()).await.expect_err("refused");
    assert_eq!((refusal.why, refusal.error.code.as_str()), (Why::Busy, "PY-C-330"));
    stage.commit(&quote).await;
    stage.mine(1).await;
    let commitment = stage.made.commitment;
    running.until("proving", async || running.rung(commitment).await == Some(Rung::Proving)).await;
    fails.store(false, Ordering::SeqCst);
    let receipt = running.desk().accept(submission.clone(), stage.sequencer()).await.expect("a receipt");
    assert_eq!(running.desk().accept(submission, stage.sequencer()).await.expect("again"), receipt);
    assert_eq!(signed.load(Ordering::SeqCst), 2);
    running.end().await;
}

/// Many requests at once, each for a block of its own: the quotes given, and the codes of all others.
async fn ask_at_once(stage: &Stage, desk: impl Desk + Clone, deposit: U256) -> (Vec<U256>, BTreeSet<&'static str>) {
    let request = stage.request().await;
    let deadline = tokio::time::Instant::now() + crate::stage::PATIENCE;
    let asked: Vec<_> = (0..60_u8)
        .map(|number| {
            let request = QuoteRequest { block_commitment: B256::repeat_byte(number + 1), deposit, ..request.clone() };
            let (desk, caller) = (desk.clone(), request.sequencer);
            tokio::spawn(async move { desk.quote(request, caller, deadline).await })
        })
        .collect();
    let (mut nonces, mut codes) = (Vec::new(), BTreeSet::new());
    for answer in asked {
        match answer.await.expect("no panic") {
            Ok(signed) => nonces.push(signed.quote.nonce),
            Err(declined) => {
                codes.insert(declined.code);
            }
        }
    }
    nonces.sort_unstable();
    nonces.dedup();
    (nonces, codes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_overload_no_more_is_promised_than_the_farm_can_do_before_and_after_a_restart() {
    let stage = Stage::new().await;
    for round in 0..2 {
        let mut plan = stage.plan();
        (plan.market.quotes_max, plan.market.quotes_max_per_sequencer) = (1_000, 1_000);
        let running = plan.start().await;
        let (nonces, codes) = ask_at_once(&stage, running.desk(), tokens(1)).await;
        // 36 blocks of a second remain after the latest start and before the submission, of which 70 % may be promised; each takes 2 s.
        // After the restart the same requests get the same quotes, and no other one gets any.
        assert_eq!((nonces.len(), codes), (12, BTreeSet::from(["PY-Q-007"])), "round {round}");
        running.end().await;
        assert_eq!(stage.ledger().open_work().expect("read").quotes.len(), 12);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_overload_no_more_is_promised_than_the_escrow_covers() {
    let stage = Stage::new().await;
    let mut plan = stage.plan();
    (plan.market.quotes_max, plan.market.quotes_max_per_sequencer) = (1_000, 1_000);
    plan.market.prior_subtree_ms = 10;
    let running = plan.start().await;
    let (nonces, codes) = ask_at_once(&stage, running.desk(), tokens(9)).await;
    assert_eq!((nonces.len(), codes), (11, BTreeSet::from(["PY-Q-008"])), "the escrow has 100");
    running.end().await;
    let work = stage.ledger().open_work().expect("read");
    let held: U256 = work.quotes.iter().map(|quote| quote.terms.deposit).sum();
    assert!(held == tokens(99) && work.quotes.iter().all(|quote| quote.state == QuoteState::Signed));
}
