//! Sends the core's acts through the transaction manager and says what becomes of them.

use std::sync::Arc;

use proofyard_settlement::transactions::{GivenUp, IntentId, Manager, ManagerError, State};
use tokio::sync::mpsc;
use tracing::{error, warn};

use super::acts::{Acts, Refusal, is_bad_quote};
use crate::core::{
    Event, Intent, Landing,
    effect::Act,
    types::{Address, BlockId, L1Block},
};

/// Pause before L1 is asked again.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// Sends. Clones share the manager.
#[derive(Clone)]
pub struct Sender {
    acts: Arc<Acts>,
    manager: Arc<Manager>,
    events: mpsc::UnboundedSender<Event>,
}

impl Sender {
    /// Sends through this manager, tells these events.
    pub fn new(acts: Arc<Acts>, manager: Arc<Manager>, events: mpsc::UnboundedSender<Event>) -> Self {
        Self { acts, manager, events }
    }

    /// Sends an act, or takes up the transaction that an earlier process made of it, and follows it to its end.
    pub async fn send(
        self,
        intent: Intent,
        act: Act,
        block: BlockId,
        until: Option<L1Block>,
        published: Vec<(Vec<u8>, Address)>,
    ) {
        let Ok(id) = IntentId::new(intent.to_string()) else { return };
        while !self.is_known(&id).await {
            match self.submit(intent, &act, block, until, &published).await {
                Ok(()) => break,
                Err(Refusal::Refused { reason, bad_quote }) => {
                    warn!(%intent, reason, "not sent");
                    // An error means that the driver is gone.
                    let _ = self.events.send(Event::Landed { intent, landing: Landing::Failed { reason, bad_quote } });
                    return;
                }
                // Nothing is said of it before it is known whether the journal has it.
                Err(later) => warn!(%intent, error = %later, "not sent yet"),
            }
            tokio::time::sleep(PAUSE).await;
        }
        landings(&self.manager, &id, |landing| {
            let _ = self.events.send(Event::Landed { intent, landing });
        })
        .await;
    }

    /// Whether the journal has a transaction; waits until it says so.
    async fn is_known(&self, id: &IntentId) -> bool {
        loop {
            match self.manager.record(id).await {
                Ok(_) => return true,
                Err(ManagerError::Unknown(_)) => return false,
                Err(error) => warn!(%error, intent = %id, "the journal does not answer"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn submit(
        &self,
        intent: Intent,
        act: &Act,
        block: BlockId,
        until: Option<L1Block>,
        published: &[(Vec<u8>, Address)],
    ) -> Result<(), Refusal> {
        let approved = self.allow(intent, act).await?;
        let mut candidates = published.iter().cloned().map(Some).collect::<Vec<_>>();
        if candidates.is_empty() {
            candidates.push(None);
        }
        let mut last = Refusal::Refused { reason: "nothing to send".to_owned(), bad_quote: false };
        for published in candidates {
            let transaction = self.acts.transaction(intent, act, block, until, published).await?;
            // Before the allowance is on chain, the act behind it would be refused.
            let tried = if approved { self.acts.preflight(&transaction).await } else { Ok(()) };
            match tried {
                Ok(()) => return self.hand_in(transaction).await,
                Err(refusal) => last = refusal,
            }
        }
        Err(last)
    }

    async fn hand_in(&self, transaction: proofyard_settlement::transactions::Intent) -> Result<(), Refusal> {
        Ok(self.manager.submit(transaction).await.map(drop)?)
    }

    /// Sees that the act may take the tokens it needs. True when it may already.
    async fn allow(&self, intent: Intent, act: &Act) -> Result<bool, Refusal> {
        let client = self.acts.client();
        let needed = match act {
            Act::Propose { tip_token, tip, .. } if *tip > 0 => Some((*tip_token, client.deployment().sidecar, *tip)),
            Act::CommitOwn { deposit, .. } => {
                let token = super::convert::bytes(client.deployment().deposit_token);
                Some((token, self.acts.commitment_phase(intent.height).await?, *deposit))
            }
            _ => None,
        };
        let Some((token, spender, amount)) = needed else { return Ok(true) };
        match self.acts.allowance(token, spender, amount).await? {
            None => Ok(true),
            Some(approval) => self.hand_in(approval).await.map(|()| false),
        }
    }
}

/// Tells what becomes of a transaction, each change once, until it is final.
pub async fn landings(manager: &Manager, id: &IntentId, mut tell: impl FnMut(Landing)) {
    let mut told: Option<Landing> = None;
    loop {
        let known = told.clone();
        let record = match manager.wait(id, |state| landing(state) != known).await {
            Ok(record) => record,
            Err(error) => {
                error!(%error, intent = %id, "a transaction is not followed");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let now = landing(&record.state);
        if now != told {
            match (&now, &told) {
                (Some(landing), _) => tell(landing.clone()),
                (None, Some(Landing::Included { .. } | Landing::Failed { .. })) => tell(Landing::TakenBack),
                (None, _) => {}
            }
            told = now;
        }
        if record.state.is_final() {
            return;
        }
    }
}

/// None while it is on its way.
fn landing(state: &State) -> Option<Landing> {
    let failed = |reason: String| Some(Landing::Failed { bad_quote: is_bad_quote(&reason), reason });
    match state {
        State::Queued | State::InFlight => None,
        State::Included { block_number, reverted: None, .. } | State::Succeeded { block_number, .. } => {
            Some(Landing::Included { block: *block_number })
        }
        State::Included { reverted: Some(reason), .. } | State::Reverted { reason, .. } => failed(reason.clone()),
        State::GivenUp(GivenUp::Refused { reason }) => failed(reason.clone()),
        State::GivenUp(GivenUp::Obsolete) => failed("somebody else has done it".to_owned()),
        State::GivenUp(GivenUp::Expired) => failed("it was not included in time".to_owned()),
        State::GivenUp(GivenUp::Withdrawn) => failed("it was withdrawn".to_owned()),
    }
}
