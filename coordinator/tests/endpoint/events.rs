//! Events and proofs: order, resuming, ends, caches.

use std::time::Duration;

use crate::desk::*;
use proofyard_coordinator::{
    client::{BlockStatus, Client, ErrorBody, Rung, Stage, Timeouts},
    endpoint::{Connections, Limits, Proof},
    track::CHANGES_KEPT,
};
use proofyard_job_schema::BlockId;

impl Served {
    fn change(&self, change: impl FnOnce(&mut BlockStatus)) {
        self.desk.track.lock().expect("no panic").as_ref().expect("a track").change(change);
    }

    fn events(&self) -> String {
        self.url(&format!("/v1/blocks/{KNOWN}/events"))
    }

    /// Reads events until `count` have come or the stream ends: ids and statuses.
    async fn read(&self, after: Option<&str>, count: usize) -> Vec<(String, BlockStatus)> {
        let mut request = self.http.get(self.events());
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let mut response = request.send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 200);
        assert!(response.headers()["content-type"].to_str().expect("text").starts_with("text/event-stream"));
        let mut text = String::new();
        loop {
            let events: Vec<_> =
                text.split_inclusive("\n\n").filter(|event| event.ends_with("\n\n")).map(read).collect();
            if events.len() >= count {
                return events;
            }
            match response.chunk().await.expect("a piece") {
                Some(piece) => text.push_str(std::str::from_utf8(&piece).expect("text")),
                None => return events,
            }
        }
    }
}

fn read(event: &str) -> (String, BlockStatus) {
    let field =
        |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{event}"));
    (field("id: ").to_owned(), serde_json::from_str(field("data: ")).expect("a status"))
}

fn subtrees(events: &[(String, BlockStatus)]) -> Vec<u32> {
    events.iter().map(|(_, status)| status.subtrees_done).collect()
}

#[tokio::test]
async fn the_present_state_comes_first_then_one_event_for_each_change_in_order() {
    let served = served(Limits::default()).await;
    served.change(|status| status.subtrees_done = 1);
    let reading = served.read(None, 21);
    let changing = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        for done in 2..=21 {
            served.change(|status| status.subtrees_done = done);
            // No change, no event.
            served.change(|status| status.subtrees_done = done);
        }
    };
    let (events, ()) = tokio::join!(reading, changing);
    assert_eq!(subtrees(&events), (1..=21).collect::<Vec<_>>());
    let mut ids: Vec<_> = events.iter().map(|(id, _)| id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 21);
}

#[tokio::test]
async fn a_reader_goes_on_after_the_event_it_names() {
    let served = served(Limits::default()).await;
    for done in 1..=10 {
        served.change(|status| status.subtrees_done = done);
    }
    let (present, _) = served.read(None, 1).await.remove(0);
    for done in 11..=15 {
        served.change(|status| status.subtrees_done = done);
    }
    let resumed = served.read(Some(&present), 5).await;
    assert_eq!(subtrees(&resumed), [11, 12, 13, 14, 15]);
    assert_eq!(subtrees(&served.read(Some(&resumed[2].0), 2).await), [14, 15]);
    // Ids of another log, or none at all: the present state.
    let (run, version) = present.split_once('-').expect("an id");
    let version: u64 = version.parse().expect("a number");
    let other_run = format!("{:016x}-{version}", u64::from_str_radix(run, 16).expect("digits") ^ 1);
    let future = format!("{run}-{}", version + 100);
    for wrong in [other_run.as_str(), &future, "1", "", "x-y", &"9".repeat(100)] {
        assert_eq!(subtrees(&served.read(Some(wrong), 1).await), [15], "{wrong}");
    }
}

#[tokio::test]
async fn who_is_too_far_behind_skips_the_oldest() {
    let served = served(Limits::default()).await;
    let (first, _) = served.read(None, 1).await.remove(0);
    let last = 3 * CHANGES_KEPT as u32;
    for done in 1..=last {
        served.change(|status| status.subtrees_done = done);
    }
    let kept = served.read(Some(&first), CHANGES_KEPT).await;
    assert_eq!(subtrees(&kept), (last + 1 - CHANGES_KEPT as u32..=last).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_stream_ends_after_the_final_state_and_says_so_to_who_comes_back() {
    let served = served(Limits::default()).await;
    served.change(|status| {
        status.block_commitment = Some(KNOWN);
        status.stage = Stage::Done;
        status.ladder.climb(Rung::Proven);
    });
    let reading = served.read(None, usize::MAX);
    let changing = async {
        for rung in [Rung::Published, Rung::Verified, Rung::Finalized] {
            tokio::time::sleep(Duration::from_millis(30)).await;
            served.change(|status| status.ladder.climb(rung));
        }
    };
    let (events, ()) = tokio::join!(reading, changing);
    let rungs: Vec<_> = events.iter().map(|(_, status)| status.ladder.rung).collect();
    assert_eq!(rungs.last(), Some(&Rung::Finalized));
    assert!(rungs.is_sorted(), "{rungs:?}");
    let (last, _) = events.last().expect("an event");
    let answer = served.send(served.http.get(served.events()).header("last-event-id", last)).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(served.read(None, usize::MAX).await.len(), 1, "the final state, then the end");
}

#[tokio::test]
async fn the_client_follows_to_the_end() {
    let served = served(Limits::default()).await;
    let client = Client::new(&served.url(""), Timeouts::default()).expect("a client");
    let mut follow = client.follow(BlockId(KNOWN.0));
    let first = follow.next().await.expect("an event").expect("a status");
    assert_eq!(first.ladder.rung, Rung::Executing);
    let reason = ErrorBody { code: "PY-L-009".to_owned(), message: "the window is over".to_owned(), transaction: None };
    served.change(|status| status.ladder.climb(Rung::Proving));
    served.change(|status| status.ladder.fall(Rung::Slashed, reason.clone()));
    let mut rungs = Vec::new();
    while let Some(status) = follow.next().await {
        let ladder = status.expect("a status").ladder;
        rungs.push(ladder.rung);
        assert_eq!(ladder.reason.is_some(), ladder.rung == Rung::Slashed);
    }
    assert_eq!(rungs, [Rung::Proving, Rung::Slashed]);
}

#[tokio::test]
async fn a_block_that_is_forgotten_ends_its_streams() {
    let served = served(Limits::default()).await;
    let reading = served.read(None, usize::MAX);
    let forgetting = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        served.change(|status| status.subtrees_done = 1);
        *served.desk.track.lock().expect("no panic") = None;
    };
    let (events, ()) = tokio::join!(reading, forgetting);
    assert_eq!(subtrees(&events), [0, 1], "what was written last is still read");
}

#[tokio::test]
async fn streams_are_counted_and_a_reader_that_left_counts_no_more() {
    let served = served(Limits { followers_max: 2, ..Limits::default() }).await;
    let open = |served: &Served| served.http.get(served.events()).send();
    let one = open(&served).await.expect("an answer");
    let two = open(&served).await.expect("an answer");
    assert_eq!((one.status().as_u16(), two.status().as_u16()), (200, 200));
    let refused = served.get(&format!("/v1/blocks/{KNOWN}/events")).await;
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("503 PY-C-215", "5"));
    drop(one);
    loop {
        // The endpoint notices at its next write.
        served.change(|status| status.subtrees_done += 1);
        if open(&served).await.expect("an answer").status() == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_let_go() {
    let connections = Connections { read_time: Duration::from_millis(200), ..Connections::default() };
    let served = served_with(Limits { followers_max: 1, ..Limits::default() }, connections).await;
    let mut idle = tokio::net::TcpStream::connect(served.address).await.expect("a connection");
    let request = format!("GET /v1/blocks/{KNOWN}/events HTTP/1.1\r\nhost: x\r\n\r\n");
    tokio::io::AsyncWriteExt::write_all(&mut idle, request.as_bytes()).await.expect("sent");
    let mut head = [0; 15];
    tokio::io::AsyncReadExt::read_exact(&mut idle, &mut head).await.expect("an answer");
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    // More than the system keeps for a reader.
    loop {
        served.change(|status| {
            let message = format!("{}{}", status.subtrees_done, "x".repeat(1 << 20));
            status.error = Some(ErrorBody { code: "PY-X-000".to_owned(), message, transaction: None });
            status.subtrees_done += 1;
        });
        if served.http.get(served.events()).send().await.expect("an answer").status() == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(idle);
}

#[tokio::test]
async fn a_proof_is_served_to_anyone_and_kept_by_caches() {
    let served = served(Limits::default()).await;
    let path = format!("/v1/blocks/{KNOWN}/proof");
    let absent = served.get(&path).await;
    assert_eq!((absent.code().as_str(), absent.header("cache-control")), ("404 PY-C-201", "no-store"));
    let (bytes, sha256) = (vec![9; 5_000], [0xcd; 32]);
    *served.desk.proof.lock().expect("no panic") = Some(Proof { bytes: bytes.clone().into(), sha256 });
    let answer = served.get(&path).await;
    assert_eq!((answer.status, &answer.body), (200, &bytes));
    let tag = format!("\"{}\"", "cd".repeat(32));
    assert_eq!(answer.header("etag"), tag);
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(answer.header("content-type"), "application/octet-stream");
    let known = |tags: &str| served.send(served.http.get(served.url(&path)).header("if-none-match", tags));
    for tags in [tag.as_str(), "*", &format!("\"x\", W/{tag}")] {
        let answer = known(tags).await;
        assert_eq!((answer.status, answer.body.len(), answer.header("etag")), (304, 0, tag.as_str()), "{tags}");
    }
    assert_eq!(known("\"x\"").await.status, 200);
}

#[tokio::test]
async fn a_status_counts_seconds_until_the_farm_is_done() {
    let served = served(Limits::default()).await;
    let path = format!("/v1/blocks/{KNOWN}");
    let seconds = |answer: Answer| serde_json::from_slice::<BlockStatus>(&answer.body).expect("a status").seconds;
    let first = seconds(served.get(&path).await);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(seconds(served.get(&path).await) > first);
    served.change(|status| status.stage = Stage::Done);
    let done = seconds(served.get(&path).await);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(seconds(served.get(&path).await), done);
}
