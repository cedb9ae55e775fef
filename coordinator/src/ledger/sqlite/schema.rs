//! The ledger's tables, and how an older file becomes a current one.
//!
//! The database defends the invariants too: terms and signatures cannot be changed, a group has one open quote, no quote is
//! deleted. Amounts are 32 bytes, big-endian; states are words.

use rusqlite::{Connection, TransactionBehavior};

/// `PYLG`: tells a ledger from any other SQLite file.
pub(super) const APPLICATION_ID: i32 = 0x5059_4c47;

/// Migrations in order; the file's `user_version` is how many of them it has had. Only ever added to.
const MIGRATIONS: &[&str] = &[V1];

/// The version this release writes.
pub(super) const VERSION: usize = MIGRATIONS.len();

const V1: &str = "
CREATE TABLE identity (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    chain_id INTEGER NOT NULL,
    sidecar BLOB NOT NULL CHECK (length(sidecar) = 20),
    escrow BLOB NOT NULL CHECK (length(escrow) = 20),
    nonce_prefix BLOB NOT NULL CHECK (length(nonce_prefix) = 24),
    nonce_next INTEGER NOT NULL CHECK (nonce_next >= 0)
) STRICT;

CREATE TABLE quotes (
    nonce BLOB NOT NULL PRIMARY KEY CHECK (length(nonce) = 32),
    prover BLOB NOT NULL CHECK (length(prover) = 20),
    sequencer BLOB NOT NULL CHECK (length(sequencer) = 20),
    height INTEGER NOT NULL,
    block_commitment BLOB NOT NULL CHECK (length(block_commitment) = 32),
    group_index INTEGER NOT NULL,
    tip_token BLOB NOT NULL CHECK (length(tip_token) = 20),
    price BLOB NOT NULL CHECK (length(price) = 32),
    deposit_token BLOB NOT NULL CHECK (length(deposit_token) = 20),
    deposit BLOB NOT NULL CHECK (length(deposit) = 32),
    expiry INTEGER NOT NULL,
    rows_log2 INTEGER NOT NULL,
    subtrees INTEGER NOT NULL,
    group_count INTEGER NOT NULL,
    work_ms INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    quoted_at INTEGER NOT NULL,
    start_by INTEGER NOT NULL,
    prove_by INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('reserved', 'signed', 'committed', 'settled', 'slashed', 'released', 'expired', 'declined')),
    signature BLOB,
    committed_at INTEGER,
    ended_at INTEGER,
    reason TEXT,
    CHECK (signature IS NOT NULL OR state IN ('reserved', 'declined', 'expired')),
    CHECK (signature IS NULL OR state NOT IN ('reserved', 'declined')),
    CHECK (committed_at IS NOT NULL OR state NOT IN ('committed', 'settled', 'slashed', 'released'))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX one_open_quote_a_group ON quotes (block_commitment, group_index)
    WHERE state IN ('reserved', 'signed', 'committed');
CREATE INDEX open_quotes ON quotes (state) WHERE state IN ('reserved', 'signed', 'committed');
CREATE INDEX ended_quotes ON quotes (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX quotes_of_a_block ON quotes (block_commitment, group_index);

CREATE TRIGGER quote_terms_stay BEFORE UPDATE OF nonce, prover, sequencer, height, block_commitment, group_index, tip_token,
    price, deposit_token, deposit, expiry, rows_log2, subtrees, group_count, work_ms, wall_ms, quoted_at, start_by, prove_by
    ON quotes BEGIN SELECT RAISE(ABORT, 'the terms of a quote do not change'); END;
CREATE TRIGGER quote_signature_stays BEFORE UPDATE OF signature ON quotes
    WHEN OLD.signature IS NOT NULL AND NEW.signature IS NOT OLD.signature
    BEGIN SELECT RAISE(ABORT, 'the signature of a quote does not change'); END;
CREATE TRIGGER quotes_stay BEFORE DELETE ON quotes BEGIN SELECT RAISE(ABORT, 'quotes are never deleted'); END;

CREATE TABLE blocks (
    block_commitment BLOB NOT NULL PRIMARY KEY CHECK (length(block_commitment) = 32),
    block_id BLOB NOT NULL CHECK (length(block_id) = 32),
    height INTEGER NOT NULL,
    sequencer BLOB NOT NULL CHECK (length(sequencer) = 20),
    header BLOB NOT NULL,
    salt BLOB NOT NULL CHECK (length(salt) = 32),
    given_up TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX blocks_by_id ON blocks (block_id);
CREATE TRIGGER blocks_stay BEFORE DELETE ON blocks BEGIN SELECT RAISE(ABORT, 'accepted blocks are never deleted'); END;

CREATE TABLE block_files (
    block_commitment BLOB NOT NULL PRIMARY KEY REFERENCES blocks,
    file BLOB NOT NULL
) STRICT;

CREATE TABLE receipts (
    nonce BLOB NOT NULL PRIMARY KEY REFERENCES quotes,
    block_commitment BLOB NOT NULL REFERENCES blocks,
    accepted_at INTEGER NOT NULL,
    signature BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX receipts_of_a_block ON receipts (block_commitment);
CREATE TRIGGER receipt_terms_stay BEFORE UPDATE OF nonce, block_commitment, accepted_at ON receipts
    BEGIN SELECT RAISE(ABORT, 'the terms of a receipt do not change'); END;
CREATE TRIGGER receipt_signature_stays BEFORE UPDATE OF signature ON receipts
    WHEN OLD.signature IS NOT NULL AND NEW.signature IS NOT OLD.signature
    BEGIN SELECT RAISE(ABORT, 'the signature of a receipt does not change'); END;
CREATE TRIGGER receipts_stay BEFORE DELETE ON receipts BEGIN SELECT RAISE(ABORT, 'receipts are never deleted'); END;

CREATE TABLE proofs (
    block_commitment BLOB NOT NULL PRIMARY KEY REFERENCES blocks,
    proof BLOB NOT NULL
) STRICT;

CREATE TABLE transactions (
    chain_id INTEGER NOT NULL,
    sender BLOB NOT NULL CHECK (length(sender) = 20),
    sequence INTEGER NOT NULL CHECK (sequence >= 0),
    intent TEXT NOT NULL,
    is_final INTEGER NOT NULL CHECK (is_final IN (0, 1)),
    record BLOB NOT NULL,
    PRIMARY KEY (chain_id, sender, sequence),
    UNIQUE (chain_id, sender, intent)
) STRICT, WITHOUT ROWID;

CREATE INDEX open_transactions ON transactions (chain_id, sender, sequence) WHERE is_final = 0;
CREATE TRIGGER intents_stay BEFORE UPDATE OF chain_id, sender, sequence, intent ON transactions
    WHEN OLD.intent IS NOT NEW.intent OR OLD.sequence IS NOT NEW.sequence OR OLD.sender IS NOT NEW.sender
    OR OLD.chain_id IS NOT NEW.chain_id BEGIN SELECT RAISE(ABORT, 'an intent keeps its name and place'); END;
CREATE TRIGGER transactions_stay BEFORE DELETE ON transactions
    BEGIN SELECT RAISE(ABORT, 'transactions are never deleted'); END;
";

/// Brings a file up to date; each step is one transaction. `Err(Ok(found))`: a later release wrote it.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Result<usize, rusqlite::Error>> {
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(Err)?;
        let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(Err)?;
        let found = usize::try_from(version).map_err(|_| Ok(usize::MAX))?;
        if found > VERSION {
            return Err(Ok(found));
        }
        let Some(migration) = MIGRATIONS.get(found) else { return Ok(()) };
        transaction.execute_batch(migration).map_err(Err)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(Err)?;
        transaction.pragma_update(None, "user_version", (found + 1) as i64).map_err(Err)?;
        transaction.commit().map_err(Err)?;
    }
}
