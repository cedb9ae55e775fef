//! The transaction manager's journal in the ledger.

use std::sync::Arc;

use alloy_primitives::Address;
use async_trait::async_trait;
use proofyard_settlement::transactions::{IntentId, Journal, JournalError, Record};

use crate::ledger::{Ledger, TransactionRow};

/// Records as JSON in the ledger's table of transactions.
pub struct LedgerJournal(pub Arc<dyn Ledger>);

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> JournalError {
    JournalError(Box::new(error))
}

impl LedgerJournal {
    async fn blocking<T: Send + 'static>(
        &self,
        task: impl FnOnce(&dyn Ledger) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let ledger = self.0.clone();
        tokio::task::spawn_blocking(move || task(ledger.as_ref())).await.map_err(failed)?
    }
}

#[async_trait]
impl Journal for LedgerJournal {
    async fn open(&self, chain_id: u64, sender: Address) -> Result<(Vec<Record>, u64), JournalError> {
        self.blocking(move |ledger| {
            let (rows, next) = ledger.open_transactions(chain_id, sender).map_err(failed)?;
            let records =
                rows.iter().map(|row| serde_json::from_slice(row).map_err(failed)).collect::<Result<_, _>>()?;
            Ok((records, next))
        })
        .await
    }

    async fn find(&self, chain_id: u64, sender: Address, id: &IntentId) -> Result<Option<Record>, JournalError> {
        let id = id.clone();
        self.blocking(move |ledger| {
            let row = ledger.transaction(chain_id, sender, id.as_str()).map_err(failed)?;
            row.map(|row| serde_json::from_slice(&row).map_err(failed)).transpose()
        })
        .await
    }

    async fn store(&self, record: &Record) -> Result<(), JournalError> {
        let row = TransactionRow {
            chain_id: record.chain_id,
            sender: record.sender,
            sequence: record.sequence,
            intent: record.intent.id.as_str().to_owned(),
            is_final: record.state.is_final(),
            record: serde_json::to_vec(record).map_err(failed)?,
        };
        self.blocking(move |ledger| ledger.store_transaction(&row).map_err(failed)).await
    }
}
