//! The logs of one block, not taken on one endpoint's word.

use alloy::primitives::{Address, B256, Bloom, BloomInput};

use super::Watcher;
use crate::chain::{Block, Log};
use crate::rpc::RpcError;

/// Whether these can be the watched logs of a block with this hash and filter: each is in the filter, of a watched contract, of
/// this block, and they are in order.
fn is_plausible(logs: &[Log], block: B256, bloom: &Bloom, contracts: &[Address]) -> bool {
    let in_order = logs.windows(2).all(|pair| pair[0].log_index < pair[1].log_index);
    in_order
        && logs.iter().all(|log| {
            contracts.contains(&log.address)
                && log.block_hash == block
                && bloom.contains_input(BloomInput::Raw(log.address.as_slice()))
                && log.topics.len() <= 4
                && log.topics.iter().all(|topic| bloom.contains_input(BloomInput::Raw(topic.as_slice())))
        })
}

/// Whether the filter excludes all of the contracts.
fn is_silent(bloom: &Bloom, contracts: &[Address]) -> bool {
    !contracts.iter().any(|contract| bloom.contains_input(BloomInput::Raw(contract.as_slice())))
}

impl Watcher {
    /// The watched contracts' logs in a block that `source` showed.
    pub(super) async fn logs(&self, source: usize, block: &Block) -> Result<Vec<Log>, RpcError> {
        if self.contracts.is_empty() {
            return Ok(Vec::new());
        }
        let disagreement = || RpcError::Disagreement { what: format!("the logs of block {}", block.number) };
        let logs = self.rpc.logs_of(source, block.hash, &self.contracts).await?;
        if !is_plausible(&logs, block.hash, &block.logs_bloom, &self.contracts) {
            self.rpc.disown(source, "logs");
            return Err(disagreement());
        }
        if logs.is_empty() && is_silent(&block.logs_bloom, &self.contracts) {
            return Ok(logs);
        }
        // Logs may have been made up or kept back: the other endpoint's word, if it has the block.
        let Some(other) = self.rpc.another(source) else { return Ok(logs) };
        let Ok(Some(theirs)) = self.rpc.block_of(other, block.number).await else { return Ok(logs) };
        if theirs.hash != block.hash {
            return Ok(logs);
        }
        let Ok(their_logs) = self.rpc.logs_of(other, block.hash, &self.contracts).await else { return Ok(logs) };
        if their_logs == logs {
            return Ok(logs);
        }
        // Each is judged by the other's filter. Made-up logs do not fit it; of two that fit, the shorter list keeps something back.
        let ours_fit = is_plausible(&logs, block.hash, &theirs.logs_bloom, &self.contracts);
        let theirs_fit = is_plausible(&their_logs, block.hash, &block.logs_bloom, &self.contracts);
        let blame = match (ours_fit, theirs_fit) {
            (true, false) => other,
            (true, true) if their_logs.len() < logs.len() => other,
            _ => source,
        };
        self.rpc.disown(blame, "logs");
        Err(disagreement())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_logs_do_not_fit_the_filter() {
        let contract = Address::repeat_byte(1);
        let log = |topic: u8| Log {
            address: contract,
            topics: vec![B256::repeat_byte(topic)],
            data: Default::default(),
            block_number: 1,
            block_hash: B256::repeat_byte(9),
            transaction_hash: B256::ZERO,
            log_index: topic.into(),
        };
        let mut bloom = Bloom::ZERO;
        bloom.accrue(BloomInput::Raw(contract.as_slice()));
        bloom.accrue(BloomInput::Raw(B256::repeat_byte(2).as_slice()));
        let is = |logs: &[Log], contracts: &[Address]| is_plausible(logs, B256::repeat_byte(9), &bloom, contracts);
        assert!(is(&[log(2)], &[contract]));
        assert!(!is(&[log(3)], &[contract]), "its topic is not in the filter");
        assert!(!is(&[log(2), log(2)], &[contract]), "twice");
        assert!(!is(&[log(2)], &[Address::repeat_byte(7)]), "not watched");
        assert!(!is_plausible(&[log(2)], B256::ZERO, &bloom, &[contract]), "another block");
        assert!(is_silent(&bloom, &[Address::repeat_byte(7)]) && !is_silent(&bloom, &[contract]));
    }
}
