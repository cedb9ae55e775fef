//! A journal that outlives its manager but not the test, and that can stop the manager after a writing.

use std::sync::Mutex;

use async_trait::async_trait;
use proofyard_settlement::alloy::primitives::Address;
use proofyard_settlement::transactions::{IntentId, Journal, JournalError, Record, State};

#[derive(Default)]
pub struct MemoryJournal {
    records: Mutex<Vec<Record>>,
    /// Every version that was ever written.
    history: Mutex<Vec<Record>>,
    crash: Mutex<Option<State>>,
    broken: Mutex<bool>,
}

impl MemoryJournal {
    /// The process "dies" when a record with a state like this is written: the writing lasts, the call never returns.
    pub fn crash_after(&self, state: State) {
        *self.crash.lock().expect("the journal") = Some(state);
    }

    /// Nothing can be written from now on, or again.
    pub fn set_broken(&self, broken: bool) {
        *self.broken.lock().expect("the journal") = broken;
    }

    pub fn history(&self) -> Vec<Record> {
        self.history.lock().expect("the journal").clone()
    }

    fn dies(&self, record: &Record) -> bool {
        let mut crash = self.crash.lock().expect("the journal");
        let same = |state: &State| std::mem::discriminant(state) == std::mem::discriminant(&record.state);
        crash.take_if(|state| same(state)).is_some()
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn open(&self, chain_id: u64, sender: Address) -> Result<(Vec<Record>, u64), JournalError> {
        let records = self.records.lock().expect("the journal");
        let own: Vec<_> =
            records.iter().filter(|record| (record.chain_id, record.sender) == (chain_id, sender)).cloned().collect();
        let next = own.iter().map(|record| record.sequence + 1).max().unwrap_or(0);
        Ok((own.into_iter().filter(|record| !record.state.is_final()).collect(), next))
    }

    async fn find(&self, chain_id: u64, sender: Address, id: &IntentId) -> Result<Option<Record>, JournalError> {
        let records = self.records.lock().expect("the journal");
        let is = |record: &&Record| (record.chain_id, record.sender) == (chain_id, sender) && record.intent.id == *id;
        Ok(records.iter().find(is).cloned())
    }

    async fn store(&self, record: &Record) -> Result<(), JournalError> {
        if *self.broken.lock().expect("the journal") {
            return Err(JournalError("the disk is full".into()));
        }
        {
            let mut records = self.records.lock().expect("the journal");
            match records.iter_mut().find(|known| known.sequence == record.sequence) {
                Some(known) => *known = record.clone(),
                None => records.push(record.clone()),
            }
            self.history.lock().expect("the journal").push(record.clone());
        }
        if self.dies(record) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}
