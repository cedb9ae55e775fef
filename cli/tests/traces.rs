//! A block proven by real processes over a real NATS server, as a collector of OpenTelemetry and a reader of logs see it.

mod common;
#[path = "../../bus/tests/common/mod.rs"]
mod nats;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use common::{Process, command, free_address, proofyard, setup_dir, text};
use opentelemetry_proto::tonic::{collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span};
use proofyard_coordinator_client::{BlockStatus, Client, Stage, Timeouts};
use prost::Message;
use serde_json::Value;

/// Spans with the service that sent them.
type Spans = Arc<Mutex<Vec<(String, Span)>>>;

async fn take(State(spans): State<Spans>, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body).expect("OTLP");
    for of in request.resource_spans {
        let who = of.resource.iter().flat_map(|resource| &resource.attributes);
        let service = who.clone().find(|pair| pair.key == "service.name").and_then(|pair| pair.value.clone());
        let service = format!("{:?}", service.expect("a service"));
        let taken = of.scope_spans.into_iter().flat_map(|scope| scope.spans).map(|span| (service.clone(), span));
        spans.lock().expect("no panic").extend(taken);
    }
}

/// A process whose log goes into a file.
fn start(arguments: &[&str], log: &Path) -> Process {
    Process::spawn(command(arguments).stderr(fs::File::create(log).expect("a log")).stdout(Stdio::null()))
}

/// The status of a block once it has ended, however the coordinator takes to answer at first.
async fn ended(client: &Client, block: &[u8]) -> BlockStatus {
    let limit = Instant::now() + Duration::from_secs(180);
    loop {
        assert!(Instant::now() < limit, "the block has not ended");
        if let Ok(accepted) = client.submit(block.to_vec(), Some(2)).await {
            let status = client.status(accepted.id.parse().expect("an id")).await.expect("a status");
            if status.stage.is_final() {
                return status;
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_one_trace_across_coordinator_bus_and_worker_and_every_line_names_it() {
    let spans = Spans::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let collector = listener.local_addr().expect("an address");
    let routes = Router::new().route("/v1/traces", post(take)).with_state(spans.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });

    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    assert!(proofyard(&["block", "generate", "--transfers", "2", "--out", text(&at("block.bin"))]).status.success());
    let dir = setup_dir();
    let setup = ["setup", "--insecure", "--rows-log2", "12", "--subtrees", "2", "--dir", text(&dir)];
    assert!(proofyard(&setup).status.success());
    let server = nats::NatsServer::start();
    let listen = free_address();
    let common = format!(
        "[bus]\nurl = {:?}\n[log]\nformat = \"json\"\nfilter = \"info,proofyard_coordinator=debug,proofyard_worker=debug\"\n\
         [traces]\nendpoint = \"http://{collector}/v1/traces\"\n[setup]\ndir = {:?}\n",
        server.url(),
        text(&setup_dir()),
    );
    fs::write(at("coordinator.toml"), format!("listen = {listen:?}\n{common}rows_log2 = 12\n")).expect("written");
    fs::write(at("worker.toml"), format!("id = \"one\"\n{common}")).expect("written");
    let coordinator =
        start(&["coordinator", "--config", text(&at("coordinator.toml")), "--insecure-setup"], &at("coordinator.log"));
    let worker = start(&["worker", "--config", text(&at("worker.toml"))], &at("worker.log"));
    let client = Client::new(&format!("http://{listen}"), Timeouts::default()).expect("a client");
    let status = ended(&client, &fs::read(at("block.bin")).expect("a block")).await;
    assert_eq!(status.stage, Stage::Done, "{status:?}");
    assert!(worker.end().success());
    assert!(coordinator.end().success());

    let spans = spans.lock().expect("no panic");
    let trace = hex::decode(&status.id[..32]).expect("an id");
    assert!(spans.iter().all(|(_, span)| span.trace_id == trace), "one trace a block");
    let by_id: BTreeMap<_, _> = spans.iter().map(|(service, span)| (&span.span_id, (service, span))).collect();
    assert_eq!(by_id.len(), spans.len(), "every span has an id of its own");
    let roots: Vec<_> = spans.iter().filter(|(_, span)| span.parent_span_id.is_empty()).collect();
    assert_eq!(roots.iter().map(|(_, span)| &*span.name).collect::<Vec<_>>(), ["block"]);
    let mut edges = BTreeSet::new();
    for (service, span) in spans.iter().filter(|(_, span)| !span.parent_span_id.is_empty()) {
        let (above, parent) =
            by_id.get(&span.parent_span_id).unwrap_or_else(|| panic!("{} hangs in the air", span.name));
        edges.insert((&*parent.name, &*span.name));
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
        assert_eq!(above == &service, span.name != "prove", "only a job's proving is under a span of another process");
    }
    let expected = [
        ("block", "execute"),
        ("block", "upload"),
        ("block", "verify"),
        ("block", "round"),
        ("round", "aggregate"),
        ("round", "job"),
        ("job", "send"),
        ("job", "prove"),
        ("prove", "inputs"),
        ("prove", "witness"),
        ("prove", "round"),
        ("prove", "reply"),
    ];
    assert_eq!(edges, BTreeSet::from(expected));
    let jobs = spans.iter().filter(|(_, span)| span.name == "job").count();
    assert_eq!(jobs, 10, "five rounds of two subtrees");

    let lines = [read(&at("coordinator.log")), read(&at("worker.log"))].concat();
    let of_jobs: Vec<_> = lines.iter().filter(|line| JOBS_LINES.contains(&message(line))).collect();
    for said in JOBS_LINES {
        assert!(of_jobs.iter().any(|line| message(line) == said), "{said}");
    }
    for line in of_jobs {
        assert_eq!((field(line, "block"), field(line, "subtree").is_some()), (Some(status.id.clone()), true), "{line}");
    }
    for said in ["proving", "aggregated", "proven and verified"] {
        let line = lines.iter().find(|line| message(line) == said).unwrap_or_else(|| panic!("{said}"));
        assert_eq!(field(line, "block").as_ref(), Some(&status.id), "{line}");
    }
}

/// What is said about single jobs when all goes well.
const JOBS_LINES: [&str; 4] = ["job", "reply", "progress", "proved"];

fn read(log: &Path) -> Vec<Value> {
    let text = fs::read_to_string(log).expect("a log");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

fn message(line: &Value) -> &str {
    line["fields"]["message"].as_str().unwrap_or_default()
}

/// A field of a line, or of a span that it was said in.
fn field(line: &Value, name: &str) -> Option<String> {
    let spans = line["spans"].as_array().into_iter().flatten();
    let found = [&line["fields"]].into_iter().chain(spans).map(|of| &of[name]).find(|value| !value.is_null())?;
    Some(found.as_str().map_or_else(|| found.to_string(), str::to_owned))
}
