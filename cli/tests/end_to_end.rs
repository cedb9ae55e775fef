//! The command as a user runs it: a small block proven, verified, and accepted by the contract on a real anvil.

mod common;

use std::{fs, path::Path};

use common::{Anvil, last_line, proofyard, text};
use serde_json::Value;

/// Rows of the small block: one transfer a subtree.
const ROWS_LOG2: u32 = 12;
const SUBTREES: usize = 4;

#[test]
fn a_block_is_proven_verified_and_accepted_by_the_contract_on_anvil() {
    let folder = tempfile::tempdir().unwrap();
    let (block, proof, dir) =
        (folder.path().join("block.bin"), folder.path().join("block.proof"), folder.path().join("setup"));
    let made = last_line(&proofyard(&[
        "--json",
        "block",
        "generate",
        "--transfers",
        "4",
        "--seed",
        "7",
        "--out",
        text(&block),
    ]));
    assert_eq!(made["transfers"], 4);
    let shown = last_line(&proofyard(&["--json", "block", "show", text(&block)]));
    assert_eq!(shown, made);

    let arguments = ["--json", "prove", text(&block), "--out", text(&proof), "--subtrees", "4", "--dir", text(&dir)];
    let proved = last_line(&proofyard(&arguments));
    for key in [
        "transfers",
        "subtrees",
        "rows_per_subtree",
        "workers",
        "bus",
        "seconds",
        "transfers_per_second",
        "proof_bytes",
        "proof_sha256",
        "start_root",
        "end_root",
        "data_hash",
        "fees",
        "verified",
        "verify_gas",
        "peak_rss_bytes",
    ] {
        assert!(!proved[key].is_null(), "{key}");
    }
    assert_eq!((&proved["end_root"], &proved["fees"]), (&shown["end_root"], &shown["fees"]));
    assert_eq!(proved["rows_per_subtree"], 1 << ROWS_LOG2);
    let verified = last_line(&proofyard(&[
        "--json",
        "verify",
        text(&proof),
        "--block",
        text(&block),
        "--evm",
        "--dir",
        text(&dir),
    ]));
    assert_eq!((&verified["verified"], &verified["verify_gas"]), (&Value::Bool(true), &proved["verify_gas"]));

    // The same bytes on a real node.
    let anvil = Anvil::start();
    anvil.deploy_verifier(&dir, ROWS_LOG2, SUBTREES);
    let receipt = anvil.verify(&block, &proof, [0; 20]);
    assert_eq!(receipt["status"], "0x1", "{receipt}");
    // Bound to its beneficiary: the copied proof reverts for another one.
    let receipt = anvil.verify(&block, &proof, [0x33; 20]);
    assert_eq!(receipt["status"], "0x0", "{receipt}");
}

#[test]
fn exit_codes_tell_what_went_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let block = folder.path().join("block.bin");
    last_line(&proofyard(&["--json", "block", "generate", "--transfers", "3", "--out", text(&block)]));
    let missing = folder.path().join("missing.bin");
    let proof = folder.path().join("block.proof");
    let prove = |file: &Path, subtrees: &str| {
        let arguments = ["prove", text(file), "--out", text(&proof), "--subtrees", subtrees];
        proofyard(&arguments).status.code()
    };
    assert_eq!(prove(&block, "3"), Some(2), "3 is no power of two");
    assert_eq!(prove(&missing, "1"), Some(5));
    let mut bytes = fs::read(&block).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&block, &bytes).unwrap();
    let refused = proofyard(&["block", "show", text(&block)]);
    assert_eq!(refused.status.code(), Some(3));
    let reason = String::from_utf8_lossy(&refused.stderr);
    assert!(reason.contains("[PY-"), "{reason}");
    assert_eq!(proofyard(&["prove"]).status.code(), Some(2));
    assert!(!proof.exists());
}
