//! The command as a user runs it, and a real Ethereum node.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use proofyard_contracts::{KEY_WORDS, address::DEFAULT_ADDRESS, calldata};
use proofyard_embedded_farm::coordinator::{SetupSource, Setups};
use proofyard_proof_system::codec::scalar_bytes;
use proofyard_rollup::{block::Block, executor};
use serde_json::Value;

pub fn proofyard(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the command starts")
}

/// The command, without what the variables of whoever runs the tests say.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofyard"));
    command.args(arguments).env_remove("PROOFYARD_COORDINATOR").env_remove("PROOFYARD_OPERATOR_TOKEN");
    command
}

/// An address of the loopback that nobody listens on now.
pub fn free_address() -> String {
    let bound = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    bound.expect("a free port").to_string()
}

/// Asks again until the answer is there, for up to two minutes.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "{what} did not happen within two minutes");
        sleep(Duration::from_millis(100));
    }
}

/// A long-running process; killed when dropped.
pub struct Process(Child);

impl Process {
    /// A subcommand of the command.
    pub fn start(arguments: &[&str]) -> Self {
        Self::spawn(command(arguments).stdout(Stdio::null()))
    }

    /// Any program.
    pub fn spawn(command: &mut Command) -> Self {
        Self(command.spawn().expect("the command starts"))
    }

    /// What it writes to standard error, which must have been piped.
    pub fn errors(&mut self) -> ChildStderr {
        self.0.stderr.take().expect("its errors are piped")
    }

    /// Whether it has ended, and how.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("its state")
    }

    /// Tells it to end, and waits until it has.
    pub fn end(mut self) -> ExitStatus {
        let told = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().expect("kill starts");
        assert!(told.success());
        until("the end of a process", || self.ended())
    }

    /// Ends it with SIGKILL.
    pub fn kill(&mut self) {
        // One that has ended already is as good as killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}

pub fn last_line(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(printed.lines().last().expect("a result line")).expect("the last line is JSON")
}

/// Setups kept between runs: they take a while to make and never change.
pub fn setup_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("setup")
}

/// A tool that `cargo xtask setup` brings.
pub fn tool(variable: &str, name: &str) -> PathBuf {
    let path = std::env::var_os(variable)
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin").join(name), PathBuf::from);
    assert!(path.exists(), "{} is missing: run `cargo xtask setup`", path.display());
    path
}

/// A real anvil on a free port of the loopback; ended when dropped.
pub struct Anvil {
    process: Child,
    url: String,
}

impl Anvil {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more arguments.
    pub fn start_with(arguments: &[&str]) -> Self {
        let process = Command::new(tool("PROOFYARD_ANVIL", "anvil"))
            .args(["--host", "127.0.0.1", "--port", "0", "--hardfork", "osaka"])
            .args(arguments)
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

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes so many blocks.
    pub fn mine(&self, blocks: u64) {
        self.call(&["anvil_mine", &format!("{blocks:#x}")]);
    }

    /// Calls a method of its JSON-RPC.
    pub fn call(&self, arguments: &[&str]) {
        let output = Command::new(tool("PROOFYARD_CAST", "cast"))
            .args(["rpc", "--rpc-url", &self.url])
            .args(arguments)
            .output()
            .expect("cast starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Sends a transaction from the node's first account; its receipt.
    pub fn send(&self, arguments: &[&str]) -> Value {
        let output = Command::new(tool("PROOFYARD_CAST", "cast"))
            .args(["send", "--json", "--rpc-url", &self.url, "--unlocked", "--gas-limit", "15000000"])
            .args(["--from", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"])
            .args(arguments)
            .output()
            .expect("cast starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("a receipt")
    }

    /// Deploys the verifier for a size class of the developers' setup at the address that proofs name by default.
    pub fn deploy_verifier(&self, dir: &Path, rows_log2: u32, subtrees: usize) {
        let setups = Setups::new(SetupSource::Insecure { dir: dir.to_owned() }, rows_log2).expect("a setup");
        let key = setups.get(subtrees, &|_, _, _| {}).expect("keys").verifying_key().encode();
        let mut words = [[0; 32]; KEY_WORDS];
        for (word, chunk) in words.iter_mut().zip(key.chunks_exact(32)) {
            word.copy_from_slice(chunk);
        }
        let deployed = self.send(&["--create", &format!("0x{}", hex::encode(calldata::deployment(&words)))]);
        assert_eq!(deployed["contractAddress"].as_str().map(str::to_lowercase), Some(verifier()));
    }

    /// Sends a block's root proof to the verifier as a careful sender does, with the answer to `hints` behind it; the receipt.
    pub fn verify(&self, block: &Path, proof: &Path, beneficiary: [u8; 20]) -> Value {
        let block = Block::decode(&fs::read(block).expect("a block file")).expect("a block");
        let executed = executor::execute(&block).expect("a good block");
        let words_of = |baton: [_; 3]| baton.map(|value| scalar_bytes(&value));
        let (start, end) = (words_of(executed.start.to_array()), words_of(executed.end.to_array()));
        let bytes = fs::read(proof).expect("a proof file");
        let hints = self.ask(&calldata::hints(&start, &end, beneficiary, &bytes));
        let call = calldata::with_hints(calldata::verify(&start, &end, beneficiary, &bytes), &hints);
        self.send(&[&verifier(), &format!("0x{}", hex::encode(call))])
    }

    /// What the verifier answers to a call.
    fn ask(&self, call: &[u8]) -> Vec<u8> {
        let output = Command::new(tool("PROOFYARD_CAST", "cast"))
            .args(["call", "--rpc-url", &self.url, &verifier(), &format!("0x{}", hex::encode(call))])
            .output()
            .expect("cast starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("text");
        hex::decode(text.trim().trim_start_matches("0x")).expect("hexadecimal")
    }
}

fn verifier() -> String {
    format!("0x{}", hex::encode(DEFAULT_ADDRESS))
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // A process that has ended already is as good as killed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
