//! Quotes: nonces, deposits, what may become of them.

use alloy_primitives::U256;
use proofyard_coordinator::ledger::{Backing, GroupKey, Ledger, LedgerError, QuoteState, Reserved};

use crate::samples::{DEPOSIT, EXPIRY, backing, file, fresh, open, quote, signature, signed};

#[test]
fn a_quote_is_reserved_then_signed_and_survives() {
    let (dir, ledger) = fresh();
    let Reserved::New(reserved) = ledger.reserve_quote(&quote(1, 0), &backing(DEPOSIT)).expect("reserved") else {
        panic!("it is new")
    };
    assert_eq!((reserved.state, &reserved.signature), (QuoteState::Reserved, &None));
    assert_ne!(reserved.terms.nonce, U256::ZERO);
    let nonce = reserved.terms.nonce;
    drop(ledger);
    let ledger = open(&file(&dir));
    assert_eq!(ledger.quote(nonce).expect("read"), Some(reserved.clone()));
    let signed = ledger.sign_quote(nonce, &signature(&reserved.terms)).expect("signed");
    assert_eq!(signed.state, QuoteState::Signed);
    assert_eq!(ledger.sign_quote(nonce, &signature(&reserved.terms)).expect("the same again"), signed);
    drop(ledger);
    assert_eq!(open(&file(&dir)).quote(nonce).expect("read"), Some(signed));
}

#[test]
fn the_same_request_gets_the_same_quote_and_other_terms_are_refused() {
    let (_dir, ledger) = fresh();
    let first = signed(&ledger, 1, 0);
    let mut dearer = quote(1, 0);
    dearer.terms.price += U256::from(5);
    let again = ledger.reserve_quote(&dearer, &backing(1_000)).expect("the open one");
    assert_eq!(again, Reserved::Existing(first));
    let mut other = quote(1, 0);
    other.terms.deposit += U256::from(1);
    assert!(matches!(ledger.reserve_quote(&other, &backing(1_000)), Err(LedgerError::Quoted { group: 0, .. })));
    assert!(matches!(ledger.reserve_quote(&quote(1, 1), &backing(1_000)), Ok(Reserved::New(_))), "another group");
}

#[test]
fn a_second_signature_is_refused() {
    let (_dir, ledger) = fresh();
    let record = signed(&ledger, 1, 0);
    let other = ledger.sign_quote(record.terms.nonce, b"another");
    assert!(matches!(other, Err(LedgerError::Differs { .. })));
    assert_eq!(ledger.quote(record.terms.nonce).expect("read"), Some(record));
    assert!(matches!(ledger.sign_quote(U256::from(5), b"x"), Err(LedgerError::Unknown { .. })));
    let long = vec![0; 5_000];
    assert!(matches!(ledger.sign_quote(U256::from(5), &long), Err(LedgerError::TooLarge { .. })));
}

#[test]
fn nonces_never_repeat_not_even_in_a_new_ledger() {
    let (_one, first) = fresh();
    let (_two, second) = fresh();
    let mut nonces: Vec<U256> =
        (1..=5).flat_map(|height| [&first, &second].map(|ledger| signed(ledger, height, 0).terms.nonce)).collect();
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 10);
}

#[test]
fn deposits_of_open_quotes_never_exceed_the_balance() {
    let (_dir, ledger) = fresh();
    let two = backing(2 * DEPOSIT);
    let first = ledger.reserve_quote(&quote(1, 0), &two).expect("covered").into_record();
    ledger.reserve_quote(&quote(1, 1), &two).expect("covered");
    let Err(LedgerError::Balance { balance, held, deposit }) = ledger.reserve_quote(&quote(2, 0), &two) else {
        panic!("not covered")
    };
    assert_eq!([balance, held, deposit], [2 * DEPOSIT, 2 * DEPOSIT, DEPOSIT].map(U256::from));
    ledger.decline_quote(first.terms.nonce, "the key is away").expect("declined");
    ledger.reserve_quote(&quote(2, 0), &two).expect("covered again");
    let mut other_token = quote(3, 0);
    other_token.terms.deposit_token = alloy_primitives::Address::repeat_byte(9);
    ledger.reserve_quote(&other_token, &two).expect("each token has its own balance");
}

#[test]
fn a_drawn_deposit_counts_until_the_balance_shows_it() {
    let (_dir, ledger) = fresh();
    let record = signed(&ledger, 1, 0);
    ledger.move_quote(record.terms.nonce, QuoteState::Committed, 101, None).expect("committed");
    let as_of = |at| Backing { balance: U256::from(DEPOSIT), at };
    assert!(matches!(ledger.reserve_quote(&quote(2, 0), &as_of(100)), Err(LedgerError::Balance { .. })));
    ledger.reserve_quote(&quote(2, 0), &as_of(101)).expect("what is left after the draw");
    assert_eq!(ledger.deposits_at_risk().expect("read"), [(record.terms.deposit_token, U256::from(DEPOSIT))]);
}

#[test]
fn a_quote_expires_only_when_no_reorg_can_draw_it() {
    let (_dir, ledger) = fresh();
    let (open, committed) = (signed(&ledger, 1, 0), signed(&ledger, 2, 0));
    ledger.move_quote(committed.terms.nonce, QuoteState::Committed, EXPIRY, None).expect("committed");
    assert_eq!(ledger.expire_quotes(EXPIRY + 3, 3).expect("none"), []);
    let expired = ledger.expire_quotes(EXPIRY + 4, 3).expect("one");
    assert_eq!(expired.iter().map(|record| record.terms.nonce).collect::<Vec<_>>(), [open.terms.nonce]);
    assert_eq!(expired[0].state, QuoteState::Expired);
    assert_eq!(ledger.expire_quotes(EXPIRY + 9, 3).expect("none left"), []);
    let mut anew = quote(1, 0);
    anew.terms.expiry = 200;
    let again = ledger.reserve_quote(&anew, &backing(1_000)).expect("quoted anew").into_record();
    assert_ne!(again.terms.nonce, open.terms.nonce);
    assert_eq!(ledger.quote_of(GroupKey::of(&again.terms)).expect("read"), Some(again));
    // A reorg deeper than was waited for: the old one is drawn after all, which two at once must not hide.
    let late = ledger.move_quote(open.terms.nonce, QuoteState::Committed, EXPIRY, None);
    assert!(matches!(late, Err(LedgerError::Quoted { .. })));
}

#[test]
fn reorgs_take_a_quote_back_and_forth_and_nothing_else_does() {
    let (_dir, ledger) = fresh();
    let nonce = signed(&ledger, 1, 0).terms.nonce;
    let to = |state, at| ledger.move_quote(nonce, state, at, Some("seen on L1"));
    assert!(matches!(to(QuoteState::Settled, 120), Err(LedgerError::Transition { .. })), "not committed yet");
    assert_eq!(to(QuoteState::Committed, 105).expect("committed").committed_at, Some(105));
    assert_eq!(to(QuoteState::Committed, 107).expect("again").committed_at, Some(105));
    let settled = to(QuoteState::Settled, 120).expect("settled");
    assert_eq!((settled.committed_at, settled.ended_at), (Some(105), Some(120)));
    let back = to(QuoteState::Committed, 119).expect("undone");
    assert_eq!((back.committed_at, back.ended_at), (Some(105), None));
    let signed = to(QuoteState::Signed, 104).expect("undone too");
    assert_eq!((signed.committed_at, signed.state), (None, QuoteState::Signed));
    assert!(matches!(to(QuoteState::Reserved, 104), Err(LedgerError::Transition { .. })));
    assert!(matches!(to(QuoteState::Declined, 104), Err(LedgerError::Transition { .. })));
    assert!(matches!(ledger.decline_quote(nonce, "late"), Err(LedgerError::Transition { .. })), "it is signed");
}

#[test]
fn every_transition_is_either_allowed_or_refused_by_name() {
    for from in QuoteState::ALL {
        assert_eq!(QuoteState::from_name(from.name()), Some(from));
        assert!(!from.may_become(from));
        // Nothing goes back to before the signature.
        assert!(!from.may_become(QuoteState::Reserved) && !from.may_become(QuoteState::Declined));
    }
}
