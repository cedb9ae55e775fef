//! The queues of an in-process bus: what waits, what is delivered and not yet settled. No clock: time is passed in.

use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;
use proofyard_job_schema::WorkerId;
use tokio::time::Instant;
use tracing::warn;

use crate::bus::{DeliveryToken, Destination};
use crate::error::BusError;
use crate::options::BusOptions;

/// Unstored messages kept for the coordinator; when it is slower than that, the oldest are lost.
const SIGNALS_MAX: usize = 4096;

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    Pool,
    Worker(WorkerId),
    Replies,
}

impl Lane {
    fn is_replies(&self) -> bool {
        matches!(self, Self::Replies)
    }
}

impl From<&Destination> for Lane {
    fn from(destination: &Destination) -> Self {
        match destination {
            Destination::Pool => Self::Pool,
            Destination::Worker(worker) => Self::Worker(worker.clone()),
        }
    }
}

struct Entry {
    bytes: Bytes,
    deliveries: u32,
}

struct Open {
    entry: Entry,
    lane: Lane,
    until: Instant,
}

/// A message as taken from a queue.
pub(super) struct Taken {
    pub token: DeliveryToken,
    pub deliveries: u32,
    pub bytes: Bytes,
}

pub(super) struct Queues {
    options: BusOptions,
    waiting: HashMap<Lane, VecDeque<Entry>>,
    open: BTreeMap<DeliveryToken, Open>,
    signals: VecDeque<Bytes>,
    /// Messages waiting or open: commands, and worker messages.
    held: [u32; 2],
    next_token: u64,
}

impl Queues {
    pub fn new(options: BusOptions) -> Self {
        Self {
            options,
            waiting: HashMap::new(),
            open: BTreeMap::new(),
            signals: VecDeque::new(),
            held: [0; 2],
            next_token: 1,
        }
    }

    fn held(&mut self, lane: &Lane) -> &mut u32 {
        &mut self.held[usize::from(lane.is_replies())]
    }

    /// Appends a message to a queue.
    pub fn push(&mut self, lane: Lane, bytes: Bytes) -> Result<(), BusError> {
        let max = self.options.waiting_max;
        let held = self.held(&lane);
        if *held >= max {
            return Err(BusError::Full { subject: format!("{lane:?}"), waiting: max.into() });
        }
        *held += 1;
        self.waiting.entry(lane).or_default().push_back(Entry { bytes, deliveries: 0 });
        Ok(())
    }

    /// Keeps an unstored message for the coordinator.
    pub fn push_signal(&mut self, bytes: Bytes) {
        if self.signals.len() == SIGNALS_MAX {
            self.signals.pop_front();
        }
        self.signals.push_back(bytes);
    }

    /// The oldest unstored message.
    pub fn take_signal(&mut self) -> Option<Bytes> {
        self.signals.pop_front()
    }

    /// The first message of a queue; it is open until it is settled or its wait is over.
    pub fn take(&mut self, lane: &Lane, now: Instant) -> Option<Taken> {
        let mut entry = self.waiting.get_mut(lane)?.pop_front()?;
        entry.deliveries += 1;
        let token = DeliveryToken::new(self.next_token);
        self.next_token += 1;
        let taken = Taken { token, deliveries: entry.deliveries, bytes: entry.bytes.clone() };
        self.open.insert(token, Open { entry, lane: lane.clone(), until: now + self.options.ack_wait });
        Some(taken)
    }

    /// Puts open messages whose wait is over back in front of their queues, and says when the next wait ends.
    pub fn expire(&mut self, now: Instant) -> Option<Instant> {
        let over: Vec<_> = self.open.iter().filter(|(_, open)| open.until <= now).map(|(token, _)| *token).collect();
        // The oldest comes to the very front.
        for token in over.into_iter().rev() {
            if let Some(open) = self.open.remove(&token) {
                self.give_back(open);
            }
        }
        self.open.values().map(|open| open.until).min()
    }

    fn give_back(&mut self, open: Open) {
        let Open { entry, lane, .. } = open;
        if entry.deliveries >= self.options.deliveries_max {
            warn!(?lane, deliveries = entry.deliveries, "message dropped: delivered too often without being settled");
            *self.held(&lane) -= 1;
        } else {
            self.waiting.entry(lane).or_default().push_front(entry);
        }
    }

    pub fn ack(&mut self, token: DeliveryToken) -> Result<(), BusError> {
        let open = self.open.remove(&token).ok_or(BusError::UnknownToken(token))?;
        *self.held(&open.lane) -= 1;
        Ok(())
    }

    pub fn nak(&mut self, token: DeliveryToken) -> Result<(), BusError> {
        let open = self.open.remove(&token).ok_or(BusError::UnknownToken(token))?;
        self.give_back(open);
        Ok(())
    }

    pub fn in_progress(&mut self, token: DeliveryToken, now: Instant) -> Result<(), BusError> {
        let open = self.open.get_mut(&token).ok_or(BusError::UnknownToken(token))?;
        open.until = now + self.options.ack_wait;
        Ok(())
    }

    /// Drops what waits and what is open in the queues that `drops` names.
    pub fn purge(&mut self, drops: impl Fn(&Lane) -> bool) {
        self.waiting.retain(|lane, _| !drops(lane));
        self.open.retain(|_, open| !drops(&open.lane));
        self.held = [0; 2];
        for (lane, waiting) in &self.waiting {
            self.held[usize::from(lane.is_replies())] += waiting.len() as u32;
        }
        for open in self.open.values() {
            self.held[usize::from(open.lane.is_replies())] += 1;
        }
    }
}
