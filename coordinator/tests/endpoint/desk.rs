//! A desk that does as it is told, an endpoint in front of it, and requests to send.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{Address, B256, U256};
use alloy_signer_local::PrivateKeySigner;
use async_trait::async_trait;
use bytes::Bytes;
use proofyard_coordinator::{
    client::{
        Accepted, BlockStatus, BlockSubmission, Check, ErrorBody, FarmStatus, FarmView, Header, Health, Quote,
        QuoteRequest, Readiness, Receipt, SignedQuote, SignedReceipt, ThroughputView,
        auth::{AUTH_HEADER, DATE_HEADER, Nonce, Stamp},
    },
    endpoint::{Connections, Cut, Declined, Desk, Limits, Proof, Refusal, Undrained, Why, router, serve},
    track::{Follower, Track},
};
use proofyard_job_schema::WorkerId;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

/// The one block the desk knows.
pub const KNOWN: B256 = B256::repeat_byte(0xaa);

/// What the desk does with a request for a quote.
pub enum Quoting {
    Offer,
    Decline(String),
    /// Offers after a while.
    Slow(Duration),
    Panic,
}

/// The desk.
pub struct TestDesk {
    pub track: Mutex<Option<Track>>,
    pub proof: Mutex<Option<Proof>>,
    pub quoting: Mutex<Quoting>,
    /// Quotes worked on to the end.
    pub quoted: AtomicUsize,
    pub accepted: Mutex<BTreeMap<B256, SignedReceipt>>,
    /// Lengths of bare files taken.
    pub taken: Mutex<Vec<usize>>,
    pub refusal: Mutex<Option<Refusal>>,
    /// Times that the farm was looked at.
    pub looked: AtomicUsize,
    /// Workers told to drain.
    pub drained: Mutex<Vec<WorkerId>>,
    /// What comes of telling one.
    pub undrained: Mutex<Option<Undrained>>,
}

impl Default for TestDesk {
    fn default() -> Self {
        Self {
            track: Mutex::new(Some(Track::new(BlockStatus::new("aa".repeat(32), 12)))),
            proof: Mutex::default(),
            quoting: Mutex::new(Quoting::Offer),
            quoted: AtomicUsize::new(0),
            accepted: Mutex::default(),
            taken: Mutex::default(),
            refusal: Mutex::default(),
            looked: AtomicUsize::new(0),
            drained: Mutex::default(),
            undrained: Mutex::default(),
        }
    }
}

#[async_trait]
impl Desk for TestDesk {
    async fn status(&self) -> FarmStatus {
        FarmStatus {
            chain_id: 1,
            l1_block: Some(7),
            prover: Some(Address::repeat_byte(9)),
            classes: Vec::new(),
            workers: 1,
            free_blocks: 1,
            blocks: 0,
            draining: false,
            insecure_setup: true,
        }
    }

    async fn view(&self) -> FarmView {
        self.looked.fetch_add(1, Ordering::SeqCst);
        let blocks = self.taken.lock().expect("no panic").len() as u32;
        FarmView {
            version: "0".to_owned(),
            status: FarmStatus { blocks, ..self.status().await },
            throughput: ThroughputView { seconds: 1.0, blocks: 0, transfers: 0 },
            market: None,
            blocks: Vec::new(),
            workers: Vec::new(),
            explorer_url: None,
        }
    }

    async fn drain(&self, worker: &WorkerId) -> Result<(), Undrained> {
        self.drained.lock().expect("no panic").push(worker.clone());
        self.undrained.lock().expect("no panic").clone().map_or(Ok(()), Err)
    }

    async fn quote(&self, request: QuoteRequest, _: Address, _: tokio::time::Instant) -> Result<SignedQuote, Declined> {
        let wait = match &*self.quoting.lock().expect("no panic") {
            Quoting::Offer => Duration::ZERO,
            Quoting::Decline(reason) => return Err(Declined::new("PY-Q-003", reason.clone())),
            Quoting::Slow(wait) => *wait,
            Quoting::Panic => Duration::MAX,
        };
        assert!(wait < Duration::MAX, "told to");
        tokio::time::sleep(wait).await;
        self.quoted.fetch_add(1, Ordering::SeqCst);
        Ok(quote_for(&request))
    }

    async fn accept(&self, submission: BlockSubmission, _: Address) -> Result<SignedReceipt, Refusal> {
        if let Some(refusal) = self.refusal.lock().expect("no panic").clone() {
            return Err(refusal);
        }
        let mut accepted = self.accepted.lock().expect("no panic");
        let key = submission.quote.quote.block_commitment;
        let accepted_at = accepted.len() as u64;
        let receipt = Receipt {
            block_commitment: key,
            block_id: B256::from_slice(&Sha256::digest(&submission.block)),
            nonce: submission.quote.quote.nonce,
            accepted_at,
        };
        Ok(accepted.entry(key).or_insert(SignedReceipt { receipt, signature: vec![1; 65].into() }).clone())
    }

    async fn take(&self, file: Bytes, _: Cut) -> Result<Accepted, Refusal> {
        self.taken.lock().expect("no panic").push(file.len());
        let transaction = file.starts_with(b"bad").then_some(3);
        if transaction.is_some() {
            let error =
                ErrorBody { code: "PY-B-021".to_owned(), message: "the transaction is bad".to_owned(), transaction };
            return Err(Refusal { why: Why::Wrong, error });
        }
        Ok(Accepted { id: "aa".repeat(32) })
    }

    async fn follow(&self, id: B256) -> Option<Follower> {
        let track = self.track.lock().expect("no panic");
        track.as_ref().filter(|_| id == KNOWN).map(Track::follow)
    }

    async fn proof(&self, id: B256) -> Option<Proof> {
        self.proof.lock().expect("no panic").clone().filter(|_| id == KNOWN)
    }

    async fn ready(&self) -> Readiness {
        Readiness::of(vec![Check::new("bus", true, "connected"), Check::new("ledger", true, "open")])
    }

    async fn health(&self) -> Health {
        Health {
            status: "ok".to_owned(),
            epoch: 1,
            insecure_setup: true,
            key_digest: String::new(),
            blocks: 0,
            workers: Vec::new(),
        }
    }
}

/// The offer to a request.
pub fn quote_for(request: &QuoteRequest) -> SignedQuote {
    let quote = Quote {
        prover: Address::repeat_byte(9),
        sequencer: request.sequencer,
        height: request.height,
        block_commitment: request.block_commitment,
        group: request.group,
        tip_token: request.tip_token,
        price: request.price_max,
        deposit_token: request.deposit_token,
        deposit: request.deposit,
        nonce: U256::from(5),
        expiry: request.commit_by,
    };
    SignedQuote { quote, signature: vec![2; 65].into() }
}

/// A sequencer's key.
pub fn signer(seed: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(seed)).expect("a key")
}

/// A good request of the sequencer with that key.
pub fn quote_request(seed: u8) -> QuoteRequest {
    QuoteRequest {
        chain_id: 31_337,
        sidecar: Address::repeat_byte(1),
        escrow: Address::repeat_byte(2),
        sequencer: signer(seed).address(),
        height: 4,
        block_commitment: B256::repeat_byte(5),
        group: 0,
        groups: 1,
        transfers: 8,
        subtrees: 4,
        rows_log2: 12,
        tip_token: Address::ZERO,
        price_max: U256::from(1_000),
        deposit_token: Address::repeat_byte(6),
        deposit: U256::from(255),
        commit_by: 10,
        prove_by: 50,
    }
}

/// A good submission of the sequencer with that key.
pub fn submission(seed: u8, block: &[u8]) -> BlockSubmission {
    let baton = [U256::from(1), U256::from(2), U256::ZERO];
    let header = Header {
        start: baton,
        ends: vec![baton],
        rows_log2: 12,
        subtrees: 4,
        data_version: 0,
        data_commitment: B256::repeat_byte(8),
        data_uri: String::new(),
    };
    let quote = quote_for(&quote_request(seed));
    BlockSubmission { quote, header, salt: B256::repeat_byte(4), block: block.to_vec().into() }
}

/// Unix milliseconds.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_millis() as u64
}

/// An endpoint on a port of its own.
pub struct Served {
    pub desk: Arc<TestDesk>,
    pub address: std::net::SocketAddr,
    pub http: reqwest::Client,
}

/// An answer: status, headers, body.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// The code of a refusal, which must be whole.
    pub fn code(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let error: ErrorBody = serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} {text}", self.status));
        assert!(error.message.len() > 10, "{error:?}");
        format!("{} {}", self.status, error.code)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

/// Serves a desk.
pub async fn served(limits: Limits) -> Served {
    served_with(limits, Connections::default()).await
}

pub async fn served_with(limits: Limits, connections: Connections) -> Served {
    let desk = Arc::new(TestDesk::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(serve(listener, router(desk.clone(), limits), connections));
    // Requests are only taken when they are younger than the endpoint.
    tokio::time::sleep(Duration::from_millis(2)).await;
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    Served { desk, address, http }
}

impl Served {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.expect("a body").to_vec() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(self.url(path))).await
    }

    /// Sends what was signed: `signed` is the body that the stamp is over.
    pub async fn post(&self, path: &str, stamp: &Stamp, body: Vec<u8>) -> Answer {
        self.send(self.request(path, stamp, body)).await
    }

    pub fn request(&self, path: &str, stamp: &Stamp, body: Vec<u8>) -> reqwest::RequestBuilder {
        self.http
            .post(self.url(path))
            .header("content-type", "application/json")
            .header(DATE_HEADER, stamp.date_header())
            .header(AUTH_HEADER, stamp.auth_header())
            .body(body)
    }

    /// Signs and sends.
    pub async fn signed(&self, seed: u8, path: &str, body: Vec<u8>) -> Answer {
        let stamp = stamp(seed, path, &body, now_ms(), rand::random()).await;
        self.post(path, &stamp, body).await
    }

    /// The endpoint still works.
    pub async fn assert_alive(&self) {
        assert_eq!(self.get("/healthz").await.status, 200);
        let body = serde_json::to_vec(&quote_request(200)).expect("JSON");
        *self.desk.quoting.lock().expect("no panic") = Quoting::Offer;
        assert_eq!(self.signed(200, "/v1/quotes", body).await.status, 200);
    }
}

/// A stamp over a POST.
pub async fn stamp(seed: u8, path: &str, body: &[u8], date_ms: u64, nonce: [u8; 16]) -> Stamp {
    let digest = Sha256::digest(body).into();
    Stamp::sign(&signer(seed), "POST", path, &digest, date_ms, Nonce(nonce)).await.expect("signed")
}

/// Gzip of some bytes.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(bytes).expect("memory");
    gzip.finish().expect("memory")
}
