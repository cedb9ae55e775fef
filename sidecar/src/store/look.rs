//! Looking at a sidecar's file without changing it.

use std::{
    fs::{File, TryLockError},
    path::Path,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::{APPLICATION_ID, VERSION, lock_path};
use crate::error::StoreError;

/// What a sidecar's file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// It is not there; the sidecar makes it.
    Missing,
    /// A running sidecar has it; it was not touched.
    InUse,
    /// It can be used.
    Sound {
        /// Bytes of the file.
        bytes: u64,
    },
}

/// Looks at the file at `path`, which should be of `identity` where that is known. A sidecar that starts at this moment is told that the file is
/// in use.
pub fn look(path: &Path, identity: Option<&str>) -> Result<Look, StoreError> {
    let open = |error: &dyn std::fmt::Display| StoreError::Open { path: path.to_owned(), reason: error.to_string() };
    if !path.try_exists().map_err(|error| open(&error))? {
        return Ok(Look::Missing);
    }
    // Held to the end.
    let _lock = match File::open(lock_path(path)) {
        Ok(file) => match file.try_lock() {
            Ok(()) => Some(file),
            Err(TryLockError::WouldBlock) => return Ok(Look::InUse),
            Err(TryLockError::Error(error)) => return Err(open(&error)),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(open(&error)),
    };
    let bytes = std::fs::metadata(path).map_err(|error| open(&error))?.len();
    let foreign = |reason: String| StoreError::Foreign { path: path.to_owned(), reason };
    match read(path) {
        Ok(Found { check, .. }) if check != "ok" => Err(foreign(format!("it is damaged: {check}"))),
        Ok(Found { application, version, .. }) if application == 0 && version == 0 => Ok(Look::Sound { bytes }),
        Ok(Found { application, .. }) if application != i64::from(APPLICATION_ID) => {
            Err(foreign("it is another program's database".to_owned()))
        }
        Ok(Found { version, .. }) if version > VERSION => {
            Err(foreign(format!("its schema is version {version}, this release knows {VERSION}")))
        }
        Ok(Found { owner, .. }) => match identity {
            Some(identity) if owner != identity => Err(foreign(format!("it belongs to {owner}, not to {identity}"))),
            _ => Ok(Look::Sound { bytes }),
        },
        Err(error) => Err(match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy) => return Ok(Look::InUse),
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                foreign(format!("it is damaged: {error}"))
            }
            _ => open(&error),
        }),
    }
}

struct Found {
    application: i64,
    version: i64,
    check: String,
    owner: String,
}

fn read(path: &Path) -> rusqlite::Result<Found> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    let number = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    let is_read = application == i64::from(APPLICATION_ID) && version == VERSION && check == "ok";
    let owner = match is_read {
        true => connection.query_row("SELECT text FROM identity", [], |row| row.get(0))?,
        false => String::new(),
    };
    Ok(Found { application, version, check, owner })
}
