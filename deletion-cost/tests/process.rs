//! The process as it is deployed: it reads its file, asks the coordinator, writes annotations, shows its health, ends when told.

mod api;

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use api::{TOKEN, served};
use axum::{Json, Router, routing::get};
use proofyard_coordinator_client::{Health, WorkerStatus};
use proofyard_deletion_cost::cluster::ANNOTATION;
use serde_json::{Value, json};

/// What the slowest machine needs for anything that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Killed with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already is as good as killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !look().await {
        assert!(started.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn worker(name: &str, jobs: u32) -> WorkerStatus {
    WorkerStatus {
        worker: name.to_owned(),
        live: true,
        heard_ms: 0,
        draining: false,
        device: "cpu".to_owned(),
        jobs,
        capacity: 2,
        sessions: 0,
        cpu_permille: 0,
        rss_bytes: 0,
        peak_rss_bytes: 0,
        memory_total_bytes: 0,
    }
}

/// A coordinator's answer, with the workers that the test names.
async fn coordinator(workers: Arc<Mutex<Vec<WorkerStatus>>>) -> String {
    let health = move || {
        let workers = workers.lock().expect("no panic").clone();
        let (status, key_digest) = ("ok".to_owned(), "0".repeat(64));
        std::future::ready(Json(Health { status, epoch: 1, insecure_setup: false, key_digest, blocks: 0, workers }))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/healthz", get(health))).await });
    format!("http://{address}")
}

#[tokio::test]
async fn what_workers_do_becomes_what_their_pods_cost() {
    let folder = tempfile::tempdir().expect("a folder");
    let (known, cluster) = served(folder.path()).await;
    for name in ["north", "south", "unheard"] {
        known.lock().expect("no panic").pods.insert(name.to_owned(), (json!({}), false));
    }
    let workers = Arc::new(Mutex::new(vec![worker("north", 2), worker("south", 0)]));
    let coordinator = coordinator(workers.clone()).await;
    let config = folder.path().join("deletion-cost.toml");
    let text = format!(
        "coordinator = {coordinator:?}\nevery_ms = 100\n[cluster]\napi = {:?}\naccount_dir = {:?}\n[operations]\nlisten = \"127.0.0.1:0\"\n",
        cluster.api, cluster.account_dir
    );
    fs::write(&config, text).expect("written");
    let mut child = Command::new(env!("CARGO_BIN_EXE_proofyard-deletion-cost"))
        .arg("--config")
        .arg(&config)
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("its log")).lines().map_while(Result::ok);
    let mut process = Process(child);
    let line = lines.find(|line| line.contains("metrics and health")).expect("it says where it listens");
    let address = line.rsplit("address=").next().expect("an address").trim().to_owned();
    std::thread::spawn(move || lines.for_each(|line| eprintln!("{line}")));

    // Only what differs is written: a pod without annotation costs nothing already.
    let written = || {
        let known = known.lock().expect("no panic");
        let cost = |body: &Value| body["metadata"]["annotations"][ANNOTATION].as_str().expect("a text").to_owned();
        known.patches.iter().map(|(pod, _, body)| (pod.clone(), cost(body))).collect::<Vec<_>>()
    };
    let get = async |path: &str| {
        let answer = reqwest::get(format!("http://{address}{path}")).await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a text"))
    };
    until("the busy worker's pod costs more", async || !written().is_empty()).await;
    assert_eq!(written()[0], ("north".to_owned(), "2000".to_owned()));
    until("it is ready", async || get("/readyz").await.0 == 200).await;
    assert_eq!(get("/healthz").await.0, 200);
    assert_eq!(written().len(), 1, "once is enough");
    let (_, metrics) = get("/metrics").await;
    for line in ["proofyard_deletion_cost_pods 3.0", "proofyard_deletion_cost_looks_total{outcome=\"failed\"} 0"] {
        assert!(metrics.lines().any(|found| found == line), "{line}: {metrics}");
    }
    workers.lock().expect("no panic")[1].draining = true;
    until("the draining worker goes first", async || {
        written().iter().any(|(pod, cost)| pod == "south" && cost == "-1000")
    })
    .await;
    assert!(written().iter().all(|(pod, _)| pod != "unheard"));

    // Refused by the cluster: not ready, and why; alive all the same.
    fs::write(folder.path().join("token"), "another").expect("written");
    until("it is not ready", async || get("/readyz").await.0 == 503).await;
    assert!(get("/readyz").await.1.contains("PY-D-013"), "{:?}", get("/readyz").await);
    assert_eq!(get("/healthz").await.0, 200);
    fs::write(folder.path().join("token"), TOKEN).expect("written");
    until("it is ready again", async || get("/readyz").await.0 == 200).await;

    let told = Command::new("kill").args(["-TERM", &process.0.id().to_string()]).status().expect("kill starts");
    assert!(told.success());
    let mut ended = None;
    until("it ends", async || {
        ended = process.0.try_wait().expect("its state");
        ended.is_some()
    })
    .await;
    assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
}
