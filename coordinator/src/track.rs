//! A block's status as a log of changes that many can follow, each at its own pace and in constant memory.

use std::{
    collections::VecDeque,
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use proofyard_coordinator_client::BlockStatus;
use tokio::sync::watch;

/// Changes that are kept for those who come back or fall behind. Who is further behind goes on at the oldest of them.
pub const CHANGES_KEPT: usize = 64;

/// Names one change of one log: two logs of the same block, as before and after a restart, are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeId {
    run: u64,
    version: u64,
}

impl fmt::Display for ChangeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}-{}", self.run, self.version)
    }
}

/// A text that names no change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoChangeId;

impl FromStr for ChangeId {
    type Err = NoChangeId;

    fn from_str(text: &str) -> Result<Self, NoChangeId> {
        let (run, version) = text.split_once('-').ok_or(NoChangeId)?;
        let run = u64::from_str_radix(run, 16).map_err(|_| NoChangeId)?;
        Ok(Self { run, version: version.parse().map_err(|_| NoChangeId)? })
    }
}

struct Log {
    /// Version of the last one in `recent`, which is never empty.
    latest: u64,
    recent: VecDeque<Arc<BlockStatus>>,
}

impl Log {
    fn present(&self) -> Option<&Arc<BlockStatus>> {
        self.recent.back()
    }
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The writer's end. When it is dropped, followers end after what was written.
pub struct Track {
    run: u64,
    started: Instant,
    log: Arc<Mutex<Log>>,
    latest: watch::Sender<u64>,
}

impl Track {
    /// A log that begins with `status`; seconds count from now.
    pub fn new(status: BlockStatus) -> Self {
        let log = Log { latest: 1, recent: VecDeque::from([Arc::new(status)]) };
        let (run, started) = (rand::random(), Instant::now());
        Self { run, started, log: Arc::new(Mutex::new(log)), latest: watch::Sender::new(1) }
    }

    /// Changes the status; followers see it when something did change. `seconds` is kept up here.
    pub fn change(&self, change: impl FnOnce(&mut BlockStatus)) {
        let mut log = lock(&self.log);
        let Some(before) = log.present() else { return };
        let mut status = BlockStatus::clone(before);
        change(&mut status);
        if status == **before {
            return;
        }
        if !before.stage.is_final() {
            status.seconds = self.started.elapsed().as_secs_f64();
        }
        if log.recent.len() == CHANGES_KEPT {
            log.recent.pop_front();
        }
        log.recent.push_back(Arc::new(status));
        log.latest += 1;
        self.latest.send_replace(log.latest);
    }

    /// Follows from the present state on.
    pub fn follow(&self) -> Follower {
        let (log, latest) = (self.log.clone(), self.latest.subscribe());
        let sent = lock(&log).latest - 1;
        Follower { run: self.run, started: self.started, sent, ended: false, log, latest }
    }
}

/// One change.
#[derive(Debug, Clone)]
pub struct Change {
    /// Its name, to go on after it.
    pub id: ChangeId,
    /// The status since then.
    pub status: Arc<BlockStatus>,
}

/// A reader's end.
pub struct Follower {
    run: u64,
    started: Instant,
    /// Version of the last change given out.
    sent: u64,
    ended: bool,
    log: Arc<Mutex<Log>>,
    latest: watch::Receiver<u64>,
}

impl Follower {
    /// The status now, with `seconds` up to now.
    pub fn present(&self) -> Option<BlockStatus> {
        let mut status = BlockStatus::clone(lock(&self.log).present()?);
        if !status.stage.is_final() {
            status.seconds = self.started.elapsed().as_secs_f64();
        }
        Some(status)
    }

    /// Goes on after a change that was seen, if it is one of this log; else from the present state.
    pub fn resume(&mut self, seen: ChangeId) {
        let log = lock(&self.log);
        if seen.run != self.run || seen.version > log.latest {
            return;
        }
        self.sent = seen.version;
        self.ended = seen.version == log.latest && log.present().is_some_and(|status| status.is_final());
    }

    /// True when there is nothing to come.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// The next change; `None` after the final one. Cancel-safe.
    pub async fn next(&mut self) -> Option<Change> {
        loop {
            if let Some(change) = self.ready() {
                return Some(change);
            }
            if self.ended {
                return None;
            }
            // The writer is gone: what it wrote last may still have to be given out.
            self.ended = self.latest.changed().await.is_err();
        }
    }

    fn ready(&mut self) -> Option<Change> {
        let log = lock(&self.log);
        let oldest = log.latest + 1 - log.recent.len() as u64;
        let version = (self.sent + 1).max(oldest);
        let status = log.recent.get(usize::try_from(version - oldest).ok()?)?.clone();
        self.sent = version;
        self.ended |= version == log.latest && status.is_final();
        Some(Change { id: ChangeId { run: self.run, version }, status })
    }
}
