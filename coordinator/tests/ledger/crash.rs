//! P1 and P2 under SIGKILL: a process plays a story of quotes, blocks and receipts and is killed at every moment of every write of its
//! ledger; then the story goes on from the ledger alone.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
};

use alloy_primitives::{U256, hex};
use proofyard_coordinator::ledger::{GroupKey, Ledger, QuoteState, SqliteLedger, TransactionRow, sqlite::Observer};

use crate::samples::{DEPOSIT, EXPIRY, backing, block, block_file, file, identity, open, quote, signature};

const LEDGER: &str = "PROOFYARD_TEST_LEDGER";
const STOP_AT: &str = "PROOFYARD_TEST_STOP_AT";
const HEIGHTS: u64 = 2;
const GROUPS: u32 = 2;
/// Covers all deposits of the story, and not one more.
const BALANCE: u64 = HEIGHTS * GROUPS as u64 * DEPOSIT;

/// Says something to the world: what is printed has left the process.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n@ {line}").and_then(|()| out.flush()).expect("the parent listens");
}

/// Stops for ever at the n-th moment, so that the parent can kill it there.
fn stop_at(stop: u64) -> Observer {
    let count = AtomicU64::new(0);
    Box::new(move |write| {
        if count.fetch_add(1, Ordering::Relaxed) == stop {
            say(&format!("STOPPED {} {:?}", write.operation, write.moment));
            loop {
                std::thread::park();
            }
        }
    })
}

/// A submission as the transaction manager journals it: wanted, then signed, and only then sent; then final.
fn submit(ledger: &dyn Ledger, height: u64) {
    let (chain_id, sender, intent) = (1, identity().sidecar, format!("submit/{height}"));
    let row = |is_final, record: &[u8]| {
        let (intent, record) = (intent.clone(), record.to_vec());
        TransactionRow { chain_id, sender, sequence: height, intent, is_final, record }
    };
    if ledger.transaction(chain_id, sender, &intent).expect("read").is_none() {
        ledger.store_transaction(&row(false, b"wanted")).expect("stored");
    }
    let found = ledger.transaction(chain_id, sender, &intent).expect("read").expect("written");
    if found == b"wanted" {
        ledger.store_transaction(&row(false, b"signed")).expect("stored");
    }
    if found != b"final" {
        say(&format!("SENT {height}"));
        ledger.store_transaction(&row(true, b"final")).expect("stored");
    }
}

/// The story; each step looks at the ledger first, so that it goes on wherever it was cut.
fn play(ledger: &dyn Ledger) {
    for height in 1..=HEIGHTS {
        for group in 0..GROUPS {
            let wanted = quote(height, group);
            let ended =
                ledger.quote_of(GroupKey::of(&wanted.terms)).expect("read").filter(|quote| !quote.state.is_open());
            if ended.is_some() {
                continue;
            }
            let reserved = ledger.reserve_quote(&wanted, &backing(BALANCE)).expect("reserved").into_record();
            let nonce = reserved.terms.nonce;
            let made = signature(&reserved.terms);
            // What a remote signer would have in its log.
            say(&format!("SIGNED {nonce} {}", hex::encode(&made)));
            let record = ledger.sign_quote(nonce, &made).expect("signed");
            say(&format!("QUOTE {nonce} {}", hex::encode(record.signature.as_ref().expect("signed"))));
            let receipt = ledger.accept_block(&block(&record)).expect("accepted").into_record();
            let receipt = ledger.sign_receipt(receipt.nonce, receipt.id.as_slice()).expect("signed");
            say(&format!("RECEIPT {nonce} {}", hex::encode(receipt.id)));
            ledger.move_quote(nonce, QuoteState::Committed, EXPIRY, None).expect("committed");
        }
        let commitment = quote(height, 0).terms.block_commitment;
        ledger.store_proof(commitment, b"proof").expect("stored");
        submit(ledger, height);
        for group in 0..GROUPS {
            let record = ledger.quote_of(GroupKey { commitment, group }).expect("read").expect("quoted");
            ledger.move_quote(record.terms.nonce, QuoteState::Settled, 120, None).expect("settled");
        }
    }
    give_up(ledger);
    ledger.expire_quotes(EXPIRY + 1, 0).expect("none is left");
    let unwanted = quote(HEIGHTS + 1, 0);
    if ledger.quote_of(GroupKey::of(&unwanted.terms)).expect("read").is_none_or(|quote| quote.state.is_open()) {
        let record = ledger.reserve_quote(&unwanted, &backing(BALANCE)).expect("reserved").into_record();
        ledger.decline_quote(record.terms.nonce, "the signer is away").expect("declined");
    }
    ledger.prune_files(100).expect("none is old enough");
    say("DONE");
}

/// A block that the farm refuses: its deposit is lost, and said so.
fn give_up(ledger: &dyn Ledger) {
    let wanted = quote(HEIGHTS + 2, 0);
    let known = ledger.quote_of(GroupKey::of(&wanted.terms)).expect("read");
    if known.is_some_and(|quote| !quote.state.is_open()) {
        return;
    }
    let reserved = ledger.reserve_quote(&wanted, &backing(BALANCE)).expect("reserved").into_record();
    let record = ledger.sign_quote(reserved.terms.nonce, &signature(&reserved.terms)).expect("signed");
    let receipt = ledger.accept_block(&block(&record)).expect("accepted").into_record();
    ledger.sign_receipt(receipt.nonce, receipt.id.as_slice()).expect("signed");
    ledger.move_quote(receipt.nonce, QuoteState::Committed, EXPIRY, None).expect("committed");
    ledger.give_up_block(receipt.commitment, "refused").expect("given up");
    say(&format!("GIVEN_UP {}", receipt.commitment));
    ledger.move_quote(receipt.nonce, QuoteState::Slashed, 160, Some("too late")).expect("slashed");
}

#[test]
#[ignore = "the process that the other tests start and kill"]
fn child() {
    let path = env::var_os(LEDGER).expect("started by the parent");
    let stop = env::var(STOP_AT).expect("started by the parent").parse().expect("a number");
    let ledger = SqliteLedger::open_observed(Path::new(&path), identity(), Some(stop_at(stop))).expect("a ledger");
    play(&ledger);
}

/// What one process said before it ended or was killed.
fn run(path: &Path, stop: u64) -> Vec<String> {
    let mut child = Command::new(env::current_exe().expect("this test"))
        .args(["--exact", "crash::child", "--ignored", "--nocapture"])
        .env(LEDGER, path)
        .env(STOP_AT, stop.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut said = Vec::new();
    for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
        let line = line.expect("text");
        let Some(line) = line.strip_prefix("@ ") else { continue };
        said.push(line.to_owned());
        if line.starts_with("STOPPED") {
            // SIGKILL: nothing of the process runs any more.
            child.kill().expect("killed");
        }
    }
    child.wait().expect("ended");
    said
}

/// What was said must be in the ledger, word for word, and nothing that was said conflicts.
fn check(ledger: &dyn Ledger, said: &[String]) {
    let mut signed: BTreeMap<U256, &str> = BTreeMap::new();
    let mut quotes: BTreeMap<GroupKey, U256> = BTreeMap::new();
    for line in said {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            // What was sent was written, as it was sent or as what became of it.
            ["SENT", height] => {
                let found = ledger.transaction(1, identity().sidecar, &format!("submit/{height}")).expect("read");
                assert!(matches!(found.as_deref(), Some(b"signed" | b"final")), "{line}");
            }
            ["GIVEN_UP", commitment] => {
                let block = ledger.block(commitment.parse().expect("a hash")).expect("read").expect("never forgotten");
                assert_eq!(block.given_up.as_deref(), Some("refused"));
            }
            _ => {}
        }
        let [what @ ("SIGNED" | "QUOTE" | "RECEIPT"), nonce, bytes] = words[..] else { continue };
        let nonce: U256 = nonce.parse().expect("a nonce");
        // P1: what was signed was written before, in the same words.
        let record = ledger.quote(nonce).expect("read").expect("written before it was signed");
        match what {
            "SIGNED" => {
                assert_eq!(hex::encode(signature(&record.terms)), bytes, "{line}");
                assert_eq!(*signed.entry(nonce).or_insert(bytes), bytes, "two quotes signed for one nonce");
                let key = GroupKey::of(&record.terms);
                assert_eq!(*quotes.entry(key).or_insert(nonce), nonce, "two quotes signed for one group");
            }
            "QUOTE" => {
                assert_eq!(record.signature.map(hex::encode).as_deref(), Some(bytes), "a signature that was given out");
            }
            // P2: the block is there, whole, and it is work unless it has ended.
            _ => {
                let receipt = ledger.receipt(nonce).expect("read").expect("never forgotten");
                assert_eq!(hex::encode(receipt.id), bytes);
                assert!(receipt.signature.is_some());
                let written = ledger.block_file(receipt.commitment).expect("read");
                assert_eq!(written, Some(block_file(record.terms.height)));
                let work = ledger.open_work().expect("read");
                let waits =
                    work.unproven.iter().chain(&work.unsettled).any(|block| block.commitment == receipt.commitment);
                let given_up = ledger.block(receipt.commitment).expect("read").expect("there").given_up.is_some();
                assert!(waits || given_up || !record.state.is_open(), "an accepted block that nobody works on");
            }
        }
    }
    let work = ledger.open_work().expect("read");
    let held = work.quotes.iter().filter(|quote| quote.state != QuoteState::Committed).count() as u64 * DEPOSIT;
    assert!(held <= BALANCE);
}

#[test]
fn killed_at_every_moment_of_every_write() {
    let mut seen = std::collections::BTreeSet::new();
    for stop in 0.. {
        let dir = tempfile::tempdir().expect("a folder");
        let path = file(&dir);
        let mut said = run(&path, stop);
        let last = said.last().expect("it said something").clone();
        check(&open(&path), &said);
        // The next process finishes what it finds.
        said.extend(run(&path, u64::MAX));
        assert_eq!(said.last().map(String::as_str), Some("DONE"), "after {last}");
        let ledger = open(&path);
        check(&ledger, &said);
        assert_eq!(ledger.open_work().expect("read"), Default::default(), "after {last}");
        let receipts: std::collections::BTreeSet<_> = said.iter().filter(|line| line.starts_with("RECEIPT")).collect();
        assert_eq!(receipts.len() as u64, HEIGHTS * u64::from(GROUPS), "after {last}: one receipt a quote");
        match last.strip_prefix("STOPPED ") {
            Some(moment) => seen.insert(moment.to_owned()),
            None => break,
        };
    }
    for operation in [
        "reserve_quote",
        "sign_quote",
        "decline_quote",
        "accept_block",
        "sign_receipt",
        "move_quote",
        "store_proof",
        "give_up_block",
        "store_transaction",
        "expire_quotes",
        "prune_files",
    ] {
        for moment in ["Begun", "Written", "Durable"] {
            assert!(seen.contains(&format!("{operation} {moment}")), "{operation} {moment} was never cut");
        }
    }
}
