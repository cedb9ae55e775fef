//! Two real Ethereum blocks, 297 transfers, from their CSV to a root proof that the contract accepts on a real anvil; proven
//! by two worker processes over a real NATS server. It takes minutes and is not part of `cargo xtask test`:
//!
//! `cargo test --release -p proofyard-cli --test real_blocks -- --ignored --nocapture`

mod common;
#[path = "../../bus/tests/common/mod.rs"]
mod nats;

use std::path::Path;

use common::{Anvil, last_line, proofyard, text};

const ROWS_LOG2: u32 = 16;
const SUBTREES: usize = 16;

#[test]
#[ignore = "takes minutes; run by name"]
fn two_real_blocks_are_accepted_on_anvil() {
    let csv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/ethereum-mainnet-17173049-17173050.csv");
    let folder = tempfile::tempdir().unwrap();
    let (block, proof) = (folder.path().join("real.bin"), folder.path().join("real.proof"));
    // Kept between runs: the setup takes longer to make than the proof.
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("setup");
    let imported = last_line(&proofyard(&["--json", "block", "import", text(&csv), "--out", text(&block)]));
    assert_eq!(imported["transfers"], 297);

    let server = nats::NatsServer::start();
    let subtrees = SUBTREES.to_string();
    let proved = last_line(&proofyard(&[
        "--json",
        "prove",
        text(&block),
        "--out",
        text(&proof),
        "--subtrees",
        &subtrees,
        "--workers",
        "2",
        "--bus",
        &server.url(),
        "--dir",
        text(&dir),
    ]));
    println!("{proved}");
    assert_eq!((&proved["verified"], &proved["rows_per_subtree"]), (&true.into(), &(1u64 << ROWS_LOG2).into()));

    let anvil = Anvil::start();
    anvil.deploy_verifier(&dir, ROWS_LOG2, SUBTREES);
    let receipt = anvil.verify(&block, &proof, [0; 20]);
    let gas = receipt["gasUsed"].as_str().and_then(|gas| u64::from_str_radix(gas.trim_start_matches("0x"), 16).ok());
    println!("on anvil: status {}, {} gas", receipt["status"], gas.expect("gas"));
    assert_eq!(gas, proved["verify_gas"].as_u64(), "anvil and revm count the same");
    assert_eq!(receipt["status"], "0x1", "{receipt}");
    let copied = anvil.verify(&block, &proof, [0x33; 20]);
    assert_eq!(copied["status"], "0x0", "{copied}");
}
