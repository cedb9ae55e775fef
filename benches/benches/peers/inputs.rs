//! Executed transfers as inputs of the Noir programs in `benches/noir`.

use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};
use proofyard_rollup::{account::Account, baton::Baton, executor::TransferTrace, schnorr::PublicKey, tree::TreePath};
use serde_json::{Value, json};

/// Inputs of a leaf: the batons before and after a run of transfers, and the transfers.
pub fn leaf(start: Baton, traces: &[TransferTrace]) -> Value {
    let end = traces.last().map_or(start, |trace| trace.baton_after);
    let transfers: Vec<Value> = traces.iter().map(transfer).collect();
    json!({ "start": baton(start), "end": baton(end), "transfers": transfers })
}

/// The public inputs of a leaf, in the order in which bb writes them.
pub fn public(start: Baton, end: Baton) -> Vec<String> {
    [start, end].into_iter().flat_map(|baton| baton.to_array().map(word)).collect()
}

/// A baton.
pub fn baton(baton: Baton) -> Value {
    json!({ "root": word(baton.root), "data_hash": word(baton.data_hash), "fees": word(baton.fees) })
}

fn transfer(trace: &TransferTrace) -> Value {
    let transfer = &trace.signed.transfer;
    let sender = &trace.sender_before;
    let recipient = trace.recipient_before.unwrap_or(Account::opened(transfer.to_key));
    let s = trace.signed.signature.s.into_bigint().0;
    let half = |low: u64, high: u64| word(Fr::from(u128::from(low) | u128::from(high) << 64));
    json!({
        "from": transfer.from,
        "to": transfer.to,
        "nonce": transfer.nonce,
        "amount": hex(transfer.amount),
        "fee": hex(transfer.fee),
        "signature": { "e": word(Fr::from(trace.signed.signature.e)), "s_low": half(s[0], s[1]), "s_high": half(s[2], s[3]) },
        "sender_key": key(&sender.key),
        "sender_balance": hex(sender.balance),
        "recipient_key": key(&recipient.key),
        "opens": trace.recipient_before.is_none(),
        "recipient_balance": hex(recipient.balance),
        "recipient_nonce": recipient.nonce,
        "sender_path": path(&trace.sender_path),
        "recipient_path": path(&trace.recipient_path),
    })
}

fn key(key: &PublicKey) -> [String; 2] {
    [word(key.x()), word(key.y())]
}

fn path(path: &TreePath) -> Vec<[String; 4]> {
    path.iter().map(|children| children.map(word)).collect()
}

/// A number that JSON's own numbers would round.
fn hex(value: u64) -> String {
    format!("{value:#x}")
}

/// A field element in hexadecimal, canonical.
fn word(value: Fr) -> String {
    let digits: String = value.into_bigint().to_bytes_be().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}
