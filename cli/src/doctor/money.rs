//! What accounts have, against what is needed of them.

use proofyard_settlement::alloy::primitives::{Address, U256};

use super::report::About;
use crate::l1::shown_units;

/// An account that pays for fewer transactions than this should be filled up.
const TRANSACTIONS_LOW: u64 = 20;

/// Whether an account can pay for its transactions: at `price` wei per gas, `gas` each (or all of one height together).
pub fn gas(account: Address, balance: U256, gas: u64, price: u128, about: &mut About<'_>) {
    let cost = U256::from(gas).saturating_mul(U256::from(price));
    let times = balance.checked_div(cost).unwrap_or(U256::MAX);
    let seen = format!("{account} has {} ETH; {gas} gas cost {} ETH now", shown_units(balance), shown_units(cost));
    let remedy = format!("send ETH to {account}");
    if times.is_zero() || balance.is_zero() {
        about.fail("l1.account", seen, remedy);
    } else if times < U256::from(TRANSACTIONS_LOW) {
        about.warn("l1.account", format!("{seen}: enough for {times} times"), remedy);
    } else {
        about.ok("l1.account", seen);
    }
}

/// Whether the escrow backs at least one quote.
pub fn escrow(prover: Address, available: U256, deposit_min: U256, about: &mut About<'_>) {
    let (has, needs) = (shown_units(available), shown_units(deposit_min));
    let seen = format!("{prover} has {has} deposit tokens in the escrow, a block takes at least {needs}");
    match available < deposit_min || available.is_zero() {
        true => about.fail("l1.escrow", seen, "put more into it: proofyard l1 deposit --key-file FILE AMOUNT"),
        false => about.ok("l1.escrow", seen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::{Report, State};

    #[test]
    fn an_account_pays_for_none_for_few_or_for_many() {
        let state = |balance: u64| {
            let mut report = Report::default();
            gas(Address::ZERO, U256::from(balance), 1_000, 10, &mut report.about("a"));
            [State::Fail, State::Warn, State::Ok].map(|state| report.count(state))
        };
        assert_eq!([state(0), state(9_999), state(10_000)], [[1, 0, 0], [1, 0, 0], [0, 1, 0]]);
        assert_eq!([state(199_999), state(200_000)], [[0, 1, 0], [0, 0, 1]]);
    }

    #[test]
    fn the_escrow_backs_a_quote_or_none() {
        let fails = |available: u64, needed: u64| {
            let mut report = Report::default();
            escrow(Address::ZERO, U256::from(available), U256::from(needed), &mut report.about("a"));
            report.count(State::Fail) == 1
        };
        assert!(fails(0, 0) && fails(4, 5) && !fails(5, 5));
    }
}
