//! Lies about amounts, balances, nonces and unused leaves.

use super::*;

fn number(value: u64) -> Fr {
    Fr::from(value)
}

fn minus(value: u64) -> Fr {
    -Fr::from(value)
}

#[test]
fn a_negative_amount() {
    // The sender would take the money of the recipient.
    let forge = Forge { amount: minus(1), ..Forge::default() };
    assert_eq!(forge.failures(Tamper::default()), [gate("transfer's numbers", 8, "digits", 1)]);
}

#[test]
fn a_negative_fee() {
    let forge = Forge { fee: minus(1), ..Forge::default() };
    assert_eq!(forge.failures(Tamper::default()), [gate("transfer's numbers", 0, "digits", 1)]);
}

#[test]
fn a_nonce_of_more_than_32_bits() {
    let forge = Forge { nonce: minus(1), leaf_nonce: minus(1), ..Forge::default() };
    assert_eq!(forge.failures(Tamper::default()), [gate("transfer's numbers", 16, "digits", 1)]);
}

#[test]
fn a_last_nonce() {
    let last = number(u32::MAX.into());
    let forge = Forge { nonce: last, leaf_nonce: last, ..Forge::default() };
    assert_eq!(forge.failures(Tamper::default()), [gate("sender's new balance", 0, "digits", 1)]);
}

#[test]
fn an_old_nonce_is_not_replayed_by_carrying_it_into_the_balance() {
    // The leaf holds nonce 4 and 10: as nonce 3 with 2^64 + 10 it would take the transfer with nonce 3 again.
    let forge = Forge { sender_balance: power_of_two(64) + number(10), ..Forge::default() };
    assert_eq!(forge.failures(Tamper::default()), [gate("sender's old balance", 0, "digits", 1)]);
}

#[test]
fn more_than_the_balance() {
    let forge = Forge { sender_balance: number(10), ..Forge::default() };
    assert_eq!(forge.failures(Tamper::default()), [gate("sender's new balance", 4, "digits", 1)]);
}

#[test]
fn more_than_the_balance_borrowed_from_the_nonce() {
    // balance + nonce 2^64 is right, but the nonce stands still and the balance is 2^64 - 1.
    let forge = Forge { sender_balance: number(10), ..Forge::default() };
    let tamper = choose("next nonce", 0, number(3));
    assert_eq!(forge.failures(tamper), [gate("recipient's old balance", 12, "last accumulator", 0)]);
}

#[test]
fn a_recipient_whose_nonce_or_balance_is_out_of_range() {
    let forge = Forge { recipient_nonce: minus(1), ..Forge::default() };
    assert_eq!(forge.failures(Tamper::default()), [gate("recipient's old balance", 0, "digits", 1)]);
    let forge = Forge { recipient_balance: minus(1), ..Forge::default() };
    assert_eq!(forge.failures(Tamper::default()), [gate("recipient's old balance", 4, "digits", 1)]);
}

#[test]
fn more_than_the_recipient_can_hold() {
    let forge = Forge { recipient_balance: number(u64::MAX), ..Forge::default() };
    assert_eq!(forge.failures(Tamper::default()), [gate("recipient's new balance", 0, "digits", 1)]);
}

#[test]
fn a_nonce_other_than_the_senders() {
    // A signed transfer again: its nonce is 3, the account's is 4.
    let forge = Forge { leaf_nonce: number(4), ..Forge::default() };
    let tamper = choose("sender's nonce", 0, number(4));
    assert_eq!(forge.failures(tamper), [gate("sender's old balance", 8, "last accumulator", 0)]);
    // With the account's nonce as the transfer says, the leaf is not in the tree.
    let failures = forge.failures(Tamper::default());
    assert!(failures.contains(&gate("sender's path", 0, "children", 1)), "{failures:?}");
}

#[test]
fn signed_numbers_other_than_the_slots() {
    // The signature is for leaf 4, the money goes to leaf 5.
    let forge = Forge { signed_to: number(4), ..Forge::default() };
    let honest = Forge::default();
    let packed = |forge: &Forge| forge.signed_to * power_of_two(32);
    let tamper = cell("transfer's numbers", 20, "last accumulator", 3, Lie::Add(packed(&forge) - packed(&honest)));
    assert_eq!(forge.failures(tamper), [gate("transfer's numbers", 20, "last accumulator", 0)]);
}

#[test]
fn a_smaller_payment() {
    let after = number(100 - 6) + number(4) * power_of_two(64);
    let forge = Forge { sender_after: Some(after), ..Forge::default() };
    let tamper = cell("sender's payment", 0, "payment", 3, Lie::Add(minus(5)));
    assert_eq!(forge.failures(tamper), [gate("sender's payment", 0, "payment", 0)]);
}

#[test]
fn a_larger_balance_after() {
    let after = number(100) + number(4) * power_of_two(64);
    let forge = Forge { sender_after: Some(after), ..Forge::default() };
    let tamper = choose("sender's new balance", 0, number(100));
    assert_eq!(forge.failures(tamper), [gate("sender's new balance", 12, "last accumulator", 0)]);
    let tamper = choose("recipient's new balance", 0, number(1_000_000));
    assert_eq!(Forge::default().failures(tamper), [gate("recipient's new balance", 8, "last accumulator", 0)]);
}

#[test]
fn an_unused_leaf_that_has_something() {
    let opened =
        Forge { is_new: number(1), recipient_balance: number(0), recipient_nonce: number(0), ..Forge::default() };
    assert_eq!(opened.failures(Tamper::default()), []);
    for forge in [
        Forge { recipient_balance: number(1_000_000), ..opened.clone() },
        Forge { recipient_nonce: number(1), ..opened.clone() },
    ] {
        assert_eq!(forge.failures(Tamper::default()), [gate("recipient's leaf", 0, "an unused leaf has nothing", 0)]);
    }
}

#[test]
fn a_used_leaf_opened_again() {
    let opened =
        Forge { is_new: number(1), recipient_balance: number(0), recipient_nonce: number(0), ..Forge::default() };
    let forge = Forge { recipient_leaf: Some(number(77)), ..opened };
    assert_eq!(forge.failures(Tamper::default()), [gate("recipient's path", 0, "children", 1)]);
}

#[test]
fn an_account_at_an_unused_leaf() {
    let forge = Forge { recipient_leaf: Some(number(0)), ..Forge::default() };
    assert_eq!(forge.failures(Tamper::default()), [gate("recipient's path", 0, "children", 1)]);
    // The same with the old leaf's value cut loose from the account.
    let tamper = cell("recipient's leaf", 0, "an unused leaf is zero", 2, Lie::Set(number(0)));
    assert_eq!(forge.failures(tamper), [gate("recipient's leaf", 0, "an unused leaf is zero", 0)]);
}

#[test]
fn a_flag_for_unused_leaves_that_is_no_bit() {
    // 1 - 2 = -1: the tree holds the negated hash.
    let forge =
        Forge { is_new: number(2), recipient_balance: number(0), recipient_nonce: number(0), ..Forge::default() };
    assert_eq!(forge.failures(Tamper::default()), [gate("root", 0, "old root is the baton's", 6)]);
}

#[test]
fn a_recipient_with_another_key() {
    let other = SecretKey::from_seed(b"someone else").public_key();
    let held = leaf_value((other.x(), other.y()), Forge::default().recipient_packed());
    let forge = Forge { recipient_leaf: Some(held), ..Forge::default() };
    assert_eq!(forge.failures(Tamper::default()), [gate("recipient's path", 0, "children", 1)]);
}
