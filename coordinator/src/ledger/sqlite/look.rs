//! Looking at a ledger's file without changing it.

use std::{
    fs::{File, TryLockError},
    path::Path,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::{Lock, found_identity, is_ours, lock_path, opening, schema};
use crate::ledger::{Identity, LedgerError};

/// What a ledger's file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// It is not there; the coordinator makes it.
    Missing,
    /// A running coordinator has it; it was not touched.
    InUse,
    /// It can be used.
    Sound {
        /// Bytes of the file.
        bytes: u64,
        /// Quotes that are reserved, signed or committed.
        open_quotes: u64,
    },
}

/// Looks at the ledger at `path`, which should be of `identity` where that is known. A coordinator that starts at this moment is told that the
/// ledger is in use.
pub fn look(path: &Path, identity: Option<Identity>) -> Result<Look, LedgerError> {
    let open = |error: &dyn std::fmt::Display| LedgerError::Open { path: path.to_owned(), reason: error.to_string() };
    if !path.try_exists().map_err(|error| open(&error))? {
        return Ok(Look::Missing);
    }
    // Held to the end. A ledger that was never opened where it lies has no such file.
    let _lock = match File::open(lock_path(path)) {
        Ok(file) => match file.try_lock() {
            Ok(()) => Some(Lock(file)),
            Err(TryLockError::WouldBlock) => return Ok(Look::InUse),
            Err(TryLockError::Error(error)) => return Err(open(&error)),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(open(&error)),
    };
    let bytes = std::fs::metadata(path).map_err(|error| open(&error))?.len();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| open(&error))?;
    let failed = |error: rusqlite::Error| opening(path, &error);
    connection.busy_timeout(Duration::ZERO).map_err(failed)?;
    connection.pragma_update(None, "trusted_schema", false).map_err(failed)?;
    connection.pragma_update(None, "cell_size_check", true).map_err(failed)?;
    let foreign = |reason: String| LedgerError::Foreign { path: path.to_owned(), reason };
    if !is_ours(&connection).map_err(failed)? {
        return Err(foreign("it is another program's database".to_owned()));
    }
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    if version > schema::VERSION as i64 {
        return Err(foreign(format!("its schema is version {version}, this release knows {}", schema::VERSION)));
    }
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if found != "ok" {
        return Err(LedgerError::Damaged { path: path.to_owned(), reason: found });
    }
    if version == 0 {
        return Ok(Look::Sound { bytes, open_quotes: 0 });
    }
    let owner = found_identity(&connection).map_err(failed)?;
    if let (Some(found), Some(expected)) = (owner, identity)
        && found != expected
    {
        let (found, expected) = (found.to_string(), expected.to_string());
        return Err(LedgerError::OtherContracts { path: path.to_owned(), found, expected });
    }
    let count = "SELECT count(*) FROM quotes WHERE state IN ('reserved', 'signed', 'committed')";
    let open_quotes: i64 = connection.query_row(count, [], |row| row.get(0)).map_err(failed)?;
    Ok(Look::Sound { bytes, open_quotes: open_quotes.unsigned_abs() })
}
