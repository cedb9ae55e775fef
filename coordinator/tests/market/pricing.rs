//! The price formula, by hand and by its properties.

use alloy_primitives::U256;
use proofyard_coordinator::market::{Amount, MarketConfig, TipToken, price};
use proptest::prelude::*;

fn config() -> MarketConfig {
    MarketConfig { deposit_risk_bps: 10, submission_gas: 600_000, margin_bps: 1_000, ..MarketConfig::default() }
}

fn tip() -> TipToken {
    TipToken {
        price_per_farm_second: Amount::from(1_000_000),
        per_ether: Amount::from(1_000_000_000_000_000_000),
        per_deposit_unit: Amount::from(500_000_000_000_000_000),
        ..TipToken::default()
    }
}

#[test]
fn the_formula_by_hand() {
    let parts = price(&config(), &tip(), 2_500, U256::from(4_000_000), 7).expect("small");
    assert_eq!(parts.farm, U256::from(2_500_000), "2.5 s of the farm");
    assert_eq!(parts.risk, U256::from(2_000), "a tenth of a percent of 4,000,000, each worth a half");
    assert_eq!(parts.gas, U256::from(4_200_000), "600,000 units at 7 wei");
    // 6,702,000 and a tenth.
    assert_eq!(parts.total, U256::from(7_372_200));
}

#[test]
fn nothing_is_rounded_down() {
    let config = MarketConfig { margin_bps: 1, ..config() };
    let cheap = TipToken { price_per_farm_second: Amount::from(1), ..tip() };
    let parts = price(&config, &cheap, 1, U256::from(1), 0).expect("small");
    assert_eq!([parts.farm, parts.risk, parts.total], [1, 1, 3].map(U256::from));
    assert_eq!(price(&config, &cheap, 0, U256::ZERO, 0).expect("nothing").total, U256::ZERO);
}

#[test]
fn overflow_is_no_price() {
    assert_eq!(price(&config(), &tip(), u64::MAX, U256::MAX, u128::MAX), None);
    let dear = TipToken { price_per_farm_second: Amount(U256::MAX), ..tip() };
    assert_eq!(price(&config(), &dear, 2, U256::ZERO, 0), None);
    assert!(price(&config(), &tip(), u64::MAX, U256::from(u128::MAX), u128::from(u64::MAX)).is_some());
}

proptest! {
    #[test]
    fn more_of_anything_is_never_cheaper(
        work in 0_u64..1 << 40, deposit in 0_u128..1 << 90, gas in 0_u128..1 << 50,
        more in 0_u64..1 << 40, which in 0_usize..5,
    ) {
        let (mut dearer, mut more_tip) = (config(), tip());
        let (mut more_work, mut more_deposit, mut more_gas) = (work, deposit, gas);
        match which {
            0 => more_work += more,
            1 => more_deposit += u128::from(more),
            2 => more_gas += u128::from(more),
            3 => dearer.margin_bps += more % 10_000,
            _ => more_tip.price_per_farm_second = Amount::from(1_000_000 + more),
        }
        let before = price(&config(), &tip(), work, U256::from(deposit), gas).expect("small").total;
        let after = price(&dearer, &more_tip, more_work, U256::from(more_deposit), more_gas).expect("small").total;
        prop_assert!(after >= before);
    }

    #[test]
    fn the_parts_are_in_the_total(work in 0_u64..1 << 40, deposit in 0_u128..1 << 90, gas in 0_u128..1 << 50) {
        let parts = price(&config(), &tip(), work, U256::from(deposit), gas).expect("small");
        prop_assert!(parts.total >= parts.farm + parts.risk + parts.gas);
        prop_assert!(parts.total <= (parts.farm + parts.risk + parts.gas) * U256::from(2));
    }
}
