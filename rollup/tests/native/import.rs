//! Import of the two recorded Ethereum blocks, and of rows that are wrong.

use std::collections::HashSet;

use crate::fixture::code;
use proofyard_rollup::block::Block;
use proofyard_rollup::executor::execute;
use proofyard_rollup::import::{FEE_GWEI, HEADER, ImportError, address_key, csv};

const RECORDED: &[u8] = include_bytes!("../../../testdata/ethereum-mainnet-17173049-17173050.csv");
const HASH: &str = "0x00000000000000000000000000000000000000000000000000000000000000aa";
const A: &str = "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "0xBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";

fn row(block_number: u64, index: u32, from: &str, to: &str, value: &str) -> String {
    format!("{block_number},{index},{HASH},9,{from},{to},{value}")
}

fn import(rows: &[String]) -> Result<Block, ImportError> {
    csv(format!("{HEADER}\n{}\n", rows.join("\n")).as_bytes(), None)
}

#[test]
fn the_recorded_blocks_give_297_transfers_that_execute() {
    let block = csv(RECORDED, None).unwrap();
    assert_eq!(block.transfers.len(), 297);
    let executed = execute(&block).unwrap();
    assert_eq!(executed.fees, 297 * FEE_GWEI);
    // First row: 1642894143 wei from the first address seen to the second.
    let first = block.transfers[0].transfer;
    assert_eq!((first.from, first.to, first.amount, first.fee, first.nonce), (0, 1, 1, FEE_GWEI, 0));
    // Second row: 7.4 ether between two more addresses; third row: the first pair again.
    let second = block.transfers[1].transfer;
    assert_eq!((second.from, second.to, second.amount, second.nonce), (2, 3, 7_400_000_000, 0));
    let third = block.transfers[2].transfer;
    assert_eq!((third.from, third.to, third.amount, third.nonce), (0, 1, 1, 1));
    // Who only receives starts unused and is opened by its first transfer.
    let senders: HashSet<u32> = block.transfers.iter().map(|signed| signed.transfer.from).collect();
    for entry in &block.pre_state.leaves {
        assert_eq!(entry.account.is_some(), senders.contains(&entry.leaf));
    }
    let opened = executed.traces.iter().filter(|trace| trace.recipient_before.is_none()).count();
    assert_eq!(opened, block.pre_state.leaves.len() - senders.len());
    // The encoded block comes back, and importing again gives the same bytes.
    assert_eq!(Block::decode(&block.encode()).unwrap(), block);
    assert_eq!(csv(RECORDED, None).unwrap().id(), block.id());
}

#[test]
fn one_block_number_can_be_chosen() {
    let (first, second) = (csv(RECORDED, Some(17_173_049)).unwrap(), csv(RECORDED, Some(17_173_050)).unwrap());
    assert_eq!(first.transfers.len() + second.transfers.len(), 297);
    assert!(execute(&first).is_ok() && execute(&second).is_ok());
    let error = csv(RECORDED, Some(1)).unwrap_err();
    assert_eq!(error.to_string(), "[PY-I-008] end of file: no transaction of block 1; check file and block number");
}

#[test]
fn balances_cover_what_is_sent_and_wei_round_down() {
    let block = import(&[row(1, 0, A, B, "1999999999"), row(1, 1, B, A, "0"), row(2, 0, A, A, "5000000000")]).unwrap();
    let account = |leaf: usize| block.pre_state.leaves[leaf].account.unwrap();
    assert_eq!(account(0).balance, 1 + 5 + 2 * FEE_GWEI);
    assert_eq!(account(1).balance, FEE_GWEI);
    assert_eq!(account(0).key, address_key(&[0xaa; 20]).public_key());
    assert_eq!(account(1).key, address_key(&[0xbb; 20]).public_key());
    assert!(execute(&block).is_ok());
}

#[test]
fn malformed_rows_are_refused_with_their_line() {
    let good = || row(1, 0, A, B, "5");
    let cases = [
        (row(1, 1, A, B, "-5"), "[PY-I-005] line 3, column value_wei: "),
        (row(1, 1, A, B, ""), "[PY-I-005] line 3, column value_wei: "),
        (row(1, 1, A, B, "340282366920938463463374607431768211456"), "[PY-I-005] line 3, column value_wei: "),
        (row(1, 1, &A[..41], B, "5"), "[PY-I-005] line 3, column from_address: "),
        (row(1, 1, A, &B[2..], "5"), "[PY-I-005] line 3, column to_address: "),
        (row(1, 1, A, "0xBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBg", "5"), "[PY-I-005] line 3, column to_address: "),
        (row(1, 1, A, "", "5"), "[PY-I-005] line 3, column to_address: "),
        (row(1, 1, A, B, "5").replace(HASH, "0x"), "[PY-I-005] line 3, column hash: "),
        (row(1, 1, A, B, "5").replace(",9,", ",x,"), "[PY-I-005] line 3, column nonce: "),
        (row(1, 1, A, B, "5").replacen("1,1,", "1,+1,", 1), "[PY-I-005] line 3, column transaction_index: "),
        (row(1, 1, A, B, "5,6"), "[PY-I-004] line 3: 8 fields"),
        (String::new(), "[PY-I-004] line 3: 1 fields"),
        (row(1, 0, A, B, "5"), "[PY-I-006] line 3: transaction 1/0 does not follow"),
        (row(0, 5, A, B, "5"), "[PY-I-006] line 3: transaction 0/5 does not follow"),
        (row(1, 1, A, B, "18446744073709551616000000000"), "[PY-I-009] line 3: "),
        (row(1, 1, A, B, "18446744073709551615000000000"), "[PY-I-009] line 3: "),
        (row(1, 1, A, B, &"1".repeat(2_000)), "[PY-I-003] line 3: "),
    ];
    for (bad, expected) in cases {
        let error = import(&[good(), bad]).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn other_files_are_refused() {
    assert_eq!(code(&csv(&b"a,b\n1,2\n"[..], None).unwrap_err()), "PY-I-002");
    assert_eq!(code(&csv(&b""[..], None).unwrap_err()), "PY-I-002");
    assert_eq!(code(&csv(&[0xff; 5_000][..], None).unwrap_err()), "PY-I-003");
    assert_eq!(code(&csv(HEADER.as_bytes(), None).unwrap_err()), "PY-I-008");
    assert_eq!(code(&csv(format!("{HEADER}\n\u{fffd}").as_bytes(), None).unwrap_err()), "PY-I-004");
}

#[test]
fn windows_line_ends_are_read() {
    let text = format!("{HEADER}\r\n{}\r\n", row(1, 0, A, B, "5"));
    assert_eq!(csv(text.as_bytes(), None).unwrap(), import(&[row(1, 0, A, B, "5")]).unwrap());
}

#[test]
fn more_rows_than_a_block_holds_are_refused() {
    let rows: Vec<String> = (0..65_537).map(|index| row(1, index, A, B, "5")).collect();
    assert_eq!(import(&rows).unwrap_err().to_string().split(':').next(), Some("[PY-I-007] line 65538"));
}
