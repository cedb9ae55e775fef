//! Spans as a collector gets them.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, UNIX_EPOCH},
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    trace::v1::{span::SpanKind, status::StatusCode},
};
use proofyard_telemetry::{Kind, Span, SpanId, TraceId, Traces, TracesConfig};
use prost::Message;

type Requests = Arc<Mutex<Vec<(String, ExportTraceServiceRequest)>>>;

async fn take(State(requests): State<Requests>, headers: HeaderMap, body: Bytes) {
    let kind = headers["content-type"].to_str().expect("text").to_owned();
    let request = ExportTraceServiceRequest::decode(body).expect("OTLP");
    requests.lock().expect("no panic").push((kind, request));
}

/// A collector, and where it takes spans.
async fn collector() -> (Requests, TracesConfig) {
    let requests = Requests::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let routes = Router::new().route("/v1/traces", post(take)).with_state(requests.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (requests, TracesConfig { endpoint: format!("http://{address}/v1/traces") })
}

fn span(trace: TraceId, name: &'static str, parent: Option<&str>, kind: Kind) -> Span {
    Span {
        trace,
        id: SpanId::of(name),
        parent: parent.map(SpanId::of),
        kind,
        name,
        start: UNIX_EPOCH + Duration::from_nanos(1_000_000_001),
        end: UNIX_EPOCH + Duration::from_nanos(1_000_000_007),
        attributes: vec![("proofyard.subtree", 3.into())],
        error: (name == "job").then(|| "[PY-W-013] crashed".to_owned()),
    }
}

#[tokio::test]
async fn a_collector_gets_whole_spans_with_ids_that_any_process_can_know() {
    let (requests, config) = collector().await;
    let traces = Traces::start(&config, "proofyard-worker", "gpu-3").expect("a collector");
    assert!(traces.is_on());
    let trace = TraceId::of_block(&[0xab; 32]);
    traces.tell(span(trace, "block", None, Kind::Internal));
    traces.tell(span(trace, "job", Some("block"), Kind::Consumer));
    traces.finish().await;

    let requests = requests.lock().expect("no panic");
    assert!(requests.iter().all(|(kind, _)| kind == "application/x-protobuf"));
    let resources: Vec<_> = requests.iter().flat_map(|(_, request)| &request.resource_spans).collect();
    let who: Vec<_> = resources[0].resource.as_ref().expect("who").attributes.iter().map(|pair| &*pair.key).collect();
    assert!(["service.name", "service.version", "service.instance.id"].iter().all(|key| who.contains(key)), "{who:?}");
    let spans: Vec<_> = resources.iter().flat_map(|of| &of.scope_spans).flat_map(|scope| &scope.spans).collect();
    assert_eq!(spans.len(), 2);
    let (block, job) = (spans[0], spans[1]);
    assert_eq!((&*block.name, &*job.name), ("block", "job"));
    assert_eq!((&block.trace_id, &job.trace_id), (&vec![0xab; 16], &vec![0xab; 16]));
    assert_eq!((block.parent_span_id.len(), &job.parent_span_id), (0, &block.span_id));
    assert_ne!(block.span_id, job.span_id);
    assert_eq!((job.start_time_unix_nano, job.end_time_unix_nano), (1_000_000_001, 1_000_000_007));
    assert_eq!((block.kind(), job.kind()), (SpanKind::Internal, SpanKind::Consumer));
    assert_eq!(job.attributes[0].key, "proofyard.subtree");
    let status = job.status.as_ref().expect("a status");
    assert_eq!((status.code(), &*status.message), (StatusCode::Error, "[PY-W-013] crashed"));
}

#[tokio::test]
async fn without_a_collector_nothing_waits_and_nothing_fails() {
    let config = TracesConfig { endpoint: "http://127.0.0.1:1/v1/traces".to_owned() };
    let lost = Traces::start(&config, "proofyard-worker", "one").expect("an address");
    let off = Traces::start(&TracesConfig::default(), "proofyard-worker", "one").expect("nothing to do");
    assert!(lost.is_on() && !off.is_on());
    for traces in [lost, off] {
        // More than may wait.
        for _ in 0..40_000 {
            traces.tell(span(TraceId::of_block(&[1; 32]), "block", None, Kind::Internal));
        }
        tokio::time::timeout(Duration::from_secs(20), traces.finish()).await.expect("it ends");
    }
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_used_is_refused() {
    for endpoint in ["collector:4318", "https://collector:4318/v1/traces", "grpc://collector", "http://"] {
        let refused = Traces::start(&TracesConfig { endpoint: endpoint.to_owned() }, "proofyard-worker", "one");
        let error = refused.err().expect(endpoint).to_string();
        assert!(error.starts_with("[PY-O-002] traces.endpoint = ") && error.contains("http://HOST:4318"), "{error}");
    }
}

#[test]
fn ids_are_never_all_zeros_and_differ_by_what_they_name() {
    assert_ne!(TraceId::of_block(&[0; 32]), TraceId::of_block(&[1; 32]));
    assert_ne!(SpanId::of("job 1"), SpanId::of("job 2"));
    assert_eq!(SpanId::of("job 1"), SpanId::of(format!("job {}", 1)));
}
