//! Promise P10: endpoints that lag, lie, hang, die and come back.

use std::time::Duration;

use crate::node::{ALICE, Anvil, BOB, config, number};
use crate::proxy::{Action, Proxy};
use alloy::primitives::B256;
use proofyard_settlement::alloy;
use proofyard_settlement::chain::{At, Call};
use proofyard_settlement::rpc::{Rpc, RpcError, Seen};
use serde_json::{Value, json};

/// Waits until something about the endpoints is so.
async fn until(what: &str, is: impl AsyncFn() -> bool) {
    for _ in 0..200 {
        if is().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

fn code_aside(rpc: &Rpc, endpoint: usize) -> Option<String> {
    let reason = rpc.report()[endpoint].aside?.to_string();
    Some(reason[1..9].to_owned())
}

/// A transaction of Bob's, included.
async fn included(anvil: &Anvil) -> B256 {
    let sent = anvil.rpc("eth_sendTransaction", json!([{"from": BOB, "to": ALICE, "value": "0x1"}])).await;
    anvil.mine(1).await;
    serde_json::from_value(sent).expect("a hash")
}

#[tokio::test]
async fn p10_stale_head_of_a_lying_endpoint_is_set_aside_and_it_returns_when_it_catches_up() {
    let anvil = Anvil::start().await;
    let liar = Proxy::start(&anvil.url).await;
    let stale = anvil.rpc("eth_getBlockByNumber", json!(["latest", false])).await;
    liar.rule(move |method, params| match (method, &params[0]) {
        ("eth_getBlockByNumber", latest) if latest == "latest" => Action::Say(stale.clone()),
        _ => Action::Forward,
    });
    let mut config = config(&[&liar.url, &anvil.url]);
    config.set_aside_ms = 200;
    let rpc = Rpc::connect(&config).expect("a configuration");
    anvil.mine(10).await;
    until("set aside", async || code_aside(&rpc, 0).as_deref() == Some("PY-L-021")).await;
    assert_eq!(rpc.head().await.expect("a head").number, 10, "of the other one");
    liar.rule(|_, _| Action::Forward);
    until("used again", async || code_aside(&rpc, 0).is_none()).await;
}

#[tokio::test]
async fn p10_endpoint_of_another_chain_is_never_asked() {
    let (right, wrong) = (Anvil::start().await, Anvil::start_with(&["--no-mining", "--chain-id", "5"]).await);
    wrong.mine(20).await;
    let rpc = Rpc::connect(&config(&[&wrong.url, &right.url])).expect("a configuration");
    assert_eq!(rpc.head().await.expect("a head").number, 0);
    assert_eq!(code_aside(&rpc, 0).as_deref(), Some("PY-L-020"));
    let alone = Rpc::connect(&config(&[&wrong.url])).expect("a configuration");
    let error = alone.head().await.expect_err("nobody to ask");
    assert!(error.to_string().contains("PY-L-020"), "{error}");
    let error = alone.head().await.expect_err("nobody to ask");
    assert!(matches!(error, RpcError::NoEndpoint { .. }), "{error}");
}

#[tokio::test]
async fn p10_head_that_goes_back_without_a_reorg_sets_the_endpoint_aside() {
    let anvil = Anvil::start().await;
    let proxy = Proxy::start(&anvil.url).await;
    let rpc = Rpc::connect(&config(&[&proxy.url, &anvil.url])).expect("a configuration");
    anvil.mine(2).await;
    let old = anvil.rpc("eth_getBlockByNumber", json!(["latest", false])).await;
    until("seen", async || rpc.report().iter().all(|endpoint| endpoint.head == Some(2))).await;
    anvil.mine(2).await;
    until("seen", async || rpc.report().iter().all(|endpoint| endpoint.head == Some(4))).await;
    proxy.rule(move |method, params| match (method, &params[0]) {
        ("eth_getBlockByNumber", latest) if latest == "latest" => Action::Say(old.clone()),
        _ => Action::Forward,
    });
    until("set aside", async || code_aside(&rpc, 0).as_deref() == Some("PY-L-022")).await;
    assert_eq!(code_aside(&rpc, 1), None);
    // A real reorg to a lower head is none of that.
    let alone = Rpc::connect(&config(&[&anvil.url])).expect("a configuration");
    until("seen", async || alone.report()[0].head == Some(4)).await;
    anvil.reorg(3).await;
    anvil.rpc("anvil_rollback", json!([1])).await;
    until("seen", async || alone.report()[0].head == Some(3)).await;
    assert_eq!(code_aside(&alone, 0), None);
}

#[tokio::test]
async fn p10_two_endpoints_fail_over_when_one_is_killed() {
    let mut first = Anvil::start().await;
    let second = Anvil::start().await;
    let rpc = Rpc::connect(&config(&[&first.url, &second.url])).expect("a configuration");
    assert_eq!(rpc.head().await.expect("a head").number, 0);
    first.kill();
    for _ in 0..3 {
        assert_eq!(rpc.head().await.expect("the other's head").number, 0);
    }
    until("set aside", async || code_aside(&rpc, 0).as_deref() == Some("PY-L-024")).await;
}

#[tokio::test]
async fn p10_endpoint_that_hangs_holds_up_nobody_for_long() {
    let anvil = Anvil::start().await;
    let proxy = Proxy::start(&anvil.url).await;
    proxy.rule(|_, _| Action::Hang);
    let mut config = config(&[&proxy.url, &anvil.url]);
    config.request_timeout_ms = 700;
    let rpc = Rpc::connect(&config).expect("a configuration");
    rpc.head().await.expect("the other's head");
    until("set aside", async || code_aside(&rpc, 0).as_deref() == Some("PY-L-024")).await;
    let sent = rpc.send_raw(&[1, 2, 3]).await;
    assert!(format!("{sent:?}").starts_with("Refused"), "{sent:?}");
}

#[tokio::test]
async fn p10_a_receipt_that_others_do_not_know_is_not_believed() {
    let anvil = Anvil::start().await;
    let transaction = included(&anvil).await;
    anvil.mine(3).await;
    let liar = Proxy::start(&anvil.url).await;
    liar.rule(|method, params| match method {
        "eth_getTransactionReceipt" => Action::Say(json!({
            "transactionHash": params[0], "blockNumber": "0x2", "blockHash": B256::repeat_byte(1), "from": BOB,
            "status": "0x1", "gasUsed": "0x1",
        })),
        _ => Action::Forward,
    });
    let rpc = Rpc::connect(&config(&[&liar.url, &anvil.url])).expect("a configuration");
    until("heads", async || rpc.report().iter().all(|endpoint| endpoint.head == Some(4))).await;
    let made_up = B256::repeat_byte(7);
    assert_ne!(rpc.receipt(made_up).await.expect("an answer"), Seen::Nothing, "nobody knows who is right yet");
    assert_eq!(code_aside(&rpc, 0).as_deref(), Some("PY-L-023"));
    assert_eq!(rpc.receipt(made_up).await.expect("an answer"), Seen::Nothing);
    let Seen::Included(receipt) = rpc.receipt(transaction).await.expect("an answer") else { panic!("it is included") };
    assert!(receipt.succeeded() && receipt.block_number == 1);
}

#[tokio::test]
async fn p10_a_receipt_that_one_keeps_back_is_found_with_the_other() {
    let anvil = Anvil::start().await;
    let transaction = included(&anvil).await;
    let liar = Proxy::start(&anvil.url).await;
    liar.rule(|method, _| match method {
        "eth_getTransactionReceipt" => Action::Say(Value::Null),
        _ => Action::Forward,
    });
    let rpc = Rpc::connect(&config(&[&liar.url, &anvil.url])).expect("a configuration");
    rpc.receipt(transaction).await.expect("an answer");
    assert_eq!(code_aside(&rpc, 0).as_deref(), Some("PY-L-025"), "the block it shows holds the transaction");
    assert!(matches!(rpc.receipt(transaction).await, Ok(Seen::Included(_))));
}

#[tokio::test]
async fn p10_a_majority_of_three_decides_at_once() {
    let anvil = Anvil::start().await;
    let transaction = included(&anvil).await;
    let liar = Proxy::start(&anvil.url).await;
    liar.rule(|method, _| match method {
        "eth_getTransactionReceipt" => Action::Change(Box::new(|mut receipt| {
            receipt["status"] = json!("0x0");
            receipt
        })),
        "eth_getTransactionCount" => Action::Say(json!("0x3e8")),
        _ => Action::Forward,
    });
    let honest = Proxy::start(&anvil.url).await;
    let rpc = Rpc::connect(&config(&[&liar.url, &anvil.url, &honest.url])).expect("a configuration");
    let Ok(Seen::Included(receipt)) = rpc.receipt(transaction).await else { panic!("two of three have it") };
    assert!(receipt.succeeded());
    assert_eq!(rpc.nonce(BOB, At::Latest).await, Ok(1));
}

#[tokio::test]
async fn answers_without_end_are_cut_and_strange_ones_refused() {
    let anvil = Anvil::start().await;
    let proxy = Proxy::start(&anvil.url).await;
    proxy.rule(|method, _| match method {
        "eth_call" => Action::Say(json!(format!("0x{}", "00".repeat(100_000)))),
        "eth_getCode" => Action::Say(json!({"not": "code"})),
        _ => Action::Forward,
    });
    let mut config = config(&[&proxy.url]);
    config.answer_bytes_max = 1 << 16;
    let rpc = Rpc::connect(&config).expect("a configuration");
    let call = Call::view(BOB, vec![]);
    assert!(matches!(rpc.call(&call, At::Latest).await, Err(RpcError::TooLarge { cap: 65_536, .. })));
    assert!(matches!(rpc.code(BOB).await, Err(RpcError::BadAnswer { .. })));
}

#[tokio::test]
async fn heads_wake_those_who_wait_for_blocks() {
    let anvil = Anvil::start().await;
    let rpc = Rpc::connect(&config(&[&anvil.url])).expect("a configuration");
    let mut heads = rpc.heads();
    anvil.mine(1).await;
    tokio::time::timeout(Duration::from_secs(10), heads.wait_for(|head| head.is_some_and(|head| head.number == 1)))
        .await
        .expect("woken")
        .expect("a head");
    let block = anvil.rpc("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(rpc.head().await.expect("a head").number, number(&block["number"]));
}
