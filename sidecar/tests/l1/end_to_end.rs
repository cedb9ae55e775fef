//! Everything real: contracts on anvil, the binary with its endpoint and its file, its own farm. A block of two transfers from its file
//! to a proven height and drawn rewards, while the process is killed again and again.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::chain::{Chain, PATIENCE, ROWS_LOG2, unit, verifying_key};
use proofyard_embedded_farm::coordinator::rollup::generate;
use proofyard_settlement::{alloy::primitives::U256, sidecar_client::DeployPlan};
use proofyard_sidecar::blocks;
use serde_json::Value;

const TRANSFERS: usize = 2;

/// The binary.
struct Process {
    child: Child,
    url: String,
    /// Where revealed files are served.
    public_url: String,
}

impl Process {
    fn start(config: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_proofyard-sidecar"))
            .arg("--config")
            .arg(config)
            .arg("--insecure-setup")
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut logs = BufReader::new(child.stderr.take().expect("its logs"));
        let (mut line, mut public_url) = (String::new(), String::new());
        let url = loop {
            line.clear();
            assert_ne!(logs.read_line(&mut line).expect("text"), 0, "it ended before it listened");
            eprint!("{line}");
            let address = line.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next());
            let url = || format!("http://{}", address.expect("an address"));
            if line.contains("serving revealed") {
                public_url = url();
            } else if line.contains("listening") {
                break url();
            }
        };
        std::thread::spawn(move || logs.lines().map_while(Result::ok).for_each(|line| eprintln!("{line}")));
        Self { child, url, public_url }
    }

    /// As the kernel does when memory is out.
    fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// SIGTERM; how it ended.
    fn terminate(mut self) -> Option<i32> {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill runs");
        assert!(told.success());
        self.child.wait().expect("it ends").code()
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        reqwest::get(format!("{}{path}", self.url)).await.expect("an answer")
    }

    async fn json(&self, path: &str) -> Value {
        self.get(path).await.json().await.expect("JSON")
    }

    /// Waits until a block has reached one of the rungs.
    async fn reached(&self, id: &str, rungs: &[&str]) {
        let until = Instant::now() + PATIENCE;
        loop {
            let status = self.json(&format!("/v1/blocks/{id}")).await;
            let rung = status["last"]["rung"].as_str().unwrap_or_default();
            if rungs.contains(&rung) {
                return;
            }
            assert!(rung != "handed_back" && Instant::now() < until, "{status}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already is as good as killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The steps of a stream of events.
async fn steps(events: reqwest::Response) -> Vec<Value> {
    let text = events.text().await.expect("text");
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_self_proven_from_file_to_drawn_rewards_while_the_process_is_killed() {
    let file = generate::block(TRANSFERS, 7).expect("a block").encode();
    let classes = blocks::Classes { rows_log2: ROWS_LOG2, groups: 1, subtrees_per_group: vec![1, 2] };
    let worked = blocks::read(&file, &classes).expect("it executes");
    let chain = Chain::start(DeployPlan {
        keys: vec![verifying_key(&[1, 2])],
        genesis: [worked.start[0], worked.start[1]].map(|word| U256::from_be_bytes(word.0)),
        // Long enough for the slowest machine; an early proof ends it.
        phases: [4, 2, 4, 500, 10],
        deposit_funds: vec![(crate::chain::key(crate::chain::SEQUENCER).address(), unit() * U256::from(500))],
        ..DeployPlan::default()
    })
    .await;
    let config = chain.at("sidecar.toml");
    let public = "public_listen = \"127.0.0.1:0\"\npublic_url = \"http://files.example:8651\"\n";
    fs::write(&config, format!("{public}{}", chain.configuration())).expect("written");

    let process = Process::start(&config);
    let http = reqwest::Client::new();
    let blocks_url = format!("{}/v1/blocks", process.url);
    let refused = http.post(&blocks_url).body(file[..file.len() - 1].to_vec()).send().await.expect("an answer");
    assert_eq!(refused.status(), 422);
    assert_eq!(refused.json::<Value>().await.expect("JSON")["code"], "PY-B-003");
    let mut id = String::new();
    for _ in 0..2 {
        let taken = http.post(&blocks_url).body(file.clone()).send().await.expect("an answer");
        assert_eq!(taken.status(), 202);
        let accepted: Value = taken.json().await.expect("JSON");
        id = accepted["id"].as_str().expect("an id").to_owned();
    }
    assert_eq!(id, worked.plan.id.to_string()[2..]);
    let file_path = format!("/v1/blocks/{id}/file");
    assert_eq!(process.get(&file_path).await.status(), 404, "not before the reveal");

    // Killed while the proposal is on its way, when it is on L1, when it is committed, and while the block is being proven.
    process.reached(&id, &["mempool", "proposed"]).await;
    process.kill();
    let process = Process::start(&config);
    process.reached(&id, &["proposed"]).await;
    process.kill();
    let process = Process::start(&config);
    process.reached(&id, &["revealed", "committed"]).await;
    process.kill();
    let process = Process::start(&config);
    assert_eq!(process.get(&file_path).await.bytes().await.expect("bytes"), file);
    // Strangers get the file and nothing else.
    let public = reqwest::get(format!("{}{file_path}", process.public_url)).await.expect("an answer");
    assert_eq!(public.bytes().await.expect("bytes"), file);
    for path in ["/v1/blocks", "/healthz", &format!("/v1/blocks/{id}")] {
        let refused = reqwest::get(format!("{}{path}", process.public_url)).await.expect("an answer");
        assert_eq!(refused.status(), 404, "{path}");
    }
    process.reached(&id, &["committed", "proving"]).await;
    process.kill();
    let process = Process::start(&config);
    process.reached(&id, &["verified", "finalized"]).await;
    process.kill();
    let process = Process::start(&config);
    process.reached(&id, &["finalized"]).await;

    let (height, end) = chain.client.proven_head().await.expect("an answer");
    assert_eq!(height, 1);
    assert_eq!(end[0], U256::from_be_bytes(worked.plan.end.root.0));
    let seen = chain.client.height_of(1).await.expect("an answer");
    assert_eq!((seen.proposals, seen.groupsProven), (1, 1));
    assert_eq!(chain.client.last_height().await.expect("an answer"), 1, "nothing was proposed twice");

    // The ladder as a reader sees it, from the first rung on; the stream ends with the last.
    let events_path = format!("/v1/blocks/{id}/events");
    let events = steps(process.get(&events_path).await).await;
    let mut rungs: Vec<&str> = events.iter().map(|step| step["rung"].as_str().expect("a rung")).collect();
    rungs.dedup();
    let expected = ["queued", "mempool", "proposed", "revealed", "committed", "proving", "verified", "finalized"];
    assert_eq!(rungs, expected, "{events:?}");
    let at = |rung: &str| events.iter().find(|step| step["rung"] == rung).and_then(|step| step["at_ms"].as_u64());
    let took = |from: &str, to: &str| at(to).zip(at(from)).map(|(to, from)| (to - from) as f64 / 1_000.0);
    println!(
        "from queued to proving {:?} s, to verified {:?} s",
        took("queued", "proving"),
        took("queued", "verified")
    );
    let last = events.len() as u64;
    let after = |seen: u64| http.get(format!("{}{events_path}", process.url)).header("Last-Event-ID", seen);
    let rest = after(last - 2).send().await.expect("an answer");
    assert_eq!(steps(rest).await.len(), 2);
    assert_eq!(after(last).send().await.expect("an answer").status(), 204, "nothing follows the last");
    let list = process.json("/v1/blocks?limit=1").await;
    assert_eq!(list["blocks"][0]["id"], id.as_str());
    assert_eq!(list["blocks"][0]["last"]["rung"], "finalized");

    // The deposit comes back; the block reward, both parts, and the submission reward are drawn.
    let until = Instant::now() + PATIENCE;
    let (deposits, rewards) = (unit() * U256::from(500), unit() * U256::from(11));
    loop {
        let deposit = chain.client.balance(chain.deployment.deposit_token, chain.sequencer).await.expect("an answer");
        let reward = chain.client.balance(chain.deployment.reward_token, chain.sequencer).await.expect("an answer");
        if (deposit, reward) == (deposits, rewards) {
            break;
        }
        assert!(Instant::now() < until, "deposits {deposit}, rewards {reward}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(process.terminate(), Some(0));
}
