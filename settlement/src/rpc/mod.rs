//! Several JSON-RPC endpoints as one: asked in the order of their health, with failover, compared where money depends on it.
//!
//! [`health`] decides whom to ask; this module is the network around it. A background task for each endpoint asks for its head every
//! poll interval, so that one that hangs holds up nobody.

mod checked;
mod endpoint;
mod error;
pub mod health;
mod reads;
mod send;
mod survey;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use alloy::primitives::U64;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tracing::{info, warn};

pub use checked::Seen;
pub(crate) use checked::Vouched;
pub use error::RpcError;
pub use health::EndpointReport;
pub use send::Sent;
pub use survey::{Heard, Survey};

use crate::chain::{Block, BlockRef};
use crate::config::{ConfigError, L1Config};
pub(crate) use endpoint::JsonRpc;
use health::{Effect, Event, Health, Reason};

/// The endpoints of one chain. Clones share everything; the background tasks end with the last of them.
#[derive(Clone)]
pub struct Rpc {
    shared: Arc<Shared>,
    _probes: Arc<Probes>,
}

struct Shared {
    endpoints: Vec<JsonRpc>,
    health: Mutex<Health>,
    started: Instant,
    chain_id: u64,
    /// The newest block of the best endpoint, or a higher one of another; a change wakes those who wait for blocks.
    head: watch::Sender<Option<BlockRef>>,
    /// Milliseconds from `started` to the last time that it got higher.
    advanced: AtomicU64,
}

struct Probes(Vec<AbortHandle>);

impl Drop for Probes {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl Rpc {
    /// Takes the endpoints of a validated configuration and begins to watch their health. Does not wait for any of them.
    /// Needs a tokio runtime.
    pub fn connect(config: &L1Config) -> Result<Self, ConfigError> {
        config.validate()?;
        let http = reqwest::Client::builder()
            .connect_timeout(config.request_timeout())
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| ConfigError::Endpoint { index: 0, reason: error.to_string() })?;
        let mut endpoints = Vec::new();
        for (index, endpoint) in config.endpoints.iter().enumerate() {
            let url = endpoint.resolve().map_err(|reason| ConfigError::Endpoint { index, reason })?;
            let name = format!("endpoint {index}");
            let endpoint = JsonRpc::new(&name, &url, http.clone(), config.request_timeout(), config.answer_bytes_max)
                .map_err(|reason| ConfigError::Endpoint { index, reason })?;
            endpoints.push(endpoint);
        }
        let health = Health::new(endpoints.len(), config.chain_id, config.max_lag_blocks, config.set_aside_ms);
        let shared = Arc::new(Shared {
            endpoints,
            health: Mutex::new(health),
            started: Instant::now(),
            chain_id: config.chain_id,
            head: watch::Sender::new(None),
            advanced: AtomicU64::new(0),
        });
        let probes = (0..shared.endpoints.len())
            .map(|number| tokio::spawn(probe(Arc::clone(&shared), number, config.poll_interval())).abort_handle())
            .collect();
        Ok(Self { shared, _probes: Arc::new(Probes(probes)) })
    }

    /// The chain's EIP-155 id.
    pub fn chain_id(&self) -> u64 {
        self.shared.chain_id
    }

    /// The newest block, as a wake-up call: changes with a higher head of any endpoint in good standing, and with any other head
    /// of the best one. Read [`Rpc::head`] for what is decided on.
    pub fn heads(&self) -> watch::Receiver<Option<BlockRef>> {
        self.shared.head.subscribe()
    }

    /// How long ago the chain last got longer as far as it is seen; since the start when it never did.
    pub fn head_age(&self) -> Duration {
        Duration::from_millis(self.shared.now().saturating_sub(self.shared.advanced.load(Ordering::Relaxed)))
    }

    /// How the endpoints are, in the configured order.
    pub fn report(&self) -> Vec<EndpointReport> {
        let health = self.shared.health();
        let report = |(number, endpoint): (usize, &JsonRpc)| EndpointReport {
            endpoint: endpoint.label().to_owned(),
            head: health.head(number),
            aside: health.aside(number),
        };
        self.shared.endpoints.iter().enumerate().map(report).collect()
    }

    /// Asks the endpoints in order until one answers; its number and what it said.
    async fn ask<T: DeserializeOwned>(&self, method: &'static str, parameters: &Value) -> Result<(usize, T), RpcError> {
        let order = self.shared.health().order();
        self.ask_of(&order, method, parameters).await
    }

    async fn ask_of<T: DeserializeOwned>(
        &self,
        order: &[usize],
        method: &'static str,
        parameters: &Value,
    ) -> Result<(usize, T), RpcError> {
        let mut last = None;
        for number in order {
            match self.shared.ask(*number, method, parameters).await {
                Ok(answer) => return Ok((*number, answer)),
                Err(error) if error.is_answer() => return Err(error),
                Err(error) => {
                    warn!(%error, "L1 endpoint failed");
                    last = Some(error);
                }
            }
        }
        Err(last.unwrap_or_else(|| self.shared.nobody()))
    }
}

impl Shared {
    fn health(&self) -> MutexGuard<'_, Health> {
        // The state is consistent after every step, so a panic elsewhere does not spoil it.
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
    }

    fn note(&self, number: usize, event: Event) {
        let effect = self.health().step(number, event, self.now());
        match effect {
            Some(Effect::SetAside { endpoint, reason, until }) => {
                let millis = until.saturating_sub(self.now());
                warn!(endpoint = self.endpoints[endpoint].label(), %reason, millis, "L1 endpoint set aside");
            }
            Some(Effect::Returned { endpoint }) => {
                info!(endpoint = self.endpoints[endpoint].label(), "L1 endpoint in use again");
            }
            None => {}
        }
    }

    fn nobody(&self) -> RpcError {
        let health = self.health();
        let reasons = self
            .endpoints
            .iter()
            .enumerate()
            .map(|(number, endpoint)| (endpoint.label().to_owned(), health.aside(number)));
        RpcError::NoEndpoint { reasons: error::reasons(reasons) }
    }

    /// Asks one endpoint, after its chain id if that is not known yet, and keeps the account of its health.
    async fn ask<T: DeserializeOwned>(
        &self,
        number: usize,
        method: &'static str,
        parameters: &Value,
    ) -> Result<T, RpcError> {
        let unknown = self.health().wants_chain_id(number);
        if unknown {
            let id: U64 = self.ask_unchecked(number, "eth_chainId", &json!([])).await?;
            self.note(number, Event::ChainId(id.to()));
            if id.to::<u64>() != self.chain_id {
                return Err(self.nobody_but(number));
            }
        }
        self.ask_unchecked(number, method, parameters).await
    }

    fn nobody_but(&self, number: usize) -> RpcError {
        let reason = (self.endpoints[number].label().to_owned(), self.health().aside(number));
        RpcError::NoEndpoint { reasons: error::reasons(std::iter::once(reason)) }
    }

    async fn ask_unchecked<T: DeserializeOwned>(
        &self,
        number: usize,
        method: &'static str,
        parameters: &Value,
    ) -> Result<T, RpcError> {
        let asked = Instant::now();
        let answer = self.endpoints[number].request(method, parameters).await;
        match &answer {
            Err(error) if error.is_fault() => self.note(number, Event::Failed),
            _ => {
                let millis = asked.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
                self.note(number, Event::Answered(millis));
            }
        }
        answer
    }

    /// An endpoint was caught with an untruth.
    fn caught(&self, number: usize, reason: Reason) {
        self.note(number, Event::Caught(reason));
    }
}

/// Asks one endpoint for its head for ever.
async fn probe(shared: Arc<Shared>, number: usize, interval: Duration) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let may = shared.health().may_probe(number, shared.now());
        if !may {
            continue;
        }
        match shared.ask::<Block>(number, "eth_getBlockByNumber", &json!(["latest", false])).await {
            Ok(block) => {
                shared.note(number, Event::Head(block.place()));
                let order = shared.health().order();
                let usable = shared.health().aside(number).is_none();
                shared.head.send_if_modified(|head| {
                    let higher = usable && head.is_none_or(|head| head.number < block.number);
                    // Of several, one that is a block late takes nothing back.
                    let late = order.len() > 1 && head.is_some_and(|head| head.number > block.number);
                    let other = order.first() == Some(&number) && !late && *head != Some(block.place());
                    if higher {
                        shared.advanced.store(shared.now(), Ordering::Relaxed);
                    }
                    if higher || other {
                        *head = Some(block.place());
                    }
                    higher || other
                });
            }
            Err(error) => tracing::debug!(%error, "probe of an L1 endpoint"),
        }
    }
}
