//! Everything durable, in one SQLite file: the core's records, block files and what they were executed to, salts and headers of what
//! was prepared, own proofs, rungs, transactions. Write-ahead log with `synchronous = FULL`; an exclusive lock keeps a second
//! process out.
//!
//! All calls block briefly; async callers use tokio's blocking pool.

mod look;

use std::{
    fs::{File, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    blocks::Worked,
    core::{
        Records, Rung,
        types::{Address, BlockId, Bytes, Hash, Height, Millis},
    },
    error::StoreError,
};

pub use look::{Look, look};

/// Marks the file as a sidecar's: "PYsc".
const APPLICATION_ID: i32 = 0x5059_7363;
const VERSION: i64 = 1;
const SCHEMA: &str = "
CREATE TABLE identity (one INTEGER PRIMARY KEY CHECK (one = 1), text TEXT NOT NULL) STRICT;
CREATE TABLE records (one INTEGER PRIMARY KEY CHECK (one = 1), json TEXT NOT NULL) STRICT;
CREATE TABLE blocks (id BLOB PRIMARY KEY, file BLOB NOT NULL, worked TEXT NOT NULL) STRICT;
CREATE TABLE rungs (
    block BLOB NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, json TEXT NOT NULL,
    PRIMARY KEY (block, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE prepared (
    height INTEGER NOT NULL, block BLOB NOT NULL, salt BLOB NOT NULL, commitment BLOB NOT NULL, data_uri TEXT NOT NULL,
    PRIMARY KEY (height, block)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER prepared_stays BEFORE UPDATE ON prepared BEGIN SELECT RAISE(ABORT, 'a commitment does not change'); END;
CREATE TABLE proofs (
    height INTEGER NOT NULL, block BLOB NOT NULL, part INTEGER NOT NULL, proof BLOB NOT NULL,
    PRIMARY KEY (height, block, part)
) STRICT;
CREATE TABLE transactions (
    chain_id INTEGER NOT NULL, sender BLOB NOT NULL, sequence INTEGER NOT NULL, intent TEXT NOT NULL,
    is_final INTEGER NOT NULL, json TEXT NOT NULL,
    PRIMARY KEY (chain_id, sender, sequence), UNIQUE (chain_id, sender, intent)
) STRICT, WITHOUT ROWID;
";

/// What a block was prepared with for a height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Random; hides the block until the reveal.
    pub salt: Hash,
    /// The block commitment.
    pub commitment: Hash,
    /// In the header.
    pub data_uri: String,
}

/// A rung as it was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// From 1, in order.
    pub number: u64,
    /// Unix milliseconds.
    pub at_ms: Millis,
    /// The rung.
    #[serde(flatten)]
    pub rung: Rung,
}

/// The open file.
pub struct Store {
    connection: Mutex<Connection>,
    _lock: File,
}

impl Store {
    /// Opens or makes the file. `identity` names chain, contracts and sequencer: a file made for others is refused.
    pub fn open(path: &Path, identity: &str) -> Result<Self, StoreError> {
        let open = |reason: String| StoreError::Open { path: path.to_owned(), reason };
        let lock = lock(path)?;
        // Salts and unrevealed blocks are nobody else's business. Closed before SQLite opens it.
        let private = File::options().create(true).truncate(false).write(true).mode(0o600).open(path);
        drop(private.map_err(|error| open(error.to_string()))?);
        let mut connection = Connection::open(path).map_err(|error| open(error.to_string()))?;
        let foreign = |reason: String| StoreError::Foreign { path: path.to_owned(), reason };
        match prepare(&mut connection, identity) {
            Ok(None) => Ok(Self { connection: Mutex::new(connection), _lock: lock }),
            Ok(Some(reason)) => Err(foreign(reason)),
            Err(error) => Err(match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DatabaseBusy) => StoreError::InUse { path: path.to_owned() },
                Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                    foreign(error.to_string())
                }
                _ => open(error.to_string()),
            }),
        }
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic inside a transaction has rolled it back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn with<T>(
        &self,
        what: &'static str,
        act: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        act(&self.connection()).map_err(|error| StoreError::Storage { what, reason: error.to_string() })
    }

    /// The core's records as they were last saved; none in a new file.
    pub fn records(&self) -> Result<Option<Records>, StoreError> {
        let what = "reading the records";
        let json = self.with(what, |connection| {
            connection.query_row("SELECT json FROM records", [], |row| row.get::<_, String>(0)).optional()
        })?;
        json.map(|json| decode(what, &json)).transpose()
    }

    /// Saves the core's records with the rungs that came with them, and drops salts and proofs of the heights that are through, in one
    /// transaction: records never speak of a salt that is gone.
    pub fn save(
        &self,
        records: &Records,
        rungs: &[(BlockId, Millis, Rung)],
        forgotten: &[Height],
    ) -> Result<(), StoreError> {
        let what = "saving the records";
        let json = encode(what, records)?;
        let rungs = rungs
            .iter()
            .map(|(block, at_ms, rung)| Ok((block.0, *at_ms as i64, encode(what, rung)?)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let failed = |error: rusqlite::Error| StoreError::Storage { what, reason: error.to_string() };
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let write = || {
            transaction.execute("INSERT OR REPLACE INTO records (one, json) VALUES (1, ?1)", [&json])?;
            for (block, at_ms, rung) in &rungs {
                transaction.execute(
                    "INSERT INTO rungs (block, number, at_ms, json) \
                     SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3 FROM rungs WHERE block = ?1",
                    params![block, at_ms, rung],
                )?;
            }
            for height in forgotten {
                transaction.execute("DELETE FROM prepared WHERE height = ?1", [*height as i64])?;
                transaction.execute("DELETE FROM proofs WHERE height = ?1", [*height as i64])?;
            }
            Ok(())
        };
        write().map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    /// Adds a block; one that is there stays, and gets its file back if that was dropped.
    pub fn add_block(&self, file: &[u8], worked: &Worked) -> Result<(), StoreError> {
        let what = "storing a block";
        let json = encode(what, worked)?;
        self.with(what, |connection| {
            let add = "INSERT INTO blocks (id, file, worked) VALUES (?1, ?2, ?3) \
                       ON CONFLICT (id) DO UPDATE SET file = excluded.file WHERE length(file) = 0";
            connection.execute(add, params![worked.plan.id.0, file, json]).map(drop)
        })
    }

    /// A block's file, unless it was dropped.
    pub fn file(&self, block: BlockId) -> Result<Option<Vec<u8>>, StoreError> {
        self.with("reading a block", |connection| {
            let query = "SELECT file FROM blocks WHERE id = ?1 AND length(file) > 0";
            connection.query_row(query, [block.0], |row| row.get(0)).optional()
        })
    }

    /// Drops the files of blocks that reached their last rung before `before`; how many. What was known of them stays.
    pub fn drop_files(&self, before: Millis) -> Result<usize, StoreError> {
        self.with("dropping block files", |connection| {
            let drop = "UPDATE blocks SET file = x'' WHERE length(file) > 0 AND EXISTS (SELECT 1 FROM rungs \
                        WHERE block = id AND number = (SELECT max(number) FROM rungs WHERE block = id) AND at_ms < ?1 \
                        AND json_extract(json, '$.rung') IN ('finalized', 'cut', 'handed_back'))";
            connection.execute(drop, [i64::try_from(before).unwrap_or(i64::MAX)])
        })
    }

    /// What a block was executed to.
    pub fn worked(&self, block: BlockId) -> Result<Option<Worked>, StoreError> {
        let what = "reading a block";
        let json = self.with(what, |connection| {
            let query = "SELECT worked FROM blocks WHERE id = ?1";
            connection.query_row(query, [block.0], |row| row.get::<_, String>(0)).optional()
        })?;
        json.map(|json| decode(what, &json)).transpose()
    }

    /// A block's rungs after a number, in order.
    pub fn rungs(&self, block: BlockId, after: u64) -> Result<Vec<Step>, StoreError> {
        let what = "reading rungs";
        let rows = self.with(what, |connection| {
            let query = "SELECT number, at_ms, json FROM rungs WHERE block = ?1 AND number > ?2 ORDER BY number";
            let mut statement = connection.prepare_cached(query)?;
            let after = i64::try_from(after).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![block.0, after], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        rows.into_iter().map(|row| step(what, row)).collect()
    }

    /// The last rung of a block.
    pub fn last_rung(&self, block: BlockId) -> Result<Option<Step>, StoreError> {
        let what = "reading rungs";
        let row = self.with(what, |connection| {
            let query = "SELECT number, at_ms, json FROM rungs WHERE block = ?1 ORDER BY number DESC LIMIT 1";
            let read =
                |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?));
            connection.query_row(query, [block.0], read).optional()
        })?;
        row.map(|row| step(what, row)).transpose()
    }

    /// The blocks added last, the newest first, each with its last rung.
    pub fn latest(&self, limit: u32) -> Result<Vec<(Worked, Option<Step>)>, StoreError> {
        let what = "listing blocks";
        let rows = self.with(what, |connection| {
            let query = "SELECT worked, number, at_ms, json FROM blocks LEFT JOIN rungs ON block = id AND number = \
                         (SELECT max(number) FROM rungs WHERE block = id) ORDER BY blocks.rowid DESC LIMIT ?1";
            let mut statement = connection.prepare(query)?;
            let rows = statement.query_map([limit], |row| {
                let number: Option<i64> = row.get(1)?;
                let last = number.map(|number| Ok::<_, rusqlite::Error>((number, row.get(2)?, row.get(3)?)));
                Ok((row.get::<_, String>(0)?, last.transpose()?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let read = |(worked, last): (String, Option<(i64, i64, String)>)| {
            Ok((decode(what, &worked)?, last.map(|row| step(what, row)).transpose()?))
        };
        rows.into_iter().map(read).collect()
    }

    /// What a block is prepared with for a height: what is there, else what `make` gives, stored.
    pub fn prepare(
        &self,
        height: Height,
        block: BlockId,
        make: impl FnOnce() -> Prepared,
    ) -> Result<Prepared, StoreError> {
        if let Some(found) = self.prepared(height, block)? {
            return Ok(found);
        }
        let made = make();
        self.with("storing a commitment", |connection| {
            connection.execute(
                "INSERT INTO prepared (height, block, salt, commitment, data_uri) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![height as i64, block.0, made.salt.0, made.commitment.0, made.data_uri],
            )
        })?;
        Ok(made)
    }

    /// What a block was prepared with for a height.
    pub fn prepared(&self, height: Height, block: BlockId) -> Result<Option<Prepared>, StoreError> {
        self.with("reading a commitment", |connection| {
            let query = "SELECT salt, commitment, data_uri FROM prepared WHERE height = ?1 AND block = ?2";
            let read = |row: &rusqlite::Row<'_>| {
                let (salt, commitment, data_uri) = (Bytes(row.get(0)?), Bytes(row.get(1)?), row.get(2)?);
                Ok(Prepared { salt, commitment, data_uri })
            };
            connection.query_row(query, params![height as i64, block.0], read).optional()
        })
    }

    /// Stores the own proofs of a block's groups, in order.
    pub fn add_proofs(&self, height: Height, block: BlockId, proofs: &[Vec<u8>]) -> Result<(), StoreError> {
        self.with("storing proofs", |connection| {
            // All or none: the first one says that all are there.
            let transaction = connection.unchecked_transaction()?;
            for (part, proof) in proofs.iter().enumerate() {
                transaction.execute(
                    "INSERT OR REPLACE INTO proofs (height, block, part, proof) VALUES (?1, ?2, ?3, ?4)",
                    params![height as i64, block.0, part as i64, proof],
                )?;
            }
            transaction.commit()
        })
    }

    /// The own proof of a group.
    pub fn proof(&self, height: Height, block: BlockId, group: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.with("reading a proof", |connection| {
            let query = "SELECT proof FROM proofs WHERE height = ?1 AND block = ?2 AND part = ?3";
            connection.query_row(query, params![height as i64, block.0, group], |row| row.get(0)).optional()
        })
    }
}

fn step(what: &'static str, (number, at_ms, json): (i64, i64, String)) -> Result<Step, StoreError> {
    Ok(Step { number: number as u64, at_ms: at_ms as u64, rung: decode(what, &json)? })
}

/// The identity of a sidecar's file.
pub fn identity(chain_id: u64, sidecar: Address, sequencer: Address) -> String {
    format!("chain {chain_id}, sidecar {sidecar}, sequencer {sequencer}")
}

pub(crate) fn encode<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Storage { what, reason: error.to_string() })
}

pub(crate) fn decode<T: DeserializeOwned>(what: &'static str, json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::Storage { what, reason: error.to_string() })
}

/// Locks a file beside the database; closing a second handle on the database itself would release SQLite's own lock.
fn lock(path: &Path) -> Result<File, StoreError> {
    let open = |error: std::io::Error| StoreError::Open { path: path.to_owned(), reason: error.to_string() };
    let file = File::options().create(true).truncate(false).write(true).open(lock_path(path)).map_err(open)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(open(error)),
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// Settings, schema, identity. `Some(reason)`: the file is another's.
fn prepare(connection: &mut Connection, identity: &str) -> rusqlite::Result<Option<String>> {
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let number = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != i64::from(APPLICATION_ID) && (application != 0 || tables != 0) {
        return Ok(Some("it is another program's database".to_owned()));
    }
    if version > VERSION {
        return Ok(Some(format!("its schema is version {version}, this release knows {VERSION}")));
    }
    let _: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if version == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.execute("INSERT INTO identity (one, text) VALUES (1, ?1)", [identity])?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    let found: String = transaction.query_row("SELECT text FROM identity", [], |row| row.get(0))?;
    transaction.commit()?;
    Ok((found != identity).then(|| format!("it belongs to {found}, not to {identity}")))
}
