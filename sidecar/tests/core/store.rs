//! What is stored survives, stays with its sidecar, and goes on.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::world::{l1::US, policy};
use proofyard_sidecar::{
    StoreError,
    blocks::{self, Classes},
    core::{Effect, Event, Rung, State, policy::Persona, step, types::Hash},
    store::{Prepared, Store, identity},
};

const NOW: u64 = 5;

fn file() -> (Vec<u8>, blocks::Worked) {
    let file = proofyard_embedded_farm::coordinator::rollup::generate::block(3, 1).expect("a block").encode();
    let classes = Classes { rows_log2: 12, groups: 1, subtrees_per_group: vec![1, 2, 4] };
    let worked = blocks::read(&file, &classes).expect("it executes");
    (file, worked)
}

#[test]
fn everything_is_there_after_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("state.sqlite");
    let owner = identity(1, Hash::ZERO.0[..20].try_into().map(proofyard_sidecar::core::types::Bytes).expect("20"), US);
    let (bytes, worked) = file();
    let block = worked.plan.id;
    let made = || Prepared {
        salt: crate::world::hash(&[1]),
        commitment: crate::world::hash(&[2]),
        data_uri: "http://x/".to_owned(),
    };
    let records = {
        let store = Store::open(&path, &owner).expect("made");
        assert_eq!(store.records().expect("readable"), None);
        store.add_block(&bytes, &worked).expect("added");
        store.add_block(&bytes, &worked).expect("again");
        let mut state = State::new(policy(Persona::SelfProve, 0), Default::default());
        let effects = step(&mut state, Event::Received { plan: worked.plan.clone() }, NOW);
        assert_eq!(effects, [Effect::Notify { block, rung: Rung::Queued }]);
        store
            .save(state.records(), &[(block, NOW, Rung::Queued), (block, 6, Rung::Bidding { height: 1 })], &[])
            .expect("saved");
        assert_eq!(store.prepare(1, block, made).expect("prepared"), made());
        store.add_proofs(1, block, &[vec![1], vec![2]]).expect("stored");
        state.records().clone()
    };
    let store = Store::open(&path, &owner).expect("opened");
    assert_eq!(store.records().expect("readable"), Some(records));
    assert_eq!((store.file(block), store.worked(block)).0.expect("readable"), Some(bytes));
    assert_eq!(store.worked(block).expect("readable"), Some(worked));
    let rungs = store.rungs(block, 0).expect("readable");
    assert_eq!((rungs.len(), rungs[0].number, rungs[1].at_ms), (2, 1, 6));
    assert_eq!(store.rungs(block, 1).expect("readable"), rungs[1..]);
    assert_eq!(store.last_rung(block).expect("readable").as_ref(), rungs.last());
    let other = || Prepared { salt: Hash::ZERO, ..made() };
    assert_eq!(store.prepare(1, block, other).expect("prepared"), made(), "the salt is drawn once");
    assert_eq!(store.proof(1, block, 1).expect("readable"), Some(vec![2]));
    let records = store.records().expect("readable").expect("saved");
    store.save(&records, &[], &[2]).expect("another height's");
    assert!(store.proof(1, block, 1).expect("readable").is_some());
    store.save(&records, &[], &[1]).expect("forgotten");
    assert_eq!(store.proof(1, block, 1).expect("readable"), None);
    assert_eq!(store.prepared(1, block).expect("readable"), None);
    assert!(store.file(block).expect("readable").is_some(), "the block stays");
}

#[test]
fn files_of_blocks_that_are_through_are_dropped_after_their_time() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(&dir.path().join("state.sqlite"), "owner").expect("made");
    let (bytes, worked) = file();
    let block = worked.plan.id;
    let state = State::new(policy(Persona::SelfProve, 0), Default::default());
    let reach = |at_ms, rung| store.save(state.records(), &[(block, at_ms, rung)], &[]).expect("saved");
    store.add_block(&bytes, &worked).expect("added");
    reach(10, Rung::Queued);
    assert_eq!(store.drop_files(1_000).expect("looked"), 0, "it is not through");
    reach(20, Rung::Finalized { height: 1 });
    assert_eq!(store.drop_files(20).expect("looked"), 0, "not yet");
    assert_eq!(store.drop_files(21).expect("looked"), 1);
    assert_eq!(store.drop_files(21).expect("looked"), 0, "once");
    assert_eq!(store.file(block).expect("readable"), None);
    assert_eq!(store.worked(block).expect("readable").as_ref(), Some(&worked), "the rest stays");
    store.add_block(&bytes, &worked).expect("handed in again");
    assert_eq!(store.file(block).expect("readable"), Some(bytes));
}

#[test]
fn a_second_process_and_a_strange_file_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("state.sqlite");
    let open = |owner: &str| Store::open(&path, owner);
    let first = open("one").expect("made");
    for name in ["state.sqlite", "state.sqlite-wal"] {
        let mode = fs::metadata(dir.path().join(name)).expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} is for its owner only");
    }
    assert!(matches!(open("one"), Err(StoreError::InUse { .. })));
    drop(first);
    assert!(matches!(open("two"), Err(StoreError::Foreign { .. })));
    drop(open("one").expect("its own"));
    fs::write(&path, vec![7; 10_000]).expect("writable");
    // The log of the former database is no part of this one.
    for more in ["state.sqlite-wal", "state.sqlite-shm"] {
        let _ = fs::remove_file(dir.path().join(more));
    }
    assert!(matches!(open("one"), Err(StoreError::Foreign { .. })));
    assert!(matches!(Store::open(dir.path(), "one"), Err(StoreError::Open { .. })));
}
