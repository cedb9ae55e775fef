//! Quotes: nonces, deposits, states.

use alloy_primitives::{Address, U256};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params, params};

use super::{
    storage,
    values::{Columns, capped, integer, word},
};
use crate::ledger::{
    Backing, GroupKey, LedgerError, NewQuote, QuoteRecord, QuoteState, QuoteTerms, Reservation, Reserved,
};

/// Longest signature that is kept: one of an ERC-1271 contract may be long.
pub(super) const SIGNATURE_BYTES_MAX: usize = 4_096;
/// Longest reason that is kept.
const REASON_BYTES_MAX: usize = 1_024;

fn record(row: &Row<'_>) -> rusqlite::Result<QuoteRecord> {
    let state: String = row.get("state")?;
    Ok(QuoteRecord {
        terms: QuoteTerms {
            prover: row.address("prover")?,
            sequencer: row.address("sequencer")?,
            height: row.number("height")?,
            block_commitment: row.hash("block_commitment")?,
            group: row.small("group_index")?,
            tip_token: row.address("tip_token")?,
            price: row.amount("price")?,
            deposit_token: row.address("deposit_token")?,
            deposit: row.amount("deposit")?,
            nonce: row.amount("nonce")?,
            expiry: row.number("expiry")?,
        },
        reservation: Reservation {
            rows_log2: row.small("rows_log2")?,
            subtrees: row.small("subtrees")?,
            groups: row.small("group_count")?,
            work_ms: row.number("work_ms")?,
            wall_ms: row.number("wall_ms")?,
            quoted_at: row.number("quoted_at")?,
            start_by: row.number("start_by")?,
            prove_by: row.number("prove_by")?,
        },
        state: QuoteState::from_name(&state).ok_or(rusqlite::Error::InvalidQuery)?,
        signature: row.get("signature")?,
        committed_at: row.number_maybe("committed_at")?,
        ended_at: row.number_maybe("ended_at")?,
        reason: row.get("reason")?,
    })
}

/// The reason, cut to what is kept at a character's end.
pub(super) fn cut(reason: &str) -> &str {
    let mut end = reason.len().min(REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

pub(super) fn by_nonce(connection: &Connection, nonce: U256) -> rusqlite::Result<Option<QuoteRecord>> {
    let mut statement = connection.prepare_cached("SELECT * FROM quotes WHERE nonce = ?1")?;
    statement.query_row(params![word(nonce)], record).optional()
}

pub(super) fn existing(
    connection: &Connection,
    nonce: U256,
    operation: &'static str,
) -> Result<QuoteRecord, LedgerError> {
    let found = by_nonce(connection, nonce).map_err(storage(operation))?;
    found.ok_or_else(|| LedgerError::Unknown { what: format!("quote with the nonce {nonce:#x}") })
}

pub(super) fn by_group(connection: &Connection, group: GroupKey) -> rusqlite::Result<Option<QuoteRecord>> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM quotes WHERE block_commitment = ?1 AND group_index = ?2 \
         ORDER BY state IN ('reserved', 'signed', 'committed') DESC, nonce DESC LIMIT 1",
    )?;
    statement.query_row(params![group.commitment.0, group.group], record).optional()
}

/// Open quotes, oldest first.
pub(super) fn open(connection: &Connection) -> rusqlite::Result<Vec<QuoteRecord>> {
    let mut statement = connection
        .prepare_cached("SELECT * FROM quotes WHERE state IN ('reserved', 'signed', 'committed') ORDER BY nonce")?;
    statement.query_map([], record)?.collect()
}

pub(super) fn ended(connection: &Connection, since: i64) -> rusqlite::Result<Vec<QuoteRecord>> {
    let mut statement = connection.prepare_cached("SELECT * FROM quotes WHERE ended_at >= ?1 ORDER BY nonce")?;
    statement.query_map(params![since], record)?.collect()
}

pub(super) fn at_risk(connection: &Connection) -> rusqlite::Result<Vec<(Address, U256)>> {
    let mut statement = connection
        .prepare_cached("SELECT deposit_token, deposit FROM quotes WHERE state = 'committed' ORDER BY nonce")?;
    statement.query_map([], |row| Ok((row.address("deposit_token")?, row.amount("deposit")?)))?.collect()
}

/// True when two quotes for one group promise the same; the price and what is reserved may have been computed anew.
fn same_request(open: &QuoteTerms, asked: &QuoteTerms) -> bool {
    let QuoteTerms {
        prover,
        sequencer,
        height,
        block_commitment,
        group,
        tip_token,
        price: _,
        deposit_token,
        deposit,
        nonce: _,
        expiry,
    } = open;
    (prover, sequencer, *height, block_commitment, *group) // who, what
        == (&asked.prover, &asked.sequencer, asked.height, &asked.block_commitment, asked.group)
        && (tip_token, deposit_token, deposit, *expiry)
            == (&asked.tip_token, &asked.deposit_token, &asked.deposit, asked.expiry)
}

pub(super) fn reserve(
    transaction: &Transaction<'_>,
    quote: &NewQuote,
    backing: &Backing,
) -> Result<Reserved, LedgerError> {
    const OPERATION: &str = "reserve_quote";
    let NewQuote { terms, reservation } = quote;
    let all = open(transaction).map_err(storage(OPERATION))?;
    if let Some(record) = all.iter().find(|record| GroupKey::of(&record.terms) == GroupKey::of(terms)) {
        if same_request(&record.terms, terms) {
            return Ok(Reserved::Existing(record.clone()));
        }
        return Err(LedgerError::Quoted { commitment: terms.block_commitment, group: terms.group });
    }
    cover(&all, terms, backing)?;
    let nonce = next_nonce(transaction)?;
    insert(transaction, nonce, terms, reservation)?;
    existing(transaction, nonce, OPERATION).map(Reserved::New)
}

/// Deposits of open quotes that the balance does not show yet, and this one, are covered by it.
fn cover(open: &[QuoteRecord], terms: &QuoteTerms, backing: &Backing) -> Result<(), LedgerError> {
    let backed_by_same =
        |other: &&QuoteRecord| (other.terms.prover, other.terms.deposit_token) == (terms.prover, terms.deposit_token);
    let not_drawn = |other: &&QuoteRecord| match other.state {
        QuoteState::Committed => other.committed_at.is_none_or(|block| block > backing.at),
        _ => true,
    };
    let held = (open.iter().filter(backed_by_same).filter(not_drawn))
        .fold(U256::ZERO, |sum, other| sum.saturating_add(other.terms.deposit));
    if held.saturating_add(terms.deposit) > backing.balance {
        return Err(LedgerError::Balance { balance: backing.balance, held, deposit: terms.deposit });
    }
    Ok(())
}

/// The ledger's 192 random bits, then a counter: never the same twice, and neighbours share a word of a bitmap.
fn next_nonce(transaction: &Transaction<'_>) -> Result<U256, LedgerError> {
    let (prefix, counter): ([u8; 24], i64) = transaction
        .query_row(
            "UPDATE identity SET nonce_next = nonce_next + 1 RETURNING nonce_prefix, nonce_next - 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .map_err(storage("reserve_quote"))?;
    let mut nonce = [0; 32];
    nonce[..24].copy_from_slice(&prefix);
    nonce[24..].copy_from_slice(&counter.to_be_bytes());
    Ok(U256::from_be_bytes(nonce))
}

fn insert(
    transaction: &Transaction<'_>,
    nonce: U256,
    terms: &QuoteTerms,
    reservation: &Reservation,
) -> Result<(), LedgerError> {
    let Reservation { rows_log2, subtrees, groups, work_ms, wall_ms, quoted_at, start_by, prove_by } = *reservation;
    let mut statement = transaction
        .prepare_cached(
            "INSERT INTO quotes (nonce, prover, sequencer, height, block_commitment, group_index, tip_token, price, \
             deposit_token, deposit, expiry, rows_log2, subtrees, group_count, work_ms, wall_ms, quoted_at, start_by, \
             prove_by, state) VALUES (:nonce, :prover, :sequencer, :height, :block_commitment, :group_index, :tip_token, \
             :price, :deposit_token, :deposit, :expiry, :rows_log2, :subtrees, :group_count, :work_ms, :wall_ms, \
             :quoted_at, :start_by, :prove_by, 'reserved')",
        )
        .map_err(storage("reserve_quote"))?;
    let written = statement.execute(named_params! {
        ":nonce": word(nonce),
        ":prover": terms.prover.into_array(),
        ":sequencer": terms.sequencer.into_array(),
        ":height": integer("height", terms.height)?,
        ":block_commitment": terms.block_commitment.0,
        ":group_index": terms.group,
        ":tip_token": terms.tip_token.into_array(),
        ":price": word(terms.price),
        ":deposit_token": terms.deposit_token.into_array(),
        ":deposit": word(terms.deposit),
        ":expiry": integer("expiry", terms.expiry)?,
        ":rows_log2": rows_log2,
        ":subtrees": subtrees,
        ":group_count": groups,
        ":work_ms": integer("work", work_ms)?,
        ":wall_ms": integer("wall time", wall_ms)?,
        ":quoted_at": integer("block of the quote", quoted_at)?,
        ":start_by": integer("last block to start", start_by)?,
        ":prove_by": integer("last block of the proof", prove_by)?,
    });
    written.map(drop).map_err(storage("reserve_quote"))
}

pub(super) fn sign(transaction: &Transaction<'_>, nonce: U256, signature: &[u8]) -> Result<QuoteRecord, LedgerError> {
    const OPERATION: &str = "sign_quote";
    let signature = capped("a signature", signature, SIGNATURE_BYTES_MAX)?;
    let record = existing(transaction, nonce, OPERATION)?;
    match record.signature.as_deref() {
        Some(written) if written == signature => return Ok(record),
        Some(_) => return Err(LedgerError::Differs { what: format!("the signature of quote {nonce:#x}") }),
        None if record.state != QuoteState::Reserved => {
            return Err(LedgerError::Transition { nonce, from: record.state, to: QuoteState::Signed });
        }
        None => {}
    }
    transaction
        .execute(
            "UPDATE quotes SET signature = ?2, state = 'signed' WHERE nonce = ?1 AND state = 'reserved'",
            params![word(nonce), signature],
        )
        .map_err(storage(OPERATION))?;
    existing(transaction, nonce, OPERATION)
}

pub(super) fn decline(transaction: &Transaction<'_>, nonce: U256, reason: &str) -> Result<(), LedgerError> {
    const OPERATION: &str = "decline_quote";
    let record = existing(transaction, nonce, OPERATION)?;
    match record.state {
        QuoteState::Declined => Ok(()),
        QuoteState::Reserved => transaction
            .execute(
                "UPDATE quotes SET state = 'declined', reason = ?2, ended_at = quoted_at WHERE nonce = ?1",
                params![word(nonce), cut(reason)],
            )
            .map(drop)
            .map_err(storage(OPERATION)),
        from => Err(LedgerError::Transition { nonce, from, to: QuoteState::Declined }),
    }
}

pub(super) fn expire(transaction: &Transaction<'_>, head: u64, depth: u64) -> Result<Vec<QuoteRecord>, LedgerError> {
    const OPERATION: &str = "expire_quotes";
    let Some(settled) = head.checked_sub(depth) else { return Ok(Vec::new()) };
    let (settled, head) = (integer("L1 block", settled)?, integer("L1 block", head)?);
    let mut statement = transaction
        .prepare_cached(
            "UPDATE quotes SET state = 'expired', ended_at = ?2 \
             WHERE state IN ('reserved', 'signed') AND expiry < ?1 RETURNING *",
        )
        .map_err(storage(OPERATION))?;
    let rows = statement.query_map(params![settled, head], record).map_err(storage(OPERATION))?;
    rows.collect::<rusqlite::Result<_>>().map_err(storage(OPERATION))
}

pub(super) fn move_to(
    transaction: &Transaction<'_>,
    nonce: U256,
    to: QuoteState,
    at: u64,
    reason: Option<&str>,
) -> Result<QuoteRecord, LedgerError> {
    const OPERATION: &str = "move_quote";
    let record = existing(transaction, nonce, OPERATION)?;
    let from = record.state;
    if from == to {
        return Ok(record);
    }
    // A quote that expired unsigned cannot be on L1.
    if !from.may_become(to) || record.signature.is_none() {
        return Err(LedgerError::Transition { nonce, from, to });
    }
    if to == QuoteState::Committed && from == QuoteState::Expired {
        let rival = by_group(transaction, GroupKey::of(&record.terms)).map_err(storage(OPERATION))?;
        if rival.is_some_and(|rival| rival.state.is_open()) {
            let QuoteTerms { block_commitment: commitment, group, .. } = record.terms;
            return Err(LedgerError::Quoted { commitment, group });
        }
    }
    let block = integer("L1 block", at)?;
    let (committed_at, ended_at) = match to {
        // Going back from an end to the commitment: that block stands.
        QuoteState::Committed if !matches!(from, QuoteState::Signed | QuoteState::Expired) => {
            (record.committed_at.map(|block| integer("L1 block", block)).transpose()?, None)
        }
        QuoteState::Committed => (Some(block), None),
        QuoteState::Signed | QuoteState::Reserved => (None, None),
        _ => (record.committed_at.map(|block| integer("L1 block", block)).transpose()?, Some(block)),
    };
    let mut statement = transaction
        .prepare_cached("UPDATE quotes SET state = ?2, committed_at = ?3, ended_at = ?4, reason = ?5 WHERE nonce = ?1")
        .map_err(storage(OPERATION))?;
    statement
        .execute(params![word(nonce), to.name(), committed_at, ended_at, reason.map(cut)])
        .map_err(storage(OPERATION))?;
    existing(transaction, nonce, OPERATION)
}
