//! Requests for quotes, and what is checked of a bid before it may be committed.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    policy::{Bidder, Persona, Policy},
    types::{Address, Amount, Hash, Height, L1Block, PRICE_MAX},
};

/// What a coordinator is asked for: one group of one block at one height.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The height.
    pub height: Height,
    /// Commitment to the block.
    pub block_commitment: Hash,
    /// The group, from 0.
    pub group: u32,
    /// Groups of the block.
    pub groups: u32,
    /// Transfers of the group.
    pub transfers: u32,
    /// Subtrees of the block.
    pub subtrees: u32,
    /// Base-2 logarithm of the rows of a subtree.
    pub rows_log2: u32,
    /// Token of the price.
    pub tip_token: Address,
    /// Highest price for this group.
    pub price_max: Amount,
    /// Token of the deposit.
    pub deposit_token: Address,
    /// The deposit that the quote must bring; 0 where the sequencer's own stands in.
    pub deposit: Amount,
    /// Last block in which the commitment may be included.
    pub commit_by: L1Block,
    /// First block of the commitment phase, as late as we reckon with: a quote must live to it.
    pub commit_from: L1Block,
    /// Last block in which the proof may be included.
    pub prove_by: L1Block,
}

/// A prover's offer (docs/sidecar.md, section 5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Who proves.
    pub prover: Address,
    /// For whom.
    pub sequencer: Address,
    /// At which height.
    pub height: Height,
    /// Which block.
    pub block_commitment: Hash,
    /// Which group.
    pub group: u32,
    /// Token of the price.
    pub tip_token: Address,
    /// The price.
    pub price: Amount,
    /// Token of the deposit.
    pub deposit_token: Address,
    /// The deposit.
    pub deposit: Amount,
    /// Used once; 256 bits, big-endian.
    pub nonce: Hash,
    /// Last block in which it may be drawn.
    pub expiry: L1Block,
}

/// Who signed, as the driver found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signer {
    /// The key of this address.
    Key(Address),
    /// The prover is a contract, and this is what it says of the signature (ERC-1271).
    Contract(bool),
    /// Nobody: the signature is malformed.
    Nobody,
}

/// A signed quote with what the driver looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The quote.
    pub quote: Quote,
    /// Its signature as it came.
    pub signature: Vec<u8>,
    /// Who made the signature.
    pub signer: Signer,
    /// What backs quotes in the prover's escrow balance, in the deposit's token.
    pub escrow: Amount,
}

/// An offer that passed every check. Only [`check`] makes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bid {
    /// Name of the bidder it came from.
    pub bidder: String,
    /// The quote.
    pub quote: Quote,
    /// Its signature.
    pub signature: Vec<u8>,
    /// The quote brings the deposit; otherwise the sequencer's own stands in.
    pub brings_deposit: bool,
}

/// Why an offer is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BidFault {
    /// Not the prover's signature.
    #[error("[PY-S-201] the quote is not signed by its prover {prover}")]
    Signature {
        /// The prover it names.
        prover: Address,
    },
    /// A field differs from the request.
    #[error("[PY-S-202] the quote's {field} is not the one asked for")]
    Terms {
        /// The field.
        field: &'static str,
    },
    /// Above the limit.
    #[error("[PY-S-203] the price {price} is above {price_max}")]
    Price {
        /// The price.
        price: Amount,
        /// The limit.
        price_max: Amount,
    },
    /// The escrow balance does not cover the deposit.
    #[error("[PY-S-204] the escrow balance {escrow} does not back the deposit {deposit}")]
    Escrow {
        /// What is there.
        escrow: Amount,
        /// What is needed.
        deposit: Amount,
    },
    /// Ends before the commitment phase may have begun.
    #[error("[PY-S-205] the quote expires with block {expiry}, before {commit_from}")]
    Expiry {
        /// Its last block.
        expiry: L1Block,
        /// The block it must live to.
        commit_from: L1Block,
    },
    /// Not one of the bidder's provers.
    #[error("[PY-S-206] {prover} is none of the provers configured for this coordinator")]
    UnknownProver {
        /// The prover it names.
        prover: Address,
    },
}

/// Whether this bidder may be asked at all under the persona.
pub fn may_bid(policy: &Policy, bidder: &Bidder) -> bool {
    match policy.persona {
        Persona::SelfProve => false,
        Persona::TrustedList => !bidder.own_deposit && !bidder.provers.is_empty(),
        Persona::OpenAuction => true,
    }
}

/// Checks an offer against what was asked.
pub fn check(policy: &Policy, bidder: &Bidder, request: &Request, offer: Offer) -> Result<Bid, BidFault> {
    let Offer { quote, signature, signer, escrow } = offer;
    let signed = match signer {
        Signer::Key(address) => address == quote.prover && address != Address::ZERO,
        Signer::Contract(valid) => valid,
        Signer::Nobody => false,
    };
    if !signed {
        return Err(BidFault::Signature { prover: quote.prover });
    }
    let closed = policy.persona == Persona::TrustedList;
    if (closed || !bidder.provers.is_empty()) && !bidder.provers.contains(&quote.prover) {
        return Err(BidFault::UnknownProver { prover: quote.prover });
    }
    let same = |equal: bool, field| if equal { Ok(()) } else { Err(BidFault::Terms { field }) };
    same(quote.sequencer == policy.sequencer, "sequencer")?;
    same(quote.height == request.height, "height")?;
    same(quote.block_commitment == request.block_commitment, "block commitment")?;
    same(quote.group == request.group, "group")?;
    same(quote.tip_token == request.tip_token, "tip token")?;
    same(quote.deposit_token == request.deposit_token, "deposit token")?;
    same(quote.deposit == request.deposit, "deposit")?;
    if quote.price > request.price_max || quote.price > PRICE_MAX {
        return Err(BidFault::Price { price: quote.price, price_max: request.price_max });
    }
    if escrow < quote.deposit {
        return Err(BidFault::Escrow { escrow, deposit: quote.deposit });
    }
    if quote.expiry < request.commit_from {
        return Err(BidFault::Expiry { expiry: quote.expiry, commit_from: request.commit_from });
    }
    let brings_deposit = !bidder.own_deposit;
    Ok(Bid { bidder: bidder.name.clone(), quote, signature, brings_deposit })
}
