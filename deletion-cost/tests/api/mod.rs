//! The API of a cluster as far as it is used, over HTTPS: certificate, token, pieces, patches, refusals. No real cluster can be had here.
#![allow(dead_code, reason = "every test file uses a part of it")]

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
use proofyard_deletion_cost::config::ClusterConfig;
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

pub const TOKEN: &str = "a token";

/// What the cluster knows.
#[derive(Default)]
pub struct Known {
    /// Pods with their annotations and whether they are being deleted.
    pub pods: BTreeMap<String, (Value, bool)>,
    /// Patches, as pod, content type and body.
    pub patches: Vec<(String, String, Value)>,
    pub selectors: Vec<String>,
}

pub type Shared = Arc<Mutex<Known>>;

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
    let body: Value = serde_json::from_str(&body).expect("JSON");
    known.patches.push((pod.clone(), kind, body.clone()));
    let (annotations, _) = known.pods.get_mut(&pod).ok_or(StatusCode::NOT_FOUND)?;
    for (key, value) in body["metadata"]["annotations"].as_object().expect("annotations") {
        annotations[key] = value.clone();
    }
    Ok(Json(json!({})))
}

/// Serves on a port of its own; writes what a pod finds into `account_dir`.
pub async fn served(account_dir: &Path) -> (Shared, ClusterConfig) {
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
