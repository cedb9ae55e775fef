//! What a transaction offers: pure arithmetic of base fee, blocks left and value at risk.

use alloy::primitives::U256;

use crate::config::TransactionConfig;

/// What a transaction offers per gas, in wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// At most in all.
    pub max_fee_per_gas: u128,
    /// Of it at most for the block builder.
    pub max_priority_fee_per_gas: u128,
}

/// What fees depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Market {
    /// Base fee of the newest block.
    pub base_fee: u128,
    /// The builder's part that nodes suggest.
    pub priority_fee: u128,
}

/// The builder's part grows to this many times the suggestion in the last block before the deadline.
const URGENT_FACTOR: u128 = 4;

/// How near the deadline is, in 1/10000: 0 while there is time, 10000 in the last block.
pub fn urgency_bps(config: &TransactionConfig, head: u64, deadline: Option<u64>) -> u32 {
    let Some(deadline) = deadline else { return 0 };
    // The next block is the first that can hold it.
    let left = deadline.saturating_sub(head.saturating_add(1)).min(config.urgent_blocks);
    if config.urgent_blocks == 0 {
        return 0;
    }
    let passed = u128::from(config.urgent_blocks - left);
    u32::try_from(passed * 10_000 / u128::from(config.urgent_blocks)).unwrap_or(10_000)
}

/// The most per gas that a transaction may offer: its share of the value at risk, within the configured bounds.
pub fn cap(config: &TransactionConfig, at_risk: U256, urgency_bps: u32, gas_limit: u64) -> u128 {
    let span = config.risk_share_last_bps.saturating_sub(config.risk_share_bps);
    let share = u64::from(config.risk_share_bps) + u64::from(span) * u64::from(urgency_bps) / 10_000;
    let budget = (at_risk / U256::from(10_000)).saturating_mul(U256::from(share)).max(U256::from(config.min_budget));
    let per_gas = budget / U256::from(gas_limit.max(1));
    u128::try_from(per_gas).unwrap_or(u128::MAX).min(config.max_fee_per_gas)
}

/// What a first transaction offers: room for the base fee to double, within the cap.
pub fn first(config: &TransactionConfig, market: Market, urgency_bps: u32, cap: u128) -> Fees {
    let priority = market.priority_fee.max(config.min_priority_fee_per_gas);
    let more = priority.saturating_mul(URGENT_FACTOR - 1).saturating_mul(urgency_bps.into()) / 10_000;
    let priority = priority.saturating_add(more).min(cap);
    let max_fee_per_gas = market.base_fee.saturating_mul(2).saturating_add(priority).min(cap);
    Fees { max_fee_per_gas, max_priority_fee_per_gas: priority }
}

/// What replaces a transaction: at least an eighth (12.5 %) more on both, so that every node takes it, and what a first one would
/// offer now. None when the cap does not leave room for that.
pub fn replacement(before: Fees, wanted: Fees, cap: u128) -> Option<Fees> {
    let eighth_more = |fee: u128| fee.saturating_add(fee.div_ceil(8)).max(fee.saturating_add(1));
    let least = eighth_more(before.max_fee_per_gas);
    if least > cap {
        return None;
    }
    let max_fee_per_gas = wanted.max_fee_per_gas.max(least).min(cap);
    let priority = wanted.max_priority_fee_per_gas.max(eighth_more(before.max_priority_fee_per_gas));
    Some(Fees { max_fee_per_gas, max_priority_fee_per_gas: priority.min(max_fee_per_gas) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GWEI: u128 = 1_000_000_000;

    fn config() -> TransactionConfig {
        TransactionConfig { min_budget: 0, urgent_blocks: 10, ..TransactionConfig::default() }
    }

    #[test]
    fn urgency_grows_over_the_last_blocks() {
        let at = |head| urgency_bps(&config(), head, Some(100));
        assert_eq!((at(0), at(89), at(90), at(94), at(99), at(500)), (0, 0, 1_000, 5_000, 10_000, 10_000));
        assert_eq!(urgency_bps(&config(), 99, None), 0);
    }

    #[test]
    fn the_cap_follows_the_value_at_risk_and_the_deadline() {
        let config = config();
        let ether = U256::from(10).pow(U256::from(18));
        assert_eq!(cap(&config, ether, 0, 1_000_000), 100 * GWEI, "a tenth");
        assert_eq!(cap(&config, ether, 10_000, 1_000_000), 900 * GWEI, "nine tenths");
        assert_eq!(cap(&config, U256::MAX, 10_000, 21_000), config.max_fee_per_gas, "never above the absolute bound");
        assert_eq!(cap(&config, U256::ZERO, 0, 21_000), 0);
        let small = TransactionConfig { min_budget: 21_000 * GWEI, ..config };
        assert_eq!(cap(&small, U256::ZERO, 0, 21_000), GWEI);
    }

    #[test]
    fn the_first_offer_follows_the_base_fee_within_the_cap() {
        let market = Market { base_fee: 10 * GWEI, priority_fee: GWEI };
        let calm = first(&config(), market, 0, 1_000 * GWEI);
        assert_eq!(calm, Fees { max_fee_per_gas: 21 * GWEI, max_priority_fee_per_gas: GWEI });
        let urgent = first(&config(), market, 10_000, 1_000 * GWEI);
        assert_eq!(urgent, Fees { max_fee_per_gas: 24 * GWEI, max_priority_fee_per_gas: 4 * GWEI });
        assert_eq!(first(&config(), market, 0, 5 * GWEI).max_fee_per_gas, 5 * GWEI);
    }

    #[test]
    fn a_replacement_offers_at_least_an_eighth_more_on_both() {
        for (fee, tip) in [(1, 1), (7, 3), (8, 8), (1_000_000_007, 999_999_937), (u128::MAX / 2, 1)] {
            let before = Fees { max_fee_per_gas: fee, max_priority_fee_per_gas: tip };
            let after = replacement(before, before, u128::MAX).expect("no cap");
            assert!(after.max_fee_per_gas - fee >= fee.div_ceil(8), "{after:?}");
            assert!(after.max_priority_fee_per_gas - tip >= tip.div_ceil(8), "{after:?}");
            assert!(after.max_priority_fee_per_gas <= after.max_fee_per_gas);
        }
        let before = Fees { max_fee_per_gas: 80, max_priority_fee_per_gas: 8 };
        let wanted = Fees { max_fee_per_gas: 500, max_priority_fee_per_gas: 9 };
        assert_eq!(replacement(before, wanted, 1_000), Some(wanted), "the base fee is followed at once");
        assert_eq!(replacement(before, wanted, 95).map(|fees| fees.max_fee_per_gas), Some(95));
        assert_eq!(replacement(before, wanted, 90).map(|fees| fees.max_fee_per_gas), Some(90));
        assert_eq!(replacement(before, wanted, 89), None, "less than an eighth of room");
    }
}
