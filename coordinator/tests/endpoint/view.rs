//! The farm's view and its events.

use std::{sync::atomic::Ordering, time::Duration};

use crate::desk::*;
use proofyard_coordinator::{client::FarmView, endpoint::Limits};

/// A stream of events, read one at a time.
struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    async fn of(served: &Served) -> Self {
        let response = served.http.get(served.url("/v1/farm/events")).send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 200);
        Self { response, text: String::new() }
    }

    async fn next(&mut self) -> FarmView {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let data = event.strip_prefix("data: ").map(|json| serde_json::from_str(json).expect("a view"));
                self.text = rest.to_owned();
                match data {
                    Some(view) => return view,
                    None => continue,
                }
            }
            let piece = self.response.chunk().await.expect("a piece").expect("the stream goes on");
            self.text.push_str(std::str::from_utf8(&piece).expect("text"));
        }
    }
}

async fn within<T>(wanted: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), wanted).await.expect("in time")
}

#[tokio::test]
async fn watchers_see_the_present_and_each_change() {
    let served = served(Limits::default()).await;
    let mut first = Events::of(&served).await;
    assert_eq!(within(first.next()).await.status.blocks, 0);
    served.desk.taken.lock().expect("no panic").push(1);
    assert_eq!(within(first.next()).await.status.blocks, 1);
    // Nothing changes, and who comes later still sees what is there.
    let mut second = Events::of(&served).await;
    assert_eq!(within(second.next()).await.status.blocks, 1);
    served.desk.taken.lock().expect("no panic").push(1);
    assert_eq!(within(async { (first.next().await.status.blocks, second.next().await.status.blocks) }).await, (2, 2));
    let once: FarmView = {
        let answer = served.http.get(served.url("/v1/farm")).send().await.expect("an answer");
        answer.json().await.expect("a view")
    };
    assert_eq!(once.status.blocks, 2);
}

#[tokio::test]
async fn nobody_watches_and_the_farm_is_not_looked_at() {
    let served = served(Limits::default()).await;
    let looked = || served.desk.looked.load(Ordering::SeqCst);
    assert_eq!(looked(), 0);
    let mut watcher = Events::of(&served).await;
    within(watcher.next()).await;
    drop(watcher);
    // The looks end soon after the watcher has gone, and begin again with the next one.
    within(async {
        loop {
            let before = looked();
            tokio::time::sleep(Duration::from_secs(1)).await;
            if looked() == before {
                break;
            }
        }
    })
    .await;
    let before = looked();
    within(Events::of(&served).await.next()).await;
    assert!(looked() > before);
}

#[tokio::test]
async fn streams_are_few_enough() {
    let served = served(Limits { followers_max: 1, ..Limits::default() }).await;
    let _one = Events::of(&served).await;
    let refused = served.http.get(served.url("/v1/farm/events")).send().await.expect("an answer");
    assert_eq!(refused.status().as_u16(), 503);
}
