//! The ledger in one SQLite file.
//!
//! Write-ahead log with `synchronous = FULL`: a commit returns after the log is on disk. `locking_mode = EXCLUSIVE` and a lock on
//! a file beside it keep a second coordinator out; both locks go with the process, however it ends. All calls share one
//! connection behind a mutex, so that every check and the write that follows from it are one step.

mod blocks;
mod look;
mod quotes;
mod schema;
mod transactions;
mod values;

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use alloy_primitives::{Address, B256, U256};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};

pub use self::look::{Look, look};
use self::values::{Columns, integer};
use super::{
    Accepted, Backing, BlockRecord, GroupKey, Identity, Ledger, LedgerError, NewBlock, NewQuote, OpenWork, QuoteRecord,
    QuoteState, ReceiptRecord, Reserved, TransactionRow,
};

/// The log is cut to this size when it has been written back.
const LOG_BYTES_MAX: i64 = 64 << 20;

/// How far a write has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// The transaction is open, nothing is written.
    Begun,
    /// All is written, nothing is committed.
    Written,
    /// It is on disk; the caller does not know yet.
    Durable,
}

/// One moment of one write, for an observer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Write {
    /// The trait's method.
    pub operation: &'static str,
    /// How far.
    pub moment: Moment,
}

/// Hears of every write as it proceeds, from the thread that writes: crash tests end the process in it.
pub type Observer = Box<dyn Fn(Write) + Send + Sync>;

/// The ledger in one SQLite file.
pub struct SqliteLedger {
    /// `None` once it is closed.
    open: Mutex<Option<Open>>,
    identity: Identity,
    observer: Option<Observer>,
}

struct Open {
    connection: Connection,
    /// Declared last, so that it goes last.
    _lock: Lock,
}

/// A lock on the file beside the ledger.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would do, but for a process that is just being started and has a copy of the handle until it is.
        let _ = self.0.unlock();
    }
}

impl SqliteLedger {
    /// Opens a ledger, or makes it. Refused: one that another process has, that belongs to other contracts, that is damaged,
    /// that a later release wrote.
    pub fn open(path: &Path, identity: Identity) -> Result<Self, LedgerError> {
        Self::open_observed(path, identity, None)
    }

    /// [`SqliteLedger::open`] with an observer of its writes.
    pub fn open_observed(path: &Path, identity: Identity, observer: Option<Observer>) -> Result<Self, LedgerError> {
        let open =
            |error: &dyn std::fmt::Display| LedgerError::Open { path: path.to_owned(), reason: error.to_string() };
        let lock = lock(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(|error| open(&error))?;
        connection.busy_timeout(Duration::ZERO).map_err(|error| open(&error))?;
        let configured = configure(&connection).and_then(|()| is_ours(&connection));
        match configured {
            Ok(true) => {}
            Ok(false) => {
                let reason = "it is another program's database".to_owned();
                return Err(LedgerError::Foreign { path: path.to_owned(), reason });
            }
            Err(error) => return Err(opening(path, &error)),
        }
        schema::migrate(&mut connection).map_err(|error| match error {
            Ok(found) => {
                let reason = format!("its schema is version {found}, this release knows {}", schema::VERSION);
                LedgerError::Foreign { path: path.to_owned(), reason }
            }
            Err(error) => opening(path, &error),
        })?;
        check(path, &connection)?;
        adopt(path, &mut connection, identity)?;
        let open = Open { connection, _lock: lock };
        Ok(Self { open: Mutex::new(Some(open)), identity, observer })
    }

    fn open_file(&self) -> MutexGuard<'_, Option<Open>> {
        // A panic inside a transaction has rolled it back.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self, operation: &'static str, moment: Moment) {
        if let Some(observer) = &self.observer {
            observer(Write { operation, moment });
        }
    }

    /// One decision, one transaction.
    fn write<T>(
        &self,
        operation: &'static str,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let failed = storage(operation);
        let mut open = self.open_file();
        let Some(Open { connection, .. }) = &mut *open else { return Err(LedgerError::Closed { operation }) };
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
        self.seen(operation, Moment::Begun);
        let value = body(&transaction)?;
        self.seen(operation, Moment::Written);
        transaction.commit().map_err(&failed)?;
        self.seen(operation, Moment::Durable);
        Ok(value)
    }

    fn read<T>(
        &self,
        operation: &'static str,
        body: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        match &*self.open_file() {
            Some(open) => body(&open.connection).map_err(storage(operation)),
            None => Err(LedgerError::Closed { operation }),
        }
    }
}

fn storage(operation: &'static str) -> impl Fn(rusqlite::Error) -> LedgerError {
    move |error| LedgerError::Storage { operation, reason: error.to_string() }
}

/// Locks the file beside the ledger. The database itself must not be opened a second time in this process: closing that
/// handle would release SQLite's own lock.
fn lock(path: &Path) -> Result<Lock, LedgerError> {
    let open = |error: std::io::Error| LedgerError::Open { path: path.to_owned(), reason: error.to_string() };
    let file = File::options().create(true).truncate(false).write(true).open(lock_path(path)).map_err(open)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(LedgerError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(open(error)),
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_MAX)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    let level: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    if mode != "wal" || level != 2 {
        let reason = format!("journal mode {mode}, synchronous {level} where wal and 2 are needed");
        return Err(rusqlite::Error::ToSqlConversionFailure(reason.into()));
    }
    Ok(())
}

/// An empty file, or one that says it is a ledger.
fn is_ours(connection: &Connection) -> rusqlite::Result<bool> {
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(application == schema::APPLICATION_ID || (application == 0 && tables == 0))
}

fn opening(path: &Path, error: &rusqlite::Error) -> LedgerError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => LedgerError::InUse { path },
        Some(rusqlite::ErrorCode::NotADatabase) => LedgerError::Foreign { path, reason: error.to_string() },
        Some(rusqlite::ErrorCode::DatabaseCorrupt) => LedgerError::Damaged { path, reason: error.to_string() },
        _ => LedgerError::Open { path, reason: error.to_string() },
    }
}

/// Every page, index and constraint is what it should be.
fn check(path: &Path, connection: &Connection) -> Result<(), LedgerError> {
    let damaged = |reason: String| LedgerError::Damaged { path: path.to_owned(), reason };
    let found: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| opening(path, &error))?;
    if found != "ok" {
        return Err(damaged(found));
    }
    let orphan: Option<String> = connection
        .query_row("PRAGMA foreign_key_check", [], |row| row.get(0))
        .optional()
        .map_err(|error| opening(path, &error))?;
    orphan.map_or(Ok(()), |table| Err(damaged(format!("a row of {table} refers to nothing"))))
}

/// Whose a ledger is; none yet when it is new.
fn found_identity(connection: &Connection) -> rusqlite::Result<Option<Identity>> {
    let query = "SELECT chain_id, sidecar, escrow FROM identity";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Identity {
            chain_id: row.number("chain_id")?,
            sidecar: row.address("sidecar")?,
            escrow: row.address("escrow")?,
        })
    };
    connection.query_row(query, [], read).optional()
}

/// A new ledger becomes this deployment's; an old one must be.
fn adopt(path: &Path, connection: &mut Connection, identity: Identity) -> Result<(), LedgerError> {
    let failed = |error: rusqlite::Error| opening(path, &error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    match found_identity(&transaction).map_err(failed)? {
        Some(found) if found == identity => Ok(()),
        Some(found) => Err(LedgerError::OtherContracts {
            path: path.to_owned(),
            found: found.to_string(),
            expected: identity.to_string(),
        }),
        None => {
            // Nonces start with 192 random bits, so that a ledger that was lost and made anew repeats none of its nonces.
            let prefix: [u8; 24] = rand::random();
            let chain_id = integer("chain id", identity.chain_id)?;
            let (sidecar, escrow) = (identity.sidecar.into_array(), identity.escrow.into_array());
            transaction
                .execute(
                    "INSERT INTO identity (one, chain_id, sidecar, escrow, nonce_prefix, nonce_next) \
                     VALUES (1, ?1, ?2, ?3, ?4, 0)",
                    params![chain_id, sidecar, escrow, prefix],
                )
                .map_err(failed)?;
            transaction.commit().map_err(failed)
        }
    }
}

impl Ledger for SqliteLedger {
    fn identity(&self) -> Identity {
        self.identity
    }

    fn reserve_quote(&self, quote: &NewQuote, backing: &Backing) -> Result<Reserved, LedgerError> {
        self.write("reserve_quote", |transaction| quotes::reserve(transaction, quote, backing))
    }

    fn sign_quote(&self, nonce: U256, signature: &[u8]) -> Result<QuoteRecord, LedgerError> {
        self.write("sign_quote", |transaction| quotes::sign(transaction, nonce, signature))
    }

    fn decline_quote(&self, nonce: U256, reason: &str) -> Result<(), LedgerError> {
        self.write("decline_quote", |transaction| quotes::decline(transaction, nonce, reason))
    }

    fn quote(&self, nonce: U256) -> Result<Option<QuoteRecord>, LedgerError> {
        self.read("quote", |connection| quotes::by_nonce(connection, nonce))
    }

    fn quote_of(&self, group: GroupKey) -> Result<Option<QuoteRecord>, LedgerError> {
        self.read("quote_of", |connection| quotes::by_group(connection, group))
    }

    fn ended_quotes(&self, since: u64) -> Result<Vec<QuoteRecord>, LedgerError> {
        let since = integer("L1 block", since)?;
        self.read("ended_quotes", |connection| quotes::ended(connection, since))
    }

    fn expire_quotes(&self, head: u64, depth: u64) -> Result<Vec<QuoteRecord>, LedgerError> {
        self.write("expire_quotes", |transaction| quotes::expire(transaction, head, depth))
    }

    fn move_quote(
        &self,
        nonce: U256,
        to: QuoteState,
        at: u64,
        reason: Option<&str>,
    ) -> Result<QuoteRecord, LedgerError> {
        self.write("move_quote", |transaction| quotes::move_to(transaction, nonce, to, at, reason))
    }

    fn deposits_at_risk(&self) -> Result<Vec<(Address, U256)>, LedgerError> {
        self.read("deposits_at_risk", quotes::at_risk)
    }

    fn accept_block(&self, block: &NewBlock) -> Result<Accepted, LedgerError> {
        self.write("accept_block", |transaction| blocks::accept(transaction, block))
    }

    fn sign_receipt(&self, nonce: U256, signature: &[u8]) -> Result<ReceiptRecord, LedgerError> {
        self.write("sign_receipt", |transaction| blocks::sign_receipt(transaction, nonce, signature))
    }

    fn receipt(&self, nonce: U256) -> Result<Option<ReceiptRecord>, LedgerError> {
        self.read("receipt", |connection| blocks::receipt(connection, nonce))
    }

    fn block(&self, commitment: B256) -> Result<Option<BlockRecord>, LedgerError> {
        self.read("block", |connection| blocks::by_commitment(connection, commitment))
    }

    fn blocks_by_id(&self, id: B256) -> Result<Vec<BlockRecord>, LedgerError> {
        self.read("blocks_by_id", |connection| blocks::by_id(connection, id))
    }

    fn block_file(&self, commitment: B256) -> Result<Option<Vec<u8>>, LedgerError> {
        self.read("block_file", |connection| blocks::file(connection, commitment))
    }

    fn store_proof(&self, commitment: B256, proof: &[u8]) -> Result<(), LedgerError> {
        self.write("store_proof", |transaction| blocks::store_proof(transaction, commitment, proof))
    }

    fn proof(&self, commitment: B256) -> Result<Option<Vec<u8>>, LedgerError> {
        self.read("proof", |connection| blocks::proof(connection, commitment))
    }

    fn give_up_block(&self, commitment: B256, reason: &str) -> Result<(), LedgerError> {
        self.write("give_up_block", |transaction| blocks::give_up(transaction, commitment, reason))
    }

    fn store_transaction(&self, row: &TransactionRow) -> Result<(), LedgerError> {
        self.write("store_transaction", |transaction| transactions::store(transaction, row))
    }

    fn transaction(&self, chain_id: u64, sender: Address, intent: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        let chain_id = integer("chain id", chain_id)?;
        self.read("transaction", |connection| transactions::find(connection, chain_id, sender, intent))
    }

    fn open_transactions(&self, chain_id: u64, sender: Address) -> Result<(Vec<Vec<u8>>, u64), LedgerError> {
        let chain_id = integer("chain id", chain_id)?;
        self.read("open_transactions", |connection| transactions::open(connection, chain_id, sender))
    }

    fn open_work(&self) -> Result<OpenWork, LedgerError> {
        self.read("open_work", |connection| {
            Ok(OpenWork {
                quotes: quotes::open(connection)?,
                unproven: blocks::open(connection, false)?,
                unsettled: blocks::open(connection, true)?,
                unsigned_receipts: blocks::unsigned_receipts(connection)?,
                transactions: transactions::open_names(connection)?,
            })
        })
    }

    fn prune_files(&self, before: u64) -> Result<usize, LedgerError> {
        self.write("prune_files", |transaction| blocks::prune(transaction, before))
    }

    fn close(&self) {
        drop(self.open_file().take());
    }
}
