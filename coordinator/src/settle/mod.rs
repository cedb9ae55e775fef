//! The coordinator on L1: ledger, market, submission and the settlement crate around the farm's [`Handle`](crate::Handle).
//!
//! [`Opened::open`] opens ledger, key and contracts; [`Opened::start`] takes up what the ledger holds and starts two tasks: one follows
//! the chain and the farm and does what the groups order ([`crate::submission`]), one sends transactions. [`SettledDesk`] is its face to
//! the HTTP endpoint. Decisions are in [`crate::market`] and [`crate::submission`]; here are deeds only.

mod again;
mod chain;
mod chronicle;
mod config;
mod desk;
mod driver;
mod error;
mod facts;
mod journal;
mod office;
mod papers;
mod promises;
mod start;
mod submissions;
mod works;

use std::{sync::Arc, time::Duration};

use proofyard_settlement::{
    config::L1Config,
    sidecar_client::Deployment,
    signer::{Key, SignerConfig},
};
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tracing::error;

pub use self::{
    config::SettlementConfig, desk::SettledDesk, error::SettleError, journal::LedgerJournal, start::Opened,
};
use crate::{ledger::Ledger, market::MarketConfig};

/// Blocks whose status is kept for those who ask, once they are over.
const SHOWN_MAX: usize = 256;
/// How long the tasks may take to write down what is done; whatever they do not is done again by the next process.
const STOPPING: Duration = Duration::from_millis(500);

/// Waits for the word to stop, or until nobody can say it any more.
async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// What the coordinator is on L1.
#[derive(Clone)]
pub struct Settings {
    /// `[l1]`.
    pub l1: L1Config,
    /// `[signer]`.
    pub signer: SignerConfig,
    /// `[settlement]`.
    pub settlement: SettlementConfig,
    /// `[market]`.
    pub market: MarketConfig,
}

/// What the sections name, for those who have it at hand.
pub struct Parts {
    /// The contracts.
    pub deployment: Deployment,
    /// The prover's key.
    pub key: Key,
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
}

/// The coordinator on L1. It ends when this is dropped; [`Settlement::shutdown`] waits for that.
pub struct Settlement {
    desk: SettledDesk,
    ledger: Arc<dyn Ledger>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Settlement {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Settlement {
    /// Its face to the endpoint.
    pub fn desk(&self) -> SettledDesk {
        self.desk.clone()
    }

    /// Writes down the proofs that are there, ends the tasks, and closes the ledger: when this returns another process can open it,
    /// whoever still holds a desk. What is not done is in the ledger, for the next start.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        for mut task in std::mem::take(&mut self.tasks) {
            if timeout(STOPPING, &mut task).await.is_err() {
                task.abort();
                // An error says that it was aborted, which is what is waited for.
                let _ = task.await;
            }
        }
        let ledger = self.ledger.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || ledger.close()).await {
            error!(%error, "the ledger was not closed");
        }
    }
}
