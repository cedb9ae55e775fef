//! Everything real: contracts on anvil, the sidecar with its endpoint and its file, its own farm. A block of two transfers from its file
//! to a proven height, over the sudden end of the process in the middle.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use proofyard_embedded_farm::coordinator::{SetupSource, Setups, rollup::generate};
use proofyard_settlement::{
    alloy::{
        primitives::{Address, U256},
        signers::local::PrivateKeySigner,
    },
    config::{EndpointConfig, L1Config},
    contracts::{KEY_WORDS, bls::SecretKey},
    rpc::Rpc,
    sidecar_client::{DeployPlan, SidecarClient, VerifyingKey, calls, deploy},
    signer::{Key, SignerConfig},
};
use proofyard_sidecar::{Sidecar, StartError, StoreError, blocks, config::Config};
use serde_json::{Value, json};

const ROWS_LOG2: u32 = 12;
const TRANSFERS: usize = 2;
/// Time is no part of what is shown here; a machine may be slow.
const PATIENCE: Duration = Duration::from_secs(560);
/// Published key of anvil's first account.
const DEPLOYER: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

struct Anvil {
    process: Child,
    url: String,
    http: reqwest::Client,
}

impl Anvil {
    /// A real anvil on a free port of the loopback, a block a second.
    fn start() -> Self {
        let program = std::env::var_os("PROOFYARD_ANVIL")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin/anvil"), PathBuf::from);
        let mut process = Command::new(&program)
            .args(["--host", "127.0.0.1", "--port", "0", "--hardfork", "osaka", "--block-time", "1"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask setup`", program.display()));
        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        let mut line = String::new();
        let url = loop {
            line.clear();
            assert_ne!(output.read_line(&mut line).expect("text"), 0, "anvil ended before it listened");
            if let Some((_, address)) = line.split_once("Listening on ") {
                break format!("http://{}", address.trim());
            }
        };
        // It must never wait for a reader.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Self { process, url, http: reqwest::Client::new() }
    }

    async fn rpc(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer: Value =
            self.http.post(&self.url).json(&body).send().await.expect("anvil answers").json().await.expect("JSON");
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // A process that has ended already is as good as killed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Kept between runs: the setup takes a while to make and never changes.
fn setup_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("setup")
}

fn verifying_key() -> VerifyingKey {
    let setups = Setups::new(SetupSource::Insecure { dir: setup_dir() }, ROWS_LOG2).expect("a setup");
    let key = setups.get(TRANSFERS, &|_, _, _| ()).expect("keys").verifying_key().encode();
    let mut words = [[0; 32]; KEY_WORDS];
    words.iter_mut().zip(key.chunks_exact(32)).for_each(|(word, chunk)| word.copy_from_slice(chunk));
    VerifyingKey { rows_log2: ROWS_LOG2, words, subtrees_per_group: vec![1, 2] }
}

async fn start(config: &Config) -> Sidecar {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        match Sidecar::start(config, true).await {
            Ok(sidecar) => return sidecar,
            // The tasks of the one before are still ending.
            Err(StartError::Store(StoreError::InUse { .. })) if Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

async fn status(sidecar: &Sidecar, id: &str) -> Value {
    let url = format!("http://{}/v1/blocks/{id}", sidecar.address());
    reqwest::get(url).await.expect("an answer").json().await.expect("JSON")
}

/// Waits until a block has reached one of the rungs; its events so far come with it.
async fn reached(sidecar: &Sidecar, id: &str, rungs: &[&str]) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let status = status(sidecar, id).await;
        let rung = status["last"]["rung"].as_str().unwrap_or_default().to_owned();
        if rungs.contains(&rung.as_str()) {
            return status;
        }
        assert!(rung != "handed_back" && Instant::now() < until, "{status}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_self_proven_from_file_to_proven_height_over_a_crash() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let file = generate::block(TRANSFERS, 7).expect("a block").encode();
    let classes = blocks::Classes { rows_log2: ROWS_LOG2, groups: 1, subtrees_per_group: vec![1, 2] };
    let worked = blocks::read(&file, &classes).expect("it executes");
    let genesis = [worked.start[0], worked.start[1]].map(|word| U256::from_be_bytes(word.0));

    let anvil = Anvil::start();
    let l1 = L1Config {
        endpoints: vec![EndpointConfig::url(anvil.url.clone())],
        poll_interval_ms: 200,
        finality_depth: 3,
        ..L1Config::default()
    };
    let rpc = Rpc::connect(&l1).expect("a configuration");
    let sequencer = PrivateKeySigner::from_slice(&[0x51; 32]).expect("a key");
    let unit = U256::from(10).pow(U256::from(18));
    let plan = DeployPlan {
        keys: vec![verifying_key()],
        genesis,
        // Long enough for the slowest machine; an early proof ends it.
        phases: [4, 2, 4, 500, 10],
        deposit_funds: vec![(sequencer.address(), unit * U256::from(500))],
        ..DeployPlan::default()
    };
    let deployer = Key::local(DEPLOYER.parse().expect("a key"));
    let deployment = deploy(&rpc, &deployer, &plan).await.expect("deployed");
    let client = SidecarClient::new(rpc.clone(), deployment.clone());
    fs::write(at("deployment.toml"), deployment.to_toml().expect("TOML")).expect("written");

    let account: Address = sequencer.address();
    anvil.rpc("anvil_setBalance", json!([account, unit * U256::from(100)])).await;
    anvil.rpc("anvil_impersonateAccount", json!([account])).await;
    let vrf = SecretKey::from_seed(&[9; 32]);
    let possession = vrf.possession(deployment.chain_id, deployment.sequencers, account);
    let register = calls::register(vrf.public_key(), possession);
    anvil.rpc("eth_sendTransaction", json!([{"from": account, "to": deployment.sequencers, "data": register}])).await;
    let digits = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    fs::write(at("vrf.key"), digits(&vrf.to_bytes())).expect("written");
    fs::write(at("sequencer.key"), digits(&[0x51; 32])).expect("written");

    let mut config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        state: at("sidecar.sqlite"),
        deployment: at("deployment.toml"),
        vrf_key_file: at("vrf.key"),
        signer: SignerConfig { key_file: Some(at("sequencer.key")), ..SignerConfig::default() },
        l1,
        ..Config::default()
    };
    config.block.rows_log2 = ROWS_LOG2;
    config.farm.setup_dir = setup_dir();
    config.waiting.block_ms = 1_000;
    // The key is active two blocks after its registration.
    let registered = anvil.rpc("eth_blockNumber", json!([])).await;
    let number = |value: &Value| u64::from_str_radix(value.as_str().unwrap_or("0x0").trim_start_matches("0x"), 16);
    while number(&anvil.rpc("eth_blockNumber", json!([])).await) < number(&registered).map(|number| number + 4) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    let sidecar = start(&config).await;
    let blocks_url = format!("http://{}/v1/blocks", sidecar.address());
    let http = reqwest::Client::new();
    let refused = http.post(&blocks_url).body(file[..file.len() - 1].to_vec()).send().await.expect("an answer");
    assert_eq!(refused.status(), 422);
    let error: Value = refused.json().await.expect("JSON");
    assert_eq!(error["code"], "PY-B-003");
    let mut id = String::new();
    for _ in 0..2 {
        let taken = http.post(&blocks_url).body(file.clone()).send().await.expect("an answer");
        assert_eq!(taken.status(), 202);
        let accepted: Value = taken.json().await.expect("JSON");
        id = accepted["id"].as_str().expect("an id").to_owned();
    }
    assert_eq!(id, worked.plan.id.to_string()[2..]);
    let hidden = reqwest::get(format!("{blocks_url}/{id}/file")).await.expect("an answer");
    assert_eq!(hidden.status(), 404, "not before the reveal");

    reached(&sidecar, &id, &["revealed", "committed"]).await;
    drop(sidecar);
    let sidecar = start(&config).await;
    let shown = reqwest::get(format!("http://{}/v1/blocks/{id}/file", sidecar.address())).await.expect("an answer");
    assert_eq!(shown.bytes().await.expect("bytes"), file);
    reached(&sidecar, &id, &["finalized"]).await;

    let (height, end) = client.proven_head().await.expect("an answer");
    assert_eq!(height, 1);
    assert_eq!(end[0], U256::from_be_bytes(worked.plan.end.root.0));
    // The ladder as a reader sees it, from the first rung on; the stream ends with the last.
    let events = reqwest::get(format!("http://{}/v1/blocks/{id}/events", sidecar.address())).await.expect("a stream");
    let events = events.text().await.expect("text");
    let mut rungs: Vec<String> = events
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str::<Value>(data).expect("JSON")["rung"].as_str().expect("a rung").to_owned())
        .collect();
    rungs.dedup();
    let expected = ["queued", "mempool", "proposed", "revealed", "committed", "proving", "verified", "finalized"];
    assert_eq!(rungs, expected, "{events}");
    // The deposit comes back and is drawn.
    let until = Instant::now() + PATIENCE;
    let all = unit * U256::from(500);
    while client.balance(deployment.deposit_token, account).await.expect("an answer") != all {
        assert!(Instant::now() < until, "the deposit is not back");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let stopping = Instant::now();
    sidecar.stop().await;
    assert!(stopping.elapsed() < Duration::from_secs(10));
}
