//! Between Rust's values and SQLite's.

use alloy_primitives::{Address, B256, U256};
use rusqlite::{Row, types::Type};

use crate::ledger::LedgerError;

/// A number as SQLite keeps it.
pub(super) fn integer(what: &'static str, value: u64) -> Result<i64, LedgerError> {
    i64::try_from(value).map_err(|_| LedgerError::TooLarge { what, got: value, max: i64::MAX as u64 })
}

/// An amount or nonce as SQLite keeps it.
pub(super) fn word(value: U256) -> [u8; 32] {
    value.to_be_bytes()
}

/// Checks the length of bytes from outside.
pub(super) fn capped<'a>(what: &'static str, bytes: &'a [u8], max: usize) -> Result<&'a [u8], LedgerError> {
    if bytes.len() > max {
        return Err(LedgerError::TooLarge { what, got: bytes.len() as u64, max: max as u64 });
    }
    Ok(bytes)
}

fn wrong(row: &Row<'_>, column: &str, found: Type, reason: &'static str) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or(usize::MAX);
    rusqlite::Error::FromSqlConversionFailure(index, found, reason.into())
}

/// Reads a row's columns by name.
pub(super) trait Columns {
    fn number(&self, column: &str) -> rusqlite::Result<u64>;
    fn small(&self, column: &str) -> rusqlite::Result<u32>;
    fn number_maybe(&self, column: &str) -> rusqlite::Result<Option<u64>>;
    fn address(&self, column: &str) -> rusqlite::Result<Address>;
    fn hash(&self, column: &str) -> rusqlite::Result<B256>;
    fn amount(&self, column: &str) -> rusqlite::Result<U256>;
}

impl Columns for Row<'_> {
    fn number(&self, column: &str) -> rusqlite::Result<u64> {
        let value: i64 = self.get(column)?;
        u64::try_from(value).map_err(|_| wrong(self, column, Type::Integer, "negative"))
    }

    fn small(&self, column: &str) -> rusqlite::Result<u32> {
        u32::try_from(self.number(column)?).map_err(|_| wrong(self, column, Type::Integer, "above 2^32"))
    }

    fn number_maybe(&self, column: &str) -> rusqlite::Result<Option<u64>> {
        match self.get::<_, Option<i64>>(column)? {
            Some(_) => self.number(column).map(Some),
            None => Ok(None),
        }
    }

    fn address(&self, column: &str) -> rusqlite::Result<Address> {
        self.get::<_, [u8; 20]>(column).map(Address::from)
    }

    fn hash(&self, column: &str) -> rusqlite::Result<B256> {
        self.get::<_, [u8; 32]>(column).map(B256::from)
    }

    fn amount(&self, column: &str) -> rusqlite::Result<U256> {
        self.get::<_, [u8; 32]>(column).map(U256::from_be_bytes)
    }
}
