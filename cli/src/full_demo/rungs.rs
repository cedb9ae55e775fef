//! Follows a block's ladder at the sidecar's endpoint, over the sidecar's own death.

use std::time::Duration;

use proofyard_coordinator_client::sse::Parser;
use proofyard_sidecar::store::Step;
use tokio::sync::mpsc;

/// Pause before a lost stream is taken up again.
const PAUSE: Duration = Duration::from_millis(200);

/// Sends each rung of a block once, in order, until the last; ends with the receiver.
pub async fn follow(url: String, id: String, rungs: mpsc::UnboundedSender<(String, Step)>) {
    let mut seen = 0;
    loop {
        if let Ok(true) = stream(&url, &id, &mut seen, &rungs).await {
            return;
        }
        // Down, or starting: what it told so far is on its disk, and `seen` says where to go on.
        if rungs.is_closed() {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// One connection. True after the last rung.
async fn stream(
    url: &str,
    id: &str,
    seen: &mut u64,
    rungs: &mpsc::UnboundedSender<(String, Step)>,
) -> Result<bool, reqwest::Error> {
    let request = reqwest::Client::new().get(format!("{url}/v1/blocks/{id}/events"));
    let mut response = request.header("last-event-id", seen.to_string()).send().await?.error_for_status()?;
    let mut parser = Parser::default();
    while let Some(piece) = response.chunk().await? {
        if parser.feed(&piece).is_err() {
            return Ok(false);
        }
        while let Some(event) = parser.pop() {
            let Ok(step) = serde_json::from_slice::<Step>(&event.data) else { continue };
            *seen = step.number;
            let is_last = step.rung.is_final();
            if rungs.send((id.to_owned(), step)).is_err() || is_last {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
