//! What has come of transactions, in numbers.

use std::collections::HashMap;

use alloy::primitives::B256;

use super::journal::{GivenUp, Record, State};
use crate::chain::Receipt;

/// Totals since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Final and successful.
    pub succeeded: u64,
    /// Final and reverted.
    pub reverted: u64,
    /// Given up: somebody else had done it.
    pub obsolete: u64,
    /// Given up: the deadline was over.
    pub expired: u64,
    /// Given up: not wanted any more.
    pub withdrawn: u64,
    /// Given up: it would have reverted.
    pub refused: u64,
    /// Signed again with higher fees, or to cancel.
    pub replaced: u64,
    /// Fees that were not raised because of a cap.
    pub capped: u64,
    /// Gas of what is final.
    pub gas_used: u64,
    /// Wei paid for that gas.
    pub fees_wei: u128,
}

/// Transactions that are not final.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenTransactions {
    /// Not signed.
    pub queued: usize,
    /// Signed and in no block.
    pub in_flight: usize,
    /// In a block that a reorg may take back.
    pub included: usize,
    /// The L1 block at which the oldest of those in flight was signed first.
    pub in_flight_since: Option<u64>,
}

impl OpenTransactions {
    pub(super) fn of<'a>(records: impl Iterator<Item = &'a Record>) -> Self {
        let mut open = Self::default();
        for record in records {
            match record.state {
                State::Queued => open.queued += 1,
                State::InFlight => {
                    open.in_flight += 1;
                    let signed = record.attempts.first().map(|attempt| attempt.signed_at);
                    open.in_flight_since = open.in_flight_since.into_iter().chain(signed).min();
                }
                State::Included { .. } => open.included += 1,
                State::Succeeded { .. } | State::Reverted { .. } | State::GivenUp(_) => {}
            }
        }
        open
    }
}

/// Keeps the totals.
#[derive(Debug, Default)]
pub(super) struct Account {
    tally: Tally,
    /// Gas and wei of what is included and not final.
    paid: HashMap<B256, (u64, u128)>,
}

impl Account {
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Fees could not be raised.
    pub fn capped(&mut self) {
        self.tally.capped += 1;
    }

    /// A transaction is in a block.
    pub fn paid(&mut self, receipt: &Receipt) {
        let wei = u128::from(receipt.gas_used).saturating_mul(receipt.effective_gas_price);
        self.paid.insert(receipt.transaction_hash, (receipt.gas_used, wei));
    }

    /// A record was written; `before` is what was known of it, if it was open.
    pub fn changed(&mut self, before: Option<&Record>, record: &Record) {
        let signed = before.map_or(0, |before| before.attempts.len());
        // The first attempt replaces none.
        let replaced = record.attempts.len().saturating_sub(signed.max(1));
        self.tally.replaced += u64::try_from(replaced).unwrap_or(0);
        if !record.state.is_final() {
            return;
        }
        match &record.state {
            State::Succeeded { .. } => self.tally.succeeded += 1,
            State::Reverted { .. } => self.tally.reverted += 1,
            State::GivenUp(GivenUp::Obsolete) => self.tally.obsolete += 1,
            State::GivenUp(GivenUp::Expired) => self.tally.expired += 1,
            State::GivenUp(GivenUp::Withdrawn) => self.tally.withdrawn += 1,
            State::GivenUp(GivenUp::Refused { .. }) => self.tally.refused += 1,
            State::Queued | State::InFlight | State::Included { .. } => {}
        }
        for attempt in &record.attempts {
            if let Some((gas, wei)) = self.paid.remove(&attempt.hash) {
                self.tally.gas_used = self.tally.gas_used.saturating_add(gas);
                self.tally.fees_wei = self.tally.fees_wei.saturating_add(wei);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, Bytes};

    use super::*;
    use crate::transactions::{Attempt, Intent, IntentId};

    fn record(state: State, hashes: &[u8]) -> Record {
        let attempt = |hash: &u8| Attempt {
            nonce: 1,
            max_fee_per_gas: 1,
            max_priority_fee_per_gas: 1,
            gas_limit: 21_000,
            hash: B256::repeat_byte(*hash),
            raw: Bytes::new(),
            signed_at: u64::from(*hash),
            cancels: false,
        };
        Record {
            sequence: 0,
            chain_id: 1,
            sender: Address::ZERO,
            intent: Intent::new(IntentId::new("a").expect("an id"), Address::ZERO, vec![]),
            attempts: hashes.iter().map(attempt).collect(),
            state,
            giving_up: None,
            obsolete_since: None,
        }
    }

    fn receipt(hash: u8) -> Receipt {
        Receipt {
            transaction_hash: B256::repeat_byte(hash),
            block_number: 1,
            block_hash: B256::ZERO,
            from: Address::ZERO,
            contract_address: None,
            status: 1,
            gas_used: 100,
            effective_gas_price: 7,
        }
    }

    #[test]
    fn a_transaction_is_counted_once_with_its_replacements_and_its_gas() {
        let mut account = Account::default();
        let (queued, first) = (record(State::Queued, &[]), record(State::InFlight, &[5]));
        account.changed(None, &queued);
        account.changed(Some(&queued), &first);
        assert_eq!(account.tally(), Tally::default());
        let second = record(State::InFlight, &[5, 6]);
        account.changed(Some(&first), &second);
        assert_eq!(account.tally().replaced, 1);
        // Seen again with every observation until it is final.
        account.paid(&receipt(6));
        account.paid(&receipt(6));
        let hash = B256::repeat_byte(6);
        account.changed(Some(&second), &record(State::Succeeded { hash, block_number: 1 }, &[5, 6]));
        let expected = Tally { succeeded: 1, replaced: 1, gas_used: 100, fees_wei: 700, ..Tally::default() };
        assert_eq!(account.tally(), expected);
        assert!(account.paid.is_empty());
    }

    #[test]
    fn what_an_earlier_process_signed_is_not_counted_again() {
        let mut account = Account::default();
        let taken_up = record(State::InFlight, &[5, 6]);
        account.changed(Some(&taken_up), &record(State::InFlight, &[5, 6]));
        account.changed(Some(&taken_up), &record(State::GivenUp(GivenUp::Expired), &[5, 6]));
        assert_eq!(account.tally(), Tally { expired: 1, ..Tally::default() });
    }

    #[test]
    fn open_ones_are_counted_by_state_and_the_oldest_in_flight_is_known() {
        let records = [record(State::Queued, &[]), record(State::InFlight, &[9, 12]), record(State::InFlight, &[7])];
        let open = OpenTransactions::of(records.iter());
        assert_eq!(open, OpenTransactions { queued: 1, in_flight: 2, included: 0, in_flight_since: Some(7) });
    }
}
