//! Signed requests: what is refused, with which code, and that the endpoint goes on.

use std::{sync::atomic::Ordering, time::Duration};

use crate::desk::*;
use proofyard_coordinator::{
    client::{
        SignedQuote, SignedReceipt,
        auth::{AUTH_HEADER, DATE_HEADER, Nonce, Rate, ReplayLimits, Stamp},
    },
    endpoint::{Limits, Refusal, Why},
};

const QUOTES: &str = "/v1/quotes";

fn body(seed: u8) -> Vec<u8> {
    serde_json::to_vec(&quote_request(seed)).expect("JSON")
}

async fn good(seed: u8) -> Stamp {
    stamp(seed, QUOTES, &body(seed), now_ms(), rand::random()).await
}

#[tokio::test]
async fn a_signed_request_gets_a_quote() {
    let served = served(Limits::default()).await;
    let answer = served.signed(1, QUOTES, body(1)).await;
    assert_eq!(answer.status, 200);
    let quote: SignedQuote = serde_json::from_slice(&answer.body).expect("a quote");
    assert_eq!(quote, quote_for(&quote_request(1)));
}

#[tokio::test]
async fn an_unsigned_or_half_signed_request_is_refused() {
    let served = served(Limits::default()).await;
    let plain = || served.http.post(served.url(QUOTES)).header("content-type", "application/json").body(body(1));
    let stamp = good(1).await;
    assert_eq!(served.send(plain()).await.code(), "401 PY-H-010");
    assert_eq!(served.send(plain().header(DATE_HEADER, stamp.date_header())).await.code(), "401 PY-H-010");
    assert_eq!(served.send(plain().header(AUTH_HEADER, stamp.auth_header())).await.code(), "401 PY-H-010");
    let twice = served.request(QUOTES, &stamp, body(1)).header(AUTH_HEADER, stamp.auth_header());
    assert_eq!(served.send(twice).await.code(), "401 PY-H-011");
    for wrong in ["", "x", "0x00 00 0x00", &"f".repeat(10_000)] {
        let request = plain().header(DATE_HEADER, stamp.date_header()).header(AUTH_HEADER, wrong);
        assert_eq!(served.send(request).await.code(), "401 PY-H-011", "{wrong}");
    }
    assert_eq!(served.desk.quoted.load(Ordering::SeqCst), 0);
    served.assert_alive().await;
}

#[tokio::test]
async fn what_was_altered_on_the_way_is_refused_and_uses_nothing_up() {
    let served = served(Limits::default()).await;
    let stamp = good(1).await;
    let mut altered = body(1);
    *altered.last_mut().expect("a body") = b' ';
    assert_eq!(served.post(QUOTES, &stamp, altered).await.code(), "401 PY-H-013");
    assert_eq!(served.post("/v1/quotes?a=b", &stamp, body(1)).await.code(), "401 PY-H-013");
    assert_eq!(served.post("/v1/blocks", &stamp, body(1)).await.code(), "401 PY-H-013");
    let later = Stamp { date_ms: stamp.date_ms + 1, ..stamp.clone() };
    assert_eq!(served.post(QUOTES, &later, body(1)).await.code(), "401 PY-H-013");
    let renewed = Stamp { nonce: Nonce(rand::random()), ..stamp.clone() };
    assert_eq!(served.post(QUOTES, &renewed, body(1)).await.code(), "401 PY-H-013");
    let other = Stamp { address: signer(2).address(), ..stamp.clone() };
    assert_eq!(served.post(QUOTES, &other, body(1)).await.code(), "401 PY-H-013");
    assert_eq!(served.post(QUOTES, &stamp, body(1)).await.status, 200, "the nonce is still good");
}

#[tokio::test]
async fn a_request_counts_once() {
    let served = served(Limits::default()).await;
    let stamp = good(1).await;
    assert_eq!(served.post(QUOTES, &stamp, body(1)).await.status, 200);
    for _ in 0..2 {
        assert_eq!(served.post(QUOTES, &stamp, body(1)).await.code(), "401 PY-H-014");
    }
    assert_eq!(served.desk.quoted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn of_many_copies_at_once_one_counts() {
    let served = served(Limits::default()).await;
    let stamp = good(1).await;
    let copies = (0..20).map(|_| served.post(QUOTES, &stamp, body(1)));
    let answers = futures::future::join_all(copies).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(served.desk.quoted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn old_and_early_requests_are_refused() {
    let served = served(Limits::default()).await;
    for (off, code) in [(-40_000_i64, "401 PY-H-012"), (60_000, "401 PY-H-012"), (-10_000, "401 PY-H-015")] {
        let date = now_ms().checked_add_signed(off).expect("a date");
        let stamp = stamp(1, QUOTES, &body(1), date, rand::random()).await;
        assert_eq!(served.post(QUOTES, &stamp, body(1)).await.code(), code, "{off}");
    }
    let ahead = stamp(1, QUOTES, &body(1), now_ms() + 15_000, rand::random()).await;
    assert_eq!(served.post(QUOTES, &ahead, body(1)).await.status, 200);
}

#[tokio::test]
async fn one_signer_cannot_send_without_end_and_nobody_uses_up_anothers_rate() {
    let rate = Rate { per_minute: 1, burst: 3, callers: 100 };
    let served = served(Limits { rate, ..Limits::default() }).await;
    // In another's name, without its key.
    let mut forged = good(2).await;
    forged.address = signer(1).address();
    for _ in 0..5 {
        assert_eq!(served.post(QUOTES, &forged, body(1)).await.code(), "401 PY-H-013");
    }
    for _ in 0..3 {
        assert_eq!(served.signed(1, QUOTES, body(1)).await.status, 200);
    }
    let refused = served.signed(1, QUOTES, body(1)).await;
    assert_eq!(refused.code(), "429 PY-H-016");
    let seconds: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(served.signed(2, QUOTES, body(2)).await.status, 200);
}

#[tokio::test]
async fn a_full_memory_refuses_and_says_when_to_come_again() {
    let replay = ReplayLimits { nonces: 2, nonces_per_caller: 2 };
    let served = served(Limits { replay, ..Limits::default() }).await;
    assert_eq!(served.signed(1, QUOTES, body(1)).await.status, 200);
    assert_eq!(served.signed(2, QUOTES, body(2)).await.status, 200);
    let refused = served.signed(3, QUOTES, body(3)).await;
    assert_eq!(refused.code(), "503 PY-H-017");
    assert!(!refused.header("retry-after").is_empty());
}

#[tokio::test]
async fn only_the_sequencer_asks_for_its_blocks() {
    let served = served(Limits::default()).await;
    assert_eq!(served.signed(2, QUOTES, body(1)).await.code(), "403 PY-C-218");
    let block = serde_json::to_vec(&submission(1, b"block")).expect("JSON");
    assert_eq!(served.signed(2, "/v1/blocks", block).await.code(), "403 PY-C-218");
}

#[tokio::test]
async fn a_declined_quote_is_204_with_code_and_reason_on_one_line() {
    let served = served(Limits::default()).await;
    let long = format!("no room\r\nset-cookie: x\u{e9}\0{}", "y".repeat(1_000));
    *served.desk.quoting.lock().expect("no panic") = Quoting::Decline(long);
    let answer = served.signed(1, QUOTES, body(1)).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    let header = answer.header("proofyard-decline");
    assert!(header.starts_with("PY-Q-003 no room  set-cookie: x") && header.len() < 250, "{header}");
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn a_caller_waits_as_long_as_it_says_and_the_work_is_finished_all_the_same() {
    let served = served(Limits::default()).await;
    *served.desk.quoting.lock().expect("no panic") = Quoting::Slow(Duration::from_millis(1_500));
    let stamp = good(1).await;
    let answer = served.send(served.request(QUOTES, &stamp, body(1)).header("x-timeout-ms", "100")).await;
    assert_eq!(answer.status, 204);
    assert!(answer.header("proofyard-decline").starts_with("PY-Q-090 "));
    assert_eq!(served.desk.quoted.load(Ordering::SeqCst), 0);
    while served.desk.quoted.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for wrong in ["", "0", "600001", "-1", "1e3", " 5 5", "0x5", "9999999"] {
        let stamp = good(1).await;
        let request = served.request(QUOTES, &stamp, body(1)).header("x-timeout-ms", wrong);
        assert_eq!(served.send(request).await.code(), "400 PY-C-219", "{wrong:?}");
    }
}

#[tokio::test]
async fn a_quote_is_worked_on_no_longer_than_is_configured() {
    let served = served(Limits { quote_time: Duration::from_millis(50), ..Limits::default() }).await;
    *served.desk.quoting.lock().expect("no panic") = Quoting::Slow(Duration::from_secs(600));
    let stamp = good(1).await;
    let answer = served.send(served.request(QUOTES, &stamp, body(1)).header("x-timeout-ms", "60000")).await;
    assert_eq!(answer.status, 204);
}

#[tokio::test]
async fn a_desk_that_breaks_is_a_coded_error_and_the_endpoint_goes_on() {
    let served = served(Limits::default()).await;
    *served.desk.quoting.lock().expect("no panic") = Quoting::Panic;
    assert_eq!(served.signed(1, QUOTES, body(1)).await.code(), "500 PY-C-220");
    served.assert_alive().await;
}

#[tokio::test]
async fn a_block_handed_over_twice_has_one_receipt() {
    let served = served(Limits::default()).await;
    let body = serde_json::to_vec(&submission(1, b"block")).expect("JSON");
    let first = served.signed(1, "/v1/blocks", body.clone()).await;
    let second = served.signed(1, "/v1/blocks", body).await;
    assert_eq!((first.status, second.status), (202, 202));
    assert_eq!(first.body, second.body);
    let receipt: SignedReceipt = serde_json::from_slice(&first.body).expect("a receipt");
    assert_eq!(receipt.receipt.block_commitment, quote_request(1).block_commitment);
}

#[tokio::test]
async fn the_desks_refusals_keep_their_code() {
    let served = served(Limits::default()).await;
    let body = serde_json::to_vec(&submission(1, b"block")).expect("JSON");
    for (why, status) in [(Why::Wrong, 422), (Why::Forbidden, 403), (Why::Conflict, 409), (Why::Busy, 503)] {
        let refusal = Refusal::new(why, "PY-Q-042", "a reason and a remedy");
        *served.desk.refusal.lock().expect("no panic") = Some(refusal);
        assert_eq!(served.signed(1, "/v1/blocks", body.clone()).await.code(), format!("{status} PY-Q-042"));
    }
}
