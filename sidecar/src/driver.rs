//! Runs the core: turns what happens into events, stores its records, carries its effects out.
//!
//! One task owns the core. Each step's records are on disk before any of its effects begins; effects run on tasks of their own and
//! come back as events. A task that dies with the process is asked for again by [`Event::Started`].

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior},
};
use tracing::{error, info};

use crate::{
    blocks::Classes,
    core::{
        Effect, Event, Rung, State,
        chain::View,
        step,
        types::{Address, BlockId, Height, Millis},
    },
    deeds::{Tasks, begin},
    error::StoreError,
    l1::{Acts, Sender},
    market::{Handover, Market},
    metrics::Metrics,
    prover::Prover,
    store::Store,
};

/// How often the core looks at the clock.
const TICK: Duration = Duration::from_millis(100);
/// How long a stopping sidecar lets what it has begun go on.
const DRAIN: Duration = Duration::from_secs(8);
/// Pause before a write that failed is tried again.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// What all tasks share.
pub struct Shared {
    /// Durable state.
    pub store: Arc<Store>,
    /// Transactions.
    pub sender: Sender,
    /// The same, for commitments.
    pub acts: Arc<Acts>,
    /// Coordinators.
    pub market: Market,
    /// The own farm.
    pub prover: Prover,
    /// The sequencer.
    pub sequencer: Address,
    /// How blocks are cut.
    pub classes: Classes,
    /// Under which revealed files are served; empty: nowhere.
    pub public_url: String,
    /// Everything that happens.
    pub events: mpsc::UnboundedSender<Event>,
    /// Changes with every rung that is stored.
    pub rungs: watch::Sender<u64>,
    /// Whether blocks are refused for now.
    pub full: watch::Sender<bool>,
    /// The newest view.
    pub view: watch::Sender<Option<Arc<View>>>,
    /// Heights that views must show.
    pub wanted: watch::Sender<BTreeSet<Height>>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Milliseconds between two L1 blocks.
    pub block_ms: u64,
}

impl Shared {
    /// Runs something blocking on the store.
    pub async fn stored<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.store.clone();
        let done = tokio::task::spawn_blocking(move || act(&store)).await;
        done.unwrap_or_else(|error| Err(StoreError::Storage { what: "a task", reason: error.to_string() }))
    }

    pub(crate) fn tell(&self, event: Event) {
        // An error means that the core's task is gone, and so is its wish.
        let _ = self.events.send(event);
    }

    /// A block as it is handed over at a height.
    pub(crate) async fn handover(&self, height: Height, block: BlockId) -> Result<Handover, String> {
        let found = self
            .stored(move |store| {
                let (file, worked) = (store.file(block)?, store.worked(block)?);
                Ok((file, worked, store.prepared(height, block)?))
            })
            .await;
        match found.map_err(|error| error.to_string())? {
            (Some(file), Some(worked), Some(prepared)) => Ok(Handover { file, worked, prepared }),
            _ => Err("the block is not stored".to_owned()),
        }
    }
}

/// Wall-clock milliseconds.
pub fn now_ms() -> Millis {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Runs the core until `stop` says so and the requests under way are over, or time is up.
pub async fn drive(
    shared: Arc<Shared>,
    mut state: State,
    mut inbox: mpsc::UnboundedReceiver<Event>,
    mut stop: watch::Receiver<bool>,
) {
    let mut tasks = Tasks::default();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    take(&shared, &mut state, Event::Started, &mut tasks).await;
    loop {
        let event = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            Some(event) = inbox.recv() => event,
            _ = ticks.tick() => Event::Tick,
        };
        take(&shared, &mut state, event, &mut tasks).await;
        tasks.tidy();
    }
    info!("draining");
    // What steps ask for from here on is written, and done by the next process.
    record(&shared, &mut state, Event::Drain).await;
    let until = Instant::now() + DRAIN;
    while !tasks.requests.is_empty() {
        tokio::select! {
            _ = tokio::time::sleep_until(until) => break,
            Some(event) = inbox.recv() => drop(record(&shared, &mut state, event).await),
            _ = ticks.tick() => {}
        }
        tasks.tidy();
    }
    // What the last requests brought is kept.
    while let Ok(event) = inbox.try_recv() {
        record(&shared, &mut state, event).await;
    }
}

/// One step: decide, store, act.
async fn take(shared: &Arc<Shared>, state: &mut State, event: Event, tasks: &mut Tasks) {
    for effect in record(shared, state, event).await {
        begin(shared, effect, tasks);
    }
}

/// Decides and stores; what is to be done about it.
async fn record(shared: &Arc<Shared>, state: &mut State, event: Event) -> Vec<Effect> {
    shared.metrics.pulse.beat();
    let now = now_ms();
    let before = state.records().clone();
    let effects = step(state, event, now);
    let (mut rungs, mut forgotten): (Vec<(BlockId, Millis, Rung)>, Vec<Height>) = Default::default();
    for effect in &effects {
        match effect {
            Effect::Notify { block, rung } => rungs.push((*block, now, rung.clone())),
            Effect::Forget { height } => forgotten.push(*height),
            _ => {}
        }
    }
    if *state.records() != before || !rungs.is_empty() {
        let (records, rungs, forgotten) = (Arc::new(state.records().clone()), Arc::new(rungs), Arc::new(forgotten));
        loop {
            let (records, rungs, forgotten) = (records.clone(), rungs.clone(), forgotten.clone());
            match shared.stored(move |store| store.save(&records, &rungs, &forgotten)).await {
                Ok(()) => break,
                Err(error) => {
                    shared.metrics.not_written();
                    error!(%error, "nothing is done before it is written");
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        if !rungs.is_empty() {
            shared.rungs.send_modify(|count| *count = count.wrapping_add(1));
        }
    }
    for effect in &effects {
        if let Effect::Notify { rung, .. } = effect {
            shared.metrics.reached(rung);
        }
    }
    shared.metrics.look(&state.summary(), shared.block_ms);
    shared.full.send_if_modified(|full| std::mem::replace(full, state.is_full()) != state.is_full());
    let wanted: BTreeSet<Height> = state.heights().collect();
    shared.wanted.send_if_modified(|before| {
        let changed = *before != wanted;
        *before = wanted;
        changed
    });
    effects
}
