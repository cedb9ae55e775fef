//! The whole story with real processes: nats-server, anvil, two coordinators, two workers, a sidecar; and what the live page of a prover
//! on L1 shows of it.

mod browser;
mod catalogue;
mod common;

use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use browser::{
    Browser, PATIENCE,
    looks::{check_looks, screenshot},
};
use catalogue::is_documented;
use common::{command, last_line, text, until};
use fantoccini::key::Key;
use serde_json::Value;

fn amount(party: &Value, coin: &str, moment: &str) -> u128 {
    party["balances"][coin][moment].as_str().and_then(|text| text.parse().ok()).expect("an amount")
}

/// The running demo; when dropped it is told to end, and ends what it has started.
struct Demo(Option<Child>);

impl Demo {
    fn start(arguments: &[&str]) -> Self {
        let mut command = command(arguments);
        Self(Some(command.stdout(Stdio::piped()).spawn().expect("it starts")))
    }

    fn output(mut self) -> Output {
        self.0.take().expect("it runs").wait_with_output().expect("its output")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if let Some(mut demo) = self.0.take() {
            let _ = Command::new("kill").args(["-INT", &demo.id().to_string()]).status();
            let _ = demo.wait();
        }
    }
}

/// Where a process of the demo listens: for everybody, and for those who run it.
fn addresses_of(name: &str, demo: &Path) -> [String; 2] {
    let path = demo.join(format!("{name}.toml"));
    let config = until("a configuration", || fs::read_to_string(&path).ok().filter(|text| text.contains("[signer]")));
    let listens = config.lines().filter_map(|line| line.strip_prefix("listen = "));
    let addresses: Vec<_> = listens.map(|address| format!("http://{}", address.trim_matches('"'))).collect();
    addresses.try_into().expect("two addresses")
}

/// Waits for a metric of a process that listens at `operations`; the page that shows it.
async fn shows(operations: &str, line: &str) -> String {
    let started = Instant::now();
    loop {
        let answer = reqwest::get(format!("{operations}/metrics")).await.expect("an answer");
        let page = answer.text().await.expect("a text");
        if page.lines().any(|found| found == line) {
            return page;
        }
        assert!(started.elapsed() < PATIENCE, "{line} is not in\n{page}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The page of the prover that proves at height 1 and is killed at height 2.
async fn watch_north(demo: &Path) {
    let [url, operations] = addresses_of("north-coordinator", demo);
    let [_, of_sidecar] = addresses_of("sidecar", demo);
    until("north's endpoint", || TcpStream::connect(url.trim_start_matches("http://")).ok());
    let browser = Browser::start().await;
    browser.client.goto(&url).await.expect("the page");
    browser.prefer("light").await;
    browser.until("document.querySelector('#farm').textContent.includes('L1 block')").await;

    // Promised: deposit, window and slack; the sequencer's quote was drawn.
    let deposits = "document.querySelector('#tile-deposits')";
    browser.until(&format!("{deposits}.querySelector('.note').textContent.startsWith('1 group to prove')")).await;
    assert_eq!(browser.text("#tile-deposits .value").await, "100 × 10¹⁸");
    browser.until("document.querySelector('#in-work .card .promises')?.checkVisibility()").await;
    let promise = browser.text("#in-work .card .promises").await;
    for part in ["for height 1", "deposit 100 × 10¹⁸", "to be sent within", "window until L1 block"] {
        assert!(promise.contains(part), "{part}: {promise}");
    }
    let slack = browser.text("#in-work .card .head").await;
    assert!(slack.contains("to spare"), "{slack}");
    let id = browser.eval("return document.querySelector('#in-work .card').dataset.block;").await;
    let of_it = format!("[data-block='{}']", id.as_str().expect("an id"));
    check_looks(&browser, "promised").await;
    screenshot(&browser, "promised-desktop-light").await;

    // Proven and on L1: the transaction, then final, and no deposit at risk.
    let hash = format!("document.querySelector(\"{of_it} .promises .hash\")");
    browser.until(&format!("{hash}?.checkVisibility() && {hash}.title.startsWith('0x')")).await;
    let transaction = browser.eval(&format!("return {hash}.title;")).await;
    browser.until(&format!("document.querySelector(\"{of_it}\").dataset.rung === 'finalized'")).await;
    browser.until(&format!("{deposits}.querySelector('.value').textContent === '0'")).await;
    browser.click(&format!("{of_it} a.block-id")).await;
    let transaction = transaction.as_str().expect("a hash");
    browser.until(&format!("document.querySelector('#details-body').textContent.includes('{transaction}')")).await;
    check_looks(&browser, "final").await;
    screenshot(&browser, "final-desktop-light").await;
    browser.press(Key::Escape).await;

    // The metrics of both sides say the same.
    is_documented("coordinator", &shows(&operations, "proofyard_market_quotes_total{outcome=\"settled\"} 1").await);
    is_documented("sidecar", &shows(&of_sidecar, "proofyard_sidecar_rungs_total{rung=\"finalized\"} 1").await);
    for address in [&operations, &of_sidecar] {
        let ready = reqwest::get(format!("{address}/readyz")).await.expect("an answer");
        assert_eq!(ready.status(), 200, "{:?}", ready.text().await);
    }

    // Killed with the next block in hand: the page says that it is of the past.
    browser.until("document.querySelector('#connection').textContent === 'reconnecting'").await;
    browser.until("document.querySelector('#trouble').checkVisibility()").await;
    browser.close().await;
}

#[tokio::test]
async fn three_heights_are_played_and_every_difference_is_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    let logs = folder.path().join("demo");
    let setup = common::setup_dir();
    let demo = Demo::start(&["demo", "--full", "--json", "--keep", text(&logs), "--dir", text(&setup)]);
    watch_north(&logs).await;
    let result = last_line(&demo.output());

    let ends: Vec<_> = result["heights"].as_array().expect("heights").iter().map(|height| &height["end"]).collect();
    assert_eq!(ends, ["proven", "slashed", "rescued by self-proving"]);
    let heights = result["heights"].as_array().expect("heights");
    assert_eq!(heights[1]["prover"], heights[0]["prover"], "the cheaper one");
    assert_ne!(heights[2]["prover"], heights[1]["prover"], "one that failed is not asked");
    assert_eq!(heights[2]["block"], heights[1]["block"], "the block that was slashed is tried again");
    assert_eq!(result["unexplained"], Value::Array(Vec::new()));

    let rungs: Vec<(u64, &str)> = (result["ladder"].as_array().expect("a ladder").iter())
        .filter_map(|rung| Some((rung["height"].as_u64()?, rung["rung"].as_str()?)))
        .collect();
    for height in 1..=3 {
        for rung in ["bidding", "mempool", "proposed", "revealed", "committed", "proving"] {
            assert!(rungs.contains(&(height, rung)), "{height} {rung}: {rungs:?}");
        }
    }
    for rung in [(1, "finalized"), (2, "slashed"), (3, "rescuing"), (3, "finalized")] {
        assert!(rungs.contains(&rung), "{rung:?}: {rungs:?}");
    }

    let unit = 10u128.pow(18);
    let party = |name: &str| {
        let parties = result["parties"].as_array().expect("parties");
        parties.iter().find(|party| party["name"] == name).expect("it takes part").clone()
    };
    let lost = |name: &str| {
        let party = party(name);
        amount(&party, "PYD", "before").saturating_sub(amount(&party, "PYD", "after")) / unit
    };
    let failing = heights[1]["prover"].as_str().expect("a name");
    let hanging = heights[2]["prover"].as_str().expect("a name");
    assert_eq!((lost(failing), lost(hanging)), (100, 25), "slashed, and the penalty of a rescue");
    assert_eq!(amount(&party("treasury"), "PYD", "after"), 100 * unit);
    let coins = ["PYD", "PYR"];
    for coin in coins {
        let sum = |moment| -> u128 {
            let parties = result["parties"].as_array().expect("parties");
            parties.iter().map(|party| amount(party, coin, moment)).sum()
        };
        assert_eq!(sum("before"), sum("after"), "{coin} neither appear nor vanish");
    }
}
