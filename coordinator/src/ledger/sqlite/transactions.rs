//! The journal of transactions: records as their manager encodes them, in place.

use alloy_primitives::Address;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{
    storage,
    values::{Columns, capped, integer},
};
use crate::ledger::{LedgerError, TransactionRow};

/// Longest record: every attempt carries the calldata of a proof.
const RECORD_BYTES_MAX: usize = 16 << 20;
/// Longest name of an intent.
const INTENT_BYTES_MAX: usize = 256;

pub(super) fn store(transaction: &Transaction<'_>, row: &TransactionRow) -> Result<(), LedgerError> {
    const OPERATION: &str = "store_transaction";
    let TransactionRow { chain_id, sender, sequence, intent, is_final, record } = row;
    capped("an intent's name", intent.as_bytes(), INTENT_BYTES_MAX)?;
    let record = capped("a transaction's record", record, RECORD_BYTES_MAX)?;
    let (chain_id, sequence) = (integer("chain id", *chain_id)?, integer("sequence", *sequence)?);
    let written = transaction
        .prepare_cached(
            "INSERT INTO transactions (chain_id, sender, sequence, intent, is_final, record) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (chain_id, sender, sequence) \
             DO UPDATE SET is_final = excluded.is_final, record = excluded.record WHERE intent = excluded.intent",
        )
        .and_then(|mut statement| {
            statement.execute(params![chain_id, sender.into_array(), sequence, intent, is_final, record])
        });
    match written {
        Ok(1) => Ok(()),
        Ok(_) => Err(LedgerError::Differs { what: format!("transaction {sequence} of {sender}") }),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {
            Err(LedgerError::Differs { what: format!("the place of intent {intent}") })
        }
        Err(error) => Err(storage(OPERATION)(error)),
    }
}

pub(super) fn find(
    connection: &Connection,
    chain_id: i64,
    sender: Address,
    intent: &str,
) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut statement = connection
        .prepare_cached("SELECT record FROM transactions WHERE chain_id = ?1 AND sender = ?2 AND intent = ?3")?;
    statement.query_row(params![chain_id, sender.into_array(), intent], |row| row.get(0)).optional()
}

pub(super) fn open(connection: &Connection, chain_id: i64, sender: Address) -> rusqlite::Result<(Vec<Vec<u8>>, u64)> {
    let sender = sender.into_array();
    let mut records = connection.prepare_cached(
        "SELECT record FROM transactions WHERE chain_id = ?1 AND sender = ?2 AND is_final = 0 ORDER BY sequence",
    )?;
    let records = records.query_map(params![chain_id, sender], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut next = connection.prepare_cached(
        "SELECT coalesce(max(sequence) + 1, 0) AS next FROM transactions WHERE chain_id = ?1 AND sender = ?2",
    )?;
    let next = next.query_row(params![chain_id, sender], |row| row.number("next"))?;
    Ok((records, next))
}

pub(super) fn open_names(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection
        .prepare_cached("SELECT intent FROM transactions WHERE is_final = 0 ORDER BY chain_id, sender, sequence")?;
    statement.query_map([], |row| row.get(0))?.collect()
}
