//! A ledger in a folder of its own, and quotes and blocks for it.

use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, U256, keccak256};
use proofyard_coordinator::ledger::{
    Backing, Identity, Ledger, NewBlock, NewQuote, QuoteRecord, QuoteTerms, Reservation, SqliteLedger,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Deposit of each sample quote.
pub const DEPOSIT: u64 = 40;
/// Expiry of each sample quote.
pub const EXPIRY: u64 = 110;

pub fn identity() -> Identity {
    Identity { chain_id: 31_337, sidecar: Address::repeat_byte(0x51), escrow: Address::repeat_byte(0xe5) }
}

pub fn file(dir: &TempDir) -> PathBuf {
    dir.path().join("ledger.sqlite")
}

pub fn open(path: &Path) -> SqliteLedger {
    SqliteLedger::open(path, identity()).expect("a ledger")
}

pub fn fresh() -> (TempDir, SqliteLedger) {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = open(&file(&dir));
    (dir, ledger)
}

/// What the escrow has, as of block 100.
pub fn backing(balance: u64) -> Backing {
    Backing { balance: U256::from(balance), at: 100 }
}

pub fn commitment(height: u64) -> B256 {
    keccak256(height.to_be_bytes())
}

/// A quote for one group of the sample block of a height.
pub fn quote(height: u64, group: u32) -> NewQuote {
    NewQuote {
        terms: QuoteTerms {
            prover: Address::repeat_byte(0xaa),
            sequencer: Address::repeat_byte(0xbb),
            height,
            block_commitment: commitment(height),
            group,
            tip_token: Address::ZERO,
            price: U256::from(1_000 + height),
            deposit_token: Address::repeat_byte(0xdd),
            deposit: U256::from(DEPOSIT),
            nonce: U256::ZERO,
            expiry: EXPIRY,
        },
        reservation: Reservation {
            rows_log2: 12,
            subtrees: 4,
            groups: 2,
            work_ms: 2_000,
            wall_ms: 4_000,
            quoted_at: 100,
            start_by: 111,
            prove_by: 150,
        },
    }
}

/// A signature that depends on all terms, as a key's would.
pub fn signature(terms: &QuoteTerms) -> Vec<u8> {
    keccak256(format!("{terms:?}")).to_vec()
}

pub fn block_file(height: u64) -> Vec<u8> {
    format!("block file of height {height}, ").repeat(500).into_bytes()
}

pub fn id(file: &[u8]) -> B256 {
    B256::from_slice(&Sha256::digest(file))
}

/// The sample block that a quote is for.
pub fn block(quote: &QuoteRecord) -> NewBlock {
    let file = block_file(quote.terms.height);
    NewBlock {
        nonce: quote.terms.nonce,
        commitment: quote.terms.block_commitment,
        id: id(&file),
        file,
        header: b"header".to_vec(),
        salt: B256::repeat_byte(7),
        accepted_at: 105,
    }
}

/// A signed quote.
pub fn signed(ledger: &dyn Ledger, height: u64, group: u32) -> QuoteRecord {
    let record = ledger.reserve_quote(&quote(height, group), &backing(1_000)).expect("reserved").into_record();
    ledger.sign_quote(record.terms.nonce, &signature(&record.terms)).expect("signed")
}
