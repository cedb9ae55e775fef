//! The journal of transactions.

use alloy_primitives::Address;
use proofyard_coordinator::ledger::{Ledger, LedgerError, TransactionRow};

use crate::samples::{file, fresh, open};

const CHAIN: u64 = 31_337;

fn row(sequence: u64, intent: &str, record: &[u8]) -> TransactionRow {
    let sender = Address::repeat_byte(1);
    TransactionRow {
        chain_id: CHAIN,
        sender,
        sequence,
        intent: intent.to_owned(),
        is_final: false,
        record: record.into(),
    }
}

#[test]
fn records_are_replaced_in_place_and_survive() {
    let (dir, ledger) = fresh();
    let sender = Address::repeat_byte(1);
    assert_eq!(ledger.open_transactions(CHAIN, sender).expect("read"), (vec![], 0));
    ledger.store_transaction(&row(0, "a", b"first")).expect("stored");
    ledger.store_transaction(&row(1, "b", b"other")).expect("stored");
    ledger.store_transaction(&row(0, "a", b"second")).expect("replaced");
    drop(ledger);
    let ledger = open(&file(&dir));
    assert_eq!(ledger.open_work().expect("read").transactions, ["a", "b"]);
    let open = ledger.open_transactions(CHAIN, sender).expect("read");
    assert_eq!(open, (vec![b"second".to_vec(), b"other".to_vec()], 2));
    ledger.store_transaction(&TransactionRow { is_final: true, ..row(0, "a", b"done") }).expect("stored");
    assert_eq!(ledger.open_transactions(CHAIN, sender).expect("read"), (vec![b"other".to_vec()], 2));
    assert_eq!(ledger.transaction(CHAIN, sender, "a").expect("read").as_deref(), Some(b"done".as_slice()));
    assert_eq!(ledger.transaction(CHAIN, Address::ZERO, "a").expect("read"), None);
    assert_eq!(ledger.open_transactions(1, sender).expect("another chain"), (vec![], 0));
}

#[test]
fn a_name_has_one_place_and_a_place_one_name() {
    let (_dir, ledger) = fresh();
    ledger.store_transaction(&row(0, "a", b"x")).expect("stored");
    assert!(matches!(ledger.store_transaction(&row(0, "b", b"x")), Err(LedgerError::Differs { .. })));
    assert!(matches!(ledger.store_transaction(&row(1, "a", b"x")), Err(LedgerError::Differs { .. })));
    let long = "x".repeat(300);
    assert!(matches!(ledger.store_transaction(&row(2, &long, b"x")), Err(LedgerError::TooLarge { .. })));
}
