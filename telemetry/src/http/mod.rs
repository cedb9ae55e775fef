//! Serving HTTP: connections are few enough, and those that send no request or read no answer are closed.

mod patience;

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet, time::sleep};
use tracing::{debug, warn};

use patience::Patient;

/// What a request's head may take, in bytes.
const HEAD_BYTES_MAX: usize = 32 << 10;
/// Pause after a connection could not be taken, as when there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

/// How many connections there may be, and how long one may say or read nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// At once; more wait until one ends.
    pub max: usize,
    /// For the head of a request, the first or the next.
    pub head_time: Duration,
    /// For reading on, when there is something to read.
    pub read_time: Duration,
}

impl Default for Connections {
    fn default() -> Self {
        Self { max: 1_024, head_time: Duration::from_secs(10), read_time: Duration::from_secs(30) }
    }
}

/// Serves until it is dropped, HTTP/1.1.
pub async fn serve(listener: TcpListener, router: Router, connections: Connections) {
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(connections.head_time).max_buf_size(HEAD_BYTES_MAX);
    let free = Arc::new(Semaphore::new(connections.max));
    // Dropped with this future, and its tasks with it.
    let mut tasks = JoinSet::new();
    loop {
        // Never closed.
        let Ok(permit) = free.clone().acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!(%error, "a connection could not be taken");
                sleep(PAUSE).await;
                continue;
            }
        };
        // Answers are small and awaited; a kernel that does not take the option still serves.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let connection = protocol.serve_connection(TokioIo::new(Patient::new(stream, connections.read_time)), service);
        tasks.spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "a connection ended");
            }
            drop(permit);
        });
        while tasks.try_join_next().is_some() {}
    }
}
