//! Accepted blocks, receipts, proofs, and what is left to do.

use proofyard_coordinator::ledger::{Accepted, Ledger, LedgerError, QuoteState};

use crate::samples::{backing, block, block_file, file, fresh, id, open, quote, signed};

#[test]
fn an_accepted_block_is_there_with_its_file_after_a_restart() {
    let (dir, ledger) = fresh();
    let record = signed(&ledger, 1, 0);
    let Accepted::New(receipt) = ledger.accept_block(&block(&record)).expect("accepted") else { panic!("it is new") };
    assert_eq!((receipt.id, receipt.signature.clone()), (id(&block_file(1)), None));
    drop(ledger);
    let ledger = open(&file(&dir));
    assert_eq!(ledger.open_work().expect("read").unsigned_receipts, std::slice::from_ref(&receipt));
    let signed = ledger.sign_receipt(receipt.nonce, b"signature").expect("signed");
    let Accepted::Existing(again) = ledger.accept_block(&block(&record)).expect("again") else {
        panic!("it is not new")
    };
    assert_eq!(again, signed);
    assert_eq!(ledger.block_file(receipt.commitment).expect("read"), Some(block_file(1)));
    let written = ledger.block(receipt.commitment).expect("read").expect("known");
    assert_eq!((written.height, written.id, written.given_up.as_deref()), (1, receipt.id, None));
    assert_eq!(ledger.blocks_by_id(receipt.id).expect("read"), [written]);
    assert!(matches!(ledger.sign_receipt(receipt.nonce, b"another"), Err(LedgerError::Differs { .. })));
}

#[test]
fn a_block_comes_with_a_signed_open_quote_of_its_own() {
    let (_dir, ledger) = fresh();
    let record = signed(&ledger, 1, 0);
    let mut wrong = block(&record);
    wrong.file.push(0);
    assert!(matches!(ledger.accept_block(&wrong), Err(LedgerError::Differs { .. })), "not the file of this id");
    let mut other = block(&record);
    other.commitment = crate::samples::commitment(2);
    assert!(matches!(ledger.accept_block(&other), Err(LedgerError::Differs { .. })), "not the block quoted");
    let unsigned = ledger.reserve_quote(&quote(3, 0), &backing(1_000)).expect("reserved").into_record();
    assert!(matches!(ledger.accept_block(&block(&unsigned)), Err(LedgerError::Transition { .. })));
    ledger.expire_quotes(1_000, 0).expect("expired");
    assert!(matches!(ledger.accept_block(&block(&record)), Err(LedgerError::Transition { .. })), "expired");
    assert_eq!(ledger.open_work().expect("read"), Default::default());
}

#[test]
fn two_groups_of_one_block_share_it_and_have_a_receipt_each() {
    let (_dir, ledger) = fresh();
    let (first, second) = (signed(&ledger, 1, 0), signed(&ledger, 1, 1));
    ledger.accept_block(&block(&first)).expect("accepted");
    let Accepted::New(receipt) = ledger.accept_block(&block(&second)).expect("accepted") else { panic!("new receipt") };
    assert_eq!(receipt.nonce, second.terms.nonce);
    let mut differs = block(&second);
    differs.salt = alloy_primitives::B256::ZERO;
    let third = signed(&ledger, 1, 2);
    differs.nonce = third.terms.nonce;
    assert!(matches!(ledger.accept_block(&differs), Err(LedgerError::Differs { .. })), "one commitment, one block");
    assert_eq!(ledger.open_work().expect("read").unproven.len(), 1);
}

#[test]
fn open_work_follows_a_block_to_its_end_and_back() {
    let (_dir, ledger) = fresh();
    let record = signed(&ledger, 1, 0);
    let nonce = record.terms.nonce;
    let work = || {
        let work = ledger.open_work().expect("read");
        (work.quotes.len(), work.unproven.len(), work.unsettled.len())
    };
    assert_eq!(work(), (1, 0, 0));
    ledger.accept_block(&block(&record)).expect("accepted");
    assert_eq!(work(), (1, 1, 0));
    let commitment = record.terms.block_commitment;
    assert!(matches!(ledger.store_proof(crate::samples::commitment(9), b"p"), Err(LedgerError::Unknown { .. })));
    ledger.store_proof(commitment, b"proof").expect("stored");
    ledger.store_proof(commitment, b"proof").expect("the same again");
    assert!(matches!(ledger.store_proof(commitment, b"other"), Err(LedgerError::Differs { .. })));
    assert_eq!(work(), (1, 0, 1));
    ledger.move_quote(nonce, QuoteState::Committed, 106, None).expect("committed");
    ledger.move_quote(nonce, QuoteState::Settled, 120, None).expect("settled");
    assert_eq!(work(), (0, 0, 0));
    ledger.move_quote(nonce, QuoteState::Committed, 119, None).expect("a reorg");
    assert_eq!(work(), (1, 0, 1), "the proof is to be submitted again");
    assert_eq!(ledger.proof(commitment).expect("read").as_deref(), Some(b"proof".as_slice()));
}

#[test]
fn a_block_given_up_is_no_work_any_more_but_its_deposit_is_at_risk() {
    let (_dir, ledger) = fresh();
    let record = signed(&ledger, 1, 0);
    ledger.accept_block(&block(&record)).expect("accepted");
    ledger.move_quote(record.terms.nonce, QuoteState::Committed, 106, None).expect("committed");
    let reason = "ä".repeat(5_000);
    ledger.give_up_block(record.terms.block_commitment, &reason).expect("given up");
    let work = ledger.open_work().expect("read");
    assert_eq!((work.quotes.len(), work.unproven.len()), (1, 0));
    assert_eq!(ledger.deposits_at_risk().expect("read").len(), 1);
    let kept = ledger.block(record.terms.block_commitment).expect("read").expect("known").given_up.expect("a reason");
    assert!(reason.starts_with(&kept) && kept.len() <= 1_024);
}

#[test]
fn only_files_of_ended_blocks_are_pruned() {
    let (_dir, ledger) = fresh();
    let (ended, open) = (signed(&ledger, 1, 0), signed(&ledger, 2, 0));
    for record in [&ended, &open] {
        ledger.accept_block(&block(record)).expect("accepted");
        ledger.move_quote(record.terms.nonce, QuoteState::Committed, 106, None).expect("committed");
    }
    ledger.move_quote(ended.terms.nonce, QuoteState::Settled, 120, None).expect("settled");
    assert_eq!(ledger.prune_files(120).expect("none"), 0);
    assert_eq!(ledger.prune_files(121).expect("one"), 1);
    assert_eq!(ledger.block_file(ended.terms.block_commitment).expect("read"), None);
    assert!(ledger.block_file(open.terms.block_commitment).expect("read").is_some());
    assert!(ledger.receipt(ended.terms.nonce).expect("read").is_some(), "what was signed stays");
}
