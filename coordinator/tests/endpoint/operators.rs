//! Draining a worker over HTTP: with the operators' token, and not without.

use std::fs;

use crate::desk::*;
use proofyard_coordinator::{
    client::{Client, ClientError, Timeouts},
    endpoint::{IntakeConfig, Limits, OperatorToken, Undrained},
};
use proofyard_job_schema::WorkerId;

const TOKEN: &str = "correct horse battery staple";

fn token() -> OperatorToken {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("token");
    fs::write(&path, format!("  {TOKEN}\nsecond line\n")).expect("writable");
    OperatorToken::read(&path).expect("a token")
}

fn code(error: ClientError) -> String {
    match error {
        ClientError::Refused(body) | ClientError::Unavailable(body) => body.code,
        other => other.to_string().chars().take(10).collect(),
    }
}

#[tokio::test]
async fn only_the_operators_token_drains_a_worker() {
    let served = served(Limits { operators: Some(token()), ..Limits::default() }).await;
    let client = Client::new(&served.url(""), Timeouts::default()).expect("a client");
    let worker = WorkerId::new("gpu-3").expect("a name");
    for wrong in ["", "correct horse battery stapl", "CORRECT HORSE BATTERY STAPLE"] {
        assert_eq!(code(client.drain(&worker, wrong).await.expect_err("refused")), "PY-C-222", "{wrong:?}");
    }
    let bare = served.http.post(served.url("/v1/workers/gpu-3/drain")).send().await.expect("an answer");
    assert_eq!(bare.status().as_u16(), 403);
    assert!(served.desk.drained.lock().expect("no panic").is_empty());

    assert_eq!(client.drain(&worker, TOKEN).await.expect("told").worker, "gpu-3");
    assert_eq!(*served.desk.drained.lock().expect("no panic"), std::slice::from_ref(&worker));

    for (undrained, expected) in [
        (Undrained::Unknown, "[PY-H-003]"),
        (Undrained::Silent, "PY-C-223"),
        (Undrained::Bus("full".to_owned()), "PY-C-223"),
    ] {
        *served.desk.undrained.lock().expect("no panic") = Some(undrained);
        assert_eq!(code(client.drain(&worker, TOKEN).await.expect_err("refused")), expected);
    }
    let strange = served.http.post(served.url("/v1/workers/a%20b/drain")).bearer_auth(TOKEN).send().await;
    assert_eq!(strange.expect("an answer").status().as_u16(), 404);
}

#[tokio::test]
async fn without_a_token_nobody_is_an_operator() {
    let served = served(Limits::default()).await;
    let client = Client::new(&served.url(""), Timeouts::default()).expect("a client");
    let worker = WorkerId::new("one").expect("a name");
    assert_eq!(code(client.drain(&worker, TOKEN).await.expect_err("refused")), "PY-C-221");
}

#[test]
fn a_token_that_can_be_guessed_or_is_no_text_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("token");
    let intake = IntakeConfig { operator_token_file: Some(path.clone()), ..IntakeConfig::default() };
    let refused = || intake.operators().expect_err("refused").to_string();
    assert!(refused().starts_with("[PY-C-001]"));
    for wrong in [&b"short"[..], b"\n0123456789abcdef", &[0xff; 20], &[b'a'; 5_000]] {
        fs::write(&path, wrong).expect("writable");
        assert!(refused().starts_with("[PY-C-001]"), "{wrong:?}");
    }
    fs::write(&path, "0123456789abcdef").expect("writable");
    assert_eq!(format!("{:?}", intake.operators().expect("a token")), "Some(OperatorToken)");
    assert_eq!(IntakeConfig::default().operators().expect("none"), None);
}
