//! Coordinators that misbehave, each an HTTP server on the loopback.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::stream;
use proofyard_coordinator_client as messages;
use proofyard_coordinator_client::{BlockStatus, BlockSubmission, ErrorBody, QuoteRequest, Stage};
use proofyard_settlement::{
    alloy::primitives::{Address, B256, U256},
    contracts::bindings::IProverEscrow,
    signer::{Key, typed::Domain},
};

/// How a coordinator behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conduct {
    /// As it should. It takes the block and gives up.
    Honest,
    /// Does not answer.
    Hangs,
    /// Answers a byte at a time, without end.
    Drips,
    /// Answers 2 MiB.
    Oversized,
    /// Answers something else.
    NotJson,
    /// Answers with an error without a body.
    Breaks,
    /// Sends elsewhere.
    Redirects,
    /// 204 with its reason.
    Declines,
    /// 204 without.
    DeclinesSilently,
    /// Signs as somebody else.
    WrongKey,
    /// Asks more than is allowed.
    Dear,
    /// Quotes another height.
    OtherHeight,
    /// Quotes another block.
    OtherBlock,
    /// Quotes another token.
    OtherToken,
    /// Brings less deposit.
    ShortDeposit,
    /// Quotes for one block only.
    Expires,
    /// Quotes with a nonce that is cancelled.
    UsedNonce,
}

/// The nonce that tests cancel on chain.
pub const CANCELLED: u64 = 99;

/// A running one.
pub struct Coordinator {
    pub url: String,
    /// Headers of the quote requests it got.
    pub asked: Arc<Mutex<Vec<HeaderMap>>>,
}

struct Desk {
    conduct: Conduct,
    key: Key,
    other: Key,
    domain: Domain,
    price: u64,
    asked: Arc<Mutex<Vec<HeaderMap>>>,
    block: Mutex<Option<B256>>,
}

/// Serves until the test ends.
pub async fn start(conduct: Conduct, key: Key, other: Key, domain: Domain, price: u64) -> Coordinator {
    let asked = Arc::<Mutex<Vec<HeaderMap>>>::default();
    let desk = Desk { conduct, key, other, domain, price, asked: asked.clone(), block: Mutex::default() };
    let app = Router::new()
        .route("/v1/quotes", post(quote))
        .route("/v1/blocks", post(take))
        .route("/v1/blocks/{id}", get(status))
        .route("/v1/blocks/{id}/proof", get(proof))
        .with_state(Arc::new(desk));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Coordinator { url, asked }
}

impl Desk {
    /// What it answers to everything, if that does not depend on the question.
    async fn always(&self) -> Option<Response> {
        let answer = match self.conduct {
            Conduct::Hangs => {
                tokio::time::sleep(Duration::from_secs(3_600)).await;
                StatusCode::OK.into_response()
            }
            Conduct::Drips => {
                let drops = stream::unfold((), |()| async {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
                });
                Body::from_stream(drops).into_response()
            }
            Conduct::Oversized => vec![b' '; 2 << 20].into_response(),
            Conduct::NotJson => "hello".into_response(),
            Conduct::Breaks => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Conduct::Redirects => {
                (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "http://127.0.0.1:1/")]).into_response()
            }
            _ => return None,
        };
        Some(answer)
    }

    fn key(&self) -> &Key {
        if self.conduct == Conduct::WrongKey { &self.other } else { &self.key }
    }
}

async fn quote(State(desk): State<Arc<Desk>>, headers: HeaderMap, Json(request): Json<QuoteRequest>) -> Response {
    desk.asked.lock().expect("no panic").push(headers);
    if let Some(answer) = desk.always().await {
        return answer;
    }
    let mut quote = messages::Quote {
        prover: desk.key.address(),
        sequencer: request.sequencer,
        height: request.height,
        block_commitment: request.block_commitment,
        group: request.group,
        tip_token: request.tip_token,
        price: U256::from(desk.price),
        deposit_token: request.deposit_token,
        deposit: request.deposit,
        nonce: U256::from(7),
        expiry: request.commit_by,
    };
    match desk.conduct {
        Conduct::Declines => {
            return (StatusCode::NO_CONTENT, [("Proofyard-Decline", "PY-Q-007 full")]).into_response();
        }
        Conduct::DeclinesSilently => return StatusCode::NO_CONTENT.into_response(),
        Conduct::Dear => quote.price = request.price_max + U256::from(1),
        Conduct::OtherHeight => quote.height += 1,
        Conduct::OtherBlock => quote.block_commitment = B256::repeat_byte(7),
        Conduct::OtherToken => quote.deposit_token = Address::repeat_byte(7),
        Conduct::ShortDeposit => quote.deposit = request.deposit - U256::from(1),
        Conduct::Expires => quote.expiry = 1,
        Conduct::UsedNonce => quote.nonce = U256::from(CANCELLED),
        _ => {}
    }
    let terms = IProverEscrow::Quote {
        prover: quote.prover,
        sequencer: quote.sequencer,
        height: U256::from(quote.height),
        blockCommitment: quote.block_commitment,
        group: quote.group,
        tipToken: quote.tip_token,
        price: quote.price,
        depositToken: quote.deposit_token,
        deposit: quote.deposit,
        nonce: quote.nonce,
        expiry: quote.expiry,
    };
    let signature = desk.key().sign_quote(&terms, &desk.domain).await.expect("signed");
    Json(messages::SignedQuote { quote, signature: signature.as_bytes().to_vec().into() }).into_response()
}

async fn take(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(answer) = desk.always().await {
        return answer;
    }
    if headers[header::CONTENT_TYPE] != "application/json" {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
    let json = unpack(&body).await;
    let submission: BlockSubmission = serde_json::from_slice(&json).expect("a submission");
    let quote = submission.quote.quote;
    let id = match desk.conduct {
        Conduct::OtherBlock => B256::repeat_byte(7),
        _ => submission.header.data_commitment,
    };
    *desk.block.lock().expect("no panic") = Some(quote.block_commitment);
    let receipt = messages::Receipt {
        block_commitment: quote.block_commitment,
        block_id: id,
        nonce: quote.nonce,
        accepted_at: 1,
    };
    let signed = IProverEscrow::Receipt {
        blockCommitment: receipt.block_commitment,
        blockId: receipt.block_id,
        nonce: receipt.nonce,
        acceptedAt: receipt.accepted_at,
    };
    let signature = desk.key().sign_receipt(&signed, &desk.domain).await.expect("signed");
    let answer = messages::SignedReceipt { receipt, signature: signature.as_bytes().to_vec().into() };
    (StatusCode::ACCEPTED, Json(answer)).into_response()
}

async fn status(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Response {
    if let Some(answer) = desk.always().await {
        return answer;
    }
    let held = *desk.block.lock().expect("no panic");
    if held.is_none_or(|held| held.to_string()[2..] != id) {
        let error = ErrorBody { code: "PY-F-001".to_owned(), message: "unknown".to_owned(), transaction: None };
        return (StatusCode::NOT_FOUND, Json(error)).into_response();
    }
    let mut status = BlockStatus::new(id, 12);
    status.stage = Stage::Failed;
    Json(status).into_response()
}

/// One byte too few.
async fn proof(State(desk): State<Arc<Desk>>) -> Response {
    match desk.always().await {
        Some(answer) => answer,
        None => vec![0; 1_727].into_response(),
    }
}

async fn unpack(body: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut json = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut json).expect("gzip");
    json
}
