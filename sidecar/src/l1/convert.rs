//! Between the core's words and those of contracts and messages.

use proofyard_coordinator_client as messages;
use proofyard_settlement::{
    alloy::primitives::{Address as L1Address, B256, U256},
    contracts::bindings::{IProverEscrow, IProvingSidecar},
};

use crate::{
    blocks::{Baton, Worked},
    core::{
        bid::Quote,
        types::{Address, Amount, Bytes, Hash, Link},
    },
};

/// An address of L1.
pub fn address(address: Address) -> L1Address {
    L1Address::new(address.0)
}

/// An address of the core.
pub fn bytes(address: L1Address) -> Address {
    Bytes(address.into_array())
}

/// An amount; what exceeds it is the greatest.
pub fn amount(amount: U256) -> Amount {
    Amount::try_from(amount).unwrap_or(Amount::MAX)
}

/// A 256-bit number.
pub fn word(word: Hash) -> U256 {
    U256::from_be_bytes(word.0)
}

/// The state that a baton of L1 stands for.
pub fn link(baton: [U256; 3]) -> Link {
    let [root, data_hash, _] = baton;
    Link { root: Bytes(root.to_be_bytes()), data_hash: Bytes(data_hash.to_be_bytes()) }
}

/// A block's header as a message.
pub fn header(worked: &Worked, data_uri: &str) -> messages::Header {
    let baton = |baton: &Baton| baton.map(word);
    messages::Header {
        start: baton(&worked.start),
        ends: worked.ends.iter().map(baton).collect(),
        rows_log2: worked.plan.rows_log2,
        subtrees: worked.plan.subtrees,
        data_version: 0,
        data_commitment: B256::new(worked.plan.id.0),
        data_uri: data_uri.to_owned(),
    }
}

/// The same as an argument of the contracts.
pub(super) fn argument(header: messages::Header) -> IProvingSidecar::Header {
    IProvingSidecar::Header {
        start: header.start,
        ends: header.ends,
        rowsLog2: header.rows_log2,
        subtrees: header.subtrees,
        dataVersion: header.data_version,
        dataCommitment: header.data_commitment,
        dataUri: header.data_uri,
    }
}

/// A quote as an argument of the contracts.
pub fn quote(quote: &Quote) -> IProverEscrow::Quote {
    IProverEscrow::Quote {
        prover: address(quote.prover),
        sequencer: address(quote.sequencer),
        height: U256::from(quote.height),
        blockCommitment: B256::new(quote.block_commitment.0),
        group: quote.group,
        tipToken: address(quote.tip_token),
        price: U256::from(quote.price),
        depositToken: address(quote.deposit_token),
        deposit: U256::from(quote.deposit),
        nonce: word(quote.nonce),
        expiry: quote.expiry,
    }
}
