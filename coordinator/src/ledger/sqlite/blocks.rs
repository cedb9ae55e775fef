//! Accepted blocks, receipts and proofs.

use alloy_primitives::{B256, U256};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use sha2::{Digest, Sha256};

use super::{
    quotes::{self, SIGNATURE_BYTES_MAX},
    storage,
    values::{Columns, capped, integer, word},
};
use crate::ledger::{Accepted, BlockRecord, LedgerError, NewBlock, QuoteState, ReceiptRecord};

/// Longest block file; the endpoint takes less by default.
const FILE_BYTES_MAX: usize = 256 << 20;
/// Longest header.
const HEADER_BYTES_MAX: usize = 1 << 20;
/// Longest root proof.
const PROOF_BYTES_MAX: usize = 1 << 20;

/// Blocks of which a quote is open.
const OF_OPEN_QUOTES: &str = "EXISTS (SELECT 1 FROM receipts JOIN quotes USING (nonce) \
     WHERE receipts.block_commitment = blocks.block_commitment AND quotes.state IN ('reserved', 'signed', 'committed'))";

fn block(row: &Row<'_>) -> rusqlite::Result<BlockRecord> {
    Ok(BlockRecord {
        commitment: row.hash("block_commitment")?,
        id: row.hash("block_id")?,
        height: row.number("height")?,
        sequencer: row.address("sequencer")?,
        header: row.get("header")?,
        salt: row.hash("salt")?,
        given_up: row.get("given_up")?,
    })
}

fn receipt_record(row: &Row<'_>) -> rusqlite::Result<ReceiptRecord> {
    Ok(ReceiptRecord {
        nonce: row.amount("nonce")?,
        commitment: row.hash("block_commitment")?,
        id: row.hash("block_id")?,
        accepted_at: row.number("accepted_at")?,
        signature: row.get("signature")?,
    })
}

pub(super) fn by_commitment(connection: &Connection, commitment: B256) -> rusqlite::Result<Option<BlockRecord>> {
    let mut statement = connection.prepare_cached("SELECT * FROM blocks WHERE block_commitment = ?1")?;
    statement.query_row(params![commitment.0], block).optional()
}

pub(super) fn by_id(connection: &Connection, id: B256) -> rusqlite::Result<Vec<BlockRecord>> {
    let mut statement = connection.prepare_cached("SELECT * FROM blocks WHERE block_id = ?1 ORDER BY height DESC")?;
    statement.query_map(params![id.0], block)?.collect()
}

pub(super) fn file(connection: &Connection, commitment: B256) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut statement = connection.prepare_cached("SELECT file FROM block_files WHERE block_commitment = ?1")?;
    statement.query_row(params![commitment.0], |row| row.get(0)).optional()
}

pub(super) fn proof(connection: &Connection, commitment: B256) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut statement = connection.prepare_cached("SELECT proof FROM proofs WHERE block_commitment = ?1")?;
    statement.query_row(params![commitment.0], |row| row.get(0)).optional()
}

pub(super) fn receipt(connection: &Connection, nonce: U256) -> rusqlite::Result<Option<ReceiptRecord>> {
    let mut statement = connection.prepare_cached(
        "SELECT receipts.*, block_id FROM receipts JOIN blocks USING (block_commitment) WHERE nonce = ?1",
    )?;
    statement.query_row(params![word(nonce)], receipt_record).optional()
}

pub(super) fn unsigned_receipts(connection: &Connection) -> rusqlite::Result<Vec<ReceiptRecord>> {
    let mut statement = connection.prepare_cached(
        "SELECT receipts.*, block_id FROM receipts JOIN blocks USING (block_commitment) WHERE signature IS NULL \
         ORDER BY nonce",
    )?;
    statement.query_map([], receipt_record)?.collect()
}

/// Blocks that are work: of an open quote and not given up, with a proof or without. In the order of their first receipts.
pub(super) fn open(connection: &Connection, proven: bool) -> rusqlite::Result<Vec<BlockRecord>> {
    let proven = if proven { "EXISTS" } else { "NOT EXISTS" };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT blocks.* FROM blocks WHERE given_up IS NULL AND {OF_OPEN_QUOTES} AND {proven} (SELECT 1 FROM proofs \
         WHERE proofs.block_commitment = blocks.block_commitment) \
         ORDER BY (SELECT min(nonce) FROM receipts WHERE receipts.block_commitment = blocks.block_commitment)"
    ))?;
    statement.query_map([], block)?.collect()
}

fn known(connection: &Connection, commitment: B256, operation: &'static str) -> Result<BlockRecord, LedgerError> {
    let found = by_commitment(connection, commitment).map_err(storage(operation))?;
    found.ok_or_else(|| LedgerError::Unknown { what: format!("block of the commitment {commitment}") })
}

pub(super) fn accept(transaction: &Transaction<'_>, new: &NewBlock) -> Result<Accepted, LedgerError> {
    const OPERATION: &str = "accept_block";
    let NewBlock { nonce, commitment, id, file, header, salt, accepted_at } = new;
    let (file, header) = (capped("a block file", file, FILE_BYTES_MAX)?, capped("a header", header, HEADER_BYTES_MAX)?);
    if Sha256::digest(file).as_slice() != id.as_slice() {
        return Err(LedgerError::Differs { what: format!("the id {id} of a block file") });
    }
    let quote = quotes::existing(transaction, *nonce, OPERATION)?;
    if quote.terms.block_commitment != *commitment {
        return Err(LedgerError::Differs { what: format!("the block that quote {nonce:#x} names") });
    }
    if let Some(written) = receipt(transaction, *nonce).map_err(storage(OPERATION))? {
        return match written.id == *id {
            true => Ok(Accepted::Existing(written)),
            false => Err(LedgerError::Differs { what: format!("the block of quote {nonce:#x}") }),
        };
    }
    if !matches!(quote.state, QuoteState::Signed | QuoteState::Committed) {
        // What a block needs is a quote that can be, or is, on L1.
        return Err(LedgerError::Transition { nonce: *nonce, from: quote.state, to: QuoteState::Committed });
    }
    match by_commitment(transaction, *commitment).map_err(storage(OPERATION))? {
        Some(written) if written.id == *id && written.salt == *salt && written.header == header => {}
        Some(_) => return Err(LedgerError::Differs { what: format!("the block of commitment {commitment}") }),
        None => {
            let height = integer("height", quote.terms.height)?;
            let sequencer = quote.terms.sequencer.into_array();
            transaction
                .execute(
                    "INSERT INTO blocks (block_commitment, block_id, height, sequencer, header, salt) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![commitment.0, id.0, height, sequencer, header, salt.0],
                )
                .map_err(storage(OPERATION))?;
            transaction
                .execute(
                    "INSERT INTO block_files (block_commitment, file) VALUES (?1, ?2)",
                    params![commitment.0, file],
                )
                .map_err(storage(OPERATION))?;
        }
    }
    transaction
        .execute(
            "INSERT INTO receipts (nonce, block_commitment, accepted_at) VALUES (?1, ?2, ?3)",
            params![word(*nonce), commitment.0, integer("L1 block", *accepted_at)?],
        )
        .map_err(storage(OPERATION))?;
    existing_receipt(transaction, *nonce, OPERATION).map(Accepted::New)
}

fn existing_receipt(
    connection: &Connection,
    nonce: U256,
    operation: &'static str,
) -> Result<ReceiptRecord, LedgerError> {
    let found = receipt(connection, nonce).map_err(storage(operation))?;
    found.ok_or_else(|| LedgerError::Unknown { what: format!("receipt for the quote {nonce:#x}") })
}

pub(super) fn sign_receipt(
    transaction: &Transaction<'_>,
    nonce: U256,
    signature: &[u8],
) -> Result<ReceiptRecord, LedgerError> {
    const OPERATION: &str = "sign_receipt";
    let signature = capped("a signature", signature, SIGNATURE_BYTES_MAX)?;
    let written = existing_receipt(transaction, nonce, OPERATION)?;
    match written.signature.as_deref() {
        Some(known) if known == signature => return Ok(written),
        Some(_) => return Err(LedgerError::Differs { what: format!("the receipt's signature for quote {nonce:#x}") }),
        None => {}
    }
    transaction
        .execute("UPDATE receipts SET signature = ?2 WHERE nonce = ?1", params![word(nonce), signature])
        .map_err(storage(OPERATION))?;
    existing_receipt(transaction, nonce, OPERATION)
}

pub(super) fn store_proof(transaction: &Transaction<'_>, commitment: B256, bytes: &[u8]) -> Result<(), LedgerError> {
    const OPERATION: &str = "store_proof";
    let bytes = capped("a root proof", bytes, PROOF_BYTES_MAX)?;
    known(transaction, commitment, OPERATION)?;
    match proof(transaction, commitment).map_err(storage(OPERATION))? {
        Some(written) if written == bytes => return Ok(()),
        Some(_) => return Err(LedgerError::Differs { what: format!("the proof of {commitment}") }),
        None => {}
    }
    transaction
        .execute("INSERT INTO proofs (block_commitment, proof) VALUES (?1, ?2)", params![commitment.0, bytes])
        .map(drop)
        .map_err(storage(OPERATION))
}

pub(super) fn give_up(transaction: &Transaction<'_>, commitment: B256, reason: &str) -> Result<(), LedgerError> {
    const OPERATION: &str = "give_up_block";
    known(transaction, commitment, OPERATION)?;
    transaction
        .execute(
            "UPDATE blocks SET given_up = ?2 WHERE block_commitment = ?1",
            params![commitment.0, quotes::cut(reason)],
        )
        .map(drop)
        .map_err(storage(OPERATION))
}

pub(super) fn prune(transaction: &Transaction<'_>, before: u64) -> Result<usize, LedgerError> {
    let before = integer("L1 block", before)?;
    transaction
        .execute(
            "DELETE FROM block_files WHERE NOT EXISTS (SELECT 1 FROM receipts JOIN quotes USING (nonce) \
             WHERE receipts.block_commitment = block_files.block_commitment \
             AND (quotes.ended_at IS NULL OR quotes.ended_at >= ?1))",
            params![before],
        )
        .map_err(storage("prune_files"))
}
