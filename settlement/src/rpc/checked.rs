//! Reads that decide about money, compared between endpoints.
//!
//! Only endpoints in good standing are compared; with one left, its word stands. Two that contradict each other can be told apart only
//! by what they said before; where that does not help the answer is [`Seen::Unsure`] or a [`RpcError::Disagreement`], and the caller waits or
//! does what is right in both cases. A third endpoint decides by majority.

use alloy::primitives::{Address, B256, Bytes};
use serde_json::json;

use super::health::Reason;
use super::{Rpc, RpcError};
use crate::chain::{At, BlockRef, Call, Receipt};

/// What endpoints say about a transaction's receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// None of those asked knows it.
    Nothing,
    /// It is in a block.
    Included(Receipt),
    /// They contradict each other, or one is behind.
    Unsure,
}

/// What other endpoints say about a block that one has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vouched {
    /// Another has the same block there, or there is no other.
    Yes,
    /// All others that answered have another block there.
    No,
    /// The others are not that far, or do not answer.
    Unknown,
}

impl Rpc {
    /// Endpoints in good standing besides this one.
    fn others(&self, source: usize) -> Vec<usize> {
        self.shared.health().usable().into_iter().filter(|other| *other != source).collect()
    }

    /// The receipt of a transaction.
    pub async fn receipt(&self, transaction: B256) -> Result<Seen, RpcError> {
        let order = self.shared.health().order();
        let mut claims = Vec::new();
        let mut failed = None;
        for source in order {
            // A second opinion only from one in good standing.
            if !claims.is_empty() && self.shared.health().aside(source).is_some() {
                continue;
            }
            match self.receipt_of(source, transaction).await {
                Ok(claim) => claims.push((source, claim)),
                Err(error) => failed = Some(error),
            }
            if claims.len() == 2 {
                break;
            }
        }
        match &claims[..] {
            [] => Err(failed.unwrap_or_else(|| self.shared.nobody())),
            [(_, None)] | [(_, None), (_, None)] => Ok(Seen::Nothing),
            [(_, Some(receipt))] => Ok(Seen::Included(receipt.clone())),
            [(_, Some(one)), (_, Some(two))] if one.agrees(two) => Ok(Seen::Included(one.clone())),
            [(claimer, Some(receipt)), (other, None)] | [(other, None), (claimer, Some(receipt))] => {
                self.settle(*claimer, receipt, *other).await
            }
            [(one, Some(first)), (two, Some(second)), ..] => {
                // Both include it, differently: whoever names a block that the other does not have there gets no say.
                let seen = self.settle(*one, first, *two).await?;
                if seen == Seen::Unsure { self.settle(*two, second, *one).await } else { Ok(seen) }
            }
            _ => Ok(Seen::Unsure),
        }
    }

    /// One shows a receipt that the other does not: decides by the blocks of the other and, if there is one, a third.
    async fn settle(&self, claimer: usize, receipt: &Receipt, other: usize) -> Result<Seen, RpcError> {
        let third = self.others(claimer).into_iter().find(|third| *third != other);
        if let Some(third) = third
            && let Ok(opinion) = self.receipt_of(third, receipt.transaction_hash).await
        {
            if opinion.as_ref().is_some_and(|opinion| opinion.agrees(receipt)) {
                return Ok(Seen::Included(receipt.clone()));
            }
            if opinion.is_none() && self.passed(other, receipt) && self.passed(third, receipt) {
                self.shared.caught(claimer, Reason::UnknownReceipt);
                return Ok(Seen::Nothing);
            }
        }
        match self.block_of(other, receipt.block_number).await? {
            Some(block) if block.hash == receipt.block_hash => {
                let reason = if block.transactions.contains(&receipt.transaction_hash) {
                    // The block is the same and holds it: the one without receipt keeps it back.
                    self.shared.caught(other, Reason::Contradicted("a receipt"));
                    return Ok(Seen::Unsure);
                } else {
                    Reason::UnknownReceipt
                };
                self.shared.caught(claimer, reason);
            }
            Some(_) if self.passed(other, receipt) => self.shared.caught(claimer, Reason::UnknownReceipt),
            // A fork of the newest block; the next look will tell.
            Some(_) => {}
            None => {
                let has = self.block_of(claimer, receipt.block_number).await?;
                if has.is_none_or(|block| block.hash != receipt.block_hash) {
                    self.shared.caught(claimer, Reason::UnknownReceipt);
                }
            }
        }
        Ok(Seen::Unsure)
    }

    /// Whether the endpoint has seen blocks after the receipt's.
    fn passed(&self, endpoint: usize, receipt: &Receipt) -> bool {
        self.shared.health().head(endpoint).is_some_and(|head| head > receipt.block_number)
    }

    /// Transactions of an account that are included: the lower of two answers, the middle one of three. A nonce that is too high would
    /// never land; one that is too low is refused.
    pub async fn nonce(&self, account: Address, at: At) -> Result<u64, RpcError> {
        let order = self.shared.health().order();
        let mut nonces = Vec::new();
        let mut failed = None;
        for source in order {
            if !nonces.is_empty() && self.shared.health().aside(source).is_some() {
                continue;
            }
            match self.nonce_of(source, account, at).await {
                Ok(nonce) => nonces.push(nonce),
                Err(error) => failed = Some(error),
            }
            if nonces.len() == 3 {
                break;
            }
        }
        nonces.sort_unstable();
        match nonces.len() {
            0 => Err(failed.unwrap_or_else(|| self.shared.nobody())),
            count => Ok(nonces[(count - 1) / 2]),
        }
    }

    /// Whether a call on the newest state answers exactly this, by the word of two endpoints where there are two.
    pub async fn call_is(&self, call: &Call, answer: &Bytes) -> Result<bool, RpcError> {
        let parameters = json!([call, At::Latest.parameter()]);
        let (source, said): (usize, Bytes) = self.ask("eth_call", &parameters).await?;
        if said != *answer {
            return Ok(false);
        }
        let others = self.others(source);
        if others.is_empty() {
            return Ok(true);
        }
        match self.ask_of::<Bytes>(&others, "eth_call", &parameters).await {
            Ok((_, said)) => Ok(said == *answer),
            Err(error) if error.is_answer() => Ok(false),
            // The others are down: the one word stands.
            Err(_) => Ok(true),
        }
    }

    /// What a call on the state of one block answers, when two endpoints (where there are two) say the same.
    pub async fn call_agreed(&self, call: &Call, at: At) -> Result<Bytes, RpcError> {
        let parameters = json!([call, at.parameter()]);
        let (source, said): (usize, Bytes) = self.ask("eth_call", &parameters).await?;
        match self.ask_of::<Bytes>(&self.others(source), "eth_call", &parameters).await {
            Ok((_, other)) if other != said => {
                Err(RpcError::Disagreement { what: format!("a call at {}", at.parameter()) })
            }
            Err(error) if error.is_answer() => {
                Err(RpcError::Disagreement { what: format!("a call at {}", at.parameter()) })
            }
            _ => Ok(said),
        }
    }

    /// Whether endpoints other than `source` have this block.
    pub(crate) async fn vouched(&self, source: usize, block: &BlockRef) -> Vouched {
        let others = self.others(source);
        if others.is_empty() {
            return Vouched::Yes;
        }
        let mut denied = false;
        for other in others {
            match self.block_of(other, block.number).await {
                Ok(Some(theirs)) if theirs.hash == block.hash => return Vouched::Yes,
                Ok(Some(_)) => denied = true,
                Ok(None) | Err(_) => {}
            }
        }
        if denied { Vouched::No } else { Vouched::Unknown }
    }

    /// An endpoint's chain is one that nobody else has.
    pub(crate) fn disown(&self, source: usize, what: &'static str) {
        self.shared.caught(source, Reason::Contradicted(what));
    }

    /// An endpoint other than `source` in good standing.
    pub(crate) fn another(&self, source: usize) -> Option<usize> {
        self.others(source).first().copied()
    }
}
