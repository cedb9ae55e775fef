//! A real Prometheus scrapes a real coordinator and a real worker that prove a block over a real NATS server.

mod catalogue;
mod common;
#[path = "../../bus/tests/common/mod.rs"]
mod nats;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use catalogue::{is_documented, series};
use common::{Process, command, last_line, proofyard, setup_dir, text, tool, until};
use serde_json::Value;

fn get(url: &str) -> Option<(u16, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let answer = reqwest::get(url).await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    })
}

/// So long a process may take to say where it listens.
const PATIENCE: Duration = Duration::from_secs(180);

/// What a process writes to standard error, line by line; it is shown, too.
struct Said(Receiver<String>);

impl Said {
    fn listen(process: &mut Process) -> Self {
        let lines = BufReader::new(process.errors()).lines();
        let (said, heard) = channel();
        // Until the process ends: a full pipe would stop it.
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                eprintln!("{line}");
                let _ = said.send(line);
            }
        });
        Self(heard)
    }

    /// The address in the next line that holds `words`.
    fn address(&self, words: &str) -> String {
        loop {
            let line = self.0.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("it does not say {words}"));
            let at = line.find("127.0.0.1:").filter(|_| line.contains(words));
            if let Some(rest) = at.map(|at| &line[at..]) {
                let end = rest.find(|next: char| !next.is_ascii_digit() && !".:".contains(next));
                return rest[..end.unwrap_or(rest.len())].to_owned();
            }
        }
    }
}

fn start(kind: &str, folder: &Path, config: &str, more: &[&str]) -> (Process, Said) {
    let path = folder.join(format!("{kind}.toml"));
    fs::write(&path, config).expect("written");
    let mut command = command(&[kind, "--config", text(&path)]);
    let mut process = Process::spawn(command.args(more).stdout(Stdio::null()).stderr(Stdio::piped()));
    let said = Said::listen(&mut process);
    (process, said)
}

/// A Prometheus with the rules of the repository.
struct Prometheus {
    _process: Process,
    url: String,
}

impl Prometheus {
    fn start(folder: &Path, targets: &[(&str, &str)]) -> Self {
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/monitoring/rules.yaml");
        let rules = rules.canonicalize().expect("the rules");
        let mut config = format!(
            "global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }}\nrule_files: [{:?}]\nscrape_configs:\n",
            text(&rules)
        );
        for (job, target) in targets {
            config += &format!("  - {{ job_name: {job}, static_configs: [{{ targets: [{target:?}] }}] }}\n");
        }
        let path = folder.join("prometheus.yaml");
        fs::write(&path, config).expect("written");
        let mut command = Command::new(tool("PROOFYARD_PROMETHEUS", "prometheus"));
        command
            .arg(format!("--config.file={}", text(&path)))
            .arg(format!("--storage.tsdb.path={}", text(&folder.join("series"))))
            .args(["--web.listen-address=127.0.0.1:0", "--log.level=info"]);
        let mut process = Process::spawn(command.stderr(Stdio::piped()));
        let address = Said::listen(&mut process).address("Listening on");
        let prometheus = Self { _process: process, url: format!("http://{address}") };
        until("Prometheus is ready", || {
            get(&format!("{}/-/ready", prometheus.url)).filter(|(status, _)| *status == 200)
        });
        prometheus
    }

    fn api(&self, path: &str) -> Value {
        let (status, body) = get(&format!("{}/api/v1/{path}", self.url)).expect("an answer");
        assert_eq!(status, 200, "{path}: {body}");
        let answer: Value = serde_json::from_str(&body).expect("JSON");
        answer["data"].clone()
    }

    /// The one value of an expression, if it has one.
    fn value(&self, expression: &str) -> Option<f64> {
        let escaped: String = expression.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let data = self.api(&format!("query?query={escaped}"));
        data["result"].get(0)?["value"][1].as_str()?.parse().ok()
    }
}

#[test]
fn a_block_is_proven_under_the_eyes_of_prometheus() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = nats::NatsServer::start();
    let setup = setup_dir();
    let common = format!(
        "[bus]\nurl = {:?}\n[operations]\nlisten = \"127.0.0.1:0\"\n[setup]\ndir = {:?}\n",
        server.url(),
        text(&setup)
    );
    let coordinator_config = format!("listen = \"127.0.0.1:0\"\n{common}rows_log2 = 12\n");
    let worker_config = format!("id = \"one\"\nthreads = 1\n[device]\nkind = \"cpu\"\n{common}");
    let (_coordinator, said) = start("coordinator", folder.path(), &coordinator_config, &["--insecure-setup"]);
    let coordinator_at = said.address("metrics and health");
    let endpoint = said.address("listening");
    let ready = |address: &str| get(&format!("http://{address}/readyz")).expect("an answer");
    assert_eq!(get(&format!("http://{coordinator_at}/healthz")).expect("an answer").0, 200);
    let (status, checks) = ready(&coordinator_at);
    assert!(status == 503 && checks.contains("0 live") && checks.contains("\"bus\",\"ok\":true"), "{checks}");

    let (mut worker, said) = start("worker", folder.path(), &worker_config, &[]);
    let worker_at = said.address("metrics and health");
    let targets = [("proofyard-coordinator", coordinator_at.as_str()), ("proofyard-worker", worker_at.as_str())];
    let prometheus = Prometheus::start(folder.path(), &targets);
    for address in [&coordinator_at, &worker_at] {
        until("it is ready", || (ready(address).0 == 200).then_some(()));
    }
    let block = folder.path().join("block.bin");
    let generated = proofyard(&["block", "generate", "--transfers", "2", "--out", text(&block)]);
    assert!(generated.status.success(), "{}", String::from_utf8_lossy(&generated.stderr));
    let coordinator_url = format!("http://{endpoint}");
    let submitted = last_line(&proofyard(&["--json", "submit", text(&block), "--coordinator", &coordinator_url]));
    assert!(submitted["id"].is_string(), "{submitted}");

    // What Prometheus has read of it.
    let is = |expression: &str, wanted: f64| {
        until(expression, || prometheus.value(expression).filter(|value| (value - wanted).abs() < 1e-9));
    };
    is("count(up == 1)", 2.0);
    is("proofyard_coordinator_blocks_total{outcome=\"proven\"}", 1.0);
    is("proofyard_coordinator_transfers_proven_total", 2.0);
    is("proofyard_coordinator_blocks_in_work", 0.0);
    is("proofyard_coordinator_workers{state=\"live\"}", 1.0);
    is("proofyard_coordinator_workers_wanted", 4.0);
    is("count(proofyard_coordinator_worker_jobs{worker=\"one\"})", 1.0);
    is("count(proofyard_coordinator_round_proving_seconds_count == 1)", 5.0);
    is("proofyard_bus_connected{job=\"proofyard-worker\"}", 1.0);
    is("proofyard_worker_info{worker=\"one\"}", 1.0);
    // Two subtrees or more, five rounds each; the witness once for each.
    let jobs = until("jobs", || {
        prometheus.value("proofyard_worker_jobs_total{outcome=\"done\"}").filter(|jobs| *jobs >= 10.0)
    });
    is("sum(proofyard_coordinator_jobs_answered_total)", jobs);
    is("proofyard_worker_phase_duration_seconds_count{phase=\"round_5\"}", jobs / 5.0);
    assert!(prometheus.value("proofyard_worker_busy_seconds_total").is_some_and(|busy| busy > 0.0));
    assert!(
        prometheus.value("process_resident_memory_bytes{job=\"proofyard-worker\"}").is_some_and(|bytes| bytes > 1e6)
    );
    is("proofyard_coordinator_lies_total{kind=\"malformed\"}", 0.0);
    assert_eq!(prometheus.value("ALERTS{alertname=\"NoWorkers\"}"), None);

    // Rules: loaded, healthy, evaluated.
    let groups = prometheus.api("rules")["groups"].as_array().cloned().expect("groups");
    let rules: Vec<Value> =
        groups.iter().flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default()).collect();
    assert!(rules.len() > 30, "{} rules", rules.len());
    for rule in &rules {
        assert!(rule["health"] == "ok" && rule["lastError"].is_null(), "{rule}");
    }
    is("count(proofyard:transfers_proven:rate5m)", 1.0);

    // The pages themselves.
    for (component, address) in [("coordinator", &coordinator_at), ("worker", &worker_at)] {
        let (_, page) = get(&format!("http://{address}/metrics")).expect("a page");
        is_documented(component, &page);
    }
    let (_, page) = get(&format!("http://{worker_at}/metrics")).expect("a page");
    let has_sample = |name: &str| series(&page).iter().any(|(found, _)| found == name);
    assert!(!has_sample("proofyard_device_temperature_celsius"), "there is no GPU here");

    // A worker that dies is seen.
    worker.kill();
    is("proofyard_coordinator_workers{state=\"silent\"}", 1.0);
    is("proofyard_coordinator_workers_lost_total", 1.0);
    is("count(proofyard_coordinator_worker_jobs) or vector(0)", 0.0);
    is("up{job=\"proofyard-worker\"}", 0.0);
    for alert in ["NoWorkers", "TargetDown"] {
        until("it becomes an alert", || prometheus.value(&format!("ALERTS{{alertname={alert:?}}}")));
    }
}
