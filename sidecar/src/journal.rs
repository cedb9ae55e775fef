//! The transaction manager's journal, in the sidecar's own file.

use std::sync::Arc;

use async_trait::async_trait;
use proofyard_settlement::{
    alloy::primitives::Address,
    transactions::{IntentId, Journal, JournalError, Record},
};
use rusqlite::{OptionalExtension, params};

use crate::{
    error::StoreError,
    store::{Store, decode, encode},
};

/// Transactions in the store.
pub struct StoreJournal(pub Arc<Store>);

impl StoreJournal {
    async fn with<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let store = self.0.clone();
        let done = tokio::task::spawn_blocking(move || act(&store)).await;
        done.map_err(|error| JournalError(error.into()))?.map_err(|error| JournalError(error.into()))
    }
}

#[async_trait]
impl Journal for StoreJournal {
    async fn open(&self, chain_id: u64, sender: Address) -> Result<(Vec<Record>, u64), JournalError> {
        self.with(move |store| {
            let what = "reading transactions";
            let sender = sender.into_array();
            let (rows, next) = store.with(what, |connection| {
                let mut statement = connection.prepare(
                    "SELECT json FROM transactions WHERE chain_id = ?1 AND sender = ?2 AND NOT is_final ORDER BY sequence",
                )?;
                let rows = statement.query_map(params![chain_id as i64, sender], |row| row.get::<_, String>(0))?;
                let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
                let next: i64 = connection.query_row(
                    "SELECT coalesce(max(sequence) + 1, 0) FROM transactions WHERE chain_id = ?1 AND sender = ?2",
                    params![chain_id as i64, sender],
                    |row| row.get(0),
                )?;
                Ok((rows, next))
            })?;
            let records = rows.iter().map(|json| decode(what, json)).collect::<Result<Vec<_>, _>>()?;
            Ok((records, next as u64))
        })
        .await
    }

    async fn find(&self, chain_id: u64, sender: Address, id: &IntentId) -> Result<Option<Record>, JournalError> {
        let id = id.as_str().to_owned();
        self.with(move |store| {
            let what = "reading a transaction";
            let json = store.with(what, |connection| {
                let query = "SELECT json FROM transactions WHERE chain_id = ?1 AND sender = ?2 AND intent = ?3";
                let key = params![chain_id as i64, sender.into_array(), id];
                connection.query_row(query, key, |row| row.get::<_, String>(0)).optional()
            })?;
            json.map(|json| decode(what, &json)).transpose()
        })
        .await
    }

    async fn store(&self, record: &Record) -> Result<(), JournalError> {
        let record = record.clone();
        self.with(move |store| {
            let what = "storing a transaction";
            let json = encode(what, &record)?;
            let write = "INSERT INTO transactions (chain_id, sender, sequence, intent, is_final, json) \
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                         ON CONFLICT (chain_id, sender, sequence) DO UPDATE SET is_final = ?5, json = ?6";
            store.with(what, |connection| {
                connection
                    .execute(
                        write,
                        params![
                            record.chain_id as i64,
                            record.sender.into_array(),
                            record.sequence as i64,
                            record.intent.id.as_str(),
                            record.state.is_final(),
                            json
                        ],
                    )
                    .map(drop)
            })
        })
        .await
    }
}
