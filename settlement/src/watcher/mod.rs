//! Follows the chain by polling and says what was applied and what was taken back.
//!
//! [`window`] decides; this module reads. Whatever takes blocks back, and the newest applied block, is shown to a second endpoint where there is
//! one; logs are compared with the block's Bloom filter and with the second endpoint.

mod logs;
pub mod window;

use std::time::Duration;

use alloy::primitives::{Address, B256};
use tokio::sync::mpsc;
use tracing::{error, warn};

pub use window::Change;

use crate::chain::{BlockRef, Log};
use crate::config::L1Config;
use crate::rpc::{Rpc, RpcError, Vouched};
use window::{Ask, Window};

/// Reads of one poll, so that it ends even when the chain grows faster than it is read.
const READS: usize = 512;
/// Polls in which an endpoint may be alone with its chain, until it is disowned.
const PATIENCE: u32 = 8;

/// Follows one chain for one consumer.
pub struct Watcher {
    rpc: Rpc,
    contracts: Vec<Address>,
    window: Window,
    interval: Duration,
    /// The newest block that a second endpoint has too; all before it in the window are its ancestors.
    vouched: Option<BlockRef>,
    /// A block that no other endpoint has, and in how many polls.
    disputed: Option<(B256, u32)>,
}

impl Watcher {
    /// Watches the logs of these contracts from the configured first block on.
    pub fn new(rpc: Rpc, config: &L1Config, contracts: Vec<Address>) -> Self {
        let watcher = &config.watcher;
        let window = Window::new(watcher.first_block, watcher.window_blocks, watcher.history_blocks);
        Self { rpc, contracts, window, interval: config.poll_interval(), vouched: None, disputed: None }
    }

    /// Goes on after what an earlier process applied: its newest blocks, oldest first ([`Watcher::blocks`]). A reorg since then is
    /// found and reported.
    pub fn resume(mut self, blocks: &[BlockRef]) -> Self {
        self.window.resume(blocks);
        self
    }

    /// The applied blocks that a reorg may still take back, oldest first.
    pub fn blocks(&self) -> impl DoubleEndedIterator<Item = &BlockRef> {
        self.window.blocks()
    }

    /// The newest applied block.
    pub fn tip(&self) -> Option<&BlockRef> {
        self.window.tip()
    }

    /// The newest block with `depth` blocks on top of it that two endpoints (where there are two) have.
    pub fn confirmed(&self, depth: u64) -> Option<&BlockRef> {
        let confirmed = self.window.confirmed(depth)?;
        let vouched = self.vouched.as_ref()?;
        self.window.at(confirmed.number.min(vouched.number))
    }

    /// Reads what is new and appends it to `changes`. After an error the changes so far stand and the next poll goes on from there.
    pub async fn poll(&mut self, changes: &mut Vec<Change>) -> Result<(), RpcError> {
        let before = changes.len();
        let outcome = self.read(changes).await;
        for change in &changes[before..] {
            match change {
                Change::Reverted { block } => {
                    warn!(number = block.number, hash = %block.hash, "L1 reorg: block taken back");
                }
                Change::Resync { from } => {
                    error!(
                        from,
                        "[PY-L-030] L1 reorg deeper than the window; everything is read anew. Check the endpoints"
                    );
                }
                Change::Applied { .. } | Change::History { .. } => {}
            }
        }
        outcome
    }

    async fn read(&mut self, changes: &mut Vec<Change>) -> Result<(), RpcError> {
        let (source, head) = self.rpc.head_with_source().await?;
        let mut ask = self.window.head(head.place());
        for _ in 0..READS {
            ask = match ask {
                Ask::Nothing => break,
                Ask::History { from, to } => {
                    let logs = self.history(source, from, to).await?;
                    self.window.take_history(from, to, logs, changes)
                }
                Ask::Block(number) => {
                    // A node that does not have it went back a moment ago; the next poll sees its new head.
                    let Some(block) = self.rpc.block_of(source, number).await? else { break };
                    let place = block.place();
                    if self.window.reverts(&place) && !self.is_vouched(source, &place).await {
                        break;
                    }
                    let logs = self.logs(source, &block).await?;
                    self.window.take_block(place, logs, changes)
                }
            };
        }
        // A reorg took the vouched block back?
        self.vouched = self.vouched.filter(|vouched| self.window.at(vouched.number) == Some(vouched));
        if let Some(tip) = self.window.tip().copied()
            && self.vouched != Some(tip)
            && self.is_vouched(source, &tip).await
        {
            self.vouched = Some(tip);
        }
        Ok(())
    }

    /// Whether another endpoint has the block. One that stays alone with its chain is set aside.
    async fn is_vouched(&mut self, source: usize, block: &BlockRef) -> bool {
        match self.rpc.vouched(source, block).await {
            Vouched::Yes => {
                self.disputed = None;
                true
            }
            Vouched::No => {
                let polls = match self.disputed {
                    Some((hash, polls)) if hash == block.hash => polls + 1,
                    _ => 1,
                };
                self.disputed = Some((block.hash, polls));
                if polls >= PATIENCE {
                    self.disputed = None;
                    self.rpc.disown(source, "its newest blocks");
                }
                false
            }
            Vouched::Unknown => false,
        }
    }

    /// Polls for ever and sends what changes. Ends when the receiver is gone.
    pub async fn run(mut self, changes: mpsc::Sender<Vec<Change>>) {
        let mut heads = self.rpc.heads();
        loop {
            let mut new = Vec::new();
            if let Err(error) = self.poll(&mut new).await {
                warn!(%error, "polling L1");
            }
            if !new.is_empty() && changes.send(new).await.is_err() {
                return;
            }
            // A new head wakes at once; a reorg to a lower one is found by the interval.
            tokio::select! {
                _ = heads.changed() => {}
                () = tokio::time::sleep(self.interval) => {}
                () = changes.closed() => return,
            }
        }
    }

    /// The logs of blocks older than the window.
    async fn history(&self, source: usize, from: u64, to: u64) -> Result<Vec<Log>, RpcError> {
        let logs = self.rpc.logs_between(source, from, to, &self.contracts).await?;
        let mut place = None;
        for log in &logs {
            let next = (log.block_number, log.log_index);
            let in_order = place.is_none_or(|place| place < next) && (from..=to).contains(&log.block_number);
            if !in_order || !self.contracts.contains(&log.address) {
                self.rpc.disown(source, "logs");
                return Err(RpcError::Disagreement { what: format!("the logs of blocks {from} to {to}") });
            }
            place = Some(next);
        }
        if let Some(other) = self.rpc.another(source)
            && self.rpc.logs_between(other, from, to, &self.contracts).await? != logs
        {
            return Err(RpcError::Disagreement { what: format!("the logs of blocks {from} to {to}") });
        }
        Ok(logs)
    }
}
