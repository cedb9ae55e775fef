//! The coordinators: asks for quotes, hands blocks over, inquires, fetches proofs.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::future::join_all;
use proofyard_coordinator_client as messages;
use proofyard_coordinator_client::{BlockStatus, BlockSubmission, Client, ClientError, QuoteAnswer, Stage, Timeouts};
use proofyard_settlement::{
    alloy::primitives::{B256, Bytes as Data, U256},
    contracts::bindings::IProverEscrow::Receipt,
    sidecar_client::{ClientError as L1Error, SidecarClient},
    signer::Key,
};

use crate::{
    blocks::Worked,
    config::CoordinatorConfig,
    core::{
        Report,
        bid::{Bid, Offer, Quote, Request, Signer},
        types::{Address, Bytes, L1Block},
    },
    error::StartError,
    l1::{address, amount, bytes, header, word},
    request_signer::RequestSigner,
    store::Prepared,
};

/// How long a hand-over may take at least and at most; in between, as long as two L1 blocks. It is tried more than once, and the window
/// goes on meanwhile.
const HAND_OVER: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(60)];
/// Bytes of a proof of one group, and what a group of several takes more: its end baton.
const PROOF_BYTES: usize = 1_728;
const END_BYTES: usize = 96;

/// The coordinators by name.
pub struct Market {
    clients: BTreeMap<String, Client>,
    l1: SidecarClient,
    sequencer: Address,
    quote_wait: Duration,
    block_ms: u64,
}

/// A block to be handed over.
pub struct Handover {
    /// Its file.
    pub file: Vec<u8>,
    /// What it was executed to.
    pub worked: Worked,
    /// Salt and commitment at its height.
    pub prepared: Prepared,
}

impl Market {
    /// Connects lazily: no coordinator need be there yet.
    pub fn new(
        coordinators: &[CoordinatorConfig],
        l1: SidecarClient,
        key: &Key,
        quote_wait: Duration,
        block_ms: u64,
    ) -> Result<Self, StartError> {
        let signer = Arc::new(RequestSigner(key.clone()));
        let [least, most] = HAND_OVER;
        let request = Duration::from_millis(block_ms.saturating_mul(2)).clamp(least, most);
        let timeouts = Timeouts { request, ..Timeouts::default() };
        let client = |config: &CoordinatorConfig| {
            let client = Client::new(&config.url, timeouts)?.signed_by(signer.clone());
            Ok((config.name.clone(), client))
        };
        let clients = coordinators.iter().map(client).collect::<Result<_, ClientError>>()?;
        Ok(Self { clients, l1, sequencer: bytes(key.address()), quote_wait, block_ms: block_ms.max(1) })
    }

    fn client(&self, bidder: &str) -> Result<&Client, String> {
        self.clients.get(bidder).ok_or_else(|| format!("no coordinator is called {bidder}"))
    }

    /// Whether each coordinator answers.
    pub async fn reachable(&self) -> Vec<(String, bool)> {
        let ask = self.clients.iter().map(|(name, client)| async move { (name.clone(), client.farm().await.is_ok()) });
        join_all(ask).await
    }

    /// Asks for a quote and looks up what is needed to check it.
    pub async fn ask(&self, bidder: &str, request: &Request) -> Result<Box<Offer>, String> {
        let deployment = self.l1.deployment();
        let asked = messages::QuoteRequest {
            chain_id: deployment.chain_id,
            sidecar: deployment.sidecar,
            escrow: deployment.escrow,
            sequencer: address(self.sequencer),
            height: request.height,
            block_commitment: B256::new(request.block_commitment.0),
            group: request.group,
            groups: request.groups,
            transfers: request.transfers,
            subtrees: request.subtrees,
            rows_log2: request.rows_log2,
            tip_token: address(request.tip_token),
            price_max: U256::from(request.price_max),
            deposit_token: address(request.deposit_token),
            deposit: U256::from(request.deposit),
            commit_by: request.commit_by,
            prove_by: request.prove_by,
        };
        let answer = self.client(bidder)?.quote(&asked, self.quote_wait).await.map_err(|error| error.to_string())?;
        let signed = match answer {
            QuoteAnswer::Quoted(signed) => *signed,
            QuoteAnswer::Declined { code, reason } => return Err(format!("[{code}] {reason}")),
        };
        let quote = Quote {
            prover: bytes(signed.quote.prover),
            sequencer: bytes(signed.quote.sequencer),
            height: signed.quote.height,
            block_commitment: Bytes(signed.quote.block_commitment.0),
            group: signed.quote.group,
            tip_token: bytes(signed.quote.tip_token),
            price: amount(signed.quote.price),
            deposit_token: bytes(signed.quote.deposit_token),
            deposit: amount(signed.quote.deposit),
            nonce: Bytes(signed.quote.nonce.to_be_bytes()),
            expiry: signed.quote.expiry,
        };
        let l1 = |error: L1Error| error.to_string();
        let (prover, nonce) = (signed.quote.prover, signed.quote.nonce);
        if self.l1.is_nonce_used(prover, nonce).await.map_err(l1)? {
            return Err("the quote's nonce is used".to_owned());
        }
        let signer = self.signer(&quote, &signed.signature).await.map_err(l1)?;
        let escrow = self.l1.escrow_available(signed.quote.deposit_token, prover).await.map_err(l1)?;
        Ok(Box::new(Offer { quote, signature: signed.signature.to_vec(), signer, escrow: amount(escrow) }))
    }

    /// Who signed a quote: a key, or a contract by its own word.
    async fn signer(&self, quote: &Quote, signature: &Data) -> Result<Signer, L1Error> {
        let terms = crate::l1::quote(quote);
        match self.l1.deployment().domain().recover_quote(&terms, signature) {
            Ok(signer) if signer == terms.prover => Ok(Signer::Key(bytes(signer))),
            recovered => {
                if self.l1.is_signed(&terms, signature).await? {
                    return Ok(Signer::Contract(true));
                }
                Ok(recovered.map_or(Signer::Nobody, |signer| Signer::Key(bytes(signer))))
            }
        }
    }

    /// Hands a block over under a bid; who signed the receipt. Without a bid that still holds, a rescuer is given the bare block.
    pub async fn hand_over(
        &self,
        bidder: &str,
        block: Handover,
        bid: Option<&Bid>,
        rescue: bool,
    ) -> Result<Option<Address>, String> {
        let client = self.client(bidder)?;
        let mut refused = String::new();
        if let Some(bid) = bid {
            match self.under_quote(client, &block, bid).await {
                Ok(signer) => return Ok(Some(signer)),
                Err(error) => refused = error,
            }
        }
        if !rescue {
            return Err(refused);
        }
        let plan = &block.worked.plan;
        let taken = client.submit_in_groups(block.file, plan.subtrees, plan.groups).await;
        taken.map(|_| None).map_err(|error| format!("{refused} {error}").trim().to_owned())
    }

    async fn under_quote(&self, client: &Client, block: &Handover, bid: &Bid) -> Result<Address, String> {
        let Handover { file, worked, prepared } = block;
        let quote = messages::Quote {
            prover: address(bid.quote.prover),
            sequencer: address(bid.quote.sequencer),
            height: bid.quote.height,
            block_commitment: B256::new(bid.quote.block_commitment.0),
            group: bid.quote.group,
            tip_token: address(bid.quote.tip_token),
            price: U256::from(bid.quote.price),
            deposit_token: address(bid.quote.deposit_token),
            deposit: U256::from(bid.quote.deposit),
            nonce: word(bid.quote.nonce),
            expiry: bid.quote.expiry,
        };
        let submission = BlockSubmission {
            quote: messages::SignedQuote { quote, signature: bid.signature.clone().into() },
            header: header(worked, &prepared.data_uri),
            salt: B256::new(prepared.salt.0),
            block: file.clone().into(),
        };
        let signed = client.hand_over(&submission).await.map_err(|error| error.to_string())?;
        let receipt = Receipt {
            blockCommitment: signed.receipt.block_commitment,
            blockId: signed.receipt.block_id,
            nonce: signed.receipt.nonce,
            acceptedAt: signed.receipt.accepted_at,
        };
        let for_it = receipt.blockCommitment.0 == bid.quote.block_commitment.0
            && receipt.blockId.0 == worked.plan.id.0
            && receipt.nonce == word(bid.quote.nonce);
        if !for_it {
            return Err("its receipt is for another block or quote".to_owned());
        }
        let prover = address(bid.quote.prover);
        let is_signed = self.l1.is_receipt_signed(prover, &receipt, &signed.signature).await;
        if is_signed.map_err(|error| error.to_string())? {
            return Ok(bid.quote.prover);
        }
        let signer = self.l1.deployment().domain().recover_receipt(&receipt, &signed.signature);
        signer.map(bytes).map_err(|error| error.to_string())
    }

    /// How a coordinator stands with a block it was given, `left` L1 blocks before the window's end.
    pub async fn inquire(&self, bidder: &str, block: &Handover, left: L1Block) -> Report {
        match self.status(bidder, block).await {
            Ok(status) => self.report(&status, left),
            Err(ClientError::NotFound { .. }) => Report::Failed { reason: "it does not know the block".to_owned() },
            Err(_) => Report::Silent,
        }
    }

    async fn status(&self, bidder: &str, block: &Handover) -> Result<BlockStatus, ClientError> {
        let Some(client) = self.clients.get(bidder) else {
            return Err(ClientError::NotFound { what: bidder.to_owned() });
        };
        match client.status_of(B256::new(block.prepared.commitment.0)).await {
            Err(ClientError::NotFound { .. }) => client.status_of(B256::new(block.worked.plan.id.0)).await,
            answer => answer,
        }
    }

    fn report(&self, status: &BlockStatus, left: L1Block) -> Report {
        match status.stage {
            Stage::Done => Report::Proven,
            Stage::Refused | Stage::Failed => {
                let reason =
                    status.error.as_ref().map_or_else(|| "no reason".to_owned(), |error| error.message.clone());
                Report::Failed { reason }
            }
            Stage::Executing | Stage::Proving | Stage::Verifying => {
                let remaining = status.ladder.slack_seconds.filter(|slack| slack.is_finite()).map(|slack| {
                    let slack_blocks = (slack * 1_000.0 / self.block_ms as f64).floor();
                    (left as f64 - slack_blocks).clamp(0.0, 1e9) as u64
                });
                Report::Working { remaining }
            }
        }
    }

    /// A coordinator's proof of a group, with each beneficiary that it may be bound to: the prover of the bid, what the coordinator says
    /// of itself, nobody.
    pub async fn proofs(
        &self,
        bidder: &str,
        block: &Handover,
        group: u32,
        prover: Option<Address>,
    ) -> Result<Vec<(Vec<u8>, Address)>, String> {
        let client = self.client(bidder)?;
        let id = |hash: crate::core::types::Hash| hash.to_string()[2..].parse();
        let (Ok(commitment), Ok(file)) = (id(block.prepared.commitment), id(block.worked.plan.id)) else {
            return Err("no id".to_owned());
        };
        let proof = match client.proof(commitment).await {
            Err(ClientError::NotFound { .. }) => client.proof(file).await,
            answer => answer,
        };
        let proof = group_proof(&proof.map_err(|error| error.to_string())?, block.worked.plan.groups, group)?;
        let named = client.farm().await.ok().and_then(|farm| farm.prover).map(bytes);
        let mut beneficiaries: Vec<Address> = prover.into_iter().chain(named).chain([Address::ZERO]).collect();
        beneficiaries.dedup();
        Ok(beneficiaries.into_iter().map(|beneficiary| (proof.clone(), beneficiary)).collect())
    }
}

/// One group's proof from a root proof of `groups` groups, as the contracts take it: without end words.
pub fn group_proof(proof: &[u8], groups: u32, group: u32) -> Result<Vec<u8>, String> {
    let groups = groups as usize;
    if proof.len() == PROOF_BYTES && groups == 1 {
        return Ok(proof.to_vec());
    }
    let stride = PROOF_BYTES + END_BYTES;
    let start = group as usize * stride;
    if proof.len() + END_BYTES != groups * stride || group as usize >= groups {
        return Err(format!("{} bytes are no proof of {groups} groups", proof.len()));
    }
    // A word with the number of subtrees, the end words of all groups but the last, the body.
    let ends = if group as usize + 1 < groups { END_BYTES } else { 0 };
    let mut one = proof[start..start + 32].to_vec();
    one.extend(&proof[start + 32 + ends..start + PROOF_BYTES + ends]);
    Ok(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_groups_proof_is_cut_out_of_the_root_proof() {
        let part = |number: u8, ends: bool| {
            let body = vec![number; PROOF_BYTES - 32];
            [vec![number + 10; 32], if ends { vec![99; END_BYTES] } else { Vec::new() }, body].concat()
        };
        let whole = [part(1, true), part(2, true), part(3, false)].concat();
        for group in 0..3u8 {
            assert_eq!(group_proof(&whole, 3, group.into()), Ok(part(group + 1, false)));
        }
        assert_eq!(group_proof(&part(7, false), 1, 0), Ok(part(7, false)));
        for (bytes, groups, group) in [(&whole[..], 2, 0), (&whole[..], 3, 3), (&whole[1..], 3, 0), (&[][..], 1, 0)] {
            assert!(group_proof(bytes, groups, group).is_err());
        }
    }
}
