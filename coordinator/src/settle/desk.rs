//! The desk of a farm on L1: quotes and receipts, each written before it is signed and before it is given out.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes as Signed};
use async_trait::async_trait;
use bytes::Bytes;
use proofyard_coordinator_client::{
    Accepted, BlockSubmission, Check, FarmStatus, FarmView, Header, Health, QuoteRequest, Readiness, Receipt,
    SignedQuote, SignedReceipt,
};
use proofyard_job_schema::WorkerId;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tracing::{info, warn};

use super::{
    SettleError,
    office::{Notice, Office},
    papers,
};
use crate::{
    endpoint::{Cut, Declined, Desk, FarmDesk, Proof, Refusal, Undrained, Why},
    ledger::{GroupKey, LedgerError, NewBlock, NewQuote, QuoteRecord, ReceiptRecord, Reserved},
    market::{Decline, Scaling},
    metrics::QuoteOutcome,
    submission::Farm,
    track::Follower,
};

/// The desk of a farm on L1.
#[derive(Clone)]
pub struct SettledDesk {
    pub(super) office: Arc<Office>,
    pub(super) farm: FarmDesk,
}

fn declined(decline: &Decline) -> Declined {
    let text = decline.to_string();
    let reason = text.split_once("] ").map_or(text.as_str(), |(_, reason)| reason);
    Declined::new(decline.code(), reason)
}

fn unavailable(error: &dyn std::fmt::Display) -> Declined {
    declined(&Decline::Unavailable { reason: error.to_string() })
}

/// A refusal by the ledger as a reason for declining.
fn refused(error: SettleError, quote: &NewQuote) -> Declined {
    match error {
        SettleError::Ledger(LedgerError::Balance { balance, held, deposit }) => {
            declined(&Decline::Balance { balance, held, deposit })
        }
        SettleError::Ledger(LedgerError::Quoted { .. }) => declined(&Decline::Quoted { group: quote.terms.group }),
        other => unavailable(&other),
    }
}

fn busy(error: &dyn std::fmt::Display) -> Refusal {
    Refusal::new(Why::Busy, "PY-C-330", format!("the block could not be written or its receipt signed: {error}"))
}

impl SettledDesk {
    /// The open quote for the same request, if there is one.
    async fn same(&self, request: &QuoteRequest) -> Result<Option<QuoteRecord>, SettleError> {
        let key = GroupKey { commitment: request.block_commitment, group: request.group };
        let found = self.office.on_disk(move |ledger| ledger.quote_of(key)).await?;
        Ok(found.filter(|record| {
            let terms = &record.terms;
            let same = (terms.sequencer, terms.height, terms.tip_token, terms.deposit_token)
                == (request.sequencer, request.height, request.tip_token, request.deposit_token);
            record.state.is_open()
                && same
                && terms.deposit == request.deposit
                && terms.expiry <= request.commit_by
                && record.reservation.prove_by <= request.prove_by
                && terms.price <= request.price_max
        }))
    }

    /// Decides about a request and, when it is offered, holds capacity and deposit and writes that down. Nothing is signed.
    async fn reserve(&self, request: &QuoteRequest, deadline: Instant) -> Result<QuoteRecord, Declined> {
        if Instant::now() >= deadline {
            return Err(unavailable(&"nobody waits for it any more"));
        }
        let farm = self.office.farm_sight();
        let sight = self.office.books().sight.clone().ok_or_else(|| declined(&Decline::Blind))?;
        let view = sight.view(request.height, farm, self.office.config.block_ms, self.office.config.stale_ms);
        let offer = self.office.market().quote(request, &view).map_err(|decline| declined(&decline))?;
        let quote = NewQuote { terms: offer.terms, reservation: offer.reservation };
        let (wanted, backing) = (quote.clone(), view.backing);
        let reserved = self.office.on_disk(move |ledger| ledger.reserve_quote(&wanted, &backing)).await;
        reserved.map(Reserved::into_record).map_err(|error| {
            self.office.market().release(GroupKey::of(&quote.terms));
            refused(error, &quote)
        })
    }

    async fn quoted(&self, request: &QuoteRequest, deadline: Instant) -> Result<SignedQuote, Declined> {
        let reserved = {
            let _turn = self.office.asking.lock().await;
            match self.same(request).await.map_err(|error| unavailable(&error))? {
                Some(record) => record,
                None => self.reserve(request, deadline).await?,
            }
        };
        let is_new = reserved.signature.is_none();
        let signed = self.sign(reserved).await?;
        if is_new {
            self.office.metrics().market.quote(QuoteOutcome::Made);
        }
        Ok(signed)
    }

    /// Brings the metrics of market, L1 and demand up to date.
    pub fn measure(&self, scaling: &Scaling) {
        let metrics = self.office.metrics();
        metrics.market.look(&self.office.figures());
        metrics.l1.look(self.office.client.rpc(), &self.office.manager);
        metrics.farm.wants(self.office.demand(scaling));
    }

    /// Signs a reserved quote, writes the signature, and only then has it.
    async fn sign(&self, record: QuoteRecord) -> Result<SignedQuote, Declined> {
        let nonce = record.terms.nonce;
        let record = if record.signature.is_some() {
            record
        } else {
            let bound = papers::bound_quote(&record.terms);
            let signature = match self.office.key.sign_quote(&bound, &self.office.domain).await {
                Ok(signature) => signature.as_bytes().to_vec(),
                Err(error) => {
                    // It stays reserved: the same request signs the same terms later, or it expires.
                    warn!(%error, nonce = %format_args!("{nonce:#x}"), "a quote is written and could not be signed");
                    return Err(unavailable(&error));
                }
            };
            match self.office.on_disk(move |ledger| ledger.sign_quote(nonce, &signature)).await {
                // The same request came twice, and the key does not sign the same way each time: the one that is written counts.
                Err(SettleError::Ledger(LedgerError::Differs { .. })) => {
                    let found = self.office.on_disk(move |ledger| ledger.quote(nonce)).await;
                    found.map_err(|error| unavailable(&error))?.ok_or_else(|| unavailable(&"it is not written"))?
                }
                written => written.map_err(|error| unavailable(&error))?,
            }
        };
        self.office.open_case(&record, Farm::Missing);
        self.office.tell(Notice::Opened(GroupKey::of(&record.terms)));
        let signature = record.signature.map(Signed::from).ok_or_else(|| unavailable(&"no signature was written"))?;
        Ok(SignedQuote { quote: record.terms, signature })
    }

    /// The quote that a block comes with, as it was given out.
    async fn own_quote(&self, submission: &BlockSubmission, caller: Address) -> Result<QuoteRecord, Refusal> {
        let SignedQuote { quote, signature } = &submission.quote;
        if quote.sequencer != caller {
            let message = "the quote names another sequencer; only that one may hand the block in";
            return Err(Refusal::new(Why::Forbidden, "PY-C-331", message));
        }
        let nonce = quote.nonce;
        let found = self.office.on_disk(move |ledger| ledger.quote(nonce)).await.map_err(|error| busy(&error))?;
        let given_out =
            found.filter(|record| record.terms == *quote && record.signature.as_deref() == Some(signature.as_ref()));
        let unknown = || {
            let message = "this coordinator has not given out such a quote; send the quote as it was received";
            Refusal::new(Why::Forbidden, "PY-C-332", message)
        };
        given_out.ok_or_else(unknown)
    }

    /// Signs a written receipt, writes the signature, and only then has it.
    async fn sign_receipt(&self, written: ReceiptRecord) -> Result<SignedReceipt, Refusal> {
        let ReceiptRecord { nonce, commitment, id, accepted_at, signature } = written;
        let receipt = Receipt { block_commitment: commitment, block_id: id, nonce, accepted_at };
        let signature = match signature {
            Some(signature) => signature,
            None => {
                let bound = papers::bound_receipt(&receipt);
                let signature = self.office.key.sign_receipt(&bound, &self.office.domain).await;
                let signature = signature.map_err(|error| busy(&error))?.as_bytes().to_vec();
                let copy = signature.clone();
                let written = self.office.on_disk(move |ledger| ledger.sign_receipt(nonce, &copy)).await;
                written.map_err(|error| busy(&error))?;
                signature
            }
        };
        Ok(SignedReceipt { receipt, signature: signature.into() })
    }

    /// An accepted block is shown and proven, if its quote is open and that has not begun.
    async fn take_in(&self, record: &QuoteRecord) {
        if !record.state.is_open() {
            return;
        }
        let commitment = record.terms.block_commitment;
        self.office.open_case(record, Farm::Missing);
        match self.office.on_disk(move |ledger| ledger.block(commitment)).await {
            Ok(Some(block)) => self.office.show(&block, record.reservation.rows_log2),
            Ok(None) => {}
            Err(error) => warn!(%error, %commitment, "an accepted block is not shown"),
        }
        self.office.tell(Notice::Accepted(GroupKey::of(&record.terms)));
    }

    /// Block commitments that an id means: itself, or blocks of that file.
    fn commitments(&self, id: B256) -> Vec<B256> {
        let books = self.office.books();
        let means = |commitment: &B256, shown: &super::office::Shown| *commitment == id || shown.id == id;
        books.shown.iter().filter(|(commitment, shown)| means(commitment, shown)).map(|(key, _)| *key).collect()
    }
}

#[async_trait]
impl Desk for SettledDesk {
    async fn status(&self) -> FarmStatus {
        let mut status = self.farm.status().await;
        let books = self.office.books();
        status.l1_block = books.sight.as_ref().map(|sight| sight.block);
        drop(books);
        status.prover = Some(self.office.key.address());
        let open = self.office.market().calendar().len();
        let most = self.office.market().config().quotes_max;
        status.free_blocks = status.free_blocks.min(u32::try_from(most.saturating_sub(open)).unwrap_or(u32::MAX));
        status
    }

    async fn view(&self) -> FarmView {
        let mut view = self.farm.view().await;
        view.status = self.status().await;
        self.office.add_promises(&mut view);
        view
    }

    async fn drain(&self, worker: &WorkerId) -> Result<(), Undrained> {
        self.farm.drain(worker).await
    }

    async fn quote(&self, request: QuoteRequest, _: Address, deadline: Instant) -> Result<SignedQuote, Declined> {
        let quoted = self.quoted(&request, deadline).await;
        let signed = quoted.inspect_err(|declined| self.office.metrics().market.declined(declined.code))?;
        let quote = &signed.quote;
        info!(height = quote.height, group = quote.group, price = %quote.price, expiry = quote.expiry, "quoted");
        Ok(signed)
    }

    async fn accept(&self, submission: BlockSubmission, caller: Address) -> Result<SignedReceipt, Refusal> {
        let record = self.own_quote(&submission, caller).await?;
        let nonce = record.terms.nonce;
        let known = self.office.on_disk(move |ledger| ledger.receipt(nonce)).await.map_err(|error| busy(&error))?;
        let id = papers::block_id(&submission.block);
        if let Some(known) = known.filter(|known| known.id == id) {
            self.take_in(&record).await;
            return self.sign_receipt(known).await;
        }
        if self.office.handle.is_draining() {
            let message = "the coordinator is shutting down; hand the block in when it is back";
            return Err(Refusal::new(Why::Busy, "PY-C-101", message));
        }
        let block = self.office.books().sight.as_ref().map(|sight| sight.block);
        let Some(accepted_at) = block else { return Err(busy(&"L1 has not been seen yet")) };
        let setups = self.office.handle.setups();
        let (rows_log2, capacity) = (setups.rows_log2(), setups.circuit().slots());
        let deployment = self.office.client.deployment();
        let (chain_id, sidecar) = (deployment.chain_id, deployment.sidecar);
        let checked = tokio::task::spawn_blocking(move || {
            papers::check(&submission, chain_id, sidecar, rows_log2, capacity).map(|()| submission)
        });
        let submission = checked.await.map_err(|error| busy(&error))??;
        let header = serde_json::to_vec(&submission.header).map_err(|error| busy(&error))?;
        let new = NewBlock {
            nonce,
            commitment: record.terms.block_commitment,
            id,
            file: submission.block.to_vec(),
            header,
            salt: submission.salt,
            accepted_at,
        };
        let accepted =
            self.office.on_disk(move |ledger| ledger.accept_block(&new)).await.map_err(|error| match error {
                SettleError::Ledger(LedgerError::Differs { what }) => {
                    let message = format!("{what} differs from what was accepted before; send what was accepted");
                    Refusal::new(Why::Conflict, "PY-C-333", message)
                }
                SettleError::Ledger(LedgerError::Transition { from, .. }) => {
                    let message = format!("the quote is {from}; ask for a new one");
                    Refusal::new(Why::Conflict, "PY-C-334", message)
                }
                other => busy(&other),
            })?;
        // It is work from here on, whether or not the receipt can be signed at once.
        self.take_in(&record).await;
        let receipt = self.sign_receipt(accepted.into_record()).await?;
        let commitment = record.terms.block_commitment;
        info!(%commitment, block = %id, height = record.terms.height, "block accepted");
        Ok(receipt)
    }

    async fn take(&self, file: Bytes, cut: Cut) -> Result<Accepted, Refusal> {
        self.farm.take(file, cut).await
    }

    async fn follow(&self, id: B256) -> Option<Follower> {
        let shown = {
            let books = self.office.books();
            let shown = books.shown.get(&id).or_else(|| books.shown.values().rfind(|shown| shown.id == id));
            shown.map(|shown| shown.track.follow())
        };
        match shown {
            Some(follower) => Some(follower),
            None => self.farm.follow(id).await,
        }
    }

    async fn proof(&self, id: B256) -> Option<Proof> {
        let mut wanted = self.commitments(id);
        wanted.push(id);
        let found = self.office.on_disk(move |ledger| {
            wanted.extend(ledger.blocks_by_id(id)?.into_iter().map(|block| block.commitment));
            for commitment in wanted {
                if let Some(proof) = ledger.proof(commitment)? {
                    return Ok(Some(proof));
                }
            }
            Ok(None)
        });
        match found.await {
            Ok(Some(bytes)) => Some(Proof { sha256: Sha256::digest(&bytes).into(), bytes: bytes.into() }),
            Ok(None) => self.farm.proof(id).await,
            Err(error) => {
                warn!(%error, block = %id, "a proof cannot be read");
                None
            }
        }
    }

    async fn ready(&self) -> Readiness {
        let mut checks = self.farm.ready().await.checks;
        let ledger = self.office.on_disk(|ledger| ledger.open_work()).await;
        let detail = match &ledger {
            Ok(work) => format!("{} open quotes", work.quotes.len()),
            Err(error) => error.to_string(),
        };
        checks.push(Check::new("ledger", ledger.is_ok(), detail));
        let sight = self.office.books().sight.clone();
        let stale = |at: std::time::Instant| at.elapsed().as_millis() > u128::from(self.office.config.stale_ms);
        checks.push(match sight {
            Some(sight) => Check::new("l1", !stale(sight.at), format!("block {}", sight.block)),
            None => Check::new("l1", false, "not seen yet"),
        });
        Readiness::of(checks)
    }

    async fn health(&self) -> Health {
        self.farm.health().await
    }
}

/// The header as it was accepted.
pub(super) fn header_of(bytes: &[u8]) -> Option<Header> {
    serde_json::from_slice(bytes).ok()
}
