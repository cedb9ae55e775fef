//! `proofyard l1` on a real chain: what an operator does before coordinator and sidecar can work there.

mod common;

use std::fs;

use common::{Anvil, last_line, proofyard, text};
use serde_json::Value;

/// Published keys of anvil's first two accounts, and the second one's address.
const OPERATOR: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const PROVER: &str = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
const ADDRESS: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

fn refused(arguments: &[&str]) -> String {
    let output = proofyard(arguments);
    assert_ne!(output.status.code(), Some(0));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn contracts_are_deployed_a_sequencer_registered_and_a_deposit_paid() {
    let anvil = Anvil::start();
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (operator, prover) = (path("operator.key"), path("prover.key"));
    fs::write(&operator, OPERATOR).expect("written");
    fs::write(&prover, PROVER).expect("written");
    let (block, deployment, vrf) = (path("block.bin"), path("deployment.toml"), path("vrf.key"));
    let generated = proofyard(&["block", "generate", "--transfers", "2", "--out", text(&block)]);
    assert!(generated.status.success(), "{}", String::from_utf8_lossy(&generated.stderr));
    let setup = common::setup_dir();
    let rpc = anvil.url();

    let deployed = last_line(&proofyard(&[
        "l1",
        "deploy",
        "--json",
        "--rpc",
        rpc,
        "--key-file",
        text(&operator),
        "--first-block",
        text(&block),
        "--rows-log2",
        "12",
        "--fund",
        ADDRESS,
        "--out",
        text(&deployment),
        "--dir",
        text(&setup),
    ]));
    assert_eq!(deployed["contracts"]["classes"].as_array().map(Vec::len), Some(9), "1 to 256 subtrees");

    let account = |command: &'static str, more: &[&str]| {
        let mut arguments = vec!["l1", command, "--json", "--rpc", rpc, "--deployment", text(&deployment)];
        arguments.extend(["--key-file", text(&prover)]);
        arguments.extend(more);
        last_line(&proofyard(&arguments))
    };
    assert_eq!(account("register", &["--vrf-key-file", text(&vrf)])["state"], "registered");
    let made = fs::read_to_string(&vrf).expect("a key was made");
    assert_eq!(account("register", &["--vrf-key-file", text(&vrf)])["state"], "was registered already");
    assert_eq!(fs::read_to_string(&vrf).expect("the key"), made, "the same key");
    assert_eq!(account("deposit", &["2.5"])["in_escrow"], "2.5");
    assert_eq!(account("deposit", &["100"])["in_escrow"], "102.5");

    let shown = proofyard(&["l1", "show", "--json", "--rpc", rpc, "--deployment", text(&deployment), ADDRESS]);
    let shown: Value = last_line(&shown);
    assert_eq!((&shown["last_height"], &shown["proven_height"]), (&0.into(), &0.into()));
    assert_eq!(shown[ADDRESS]["in_escrow"], "102.5");
    assert_eq!(shown[ADDRESS]["deposit_tokens"], "9897.5");
    assert_eq!(shown[ADDRESS]["withdrawable_eth"], "0");

    // A withdrawal backs no quotes from the moment it is announced, and is paid when its delay is over.
    let announced = account("withdraw", &["60"]);
    assert_eq!(announced["announced"], "60");
    let due = announced["available_from_block"].as_u64().expect("a block");
    let early = account("collect", &[]);
    assert_eq!((&early["from_escrow"], &early["escrow_pays_from_block"]), (&"0".into(), &due.into()));
    anvil.mine(due);
    let collected = account("collect", &[]);
    assert_eq!((&collected["from_escrow"], &collected["eth"]), (&"60".into(), &"0".into()));
    assert_eq!(account("collect", &[])["from_escrow"], "0", "once");
    let shown =
        last_line(&proofyard(&["l1", "show", "--json", "--rpc", rpc, "--deployment", text(&deployment), ADDRESS]));
    assert_eq!((&shown[ADDRESS]["in_escrow"], &shown[ADDRESS]["deposit_tokens"]), (&"42.5".into(), &"9957.5".into()));

    // What cannot work says why and what to do.
    let amount = refused(&[
        "l1",
        "deposit",
        "--rpc",
        rpc,
        "--deployment",
        text(&deployment),
        "--key-file",
        text(&prover),
        "many",
    ]);
    assert!(amount.contains("PY-X-103") && amount.contains("2.5"), "{amount}");
    let elsewhere = path("elsewhere.toml");
    let other = fs::read_to_string(&deployment).expect("the deployment").replace("chain_id = 31337", "chain_id = 1");
    fs::write(&elsewhere, other).expect("written");
    let chain = refused(&["l1", "show", "--rpc", rpc, "--deployment", text(&elsewhere)]);
    assert!(chain.contains("PY-X-102"), "{chain}");
    fs::write(&vrf, "no key").expect("written");
    let key = refused(&[
        "l1",
        "register",
        "--rpc",
        rpc,
        "--deployment",
        text(&deployment),
        "--key-file",
        text(&prover),
        "--vrf-key-file",
        text(&vrf),
    ]);
    assert!(key.contains("PY-X-104") && !key.contains(PROVER), "{key}");
    drop(anvil);
    let nobody = refused(&["l1", "show", "--rpc", "http://127.0.0.1:1", "--deployment", text(&deployment)]);
    assert!(nobody.contains("PY-X-101"), "{nobody}");
}
