//! Generated blocks are valid, varied and the same for the same seed.

use std::collections::HashMap;

use proofyard_rollup::executor::execute;
use proofyard_rollup::generate::{self, GenerateError};

#[test]
fn a_generated_block_holds_every_kind_of_transfer() {
    let block = generate::block(64, 7).unwrap();
    assert_eq!(block.transfers.len(), 64);
    let executed = execute(&block).unwrap();
    let transfers: Vec<_> = block.transfers.iter().map(|signed| signed.transfer).collect();
    assert!(transfers.iter().any(|t| t.from == t.to));
    assert!(transfers.iter().any(|t| t.amount == 0));
    assert!(transfers.windows(2).any(|pair| pair[0].from == pair[1].from));
    assert!(executed.traces.iter().any(|trace| trace.recipient_before.is_none()));
    let mut senders = HashMap::new();
    transfers.iter().for_each(|t| *senders.entry(t.from).or_insert(0) += 1);
    assert!(senders.values().any(|sent| *sent > 2));
}

#[test]
fn the_seed_decides_the_block() {
    let ids: Vec<_> = [(8, 1), (8, 1), (8, 2), (9, 1)].map(|(n, seed)| generate::block(n, seed).unwrap().id()).into();
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
    assert_ne!(ids[0], ids[3]);
}

#[test]
fn small_blocks_execute_and_sizes_have_bounds() {
    for transfers in 1..6 {
        assert_eq!(execute(&generate::block(transfers, 0).unwrap()).unwrap().traces.len(), transfers);
    }
    for transfers in [0, 65_537] {
        assert_eq!(generate::block(transfers, 0), Err(GenerateError::Transfers { transfers }));
    }
}
