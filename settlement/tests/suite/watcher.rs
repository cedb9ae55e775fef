//! Promise P10: the watcher on a real anvil, through reorgs, gaps, restarts and lies.

use crate::node::{Anvil, BOB, COUNTER, config};
use crate::proxy::{Action, Proxy};
use alloy::primitives::B256;
use proofyard_settlement::alloy;
use proofyard_settlement::chain::{BlockRef, Log};
use proofyard_settlement::rpc::Rpc;
use proofyard_settlement::watcher::{Change, Watcher};
use serde_json::{Value, json};

/// What follows from the changes: the chain and the topics of its logs.
#[derive(Default)]
struct Follower {
    chain: Vec<BlockRef>,
    logs: Vec<(u64, B256)>,
    reverted: usize,
    resyncs: usize,
}

impl Follower {
    fn add(&mut self, logs: &[Log]) {
        self.logs.extend(logs.iter().map(|log| (log.block_number, log.topics[0])));
    }

    fn take(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Applied { block, logs } => {
                    assert!(self.chain.last().is_none_or(|tip| tip.hash == block.parent));
                    self.chain.push(block);
                    self.add(&logs);
                }
                Change::History { logs, .. } => self.add(&logs),
                Change::Reverted { block } => {
                    assert_eq!(self.chain.pop(), Some(block));
                    self.reverted += 1;
                    self.logs.retain(|(number, _)| *number < block.number);
                }
                Change::Resync { from } => {
                    self.chain.clear();
                    self.resyncs += 1;
                    self.logs.retain(|(number, _)| *number < from);
                }
            }
        }
    }

    async fn poll(&mut self, watcher: &mut Watcher) {
        let mut changes = Vec::new();
        watcher.poll(&mut changes).await.expect("a poll");
        self.take(changes);
    }

    /// The follower's chain and logs are the node's.
    async fn assert_follows(&self, anvil: &Anvil) {
        let tip = self.chain.last().expect("a block");
        assert_eq!((tip.number, tip.hash), (anvil.head().await, anvil.hash(anvil.head().await).await));
        let logs = anvil.rpc("eth_getLogs", json!([{"fromBlock": "0x0", "address": COUNTER}])).await;
        let topics = |log: &Value| (crate::node::number(&log["blockNumber"]), log["topics"][0].clone());
        let theirs: Vec<_> = logs.as_array().expect("logs").iter().map(topics).collect();
        let ours: Vec<_> = self.logs.iter().map(|(number, topic)| (*number, json!(topic))).collect();
        assert_eq!(ours, theirs);
    }
}

fn watch(urls: &[&str]) -> Watcher {
    let config = config(urls);
    Watcher::new(Rpc::connect(&config).expect("a configuration"), &config, vec![COUNTER])
}

/// A log with this topic in the next block.
async fn log(anvil: &Anvil, topic: u8) {
    let data = B256::repeat_byte(topic);
    anvil.rpc("eth_sendTransaction", json!([{"from": BOB, "to": COUNTER, "data": data, "gas": "0x186a0"}])).await;
    anvil.mine(1).await;
}

#[tokio::test]
async fn p10_reorg_is_undone_and_the_new_blocks_applied() {
    let anvil = Anvil::start().await;
    let (mut watcher, mut follower) = (watch(&[&anvil.url]), Follower::default());
    for topic in 1..=6 {
        log(&anvil, topic).await;
    }
    follower.poll(&mut watcher).await;
    follower.assert_follows(&anvil).await;
    for depth in 1..=3 {
        anvil.reorg(depth).await;
        follower.poll(&mut watcher).await;
        follower.assert_follows(&anvil).await;
        log(&anvil, 0x10 + depth as u8).await;
        follower.poll(&mut watcher).await;
        follower.assert_follows(&anvil).await;
    }
    assert_eq!((follower.reverted, follower.resyncs), (6, 0));
    assert_eq!(watcher.confirmed(2), Some(&follower.chain[follower.chain.len() - 3]));
}

#[tokio::test]
async fn p10_gap_and_history_are_filled() {
    let anvil = Anvil::start().await;
    log(&anvil, 1).await;
    anvil.rpc("anvil_mine", json!(["0x28"])).await;
    log(&anvil, 2).await;
    let (mut watcher, mut follower) = (watch(&[&anvil.url]), Follower::default());
    follower.poll(&mut watcher).await;
    follower.assert_follows(&anvil).await;
    assert_eq!(follower.chain.len(), 16, "the window; older blocks came as history");
    anvil.rpc("anvil_mine", json!(["0x9"])).await;
    log(&anvil, 3).await;
    follower.poll(&mut watcher).await;
    follower.assert_follows(&anvil).await;
    anvil.rpc("anvil_mine", json!(["0x50"])).await;
    log(&anvil, 4).await;
    let mut changes = Vec::new();
    watcher.poll(&mut changes).await.expect("a poll");
    assert!(matches!(changes[0], Change::History { .. }), "a long sleep");
    assert_eq!(watcher.tip().map(|tip| tip.number), Some(anvil.head().await));
}

#[tokio::test]
async fn p10_node_restarted_from_a_snapshot_is_followed() {
    let anvil = Anvil::start().await;
    let (mut watcher, mut follower) = (watch(&[&anvil.url]), Follower::default());
    log(&anvil, 1).await;
    let snapshot = anvil.rpc("evm_snapshot", json!([])).await;
    log(&anvil, 2).await;
    log(&anvil, 3).await;
    follower.poll(&mut watcher).await;
    anvil.rpc("evm_revert", json!([snapshot])).await;
    follower.poll(&mut watcher).await;
    assert_eq!(follower.reverted, 0, "a lower head alone takes nothing back");
    log(&anvil, 4).await;
    log(&anvil, 5).await;
    log(&anvil, 6).await;
    follower.poll(&mut watcher).await;
    follower.assert_follows(&anvil).await;
    assert_eq!(follower.reverted, 2);
}

#[tokio::test]
async fn p10_reorg_deeper_than_the_window_is_an_alarm_and_a_resync() {
    let anvil = Anvil::start().await;
    let (mut watcher, mut follower) = (watch(&[&anvil.url]), Follower::default());
    for topic in 1..=20 {
        log(&anvil, topic).await;
        follower.poll(&mut watcher).await;
    }
    anvil.reorg(18).await;
    log(&anvil, 30).await;
    follower.poll(&mut watcher).await;
    assert_eq!(follower.resyncs, 1);
    follower.assert_follows(&anvil).await;
}

#[tokio::test]
async fn p10_reorg_while_the_process_was_down_is_found() {
    let anvil = Anvil::start().await;
    let (mut watcher, mut follower) = (watch(&[&anvil.url]), Follower::default());
    for topic in 1..=5 {
        log(&anvil, topic).await;
    }
    follower.poll(&mut watcher).await;
    let blocks: Vec<_> = watcher.blocks().copied().collect();
    drop(watcher);
    anvil.reorg(2).await;
    log(&anvil, 9).await;
    let mut watcher = watch(&[&anvil.url]).resume(&blocks);
    follower.poll(&mut watcher).await;
    follower.assert_follows(&anvil).await;
    assert_eq!(follower.reverted, 2);
}

#[tokio::test]
async fn p10_reorg_that_only_one_endpoint_shows_takes_nothing_back() {
    let anvil = Anvil::start().await;
    for topic in 1..=4 {
        log(&anvil, topic).await;
    }
    let liar = Proxy::start(&anvil.url).await;
    let (mut watcher, mut follower) = (watch(&[&liar.url, &anvil.url]), Follower::default());
    follower.poll(&mut watcher).await;
    let tip = *watcher.confirmed(0).expect("both have it");
    // From now on the first shows another chain.
    liar.rule(|method, _| match method {
        "eth_getBlockByNumber" => Action::Change(Box::new(|mut block| {
            if !block.is_null() {
                let hash: B256 = serde_json::from_value(block["hash"].clone()).expect("a hash");
                block["hash"] = json!(alloy::primitives::keccak256(hash));
            }
            block
        })),
        _ => Action::Forward,
    });
    for _ in 0..12 {
        follower.poll(&mut watcher).await;
    }
    assert_eq!((follower.reverted, watcher.confirmed(0)), (0, Some(&tip)));
    log(&anvil, 5).await;
    for _ in 0..12 {
        follower.poll(&mut watcher).await;
    }
    follower.assert_follows(&anvil).await;
    assert_eq!(follower.reverted, 0);
}

#[tokio::test]
async fn p10_logs_made_up_or_kept_back_are_not_believed() {
    let anvil = Anvil::start().await;
    log(&anvil, 1).await;
    for lie in ["kept back", "made up"] {
        let liar = Proxy::start(&anvil.url).await;
        liar.rule(move |method, _| match method {
            "eth_getLogs" if lie == "kept back" => Action::Say(json!([])),
            "eth_getLogs" => Action::Change(Box::new(|mut logs| {
                if let Some(log) = logs.get_mut(0) {
                    log["topics"] = json!([B256::repeat_byte(0xbd)]);
                }
                logs
            })),
            _ => Action::Forward,
        });
        let (mut watcher, mut follower) = (watch(&[&liar.url, &anvil.url]), Follower::default());
        let mut changes = Vec::new();
        let error = watcher.poll(&mut changes).await.expect_err("a lie");
        assert!(error.to_string().contains("PY-L-017"), "{error}");
        follower.take(changes);
        follower.poll(&mut watcher).await;
        follower.assert_follows(&anvil).await;
    }
}

#[tokio::test]
async fn a_running_watcher_sends_what_changes_and_ends_with_its_receiver() {
    let anvil = Anvil::start_with(&["--block-time", "1"]).await;
    let (sender, mut receiver) = tokio::sync::mpsc::channel(16);
    let running = tokio::spawn(watch(&[&anvil.url]).run(sender));
    let mut follower = Follower::default();
    while follower.chain.last().is_none_or(|tip| tip.number < 2) {
        follower.take(receiver.recv().await.expect("changes"));
    }
    drop(receiver);
    tokio::time::timeout(std::time::Duration::from_secs(10), running).await.expect("it ends").expect("without a panic");
}
