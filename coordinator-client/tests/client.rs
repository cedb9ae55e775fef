//! The client against servers that do not behave, each a script of raw answers.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use alloy_primitives::{Address, B256, U256};
use alloy_signer_local::PrivateKeySigner;
use proofyard_coordinator_client::{BlockStatus, Client, ClientError, QuoteAnswer, QuoteRequest, Stage, Timeouts};
use proofyard_job_schema::BlockId;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// What happens to one connection after its request has come.
enum Script {
    Answer(String),
    /// Answers and keeps the connection open without another word.
    Hang(String),
}

/// Serves one script a connection, the last one for ever; remembers the requests.
async fn scripted(scripts: Vec<Script>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = requests.clone();
    tokio::spawn(async move {
        let mut open = Vec::new();
        for index in 0.. {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !whole(&request) {
                match stream.read(&mut buffer).await {
                    Ok(0) | Err(_) => break,
                    Ok(read) => request.extend_from_slice(&buffer[..read]),
                }
            }
            seen.lock().expect("no panic").push(String::from_utf8_lossy(&request).into_owned());
            match &scripts[std::cmp::min(index, scripts.len() - 1)] {
                Script::Answer(answer) => {
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                }
                Script::Hang(answer) => {
                    let _ = stream.write_all(answer.as_bytes()).await;
                    open.push(stream);
                }
            }
        }
    });
    (url, requests)
}

/// A request's head has come, and as much body as it says.
fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    body.len() >= length
}

fn answer(status: &str, headers: &str, body: &str) -> Script {
    let length = body.len();
    Script::Answer(format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"))
}

fn client(url: &str) -> Client {
    let ms = Duration::from_millis;
    let timeouts = Timeouts { connect: ms(1_000), request: ms(3_000), silence: ms(400) };
    let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).expect("a key");
    Client::new(url, timeouts).expect("a client").signed_by(Arc::new(signer))
}

fn request() -> QuoteRequest {
    let zero = Address::ZERO;
    QuoteRequest {
        chain_id: 1,
        sidecar: zero,
        escrow: zero,
        sequencer: zero,
        height: 1,
        block_commitment: B256::ZERO,
        group: 0,
        groups: 1,
        transfers: 1,
        subtrees: 1,
        rows_log2: 12,
        tip_token: zero,
        price_max: U256::ZERO,
        deposit_token: zero,
        deposit: U256::ZERO,
        commit_by: 1,
        prove_by: 2,
    }
}

const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

fn event(id: &str, stage: Stage) -> String {
    let mut status = BlockStatus::new("00".repeat(32), 12);
    status.stage = stage;
    format!("id: {id}\ndata: {}\n\n", serde_json::to_string(&status).expect("JSON"))
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (url, requests) = scripted(vec![answer("302 Found", "location: /elsewhere\r\n", "")]).await;
    assert!(matches!(client(&url).health().await, Err(ClientError::Answer { .. })));
    assert_eq!(requests.lock().expect("no panic").len(), 1);
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let body = "x".repeat((1 << 20) + 1);
    let (url, _) = scripted(vec![answer("200 OK", "", &body)]).await;
    assert!(matches!(client(&url).proof(BlockId([1; 32])).await, Err(ClientError::Answer { .. })));
}

#[tokio::test]
async fn a_silent_server_is_given_up_in_time() {
    let (url, requests) = scripted(vec![Script::Hang(String::new())]).await;
    let began = std::time::Instant::now();
    assert!(matches!(client(&url).health().await, Err(ClientError::Network { .. })));
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(requests.lock().expect("no panic").len(), 1);
}

#[tokio::test]
async fn what_may_be_repeated_is_and_nothing_else() {
    let accepted = format!("{{\"id\":\"{}\"}}", "01".repeat(32));
    let busy = "{\"code\":\"PY-C-214\",\"message\":\"busy\"}";
    let scripts = vec![
        Script::Answer(String::new()),
        answer("503 Service Unavailable", "retry-after: 0\r\n", busy),
        answer("202 Accepted", "", &accepted),
    ];
    let (url, requests) = scripted(scripts).await;
    assert_eq!(client(&url).submit(vec![1], None).await.expect("accepted").id, "01".repeat(32));
    assert_eq!(requests.lock().expect("no panic").len(), 3);

    // A coordinator that is full does not say when to come again: whoever asks decides.
    let (url, requests) = scripted(vec![answer("503 Service Unavailable", "", busy)]).await;
    assert!(matches!(client(&url).submit(vec![1], None).await, Err(ClientError::Unavailable(_))));
    assert_eq!(requests.lock().expect("no panic").len(), 1);

    let (url, requests) = scripted(vec![Script::Answer(String::new())]).await;
    assert!(matches!(client(&url).quote(&request(), Duration::from_secs(1)).await, Err(ClientError::Network { .. })));
    assert_eq!(requests.lock().expect("no panic").len(), 1, "a second quote would be a second reservation");
}

#[tokio::test]
async fn a_declined_quote_says_why() {
    let declined = answer("204 No Content", "proofyard-decline: PY-Q-003 no room\r\n", "");
    let (url, requests) = scripted(vec![declined]).await;
    let said = client(&url).quote(&request(), Duration::from_millis(1_500)).await.expect("an answer");
    assert_eq!(said, QuoteAnswer::Declined { code: "PY-Q-003".to_owned(), reason: "no room".to_owned() });
    let sent = requests.lock().expect("no panic")[0].to_ascii_lowercase();
    for header in
        ["x-timeout-ms: 1500\r\n", "date-milliseconds: ", "proofyard-auth: 0x", "content-type: application/json"]
    {
        assert!(sent.contains(header), "{header}: {sent}");
    }
    let (url, _) = scripted(vec![answer("204 No Content", "", "")]).await;
    assert!(matches!(client(&url).quote(&request(), Duration::from_secs(1)).await, Err(ClientError::Answer { .. })));
}

#[tokio::test]
async fn without_a_signer_nothing_is_sent() {
    let (url, requests) = scripted(vec![answer("200 OK", "", "{}")]).await;
    let unsigned = Client::new(&url, Timeouts::default()).expect("a client");
    assert!(matches!(unsigned.quote(&request(), Duration::from_secs(1)).await, Err(ClientError::NoSigner)));
    assert!(requests.lock().expect("no panic").is_empty());
}

#[tokio::test]
async fn a_broken_stream_is_taken_up_where_it_ended() {
    let (executing, proving) = (event("a-1", Stage::Executing), event("a-2", Stage::Proving));
    let half = &event("a-3", Stage::Verifying)[..40];
    let scripts = vec![
        Script::Answer(format!("{STREAM}: hello\n\n{executing}{proving}{half}")),
        Script::Answer(String::new()),
        // Silent for longer than the client waits.
        Script::Hang(format!("{STREAM}{}", event("a-3", Stage::Verifying))),
        Script::Answer(format!("{STREAM}{}", event("a-4", Stage::Done))),
    ];
    let (url, requests) = scripted(scripts).await;
    let mut follow = client(&url).follow(BlockId([1; 32]));
    let mut stages = Vec::new();
    while let Some(status) = follow.next().await {
        stages.push(status.expect("a status").stage);
    }
    assert_eq!(stages, [Stage::Executing, Stage::Proving, Stage::Verifying, Stage::Done]);
    let requests = requests.lock().expect("no panic");
    let resumed: Vec<_> = requests
        .iter()
        .map(|request| request.lines().find_map(|line| line.strip_prefix("last-event-id: ")).unwrap_or_default())
        .collect();
    assert_eq!(resumed, ["", "a-2", "a-2", "a-3"]);
}

#[tokio::test]
async fn following_ends_with_an_error_when_it_makes_no_sense() {
    let (url, _) = scripted(vec![answer("404 Not Found", "", "{\"code\":\"PY-C-201\",\"message\":\"x\"}")]).await;
    let mut follow = client(&url).follow(BlockId([1; 32]));
    assert!(matches!(follow.next().await, Some(Err(ClientError::NotFound { .. }))));
    assert!(follow.next().await.is_none());

    let (url, _) = scripted(vec![Script::Answer(format!("{STREAM}data: {{}}\n\n"))]).await;
    let mut follow = client(&url).follow(BlockId([1; 32]));
    assert!(matches!(follow.next().await, Some(Err(ClientError::Answer { .. }))));
    assert!(follow.next().await.is_none());

    let (url, _) = scripted(vec![answer("200 OK", "content-type: text/html\r\n", "hello")]).await;
    assert!(matches!(client(&url).follow(BlockId([1; 32])).next().await, Some(Err(ClientError::Answer { .. }))));

    let (url, _) = scripted(vec![answer("204 No Content", "", "")]).await;
    assert!(client(&url).follow(BlockId([1; 32])).next().await.is_none(), "nothing more will come");
}
