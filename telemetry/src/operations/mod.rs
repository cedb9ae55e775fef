//! The operations listener: metrics and health for those who run a process, apart from what it serves to others.
//!
//! | path | answer |
//! | --- | --- |
//! | `/metrics` | all metrics, OpenMetrics' text format |
//! | `/healthz` | 200 while the process works; 503 when it hangs and should be started anew |
//! | `/readyz` | 200 while it can be of use; 503 with the checks that say why not |

mod config;
mod pulse;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, task::JoinHandle};
use tracing::info;

pub use self::{config::OperationsConfig, pulse::Pulse};
use crate::{
    http::{Connections, serve},
    metrics::{CONTENT_TYPE, Exposition, Registrar},
};

/// Connections at once; one Prometheus and a kubelet take a few.
const CONNECTIONS_MAX: usize = 64;
/// For the head of a request, and for reading on.
const PATIENCE: Duration = Duration::from_secs(10);

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What, as `bus`.
    pub name: String,
    /// It is as it should be.
    pub ok: bool,
    /// In a few words.
    pub detail: String,
}

impl Check {
    /// What was seen of `name`.
    pub fn new(name: &str, ok: bool, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), ok, detail: detail.into() }
    }
}

/// How a process knows of its health.
#[async_trait]
pub trait Probes: Send + Sync + 'static {
    /// Whether it works at all; what fails here is mended by starting it anew.
    fn alive(&self) -> Vec<Check>;

    /// Whether it can be of use now.
    async fn ready(&self) -> Vec<Check>;
}

/// The listener's address is taken, or not this machine's.
#[derive(Debug, thiserror::Error)]
#[error("[PY-O-010] cannot listen on {address}: {source}; free it, or set another operations.listen")]
pub struct OperationsError {
    address: SocketAddr,
    source: io::Error,
}

/// A running listener; it ends when this is dropped.
#[derive(Debug)]
pub struct Operations {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Operations {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address that is taken, before there is anything to serve.
#[derive(Debug)]
pub struct Bound {
    address: SocketAddr,
    listener: TcpListener,
}

struct Shared {
    /// Samplers write into the metrics, so that one scrape goes on at a time.
    exposition: Mutex<Exposition>,
    probes: Box<dyn Probes>,
}

impl Bound {
    /// Takes the configured address; none when the listener is off.
    pub async fn take(config: &OperationsConfig) -> Result<Option<Self>, OperationsError> {
        let Some(address) = config.listen else { return Ok(None) };
        let failed = |source| OperationsError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Some(Self { address, listener }))
    }

    /// Serves metrics and health.
    pub fn serve(self, registrar: Registrar, probes: impl Probes) -> Operations {
        let Self { address, listener } = self;
        let shared = Shared { exposition: Mutex::new(registrar.finish()), probes: Box::new(probes) };
        let router = Router::new()
            .route("/metrics", get(metrics))
            .route("/healthz", get(alive))
            .route("/readyz", get(ready))
            .with_state(Arc::new(shared));
        let connections = Connections { max: CONNECTIONS_MAX, head_time: PATIENCE, read_time: PATIENCE };
        info!(%address, "metrics and health");
        Operations { address, task: tokio::spawn(serve(listener, router, connections)) }
    }
}

impl Operations {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let text = shared.exposition.lock().unwrap_or_else(PoisonError::into_inner).text();
    ([(header::CONTENT_TYPE, CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")], text).into_response()
}

#[derive(Serialize)]
struct Alive {
    alive: bool,
    checks: Vec<Check>,
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    checks: Vec<Check>,
}

fn answer(ok: bool, body: impl Serialize) -> Response {
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

async fn alive(State(shared): State<Arc<Shared>>) -> Response {
    let checks = shared.probes.alive();
    let alive = checks.iter().all(|check| check.ok);
    answer(alive, Alive { alive, checks })
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let checks = shared.probes.ready().await;
    let ready = checks.iter().all(|check| check.ok);
    answer(ready, Ready { ready, checks })
}
