//! Promise P10, on a real anvil: reorgs, stuck and dropped transactions, fee spikes, lost answers, foreign transactions, crashes.

use std::sync::Arc;

use crate::journal::MemoryJournal;
use crate::node::{ALICE, Anvil, BOB, COUNTER, GWEI, ONCE, alice, config};
use crate::proxy::{Action, Proxy};
use alloy::primitives::{B256, Bytes, U256};
use proofyard_settlement::alloy;
use proofyard_settlement::config::L1Config;
use proofyard_settlement::rpc::Rpc;
use proofyard_settlement::signer::Key;
use proofyard_settlement::transactions::{
    Duplicates, GivenUp, Intent, IntentId, Manager, ManagerError, ObsoleteWhen, Record, State,
};
use serde_json::json;

async fn open(config: &L1Config, journal: &Arc<MemoryJournal>) -> Manager {
    let rpc = Rpc::connect(config).expect("a configuration");
    Manager::open(rpc, Key::local(alice()).transactions(), journal.clone(), config).await.expect("a manager")
}

async fn manager(anvil: &Anvil) -> (Manager, Arc<MemoryJournal>) {
    let journal = Arc::new(MemoryJournal::default());
    (open(&config(&[&anvil.url]), &journal).await, journal)
}

fn id(name: &str) -> IntentId {
    IntentId::new(name).expect("an id")
}

fn count_once(name: &str) -> Intent {
    Intent { at_risk: ether(1), ..Intent::new(id(name), COUNTER, vec![7; 32]) }
}

fn ether(count: u64) -> U256 {
    U256::from(count) * U256::from(10).pow(U256::from(18))
}

async fn record(manager: &Manager, name: &str) -> Record {
    manager.record(&id(name)).await.expect("a record")
}

/// One look at L1; where the intent stands then.
async fn tick(manager: &Manager, name: &str) -> Record {
    manager.tick().await.expect("a tick");
    record(manager, name).await
}

fn is_included(record: &Record) -> bool {
    matches!(&record.state, State::Included { reverted: None, .. })
}

/// Each attempt replaces the one before it as nodes ask for.
fn assert_replacements(record: &Record) {
    for pair in record.attempts.windows(2) {
        let (old, new) = (&pair[0], &pair[1]);
        assert_eq!(new.nonce, old.nonce);
        assert!(new.max_fee_per_gas * 8 >= old.max_fee_per_gas * 9, "{old:?} {new:?}");
        assert!(new.max_priority_fee_per_gas * 8 >= old.max_priority_fee_per_gas * 9, "{old:?} {new:?}");
    }
}

async fn assert_final_and_once(anvil: &Anvil, manager: &Manager, name: &str) {
    anvil.mine(7).await;
    let end = tick(manager, name).await;
    assert!(matches!(end.state, State::Succeeded { .. }), "{:?}", end.state);
    assert_eq!(anvil.slot(COUNTER).await, 1, "landed exactly once");
}

#[tokio::test]
async fn an_intent_is_written_before_it_is_sent_and_ends_when_it_is_final() {
    let anvil = Anvil::start().await;
    let (manager, journal) = manager(&anvil).await;
    assert_eq!(manager.submit(count_once("a")).await.expect("accepted"), State::Queued);
    assert_eq!(tick(&manager, "a").await.state, State::InFlight);
    let states: Vec<_> = journal.history().into_iter().map(|record| (record.state, record.attempts.len())).collect();
    assert_eq!(states, [(State::Queued, 0), (State::InFlight, 1)]);
    let known = anvil.rpc("eth_getTransactionByHash", json!([record(&manager, "a").await.attempts[0].hash])).await;
    assert!(known.is_object(), "it was sent");
    anvil.mine(1).await;
    assert!(is_included(&tick(&manager, "a").await));
    anvil.mine(5).await;
    assert!(is_included(&tick(&manager, "a").await), "five blocks on top are not six");
    assert_final_and_once(&anvil, &manager, "a").await;
}

#[tokio::test]
async fn the_same_intent_again_changes_nothing_and_other_content_is_refused() {
    let anvil = Anvil::start().await;
    let (manager, journal) = manager(&anvil).await;
    manager.submit(count_once("a")).await.expect("accepted");
    tick(&manager, "a").await;
    assert_eq!(manager.submit(count_once("a")).await.expect("known"), State::InFlight);
    let other = Intent { value: U256::from(1), ..count_once("a") };
    assert!(matches!(manager.submit(other).await, Err(ManagerError::Conflict(_))));
    assert!(matches!(manager.record(&id("b")).await, Err(ManagerError::Unknown(_))));
    anvil.mine(1).await;
    tick(&manager, "a").await;
    assert_final_and_once(&anvil, &manager, "a").await;
    assert!(matches!(manager.submit(count_once("a")).await, Ok(State::Succeeded { .. })), "also when it is over");
    let reopened = open(&config(&[&anvil.url]), &journal).await;
    assert!(matches!(reopened.submit(count_once("a")).await, Ok(State::Succeeded { .. })));
}

#[tokio::test]
async fn p10_reorg_of_depth_1_to_3_takes_the_transaction_back_and_it_lands_again() {
    let anvil = Anvil::start().await;
    anvil.mine(5).await;
    let (manager, _) = manager(&anvil).await;
    manager.submit(count_once("a")).await.expect("accepted");
    tick(&manager, "a").await;
    for depth in 1..=3 {
        anvil.mine(depth).await;
        assert!(is_included(&tick(&manager, "a").await));
        anvil.reorg(depth).await;
        assert_eq!(anvil.slot(COUNTER).await, 0, "the node has forgotten it");
        assert_eq!(tick(&manager, "a").await.state, State::InFlight);
    }
    anvil.mine(1).await;
    let included = tick(&manager, "a").await;
    assert!(is_included(&included));
    assert!(included.attempts.iter().all(|attempt| attempt.nonce == 0));
    assert_final_and_once(&anvil, &manager, "a").await;
}

#[tokio::test]
async fn p10_stuck_transaction_is_replaced_with_an_eighth_more_and_lands_once() {
    let anvil = Anvil::start().await;
    anvil.mine_at(GWEI).await;
    let (manager, _) = manager(&anvil).await;
    manager.submit(count_once("a")).await.expect("accepted");
    let first = tick(&manager, "a").await;
    assert!(first.attempts[0].max_fee_per_gas < 5 * GWEI);
    // Base fee times 10: what was offered does not suffice any more.
    for blocks in 1..=2 {
        anvil.mine_at(10 * GWEI).await;
        let stuck = tick(&manager, "a").await;
        assert_eq!((stuck.state, stuck.attempts.len()), (State::InFlight, if blocks < 2 { 1 } else { 2 }));
    }
    let replaced = record(&manager, "a").await;
    assert_replacements(&replaced);
    assert!(replaced.attempts[1].max_fee_per_gas >= 20 * GWEI, "the base fee is followed");
    anvil.mine_at(10 * GWEI).await;
    let included = tick(&manager, "a").await;
    assert!(matches!(included.state, State::Included { hash, .. } if hash == replaced.attempts[1].hash));
    assert_final_and_once(&anvil, &manager, "a").await;
}

#[tokio::test]
async fn p10_fee_spike_is_followed_only_as_far_as_the_value_at_risk_allows() {
    let anvil = Anvil::start().await;
    anvil.mine_at(GWEI).await;
    let mut config = config(&[&anvil.url]);
    config.transactions.min_budget = 0;
    config.transactions.risk_share_bps = 5_000;
    let journal = Arc::new(MemoryJournal::default());
    let manager = open(&config, &journal).await;
    // 100,000 gas, half of 0.004 ether: 20 gwei per gas.
    let intent = Intent { at_risk: U256::from(4_000_000 * GWEI), gas_limit: Some(100_000), ..count_once("a") };
    manager.submit(intent).await.expect("accepted");
    tick(&manager, "a").await;
    for _ in 0..12 {
        anvil.mine_at(100 * GWEI).await;
        let record = tick(&manager, "a").await;
        assert_eq!(record.state, State::InFlight);
        assert_replacements(&record);
        assert!(record.attempts.iter().all(|attempt| attempt.max_fee_per_gas <= 20 * GWEI), "{:?}", record.attempts);
    }
    assert!(record(&manager, "a").await.attempts.len() > 1, "raised as far as allowed");
    // The node refuses what pays less than the base fee: it has the first attempt only, until the next tick.
    anvil.mine_at(10 * GWEI).await;
    tick(&manager, "a").await;
    anvil.mine_at(10 * GWEI).await;
    assert!(is_included(&tick(&manager, "a").await), "lands when the spike is over");
    assert_final_and_once(&anvil, &manager, "a").await;
}

#[tokio::test]
async fn fees_grow_towards_the_deadline() {
    let anvil = Anvil::start().await;
    anvil.mine_at(GWEI).await;
    let mut config = config(&[&anvil.url]);
    config.transactions.min_budget = 0;
    config.transactions.risk_share_bps = 100;
    let manager = open(&config, &Arc::default()).await;
    // A hundredth of 0.01 ether at 100,000 gas: 1 gwei; nine tenths of it: 90 gwei.
    let intent = Intent {
        at_risk: U256::from(10_000_000 * GWEI),
        gas_limit: Some(100_000),
        deadline: Some(anvil.head().await + 15),
        ..count_once("a")
    };
    manager.submit(intent).await.expect("accepted");
    let first = tick(&manager, "a").await;
    assert!(first.attempts[0].max_fee_per_gas <= GWEI);
    for _ in 0..14 {
        anvil.mine_at(40 * GWEI).await;
        if is_included(&tick(&manager, "a").await) {
            break;
        }
    }
    let included = record(&manager, "a").await;
    assert!(is_included(&included), "lands before the deadline: {included:?}");
    assert_replacements(&included);
}

#[tokio::test]
async fn p10_dropped_transaction_is_sent_again() {
    let anvil = Anvil::start().await;
    let (manager, _) = manager(&anvil).await;
    manager.submit(count_once("a")).await.expect("accepted");
    let sent = tick(&manager, "a").await;
    anvil.rpc("anvil_dropTransaction", json!([sent.attempts[0].hash])).await;
    anvil.mine(1).await;
    assert_eq!(anvil.slot(COUNTER).await, 0);
    let again = tick(&manager, "a").await;
    assert_eq!((again.state, again.attempts.len()), (State::InFlight, 1));
    anvil.mine(1).await;
    assert!(is_included(&tick(&manager, "a").await));
    assert_final_and_once(&anvil, &manager, "a").await;
}

#[tokio::test]
async fn p10_send_that_failed_has_landed_all_the_same() {
    let anvil = Anvil::start().await;
    let proxy = Proxy::start(&anvil.url).await;
    proxy.rule(|method, _| if method == "eth_sendRawTransaction" { Action::ForwardAndCut } else { Action::Forward });
    let manager = open(&config(&[&proxy.url]), &Arc::default()).await;
    manager.submit(count_once("a")).await.expect("accepted");
    let sent = tick(&manager, "a").await;
    assert_eq!((sent.state, sent.attempts.len()), (State::InFlight, 1));
    anvil.mine(1).await;
    let landed = tick(&manager, "a").await;
    assert!(is_included(&landed), "the receipt decides: {landed:?}");
    assert_eq!(landed.attempts.len(), 1, "it was not signed again");
    assert_final_and_once(&anvil, &manager, "a").await;
    assert_eq!(anvil.nonce(ALICE).await, 1);
}

#[tokio::test]
async fn p10_false_receipt_of_a_lying_endpoint_ends_nothing() {
    let anvil = Anvil::start().await;
    anvil.mine(3).await;
    let liar = Proxy::start(&anvil.url).await;
    // Every transaction succeeded long ago, it says; and it swallows what it is given.
    liar.rule(|method, params| match method {
        "eth_getTransactionReceipt" => Action::Say(json!({
            "transactionHash": params[0], "blockNumber": "0x1", "blockHash": B256::repeat_byte(0xee),
            "from": ALICE, "status": "0x1", "gasUsed": "0x5208", "effectiveGasPrice": "0x1",
        })),
        "eth_sendRawTransaction" => Action::Say(json!(B256::repeat_byte(1))),
        _ => Action::Forward,
    });
    let config = config(&[&liar.url, &anvil.url]);
    let rpc = Rpc::connect(&config).expect("a configuration");
    let manager =
        Manager::open(rpc.clone(), Key::local(alice()).transactions(), Arc::<MemoryJournal>::default(), &config)
            .await
            .expect("a manager");
    manager.submit(count_once("a")).await.expect("accepted");
    for _ in 0..3 {
        assert_eq!(tick(&manager, "a").await.state, State::InFlight);
    }
    let aside = rpc.report()[0].aside.expect("set aside");
    assert!(aside.to_string().contains("PY-L-023"), "{aside}");
    anvil.mine(1).await;
    assert!(is_included(&tick(&manager, "a").await), "the honest endpoint had it all the time");
    assert_final_and_once(&anvil, &manager, "a").await;
}

#[tokio::test]
async fn p10_endpoint_killed_in_the_middle_is_replaced_by_the_other() {
    let anvil = Anvil::start().await;
    let proxy = Proxy::start(&anvil.url).await;
    let manager = open(&config(&[&proxy.url, &anvil.url]), &Arc::default()).await;
    manager.submit(count_once("a")).await.expect("accepted");
    tick(&manager, "a").await;
    drop(proxy);
    anvil.mine(1).await;
    assert!(is_included(&tick(&manager, "a").await));
    assert_final_and_once(&anvil, &manager, "a").await;
}

#[tokio::test]
async fn p10_endpoint_that_hangs_is_replaced_by_the_other() {
    let anvil = Anvil::start().await;
    let proxy = Proxy::start(&anvil.url).await;
    proxy.rule(|_, _| Action::Hang);
    let mut config = config(&[&proxy.url, &anvil.url]);
    config.request_timeout_ms = 700;
    let manager = open(&config, &Arc::default()).await;
    manager.submit(count_once("a")).await.expect("accepted");
    tick(&manager, "a").await;
    anvil.mine(1).await;
    assert!(is_included(&tick(&manager, "a").await));
    assert_final_and_once(&anvil, &manager, "a").await;
}

/// Starts a manager that stops for ever at some point, and ends it there.
async fn run_until_crash(manager: Manager, stops: impl AsyncFn() -> bool) {
    let task = tokio::spawn(async move { manager.run().await });
    while !stops().await {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    task.abort();
    let _ = task.await;
}

#[tokio::test]
async fn p10_crash_between_writing_and_sending_is_made_good_by_the_next_process() {
    let anvil = Anvil::start().await;
    let (manager, journal) = manager(&anvil).await;
    manager.submit(count_once("a")).await.expect("accepted");
    journal.crash_after(State::InFlight);
    run_until_crash(manager, async || journal.history().len() == 2).await;
    let written = journal.history()[1].clone();
    let pool = anvil.rpc("eth_getTransactionByHash", json!([written.attempts[0].hash])).await;
    assert!(pool.is_null(), "never sent");
    let next = open(&config(&[&anvil.url]), &journal).await;
    let sent = tick(&next, "a").await;
    assert_eq!(sent.attempts, written.attempts, "the very same transaction");
    anvil.mine(1).await;
    assert!(is_included(&tick(&next, "a").await));
    assert_final_and_once(&anvil, &next, "a").await;
}

#[tokio::test]
async fn p10_crash_between_sending_and_receipt_does_not_send_twice() {
    let anvil = Anvil::start().await;
    let proxy = Proxy::start(&anvil.url).await;
    // The process dies while it waits for the answer to its sending.
    proxy.rule(|method, _| if method == "eth_sendRawTransaction" { Action::ForwardAndCut } else { Action::Forward });
    let journal = Arc::new(MemoryJournal::default());
    let manager = open(&config(&[&proxy.url]), &journal).await;
    manager.submit(count_once("a")).await.expect("accepted");
    run_until_crash(manager, async || {
        journal.history().len() == 2
            && !anvil.rpc("eth_getTransactionByHash", json!([journal.history()[1].attempts[0].hash])).await.is_null()
    })
    .await;
    anvil.mine(4).await;
    let next = open(&config(&[&anvil.url]), &journal).await;
    let found = tick(&next, "a").await;
    assert!(is_included(&found), "{found:?}");
    assert_eq!(found.attempts.len(), 1);
    assert_final_and_once(&anvil, &next, "a").await;
    assert_eq!(anvil.nonce(ALICE).await, 1);
}

#[tokio::test]
async fn nothing_is_sent_that_cannot_be_written() {
    let anvil = Anvil::start().await;
    let (manager, journal) = manager(&anvil).await;
    manager.submit(count_once("a")).await.expect("accepted");
    journal.set_broken(true);
    assert_eq!(tick(&manager, "a").await.state, State::Queued);
    let pending = anvil.rpc("eth_getTransactionCount", json!([ALICE, "pending"])).await;
    assert_eq!(crate::node::number(&pending), 0);
    assert!(matches!(manager.submit(count_once("b")).await, Err(ManagerError::Journal(_))));
    journal.set_broken(false);
    anvil.mine(1).await;
    assert_eq!(tick(&manager, "a").await.state, State::InFlight);
}

/// Takes the nonce that is in flight with another transaction of the same account.
async fn take_nonce(anvil: &Anvil, nonce: u64) {
    let foreign = json!([{
        "from": ALICE, "to": BOB, "value": "0x1", "nonce": format!("{nonce:#x}"), "gas": "0x5208",
        "maxFeePerGas": format!("{:#x}", 500 * GWEI), "maxPriorityFeePerGas": format!("{:#x}", 50 * GWEI),
    }]);
    anvil.rpc("eth_sendTransaction", foreign).await;
    anvil.mine(1).await;
    assert_eq!(anvil.slot(COUNTER).await, 0);
}

#[tokio::test]
async fn p10_nonce_taken_by_a_foreign_transaction_is_found_and_the_next_one_used() {
    let anvil = Anvil::start().await;
    let (manager, _) = manager(&anvil).await;
    manager.submit(count_once("a")).await.expect("accepted");
    tick(&manager, "a").await;
    take_nonce(&anvil, 0).await;
    let contested = tick(&manager, "a").await;
    assert_eq!(contested.attempts.len(), 1, "a reorg may still give the nonce back");
    anvil.mine(2).await;
    let signed_anew = tick(&manager, "a").await;
    assert_eq!(signed_anew.attempts.iter().map(|attempt| attempt.nonce).collect::<Vec<_>>(), [0, 1]);
    anvil.mine(1).await;
    assert!(is_included(&tick(&manager, "a").await));
    assert_final_and_once(&anvil, &manager, "a").await;
}

#[tokio::test]
async fn an_intent_that_must_not_land_twice_waits_until_the_foreign_transaction_is_final() {
    let anvil = Anvil::start().await;
    let (manager, _) = manager(&anvil).await;
    manager.submit(Intent { duplicates: Duplicates::Forbidden, ..count_once("a") }).await.expect("accepted");
    tick(&manager, "a").await;
    take_nonce(&anvil, 0).await;
    for _ in 0..5 {
        anvil.mine(1).await;
        assert_eq!(tick(&manager, "a").await.attempts.len(), 1);
    }
    anvil.mine(1).await;
    assert_eq!(tick(&manager, "a").await.attempts.len(), 2);
}

#[tokio::test]
async fn intents_go_in_order_with_one_in_flight() {
    let anvil = Anvil::start().await;
    let (manager, _) = manager(&anvil).await;
    for name in ["a", "b", "c"] {
        manager.submit(Intent { value: U256::ZERO, ..count_once(name) }).await.expect("accepted");
    }
    for (nonce, name) in ["a", "b", "c"].into_iter().enumerate() {
        let record = tick(&manager, name).await;
        assert_eq!((record.state, record.attempts[0].nonce), (State::InFlight, nonce as u64));
        assert_eq!(
            anvil.rpc("eth_getTransactionCount", json!([ALICE, "pending"])).await,
            json!(format!("{:#x}", nonce + 1))
        );
        anvil.mine(1).await;
    }
    tick(&manager, "c").await;
    assert_eq!(anvil.slot(COUNTER).await, 3);
}

fn set_once(name: &str) -> Intent {
    let check = ObsoleteWhen { to: ONCE, data: Bytes::new(), answer: U256::from(1).to_be_bytes::<32>().into() };
    Intent { obsolete_when: Some(check), at_risk: ether(1), ..Intent::new(id(name), ONCE, vec![1]) }
}

async fn bob_sets_it(anvil: &Anvil) {
    anvil.rpc("eth_sendTransaction", json!([{"from": BOB, "to": ONCE, "data": "0x01", "gas": "0x186a0"}])).await;
    anvil.mine(1).await;
    assert_eq!(anvil.slot(ONCE).await, 1);
}

#[tokio::test]
async fn what_is_settled_already_is_not_sent() {
    let anvil = Anvil::start().await;
    bob_sets_it(&anvil).await;
    let (manager, _) = manager(&anvil).await;
    manager.submit(set_once("a")).await.expect("accepted");
    manager.submit(count_once("b")).await.expect("accepted");
    assert_eq!(tick(&manager, "a").await.state, State::Queued, "not over until what did it is final");
    assert_eq!(record(&manager, "b").await.state, State::InFlight, "the next one does not wait for it");
    anvil.mine(7).await;
    let end = tick(&manager, "a").await;
    assert_eq!((end.state, end.attempts.len()), (State::GivenUp(GivenUp::Obsolete), 0));
    assert_eq!(anvil.nonce(ALICE).await, 1);
}

#[tokio::test]
async fn p10_what_a_reorg_undoes_is_not_obsolete_any_more() {
    let anvil = Anvil::start().await;
    anvil.mine(2).await;
    bob_sets_it(&anvil).await;
    let (manager, _) = manager(&anvil).await;
    manager.submit(set_once("a")).await.expect("accepted");
    tick(&manager, "a").await;
    anvil.reorg(1).await;
    anvil.mine(1).await;
    assert_eq!(tick(&manager, "a").await.state, State::InFlight);
    anvil.mine(1).await;
    assert!(is_included(&tick(&manager, "a").await));
    assert_eq!(anvil.slot(ONCE).await, 1);
}

#[tokio::test]
async fn what_becomes_settled_in_flight_is_cancelled() {
    let anvil = Anvil::start().await;
    anvil.mine_at(GWEI).await;
    let (manager, _) = manager(&anvil).await;
    manager.submit(set_once("a")).await.expect("accepted");
    let sent = tick(&manager, "a").await;
    anvil.rpc("anvil_dropTransaction", json!([sent.attempts[0].hash])).await;
    bob_sets_it(&anvil).await;
    let cancelled = tick(&manager, "a").await;
    assert!(cancelled.attempts[1].cancels, "{cancelled:?}");
    assert_replacements(&cancelled);
    anvil.mine(1).await;
    assert!(is_included(&tick(&manager, "a").await));
    anvil.mine(7).await;
    assert_eq!(tick(&manager, "a").await.state, State::GivenUp(GivenUp::Obsolete));
    assert_eq!(anvil.nonce(ALICE).await, 1, "the nonce is used up, the next intent is not held up");
}

#[tokio::test]
async fn a_revert_on_chain_is_reported_with_its_reason() {
    let anvil = Anvil::start().await;
    let (manager, _) = manager(&anvil).await;
    manager.submit(Intent { obsolete_when: None, ..set_once("a") }).await.expect("accepted");
    tick(&manager, "a").await;
    // Another's transaction is first in the same block.
    anvil
        .rpc(
            "eth_sendTransaction",
            json!([{"from": BOB, "to": ONCE, "data": "0x01", "gas": "0x186a0",
                "maxFeePerGas": format!("{:#x}", 500 * GWEI), "maxPriorityFeePerGas": format!("{:#x}", 50 * GWEI)}]),
        )
        .await;
    anvil.mine(1).await;
    let reverted = tick(&manager, "a").await;
    let State::Included { reverted: Some(reason), .. } = &reverted.state else { panic!("{reverted:?}") };
    assert!(reason.contains("came first"), "{reason}");
    anvil.mine(7).await;
    assert!(matches!(tick(&manager, "a").await.state, State::Reverted { .. }));
}

#[tokio::test]
async fn what_would_revert_is_not_sent() {
    let anvil = Anvil::start().await;
    bob_sets_it(&anvil).await;
    let (manager, _) = manager(&anvil).await;
    manager.submit(Intent { obsolete_when: None, ..set_once("a") }).await.expect("accepted");
    for _ in 0..2 {
        assert_eq!(tick(&manager, "a").await.state, State::Queued);
        anvil.mine(1).await;
    }
    let end = tick(&manager, "a").await;
    assert!(matches!(&end.state, State::GivenUp(GivenUp::Refused { reason }) if reason.contains("without a reason")));
    assert_eq!((end.attempts.len(), anvil.nonce(ALICE).await), (0, 0));
}

#[tokio::test]
async fn not_before_and_deadline_are_kept() {
    let anvil = Anvil::start().await;
    anvil.mine_at(GWEI).await;
    let (manager, _) = manager(&anvil).await;
    let head = anvil.head().await;
    let early = Intent { not_before: Some(head + 3), deadline: Some(head + 5), at_risk: U256::ZERO, ..count_once("a") };
    manager.submit(early).await.expect("accepted");
    for _ in 0..2 {
        assert_eq!(tick(&manager, "a").await.state, State::Queued);
        anvil.mine(1).await;
    }
    let sent = tick(&manager, "a").await;
    assert_eq!(sent.state, State::InFlight, "the next block is the first allowed");
    // Too dear for it until its deadline is over.
    for _ in 0..3 {
        anvil.mine_at(1_000 * GWEI).await;
        tick(&manager, "a").await;
    }
    let late = record(&manager, "a").await;
    assert!(late.attempts.last().expect("attempts").cancels, "{late:?}");
    anvil.mine_at(GWEI).await;
    anvil.mine(7).await;
    assert_eq!(tick(&manager, "a").await.state, State::GivenUp(GivenUp::Expired));
    assert_eq!(anvil.slot(COUNTER).await, 0);
    let never = Intent { deadline: Some(1), ..count_once("b") };
    manager.submit(never).await.expect("accepted");
    assert_eq!(tick(&manager, "b").await.state, State::GivenUp(GivenUp::Expired));
}

#[tokio::test]
async fn a_withdrawn_intent_is_not_signed_or_is_cancelled() {
    let anvil = Anvil::start().await;
    let (manager, _) = manager(&anvil).await;
    manager.submit(count_once("a")).await.expect("accepted");
    manager.submit(count_once("b")).await.expect("accepted");
    let sent = tick(&manager, "a").await;
    anvil.rpc("anvil_dropTransaction", json!([sent.attempts[0].hash])).await;
    manager.withdraw(&id("a")).await.expect("known");
    manager.withdraw(&id("b")).await.expect("known");
    anvil.mine(1).await;
    tick(&manager, "a").await;
    anvil.mine(1).await;
    tick(&manager, "a").await;
    anvil.mine(8).await;
    assert_eq!(tick(&manager, "a").await.state, State::GivenUp(GivenUp::Withdrawn));
    tick(&manager, "b").await;
    assert_eq!(record(&manager, "b").await.state, State::GivenUp(GivenUp::Withdrawn));
    assert_eq!(anvil.slot(COUNTER).await, 0);
}

#[tokio::test]
async fn a_running_manager_follows_a_chain_of_its_own_pace() {
    let anvil = Anvil::start_with(&["--block-time", "1"]).await;
    let mut config = config(&[&anvil.url]);
    config.finality_depth = 2;
    let manager = Arc::new(open(&config, &Arc::default()).await);
    let running = tokio::spawn({
        let manager = manager.clone();
        async move { manager.run().await }
    });
    manager.submit(count_once("a")).await.expect("accepted");
    let end = manager.wait(&id("a"), State::is_final).await.expect("an end");
    assert!(matches!(end.state, State::Succeeded { .. }));
    assert_eq!((anvil.slot(COUNTER).await, end.attempts.len()), (1, 1));
    running.abort();
}
