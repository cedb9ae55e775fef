//! The command as a user runs it: a small block proven, verified, and accepted by the contract on a real anvil.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use proofyard_contracts::{KEY_WORDS, address::DEFAULT_ADDRESS, calldata};
use proofyard_embedded_farm::coordinator::{SetupSource, Setups};
use proofyard_proof_system::codec::scalar_bytes;
use proofyard_rollup::{block::Block, executor};
use serde_json::Value;

/// Rows of the small block: one transfer a subtree.
const ROWS_LOG2: u32 = 12;
const SUBTREES: usize = 4;

fn proofyard(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proofyard")).args(arguments).output().expect("the command starts")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}

fn last_line(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(printed.lines().last().expect("a result line")).expect("the last line is JSON")
}

/// A tool that `cargo xtask setup` brings.
fn tool(variable: &str, name: &str) -> PathBuf {
    let path = std::env::var_os(variable)
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin").join(name), PathBuf::from);
    assert!(path.exists(), "{} is missing: run `cargo xtask setup`", path.display());
    path
}

/// A real anvil on a free port of the loopback; ended when dropped.
struct Anvil {
    process: Child,
    url: String,
}

impl Anvil {
    fn start() -> Self {
        let process = Command::new(tool("PROOFYARD_ANVIL", "anvil"))
            .args(["--host", "127.0.0.1", "--port", "0", "--hardfork", "osaka"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("anvil starts");
        let mut anvil = Self { process, url: String::new() };
        let lines = BufReader::new(anvil.process.stdout.take().expect("its output")).lines();
        for line in lines.map_while(Result::ok) {
            if let Some((_, address)) = line.split_once("Listening on ") {
                anvil.url = format!("http://{}", address.trim());
                return anvil;
            }
        }
        panic!("anvil ended before it listened");
    }

    /// Sends a transaction from the node's first account; its receipt.
    fn send(&self, arguments: &[&str]) -> Value {
        let output = Command::new(tool("PROOFYARD_CAST", "cast"))
            .args(["send", "--json", "--rpc-url", &self.url, "--unlocked", "--gas-limit", "15000000"])
            .args(["--from", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"])
            .args(arguments)
            .output()
            .expect("cast starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("a receipt")
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // A process that has ended already is as good as killed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

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
    let setups = Setups::new(SetupSource::Insecure { dir: dir.clone() }, ROWS_LOG2).unwrap();
    let key = setups.get(SUBTREES, &|_, _, _| {}).unwrap().verifying_key().encode();
    let mut words = [[0; 32]; KEY_WORDS];
    for (word, chunk) in words.iter_mut().zip(key.chunks_exact(32)) {
        word.copy_from_slice(chunk);
    }
    let anvil = Anvil::start();
    let deployed = anvil.send(&["--create", &format!("0x{}", hex::encode(calldata::deployment(&words)))]);
    let address = format!("0x{}", hex::encode(DEFAULT_ADDRESS));
    assert_eq!(deployed["contractAddress"].as_str().map(str::to_lowercase), Some(address.clone()));

    let executed = executor::execute(&Block::decode(&fs::read(&block).unwrap()).unwrap()).unwrap();
    let words_of = |baton: [_; 3]| baton.map(|value| scalar_bytes(&value));
    let (start, end) = (words_of(executed.start.to_array()), words_of(executed.end.to_array()));
    let bytes = fs::read(&proof).unwrap();
    let call =
        |beneficiary: [u8; 20]| format!("0x{}", hex::encode(calldata::verify(&start, &end, beneficiary, &bytes)));
    let receipt = anvil.send(&[&address, &call([0; 20])]);
    assert_eq!(receipt["status"], "0x1", "{receipt}");
    // Bound to its beneficiary: the copied proof reverts for another one.
    let receipt = anvil.send(&[&address, &call([0x33; 20])]);
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
