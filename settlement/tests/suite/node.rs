//! A real anvil, and what it is asked.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use alloy::primitives::{Address, B256, U256, address};
use proofyard_settlement::alloy;
use proofyard_settlement::alloy::signers::local::PrivateKeySigner;
use proofyard_settlement::config::{EndpointConfig, L1Config};
use serde_json::{Value, json};

/// Wei.
pub const GWEI: u128 = 1_000_000_000;
/// The first account that anvil funds.
pub const ALICE: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
/// Its published key.
const ALICE_KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/// The second account.
pub const BOB: Address = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");
/// Counts its calls in slot 0 and writes a log with the first word of the calldata as topic.
pub const COUNTER: Address = Address::repeat_byte(0xc0);
const COUNTER_CODE: &str = "0x60015f54015f555f355f5fa100";
/// Empty calldata: gives slot 0. Any other: sets slot 0 to 1, and reverts if it is 1 already.
pub const ONCE: Address = Address::repeat_byte(0x0c);
const ONCE_CODE: &str = "0x3615600f575f5460185760015f55005b5f545f5260205ff35b5f5ffd";

/// Alice's key.
pub fn alice() -> PrivateKeySigner {
    ALICE_KEY.parse().expect("a key")
}

/// A real anvil on a free port of the loopback; ended when dropped.
pub struct Anvil {
    process: Child,
    pub url: String,
    http: reqwest::Client,
}

impl Anvil {
    /// Mines only when told. The contracts above are there.
    pub async fn start() -> Self {
        Self::start_with(&["--no-mining"]).await
    }

    pub async fn start_with(arguments: &[&str]) -> Self {
        let mut process = Command::new(program())
            .args(["--host", "127.0.0.1", "--port", "0", "--hardfork", "osaka"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask setup`", program().display()));
        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert_ne!(output.read_line(&mut line).expect("text"), 0, "anvil ended before it listened");
            if let Some((_, address)) = line.split_once("Listening on ") {
                break address.trim().to_owned();
            }
        };
        // It must never wait for a reader.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let anvil = Self { process, url: format!("http://{address}"), http: reqwest::Client::new() };
        anvil.rpc("anvil_setCode", json!([COUNTER, COUNTER_CODE])).await;
        anvil.rpc("anvil_setCode", json!([ONCE, ONCE_CODE])).await;
        anvil
    }

    /// Asks the node itself.
    pub async fn rpc(&self, method: &str, params: Value) -> Value {
        let answer = self.try_rpc(method, &params).await;
        assert!(answer.get("error").is_none(), "{method} {params}: {answer}");
        answer["result"].clone()
    }

    pub async fn try_rpc(&self, method: &str, params: &Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self.http.post(&self.url).json(&body).send().await.expect("anvil answers");
        answer.json().await.expect("JSON")
    }

    pub async fn mine(&self, blocks: u64) {
        for _ in 0..blocks {
            self.rpc("evm_mine", json!([])).await;
        }
    }

    /// Mines one block with this base fee.
    pub async fn mine_at(&self, base_fee: u128) {
        self.rpc("anvil_setNextBlockBaseFeePerGas", json!([format!("{base_fee:#x}")])).await;
        self.mine(1).await;
    }

    pub async fn head(&self) -> u64 {
        number(&self.rpc("eth_blockNumber", json!([])).await)
    }

    pub async fn hash(&self, block: u64) -> B256 {
        let block = self.rpc("eth_getBlockByNumber", json!([format!("{block:#x}"), false])).await;
        serde_json::from_value(block["hash"].clone()).expect("a hash")
    }

    /// Takes the newest blocks back; their transactions are gone.
    pub async fn reorg(&self, depth: u64) {
        self.rpc("anvil_reorg", json!([depth, []])).await;
    }

    /// Slot 0 of a contract.
    pub async fn slot(&self, contract: Address) -> u64 {
        let word = self.rpc("eth_getStorageAt", json!([contract, "0x0", "latest"])).await;
        let word: U256 = serde_json::from_value(word).expect("a word");
        word.to()
    }

    pub async fn nonce(&self, account: Address) -> u64 {
        number(&self.rpc("eth_getTransactionCount", json!([account, "latest"])).await)
    }

    /// Kills it, as a machine that dies.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn number(quantity: &Value) -> u64 {
    let text = quantity.as_str().expect("a quantity");
    u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("hexadecimal")
}

fn program() -> PathBuf {
    let path = std::env::var_os("PROOFYARD_ANVIL")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin/anvil"), PathBuf::from);
    assert!(path.exists(), "{} is missing: run `cargo xtask setup`", path.display());
    path
}

/// A configuration for tests: quick polls, finality 6.
pub fn config(urls: &[&str]) -> L1Config {
    let mut config = L1Config {
        endpoints: urls.iter().map(|url| EndpointConfig::url(*url)).collect(),
        poll_interval_ms: 250,
        request_timeout_ms: 10_000,
        set_aside_ms: 60_000,
        finality_depth: 6,
        ..L1Config::default()
    };
    config.watcher.window_blocks = 16;
    config
}
