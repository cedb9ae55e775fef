//! Traces: spans for an OpenTelemetry collector, OTLP over HTTP with protobuf.
//!
//! One trace a block, put together by coordinator and workers without a word about it on the bus: a block's trace id is the first
//! half of the block's id, and a span's id is a digest of what it is the span of, so whoever knows the job knows its span.
//! Spans are told whole, when they have ended.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use opentelemetry::{
    InstrumentationScope, KeyValue, Value,
    trace::{SpanContext, SpanKind, Status, TraceFlags, TraceState},
};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor},
};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use crate::collector::Collector;

/// Spans that wait to be sent at most; more are dropped.
const QUEUE_MAX: usize = 16_384;
/// Between two batches.
const DELAY: Duration = Duration::from_secs(1);
/// A batch is with the collector after this long, or lost.
const SEND: Duration = Duration::from_secs(5);
/// The last batch, when the process ends.
const LAST: Duration = Duration::from_secs(1);

/// The `[traces]` section of a configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TracesConfig {
    /// Where a collector takes OTLP over HTTP, as `http://collector:4318/v1/traces`. Empty: no traces.
    pub endpoint: String,
}

/// Traces cannot be sent as configured.
#[derive(Debug, thiserror::Error)]
#[error(
    "[PY-O-002] traces.endpoint = {endpoint}: {reason}; write http://HOST:4318/v1/traces, or leave it empty for no traces"
)]
pub struct TracesError {
    endpoint: String,
    reason: String,
}

/// A trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(opentelemetry::TraceId);

impl TraceId {
    /// That of a block's id.
    pub fn of_block(id: &[u8; 32]) -> Self {
        let mut half = [0; 16];
        half.copy_from_slice(&id[..16]);
        // All zeros would be no id.
        half[15] |= u8::from(half == [0; 16]);
        Self(opentelemetry::TraceId::from_bytes(half))
    }
}

/// A span of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanId(opentelemetry::SpanId);

impl SpanId {
    /// That of what these words name within its trace.
    pub fn of(what: impl fmt::Display) -> Self {
        let digest = Sha256::digest(what.to_string());
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        first[7] |= u8::from(first == [0; 8]);
        Self(opentelemetry::SpanId::from_bytes(first))
    }
}

/// What a span is to the spans of other processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Internal,
    /// A message is put on the bus.
    Producer,
    /// A message is taken from the bus and worked on.
    Consumer,
}

/// A span that has ended.
#[derive(Debug, Clone)]
pub struct Span {
    /// Its trace.
    pub trace: TraceId,
    /// Its id.
    pub id: SpanId,
    /// The span it belongs to; none for the first of a trace.
    pub parent: Option<SpanId>,
    /// What it is to other processes.
    pub kind: Kind,
    /// What it is: few different ones.
    pub name: &'static str,
    /// When it began.
    pub start: SystemTime,
    /// When it ended.
    pub end: SystemTime,
    /// More about it.
    pub attributes: Vec<(&'static str, Value)>,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// Where spans go. Clones are the same; the default takes spans and drops them.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Sender>>);

struct Sender {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
}

impl Traces {
    /// Starts sending, if an endpoint is configured. `service` is the kind of process, `instance` tells processes of a kind apart. Needs
    /// a tokio runtime.
    pub fn start(config: &TracesConfig, service: &'static str, instance: &str) -> Result<Self, TracesError> {
        if config.endpoint.is_empty() {
            return Ok(Self::default());
        }
        let wrong = |reason: String| TracesError { endpoint: config.endpoint.clone(), reason };
        let url = Url::parse(&config.endpoint).map_err(|error| wrong(error.to_string()))?;
        if url.scheme() != "http" || url.host_str().is_none() {
            return Err(wrong("it is not of the form http://HOST:PORT/PATH".to_owned()));
        }
        let runtime = Handle::try_current().map_err(|error| wrong(error.to_string()))?;
        let http = reqwest::Client::builder().timeout(SEND).build().map_err(|error| wrong(error.to_string()))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector { http, runtime })
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&config.endpoint)
            .with_timeout(SEND)
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let batches = BatchConfigBuilder::default().with_max_queue_size(QUEUE_MAX).with_scheduled_delay(DELAY).build();
        let mut processor = BatchSpanProcessor::new(exporter, batches);
        let who = [
            KeyValue::new("service.name", service),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance.to_owned()),
        ];
        processor.set_resource(&Resource::builder_empty().with_attributes(who).build());
        let scope = InstrumentationScope::builder("proofyard").with_version(env!("CARGO_PKG_VERSION")).build();
        Ok(Self(Some(Arc::new(Sender { processor, scope }))))
    }

    /// Whether spans are sent; otherwise there is no need to make them.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Takes a span. Never waits; when too many wait to be sent it is dropped.
    pub fn tell(&self, span: Span) {
        let Some(sender) = &self.0 else { return };
        let Span { trace, id, parent, kind, name, start, end, attributes, error } = span;
        sender.processor.on_end(SpanData {
            span_context: SpanContext::new(trace.0, id.0, TraceFlags::SAMPLED, false, TraceState::default()),
            parent_span_id: parent.map_or(opentelemetry::SpanId::INVALID, |parent| parent.0),
            // The parent of what is taken from the bus is a span of who put it there.
            parent_span_is_remote: kind == Kind::Consumer,
            span_kind: match kind {
                Kind::Internal => SpanKind::Internal,
                Kind::Producer => SpanKind::Producer,
                Kind::Consumer => SpanKind::Consumer,
            },
            name: name.into(),
            start_time: start,
            end_time: end.max(start),
            attributes: attributes.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: error.map_or(Status::Unset, Status::error),
            instrumentation_scope: sender.scope.clone(),
        });
    }

    /// Sends what waits, for at most a second. Spans told later are lost.
    pub async fn finish(&self) {
        let Some(sender) = self.0.clone() else { return };
        // What cannot be sent any more is lost, and so is the word of it.
        let _ = tokio::task::spawn_blocking(move || sender.processor.shutdown_with_timeout(LAST)).await;
    }
}
