//! The live page in a real browser, before a real farm: a coordinator and two workers as processes over NATS. A block is proven while a
//! worker is killed, and all of that is seen.

mod browser;
mod common;
#[path = "../../bus/tests/common/mod.rs"]
mod nats;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use browser::{Browser, PATIENCE, looks::look_at};
use common::{Process, command, last_line, proofyard, setup_dir, text};
use fantoccini::key::Key;
use proofyard_contracts::address::DEFAULT_ADDRESS;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Transfers of the block, one in each subtree of 2^12 rows.
const TRANSFERS: usize = 32;

/// A subcommand with a configuration file; what it logs goes into a file beside that.
fn start(folder: &Path, name: &str, subcommand: &[&str], config: &str) -> (Process, PathBuf) {
    let (file, log) = (folder.join(format!("{name}.toml")), folder.join(format!("{name}.log")));
    fs::write(&file, config).expect("written");
    let mut command = command(subcommand);
    command.args(["--config", text(&file)]).stdin(Stdio::null()).stdout(Stdio::null());
    (Process::spawn(command.stderr(File::create(&log).expect("a log"))), log)
}

/// A coordinator, and where it listens.
fn coordinator(folder: &Path, bus: &str, farm: &str, intake: &str) -> (Process, String) {
    let setup = setup_dir();
    let config = format!(
        "listen = \"127.0.0.1:0\"\n[intake]\n{intake}\n[bus]\nurl = {bus:?}\nfarm = {farm:?}\n\
         [setup]\ndir = {:?}\nrows_log2 = 12\n[statement]\ncontract = \"{}\"\n[log]\nformat = \"json\"\n",
        text(&setup),
        hex::encode(DEFAULT_ADDRESS)
    );
    let (mut process, log) = start(folder, farm, &["coordinator", "--insecure-setup"], &config);
    let started = Instant::now();
    loop {
        let lines = fs::read_to_string(&log).unwrap_or_default();
        let events = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut addresses = events.filter(|event| event["fields"]["message"] == "listening");
        if let Some(address) = addresses.find_map(|event| event["fields"]["address"].as_str().map(str::to_owned)) {
            return (process, format!("http://{address}"));
        }
        assert!(process.ended().is_none() && started.elapsed() < PATIENCE, "{lines}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn worker(folder: &Path, bus: &str, farm: &str, id: &str) -> Process {
    let setup = setup_dir();
    let config = format!(
        "id = {id:?}\nthreads = 1\nsessions_max = {TRANSFERS}\n[device]\nkind = \"cpu\"\n[bus]\nurl = {bus:?}\nfarm = {farm:?}\n[setup]\ndir = {:?}\n",
        text(&setup)
    );
    start(folder, id, &["worker"], &config).0
}

#[tokio::test]
async fn a_block_is_proven_before_the_eyes_of_whoever_opens_the_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let server = nats::NatsServer::start();
    let bus = server.url();
    let (mut coordinator, url) = coordinator(folder, &bus, "seen", "");
    let _north = worker(folder, &bus, "seen", "north");
    let mut south = worker(folder, &bus, "seen", "south");

    let browser = Browser::start().await;
    browser.client.goto(&url).await.expect("the page");
    // Without motion from the start: a colour that fades in is pale for a moment.
    browser.prefer("light").await;
    browser.until("document.querySelectorAll('#workers-body tr[data-state=live]').length === 2").await;
    assert_eq!(browser.text("#connection").await, "live");
    assert!(browser.text("#tile-workers").await.contains("2 of 2"));
    assert!(browser.text("#insecure").await.contains("INSECURE"));
    assert!(browser.text("#no-blocks").await.contains("No block"));

    // A block appears, and its grid fills.
    let (block, proof) = (folder.join("block.bin"), folder.join("block.proof"));
    let transfers = TRANSFERS.to_string();
    last_line(&proofyard(&["--json", "block", "generate", "--transfers", &transfers, "--out", text(&block)]));
    let id = last_line(&proofyard(&["--json", "submit", text(&block), "--coordinator", &url]))["id"].clone();
    let id = id.as_str().expect("an id").to_owned();
    let of_it = format!("[data-block='{id}']");
    let filled = format!("document.querySelectorAll(\"{of_it} .cell[class*='colour-']\").length");
    let by_south = format!("document.querySelectorAll(\"{of_it} .cell[title$='south']\").length");
    browser.until(&format!("{by_south} > 0")).await;
    let cells = browser.eval(&format!("return document.querySelectorAll(\"{of_it} .cell\").length;")).await;
    assert_eq!(cells, 5 * TRANSFERS);
    let early = browser.eval(&format!("return {filled};")).await.as_u64().expect("a number");
    assert!(early < 5 * TRANSFERS as u64, "it is not done yet");
    browser.until(&format!("{filled} > {early}")).await;

    // A worker is killed while it proves.
    assert_eq!(browser.eval(&format!("return document.querySelector(\"{of_it}\").dataset.rung;")).await, "proving");
    south.kill();

    // A click opens its details, which the address names; Escape and the way back close them.
    browser.click(&format!("{of_it} a.block-id")).await;
    browser.until("document.querySelector('#details').open").await;
    assert_eq!(browser.eval("return location.hash;").await, format!("#block={id}"));
    assert_eq!(browser.text("#details .digest").await, id);
    browser.press(Key::Escape).await;
    browser.until("!document.querySelector('#details').open && location.hash === ''").await;

    // The worker that was killed is missed.
    browser.until("document.querySelector('[data-worker=south]').dataset.state === 'silent'").await;
    browser.until("document.querySelector('#recent').textContent.includes('Worker south is silent')").await;
    assert!(browser.text("#tile-workers").await.contains("1 of 2"));
    look_at(&browser, "proving").await;

    // The block is proven all the same, and the page leads to the very bytes that any farm makes of it.
    browser.until(&format!("document.querySelector(\"{of_it}\").dataset.rung === 'proven'")).await;
    browser.until(&format!("document.querySelector(\"{of_it} a.proof\").checkVisibility()")).await;
    let href = browser.eval(&format!("return document.querySelector(\"{of_it} a.proof\").href;")).await;
    let bytes =
        reqwest::get(href.as_str().expect("an address")).await.expect("an answer").bytes().await.expect("a proof");
    let setup = setup_dir();
    let arguments =
        ["--json", "prove", text(&block), "--out", text(&proof), "--rows-log2", "12", "--dir", text(&setup)];
    let proved = last_line(&proofyard(&arguments));
    assert!(fs::read(&proof).expect("a proof") == bytes, "other bytes than those of `proofyard prove`");
    let sha256 = hex::encode(Sha256::digest(&bytes));
    assert_eq!(proved["proof_sha256"], sha256);
    browser.click(&format!("{of_it} a.block-id")).await;
    browser.until(&format!("document.querySelector('#details-body').textContent.includes('{sha256}')")).await;
    look_at(&browser, "details").await;
    browser.client.back().await.expect("back");
    browser.until("!document.querySelector('#details').open").await;
    look_at(&browser, "done").await;

    // An address leads to a block, too, and to the reason when there is none.
    browser.client.goto(&format!("{url}/#block={}", "0".repeat(64))).await.expect("the page");
    browser.until("document.querySelector('#details-missing').textContent.includes('PY-C-201')").await;
    let missing = format!("{url}/v1/blocks/{}", "0".repeat(64));
    let complaints: Vec<_> = browser.console().await.into_iter().filter(|line| !line.starts_with(&missing)).collect();
    assert_eq!(complaints, Vec::<String>::new());
    browser.click("#details-close").await;
    browser.until("location.hash === ''").await;

    // Nobody else was asked for anything.
    let asked = browser.requests_of(&url).await;
    assert!(
        asked.contains(&format!("{url}/page/page.js")) && asked.contains(&format!("{url}/v1/farm/events")),
        "{asked:?}"
    );
    let elsewhere: Vec<_> = asked.iter().filter(|asked| !asked.starts_with(&url)).collect();
    assert_eq!(elsewhere, Vec::<&String>::new());

    // The coordinator goes away, and the page says so.
    coordinator.kill();
    browser.until("document.querySelector('#connection').textContent === 'reconnecting'").await;
    browser.until("document.querySelector('#trouble').checkVisibility()").await;
    browser.close().await;
}

#[tokio::test]
async fn a_page_without_events_says_why_and_asks_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = nats::NatsServer::start();
    let (_coordinator, url) = coordinator(folder.path(), &server.url(), "crowded", "followers_max = 0");
    let browser = Browser::start().await;
    browser.client.goto(&url).await.expect("the page");
    browser.until("document.querySelector('#connection').textContent === 'polling'").await;
    assert!(browser.text("#trouble").await.contains("[PY-C-215]"));
    assert!(browser.text("#no-workers").await.contains("No worker"));
    // A worker that comes now is seen all the same.
    let _late = worker(folder.path(), &server.url(), "crowded", "late");
    browser.until("document.querySelectorAll('[data-worker=late][data-state=live]').length === 1").await;
    browser.close().await;
}
