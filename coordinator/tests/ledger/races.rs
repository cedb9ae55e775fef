//! P1 under threads: whatever they ask for at once, no two quotes conflict.

use std::{
    collections::BTreeSet,
    sync::{Arc, Barrier},
    thread,
};

use alloy_primitives::U256;
use proofyard_coordinator::ledger::{Ledger, LedgerError, QuoteRecord, Reserved};

use crate::samples::{DEPOSIT, backing, block, fresh, quote, signature, signed};

const THREADS: u64 = 8;

/// Runs `deed` on all threads at the same moment.
fn at_once<T: Send + 'static>(deed: impl Fn(u64) -> T + Send + Sync + 'static) -> Vec<T> {
    let (barrier, deed) = (Arc::new(Barrier::new(THREADS as usize)), Arc::new(deed));
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let (barrier, deed) = (barrier.clone(), deed.clone());
            thread::spawn(move || {
                barrier.wait();
                deed(number)
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
}

#[test]
fn many_requests_for_one_group_give_one_quote() {
    let (_dir, ledger) = fresh();
    let ledger = Arc::new(ledger);
    for height in 1..=10 {
        let all = at_once({
            let ledger = ledger.clone();
            move |number| {
                let mut wanted = quote(height, 0);
                // Half of them differ in a term that counts.
                wanted.terms.deposit += U256::from(number % 2);
                ledger.reserve_quote(&wanted, &backing(10_000))
            }
        });
        let new: Vec<&QuoteRecord> = all
            .iter()
            .filter_map(|one| if let Ok(Reserved::New(record)) = one { Some(record) } else { None })
            .collect();
        assert_eq!(new.len(), 1, "height {height}");
        for one in &all {
            match one {
                Ok(Reserved::New(record) | Reserved::Existing(record)) => assert_eq!(record, new[0]),
                Err(error) => assert!(matches!(error, LedgerError::Quoted { .. }), "{error}"),
            }
        }
    }
}

#[test]
fn one_balance_is_not_promised_twice() {
    let (_dir, ledger) = fresh();
    let ledger = Arc::new(ledger);
    let all = at_once({
        let ledger = ledger.clone();
        move |number| {
            (0..5).map(|group| ledger.reserve_quote(&quote(number, group), &backing(3 * DEPOSIT))).collect::<Vec<_>>()
        }
    });
    let nonces: BTreeSet<U256> =
        all.into_iter().flatten().flatten().map(|reserved| reserved.into_record().terms.nonce).collect();
    assert_eq!(nonces.len(), 3);
    assert_eq!(ledger.open_work().expect("read").quotes.len(), 3);
}

#[test]
fn two_signers_of_one_quote_agree_or_one_fails() {
    let (_dir, ledger) = fresh();
    let ledger = Arc::new(ledger);
    let record = ledger.reserve_quote(&quote(1, 0), &backing(1_000)).expect("reserved").into_record();
    let all = at_once({
        let (ledger, record) = (ledger.clone(), record.clone());
        move |number| {
            let mut terms = record.terms.clone();
            terms.price += U256::from(number % 3);
            ledger.sign_quote(record.terms.nonce, &signature(&terms))
        }
    });
    let signatures: BTreeSet<_> = all.into_iter().flatten().map(|record| record.signature).collect();
    assert_eq!(signatures.len(), 1);
}

#[test]
fn a_block_handed_in_by_many_has_one_receipt() {
    let (_dir, ledger) = fresh();
    let ledger = Arc::new(ledger);
    let record = signed(ledger.as_ref(), 1, 0);
    let all = at_once({
        let (ledger, record) = (ledger.clone(), record.clone());
        move |number| {
            let mut handed_in = block(&record);
            handed_in.accepted_at += number;
            ledger.accept_block(&handed_in).expect("accepted").into_record()
        }
    });
    assert!(all.iter().all(|receipt| *receipt == all[0]));
}
