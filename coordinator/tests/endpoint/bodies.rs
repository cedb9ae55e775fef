//! Bodies, paths and methods that are not as documented: a code each, bounded memory, and the endpoint goes on.

use std::{collections::BTreeSet, time::Duration};

use crate::desk::*;
use proofyard_coordinator::{
    client::auth::{AUTH_HEADER, DATE_HEADER, Rate},
    endpoint::{Connections, Limits},
};
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const QUOTES: &str = "/v1/quotes";
const BLOCKS: &str = "/v1/blocks";

fn small() -> Limits {
    Limits { block_bytes_max: 64 << 10, ..Limits::default() }
}

async fn packed(served: &Served, path: &str, packed: Vec<u8>) -> Answer {
    let stamp = stamp(1, path, &packed, now_ms(), rand::random()).await;
    served.send(served.request(path, &stamp, packed).header("content-encoding", "gzip")).await
}

async fn bare(served: &Served, path: &str, body: Vec<u8>) -> Answer {
    let request = served.http.post(served.url(path)).header("content-type", "application/octet-stream");
    served.send(request.body(body)).await
}

#[tokio::test]
async fn gzip_bodies_are_taken_and_their_signature_is_over_what_was_sent() {
    let served = served(small()).await;
    let plain = serde_json::to_vec(&quote_request(1)).expect("JSON");
    assert_eq!(packed(&served, QUOTES, gzip(&plain)).await.status, 200);
    let block = serde_json::to_vec(&submission(1, &[7; 60_000])).expect("JSON");
    assert_eq!(packed(&served, BLOCKS, gzip(&block)).await.status, 202);
    let over_plain = stamp(1, QUOTES, &plain, now_ms(), rand::random()).await;
    let request = served.request(QUOTES, &over_plain, gzip(&plain)).header("content-encoding", "gzip");
    assert_eq!(served.send(request).await.code(), "401 PY-H-013");
}

#[tokio::test]
async fn what_unpacks_to_too_much_is_refused() {
    let served = served(small()).await;
    let bomb = gzip(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 100 << 10);
    assert_eq!(packed(&served, BLOCKS, bomb.clone()).await.code(), "413 PY-C-203");
    let short = gzip(&vec![b' '; 1 << 20]);
    assert!(short.len() < 16 << 10, "as sent it would be taken");
    assert_eq!(packed(&served, QUOTES, short).await.code(), "413 PY-C-203");
    // Gzip in gzip is only bytes.
    assert_eq!(packed(&served, BLOCKS, gzip(&bomb)).await.code(), "400 PY-C-208");
    served.assert_alive().await;
}

#[tokio::test]
async fn what_is_no_whole_gzip_stream_is_refused() {
    let served = served(small()).await;
    let good = gzip(&serde_json::to_vec(&quote_request(1)).expect("JSON"));
    let mut wrong_sum = good.clone();
    let at = wrong_sum.len() - 6;
    wrong_sum[at] ^= 1;
    let mut followed = good.clone();
    followed.extend_from_slice(b"{}");
    let mut twice = good.clone();
    twice.extend_from_slice(&good);
    let broken =
        [Vec::new(), b"{}".to_vec(), good[..good.len() - 1].to_vec(), good[..20].to_vec(), wrong_sum, followed, twice];
    for (index, body) in broken.into_iter().enumerate() {
        assert_eq!(packed(&served, QUOTES, body).await.code(), "400 PY-C-207", "{index}");
    }
    let stamp = stamp(1, QUOTES, &good, now_ms(), rand::random()).await;
    for encoding in ["br", "gzip, gzip", "deflate", ""] {
        let request = served.request(QUOTES, &stamp, good.clone()).header("content-encoding", encoding);
        assert_eq!(served.send(request).await.code(), "415 PY-C-206", "{encoding:?}");
    }
    served.assert_alive().await;
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_announced_or_not() {
    let served = served(small()).await;
    let long = vec![b' '; (16 << 10) + 1];
    assert_eq!(served.signed(1, QUOTES, long.clone()).await.code(), "413 PY-C-203");
    assert_eq!(bare(&served, BLOCKS, vec![0; (64 << 10) + 1]).await.code(), "413 PY-C-203");
    assert_eq!(bare(&served, BLOCKS, vec![0; 64 << 10]).await.status, 202);
    // A block file within the cap of its JSON, but not within its own.
    let block = serde_json::to_vec(&submission(1, &vec![0; (64 << 10) + 1])).expect("JSON");
    assert_eq!(served.signed(1, BLOCKS, block).await.code(), "413 PY-C-203");
    // Without Content-Length: chunks that do not end.
    let mut stream = TcpStream::connect(served.address).await.expect("a connection");
    let head = "POST /v1/blocks HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let chunk = [format!("{:x}\r\n", 8 << 10).into_bytes(), vec![0; 8 << 10], b"\r\n".to_vec()].concat();
    for _ in 0..10 {
        stream.write_all(&chunk).await.expect("sent");
    }
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.expect("an answer while chunks could still come");
    assert_eq!(&answer, b"HTTP/1.1 413");
    assert_eq!(*served.desk.taken.lock().expect("no panic"), [64 << 10]);
    served.assert_alive().await;
}

#[tokio::test]
async fn other_content_types_are_refused_before_anything_else() {
    let served = served(small()).await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        for path in [QUOTES, BLOCKS] {
            let request = served.http.post(served.url(path)).header("content-type", kind).body("{}");
            assert_eq!(served.send(request).await.code(), "415 PY-C-205", "{path} {kind}");
        }
    }
    assert_eq!(served.send(served.http.post(served.url(QUOTES))).await.code(), "415 PY-C-205");
    let body = serde_json::to_vec(&quote_request(1)).expect("JSON");
    let stamp = stamp(1, QUOTES, &body, now_ms(), rand::random()).await;
    let named = served.http.post(served.url(QUOTES)).header("content-type", "Application/JSON; charset=utf-8");
    let named = named.header(DATE_HEADER, stamp.date_header()).header(AUTH_HEADER, stamp.auth_header()).body(body);
    assert_eq!(served.send(named).await.status, 200);
}

#[tokio::test]
async fn what_is_not_the_documented_json_is_refused() {
    let served = served(small()).await;
    let good = serde_json::to_value(quote_request(1)).expect("JSON");
    let mut unknown = good.clone();
    unknown["callback_url"] = json!("http://example.org");
    let mut missing = good.clone();
    missing.as_object_mut().expect("an object").remove("deposit");
    let deep = "[".repeat(10_000);
    for body in ["", "{", "[]", "null", "{}", "\u{feff}{}", &deep, &unknown.to_string(), &missing.to_string()] {
        assert_eq!(served.signed(1, QUOTES, body.as_bytes().to_vec()).await.code(), "400 PY-C-208", "{body:.40}");
        assert_eq!(served.signed(1, BLOCKS, body.as_bytes().to_vec()).await.code(), "400 PY-C-208", "{body:.40}");
    }
    let mut wrong = good.clone();
    wrong["groups"] = json!(3);
    assert_eq!(served.signed(1, QUOTES, wrong.to_string().into_bytes()).await.code(), "422 PY-C-209");
    let mut name = serde_json::Map::new();
    name.insert(format!("\n{}", "x".repeat(5_000)), json!(1));
    let answer = served.signed(1, QUOTES, serde_json::to_vec(&name).expect("JSON")).await;
    assert_eq!(answer.code(), "400 PY-C-208");
    assert!(answer.body.len() < 1_000, "what was sent does not come back at length");
    served.assert_alive().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let served = served(Limits { body_time: Duration::from_millis(200), ..small() }).await;
    let mut stream = TcpStream::connect(served.address).await.expect("a connection");
    let head = "POST /v1/blocks HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\ncontent-length: 100\r\n\r\nabc";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(answer, b"HTTP/1.1 408");
    served.assert_alive().await;
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for_and_connections_are_counted() {
    let connections = Connections { max: 2, head_time: Duration::from_millis(300), ..Connections::default() };
    let served = served_with(small(), connections).await;
    let mut idle = Vec::new();
    for _ in 0..6 {
        let mut stream = TcpStream::connect(served.address).await.expect("a connection");
        stream.write_all(b"GET /heal").await.expect("sent");
        idle.push(stream);
    }
    served.assert_alive().await;
}

#[tokio::test]
async fn all_bodies_together_are_bounded() {
    let limits = Limits { bodies_bytes_max: 100 << 10, ..small() };
    let served = served(limits).await;
    let head = |length: usize| {
        format!(
            "POST /v1/blocks HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let mut first = TcpStream::connect(served.address).await.expect("a connection");
    first.write_all(head(60 << 10).as_bytes()).await.expect("sent");
    first.write_all(&vec![0; (60 << 10) - 1]).await.expect("sent");
    // Once the first body is held, a second one of that size does not fit.
    let refused = loop {
        let answer = bare(&served, BLOCKS, vec![0; 60 << 10]).await;
        if answer.status != 202 {
            break answer;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("503 PY-C-214", "1"));
    assert_eq!(bare(&served, BLOCKS, vec![0; 8 << 10]).await.status, 202, "a smaller one does");
    drop(first);
    while bare(&served, BLOCKS, vec![0; 60 << 10]).await.status != 202 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    served.assert_alive().await;
}

#[tokio::test]
async fn bare_blocks_need_to_be_allowed() {
    let open = served(small()).await;
    assert_eq!(bare(&open, "/v1/blocks?subtrees=2&groups=1", vec![1; 10]).await.status, 202);
    for query in ["subtrees=x", "subtrees=-1", "other=1", "subtrees=1&subtrees=2"] {
        assert_eq!(bare(&open, &format!("{BLOCKS}?{query}"), vec![1]).await.code(), "400 PY-C-202", "{query}");
    }
    let refused = bare(&open, BLOCKS, b"bad".to_vec()).await;
    assert_eq!(refused.code(), "422 PY-B-021");
    assert!(String::from_utf8_lossy(&refused.body).contains("\"transaction\":3"));
    let closed = served(Limits { unquoted: false, ..small() }).await;
    assert_eq!(bare(&closed, BLOCKS, vec![1]).await.code(), "403 PY-C-217");
    assert!(closed.desk.taken.lock().expect("no panic").is_empty());
}

#[tokio::test]
async fn other_paths_methods_and_ids_are_coded_too() {
    let served = served(small()).await;
    for path in ["//", "/v1", "/v2/status", "/v1/blocks/", "/v1/blocks/a/b", "/metrics", "/%2e%2e/x", "/v1/status/"] {
        assert_eq!(served.get(path).await.code(), "404 PY-C-210", "{path}");
    }
    for (method, path) in [("PUT", "/v1/status"), ("GET", QUOTES), ("DELETE", BLOCKS), ("POST", "/healthz")] {
        let method = method.parse().expect("a method");
        let answer = served.send(served.http.request(method, served.url(path))).await;
        assert_eq!(answer.code(), "405 PY-C-211", "{path}");
        assert!(!answer.header("allow").is_empty(), "{path}");
    }
    let short = "ab".repeat(31);
    for id in ["x", short.as_str(), "%00", "%ff", &"zz".repeat(32), &"ab".repeat(33)] {
        for end in ["", "/proof", "/events"] {
            assert_eq!(served.get(&format!("{BLOCKS}/{id}{end}")).await.code(), "400 PY-C-216", "{id}{end}");
        }
    }
    let unknown = "ab".repeat(32);
    for end in ["", "/proof", "/events"] {
        assert_eq!(served.get(&format!("{BLOCKS}/{unknown}{end}")).await.code(), "404 PY-C-201", "{end}");
        assert_eq!(served.get(&format!("{BLOCKS}/0x{unknown}{end}")).await.code(), "404 PY-C-201", "{end}");
    }
    assert_eq!(served.get(&format!("{BLOCKS}/{KNOWN}")).await.status, 200);
    assert_eq!(served.get(&format!("{BLOCKS}/{}", "AA".repeat(32))).await.status, 200);
    assert_eq!(served.send(served.http.head(served.url("/v1/status"))).await.status, 200);
}

#[tokio::test]
async fn bytes_that_are_no_http_end_the_connection_only() {
    let served = served(small()).await;
    for bytes in [&b"\x16\x03\x01\x02\x00"[..], b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\n\r\n", &[b'A'; 100_000]] {
        let mut stream = TcpStream::connect(served.address).await.expect("a connection");
        // The endpoint may close before everything is sent.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{:?}", String::from_utf8_lossy(&answer));
    }
    served.assert_alive().await;
}

/// A runtime of its own: the property runner is not async.
#[test]
fn random_bodies_never_break_it() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let rate = Rate { per_minute: 1_000_000, burst: 1_000_000, callers: 10 };
    let limits = Limits { rate, body_time: Duration::from_secs(5), ..small() };
    let served = runtime.block_on(served(limits));
    let good = serde_json::to_vec(&submission(1, b"block")).expect("JSON");
    let strategy = (
        proptest::collection::vec(proptest::num::u8::ANY, 0..600),
        0..good.len(),
        proptest::bool::ANY,
        proptest::bool::ANY,
        0..4_usize,
    );
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let codes = std::cell::RefCell::new(BTreeSet::new());
    let outcome = runner.run(&strategy, |(noise, at, mix, is_gzip, kind)| {
        // Noise alone, or a good message with noise in it.
        let body = if mix { [&good[..at], &noise[..noise.len().min(3)], &good[at..]].concat() } else { noise };
        let body = if is_gzip && mix { gzip(&body) } else { body };
        let path = [QUOTES, BLOCKS, BLOCKS, "/v1/blocks?groups=2"][kind];
        let answer = runtime.block_on(async {
            if kind == 3 {
                return bare(&served, path, body).await;
            }
            if is_gzip { packed(&served, path, body).await } else { served.signed(1, path, body).await }
        });
        if answer.status >= 300 {
            codes.borrow_mut().insert(answer.code());
        }
        proptest::prop_assert!(answer.status < 500, "{}", answer.status);
        Ok(())
    });
    outcome.expect("no 5xx and no broken connection");
    let codes = codes.into_inner();
    assert!(codes.contains("400 PY-C-207") && codes.contains("400 PY-C-208"), "{codes:?}");
    runtime.block_on(served.assert_alive());
}
