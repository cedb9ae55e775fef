//! Opening a ledger: one at a time, its own, undamaged, of this release; and what the database itself refuses.

use std::fs;

use alloy_primitives::Address;
use proofyard_coordinator::ledger::{Identity, Ledger, LedgerError, SqliteLedger};
use rusqlite::Connection;

use crate::samples::{backing, block, file, fresh, identity, open, quote, signed};

#[test]
fn a_second_coordinator_does_not_start() {
    let (dir, ledger) = fresh();
    let path = file(&dir);
    assert!(matches!(SqliteLedger::open(&path, identity()), Err(LedgerError::InUse { .. })));
    // Without the file beside it, SQLite's own lock still holds.
    fs::remove_file(dir.path().join("ledger.sqlite.lock")).expect("removed");
    let Err(error) = SqliteLedger::open(&path, identity()) else { panic!("opened twice") };
    assert!(matches!(error, LedgerError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("PY-M-002"));
    signed(&ledger, 1, 0);
    drop(ledger);
    open(&path);
}

#[test]
fn a_ledger_belongs_to_one_chain_and_its_contracts() {
    let (dir, ledger) = fresh();
    assert_eq!(ledger.identity(), identity());
    drop(ledger);
    for other in [
        Identity { chain_id: 1, ..identity() },
        Identity { sidecar: Address::ZERO, ..identity() },
        Identity { escrow: Address::ZERO, ..identity() },
    ] {
        assert!(matches!(SqliteLedger::open(&file(&dir), other), Err(LedgerError::OtherContracts { .. })));
    }
}

#[test]
fn what_is_no_ledger_of_this_release_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = file(&dir);
    fs::write(&path, "a text that is long enough to be looked at as a database header, but is none").expect("written");
    assert!(matches!(SqliteLedger::open(&path, identity()), Err(LedgerError::Foreign { .. })));
    fs::remove_file(&path).expect("removed");
    Connection::open(&path).expect("made").execute_batch("CREATE TABLE songs (title TEXT)").expect("made");
    assert!(matches!(SqliteLedger::open(&path, identity()), Err(LedgerError::Foreign { .. })));
    let titles = Connection::open(&path).expect("opened").query_row("SELECT count(*) FROM songs", [], |row| row.get(0));
    assert_eq!(titles, Ok(0_i64));

    let (dir, ledger) = fresh();
    drop(ledger);
    Connection::open(file(&dir)).expect("opened").pragma_update(None, "user_version", 99).expect("set");
    let Err(error) = SqliteLedger::open(&file(&dir), identity()) else { panic!("opened") };
    assert!(matches!(error, LedgerError::Foreign { .. }) && error.to_string().contains("99"), "{error}");
    let nowhere = dir.path().join("no/such/folder/ledger.sqlite");
    assert!(matches!(SqliteLedger::open(&nowhere, identity()), Err(LedgerError::Open { .. })));
}

#[test]
fn a_damaged_ledger_is_noticed() {
    let (dir, ledger) = fresh();
    for height in 1..=20 {
        let record = signed(&ledger, height, 0);
        ledger.accept_block(&block(&record)).expect("accepted");
    }
    drop(ledger);
    let path = file(&dir);
    let whole = fs::read(&path).expect("read");
    for at in (4_096..whole.len()).step_by(4_096).take(12) {
        let mut damaged = whole.clone();
        damaged[at..at + 64].fill(0xff);
        fs::write(&path, &damaged).expect("written");
        match SqliteLedger::open(&path, identity()) {
            Err(LedgerError::Damaged { .. }) => {}
            // An overflow page's pointer may hold; its bytes are block data, whose hash is checked when it is used.
            Ok(_) => panic!("damage at {at} was not noticed"),
            Err(other) => panic!("{other}"),
        }
    }
    fs::write(&path, &whole[..whole.len() / 2]).expect("written");
    assert!(matches!(SqliteLedger::open(&path, identity()), Err(LedgerError::Damaged { .. })), "cut in half");
    fs::write(&path, &whole).expect("written");
    assert_eq!(open(&path).open_work().expect("read").unproven.len(), 20);
}

#[test]
fn the_database_itself_defends_terms_and_signatures() {
    let (dir, ledger) = fresh();
    let record = signed(&ledger, 1, 0);
    ledger.accept_block(&block(&record)).expect("accepted");
    ledger.sign_receipt(record.terms.nonce, b"signature").expect("signed");
    ledger.reserve_quote(&quote(2, 0), &backing(1_000)).expect("reserved");
    drop(ledger);
    let connection = Connection::open(file(&dir)).expect("opened");
    for forbidden in [
        "UPDATE quotes SET price = zeroblob(32)",
        "UPDATE quotes SET nonce = zeroblob(32)",
        "UPDATE quotes SET expiry = 9",
        "UPDATE quotes SET signature = x'00' WHERE signature IS NOT NULL",
        "UPDATE quotes SET signature = NULL",
        "UPDATE quotes SET state = 'signed' WHERE signature IS NULL",
        "UPDATE quotes SET state = 'gone'",
        "UPDATE quotes SET state = 'committed'",
        "DELETE FROM quotes",
        "DELETE FROM blocks",
        "DELETE FROM receipts",
        "UPDATE receipts SET signature = x'00'",
        "UPDATE receipts SET accepted_at = 1",
        "INSERT INTO identity SELECT 2, chain_id, sidecar, escrow, nonce_prefix, 0 FROM identity",
        "INSERT INTO quotes SELECT zeroblob(32), prover, sequencer, height, block_commitment, group_index, tip_token, price, \
         deposit_token, deposit, expiry, rows_log2, subtrees, group_count, work_ms, wall_ms, quoted_at, start_by, prove_by, \
         state, signature, committed_at, ended_at, reason FROM quotes WHERE height = 1",
    ] {
        assert!(connection.execute(forbidden, []).is_err(), "{forbidden}");
    }
}
