//! Pods by an HTTPS server that answers as the API of a cluster does: certificate, token, pieces, patches, refusals. No real
//! cluster can be had here.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path as Name, Query, State},
    http::{HeaderMap, StatusCode},
    routing::{get, patch},
};
use proofyard_deletion_cost::{
    cluster::{ANNOTATION, Cluster, ClusterError},
    config::ClusterConfig,
    costs::Pod,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

const TOKEN: &str = "a token";

/// What the cluster knows.
#[derive(Default)]
struct Known {
    /// Pods with their annotations and whether they are being deleted.
    pods: BTreeMap<String, (Value, bool)>,
    /// Patches, as pod, content type and body.
    patches: Vec<(String, String, Value)>,
    selectors: Vec<String>,
}

type Shared = Arc<Mutex<Known>>;

fn check(headers: &HeaderMap) -> Result<(), StatusCode> {
    let token = headers.get("authorization").and_then(|value| value.to_str().ok());
    if token == Some(&format!("Bearer {TOKEN}")) { Ok(()) } else { Err(StatusCode::FORBIDDEN) }
}

/// One pod a piece.
async fn list(
    State(known): State<Shared>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Result<Json<Value>, StatusCode> {
    check(&headers)?;
    let mut known = known.lock().expect("no panic");
    known.selectors.push(query["labelSelector"].clone());
    let from: usize = query.get("continue").map_or(0, |rest| rest.parse().expect("as it was given"));
    let item = known.pods.iter().nth(from).map(|(name, (annotations, is_deleted))| {
        let deleted = is_deleted.then_some("2026-11-23T00:00:00Z");
        json!({"metadata": {"name": name, "annotations": annotations, "deletionTimestamp": deleted}, "spec": {}})
    });
    let rest = if from + 1 < known.pods.len() { (from + 1).to_string() } else { String::new() };
    Ok(Json(json!({"kind": "PodList", "metadata": {"continue": rest}, "items": item.into_iter().collect::<Vec<_>>()})))
}

async fn annotate(
    State(known): State<Shared>,
    Name(pod): Name<String>,
    headers: HeaderMap,
    body: String,
) -> Result<Json<Value>, StatusCode> {
    check(&headers)?;
    let kind = headers["content-type"].to_str().expect("text").to_owned();
    let mut known = known.lock().expect("no panic");
    known.patches.push((pod.clone(), kind, serde_json::from_str(&body).expect("JSON")));
    if known.pods.contains_key(&pod) { Ok(Json(json!({}))) } else { Err(StatusCode::NOT_FOUND) }
}

/// Serves on a port of its own; writes what a pod finds into `account_dir`.
async fn served(account_dir: &Path) -> (Shared, ClusterConfig) {
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let of_server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
    let certificate = of_server.signed_by(&key, &authority).expect("a certificate");
    fs::write(account_dir.join("ca.crt"), authority.pem()).expect("written");
    fs::write(account_dir.join("token"), format!("{TOKEN}\n")).expect("written");
    fs::write(account_dir.join("namespace"), "proofyard").expect("written");

    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let known = Shared::default();
    let routes = Router::new()
        .route("/api/v1/namespaces/proofyard/pods", get(list))
        .route("/api/v1/namespaces/proofyard/pods/{pod}", patch(annotate))
        .with_state(known.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let (acceptor, routes) = (acceptor.clone(), routes.clone());
            tokio::spawn(async move {
                // Who does not trust the certificate breaks the handshake off.
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = hyper_util::service::TowerToHyperService::new(routes);
                let connection = hyper::server::conn::http1::Builder::new();
                let _ = connection.serve_connection(hyper_util::rt::TokioIo::new(stream), service).await;
            });
        }
    });
    (known, ClusterConfig { api: format!("https://{address}"), account_dir: account_dir.to_owned() })
}

fn pod(name: &str, cost: Option<i32>) -> Pod {
    Pod { name: name.to_owned(), cost }
}

#[tokio::test]
async fn pods_are_read_in_pieces_and_annotated() {
    let dir = tempfile::tempdir().expect("a folder");
    let (known, config) = served(dir.path()).await;
    known.lock().expect("no panic").pods = BTreeMap::from([
        ("a".to_owned(), (json!({ANNOTATION: "1000"}), false)),
        ("b".to_owned(), (json!({"other": "x"}), false)),
        ("c".to_owned(), (json!({ANNOTATION: "many"}), false)),
        ("leaving".to_owned(), (json!({}), true)),
    ]);
    let cluster = Cluster::open(&config).expect("a cluster");
    let pods = cluster.pods("app.kubernetes.io/component=worker,x!=y").await.expect("pods");
    assert_eq!(pods, [pod("a", Some(1_000)), pod("b", None), pod("c", None)]);
    assert!(cluster.annotate("b", -1_000).await.expect("written"));
    assert!(!cluster.annotate("gone", 5).await.expect("told"), "a pod that is gone is no error");
    let known = known.lock().expect("no panic");
    assert!(known.selectors.iter().all(|selector| selector == "app.kubernetes.io/component=worker,x!=y"));
    let (name, kind, body) = &known.patches[0];
    assert_eq!((&**name, &**kind), ("b", "application/merge-patch+json"));
    assert_eq!(*body, json!({"metadata": {"annotations": {ANNOTATION: "-1000"}}}));
}

#[tokio::test]
async fn a_renewed_token_is_used_and_a_wrong_one_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let (_known, config) = served(dir.path()).await;
    let cluster = Cluster::open(&config).expect("a cluster");
    cluster.pods("a=b").await.expect("allowed");
    fs::write(dir.path().join("token"), "another").expect("written");
    let refused = cluster.pods("a=b").await.expect_err("refused");
    assert!(matches!(refused, ClusterError::Refused { status: StatusCode::FORBIDDEN, .. }));
    assert!(refused.to_string().contains("list and patch"));
    fs::write(dir.path().join("token"), TOKEN).expect("written");
    cluster.pods("a=b").await.expect("allowed again");
}

#[tokio::test]
async fn a_server_that_the_cluster_does_not_vouch_for_gets_no_token() {
    let (dir, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (known, config) = served(dir.path()).await;
    served(other.path()).await;
    fs::copy(other.path().join("ca.crt"), dir.path().join("ca.crt")).expect("copied");
    let refused = Cluster::open(&config).expect("a cluster").pods("a=b").await.expect_err("refused");
    assert!(refused.to_string().starts_with("[PY-D-012]"), "{refused}");
    assert!(known.lock().expect("no panic").selectors.is_empty());
}

#[test]
fn without_an_account_it_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = ClusterConfig { api: "https://127.0.0.1:1".to_owned(), account_dir: dir.path().to_owned() };
    let refused = Cluster::open(&config).err().expect("refused").to_string();
    assert!(refused.starts_with("[PY-D-010]") && refused.contains("automountServiceAccountToken"), "{refused}");
}
