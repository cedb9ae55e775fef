//! What a group costs.
//!
//! `price = (farm + risk + gas) · (10^4 + margin) / 10^4`, in the tip's token, each part rounded up:
//! - `farm = work_ms · price_per_farm_second / 10^3`
//! - `risk = deposit · per_deposit_unit / 10^18 · deposit_risk_bps / 10^4`
//! - `gas = submission_gas · gas_price · per_ether / 10^18`

use alloy_primitives::U256;

use super::config::{MarketConfig, TipToken, UNIT};
use crate::ledger::QuoteTerms;

const BPS: u64 = 10_000;

/// A price and what it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceParts {
    /// For the farm's time.
    pub farm: U256,
    /// For the deposit's risk.
    pub risk: U256,
    /// For the submission's gas.
    pub gas: U256,
    /// All of it and the margin: what is asked.
    pub total: U256,
}

/// The price of `work_ms` milliseconds of the whole farm with `deposit` at risk at a gas price in wei; `None`: beyond 256 bits.
pub fn price(
    config: &MarketConfig,
    tip: &TipToken,
    work_ms: u64,
    deposit: U256,
    gas_price: u128,
) -> Option<PriceParts> {
    let share = |amount: U256, parts: U256, of: u64| Some(amount.checked_mul(parts)?.div_ceil(U256::from(of)));
    let farm = share(tip.price_per_farm_second.0, U256::from(work_ms), 1_000)?;
    let worth = share(deposit, tip.per_deposit_unit.0, UNIT)?;
    let risk = share(worth, U256::from(config.deposit_risk_bps), BPS)?;
    let wei = U256::from(gas_price).checked_mul(U256::from(config.submission_gas))?;
    let gas = share(wei, tip.per_ether.0, UNIT)?;
    let costs = farm.checked_add(risk)?.checked_add(gas)?;
    let total = share(costs, U256::from(BPS.checked_add(config.margin_bps)?), BPS)?;
    Some(PriceParts { farm, risk, gas, total })
}

/// What is lost without a proof, in wei: the deposit, and the price that was earned. Saturates.
pub fn at_risk_wei(config: &MarketConfig, terms: &QuoteTerms) -> U256 {
    let part = |amount: U256, parts: U256, of: U256| {
        if of.is_zero() { U256::ZERO } else { amount.checked_mul(parts).map_or(U256::MAX, |product| product / of) }
    };
    let unit = U256::from(UNIT);
    // In the tip's token first, then in wei.
    let Some(tip) = config.tip(terms.tip_token) else { return U256::ZERO };
    let deposit = part(terms.deposit, tip.per_deposit_unit.0, unit);
    part(deposit.saturating_add(terms.price), unit, tip.per_ether.0)
}
