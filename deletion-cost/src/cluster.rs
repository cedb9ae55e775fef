//! Pods, by the cluster's API (Kubernetes API conventions: lists in pieces, JSON merge patches).

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Certificate, Client, Method, StatusCode, Url, header::CONTENT_TYPE};
use serde::Deserialize;
use serde_json::json;
use thiserror::Error;

use crate::{config::ClusterConfig, costs::Pod};

/// The annotation that a ReplicaSet looks at.
pub const ANNOTATION: &str = "controller.kubernetes.io/pod-deletion-cost";

/// Pods asked for at once, and at all.
const PIECE: usize = 500;
const PODS_MAX: usize = 10_000;
/// Longest answer read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// An answer is here after this long.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The cluster cannot be asked.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// Not in a cluster, or without a service account.
    #[error("[PY-D-010] {path}: {source}; run in a pod with automountServiceAccountToken, or set [cluster]")]
    Account {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The address of the API or its certificate cannot be used.
    #[error("[PY-D-011] the cluster's API: {reason}; set cluster.api, or run in a pod")]
    Address {
        /// What is wrong.
        reason: String,
    },
    /// No answer.
    #[error("[PY-D-012] {what}: {reason}")]
    Network {
        /// What was asked.
        what: String,
        /// What happened.
        reason: String,
    },
    /// The API refuses.
    #[error("[PY-D-013] {what}: {status}; the service account needs the verbs list and patch on pods of its namespace")]
    Refused {
        /// What was asked.
        what: String,
        /// The answer.
        status: StatusCode,
    },
    /// An answer that is no list of pods.
    #[error("[PY-D-014] {what}: unexpected answer: {reason}")]
    Answer {
        /// What was asked.
        what: String,
        /// What came.
        reason: String,
    },
}

/// The API as one service account sees it.
pub struct Cluster {
    http: Client,
    api: Url,
    account_dir: PathBuf,
    namespace: String,
}

#[derive(Deserialize)]
struct PodList {
    #[serde(default)]
    metadata: ListMeta,
    items: Vec<PodObject>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListMeta {
    #[serde(rename = "continue")]
    rest: String,
}

#[derive(Deserialize)]
struct PodObject {
    metadata: ObjectMeta,
}

#[derive(Deserialize)]
struct ObjectMeta {
    name: String,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
    #[serde(default, rename = "deletionTimestamp")]
    deletion_timestamp: Option<String>,
}

fn read(path: PathBuf) -> Result<String, ClusterError> {
    let text = fs::read_to_string(&path).map_err(|source| ClusterError::Account { path, source })?;
    Ok(text.trim().to_owned())
}

impl Cluster {
    /// Takes address and account from where the configuration says.
    pub fn open(config: &ClusterConfig) -> Result<Self, ClusterError> {
        let address = |reason: String| ClusterError::Address { reason };
        let api = if config.api.is_empty() { from_environment()? } else { config.api.clone() };
        let api = Url::parse(&api).map_err(|error| address(format!("{api}: {error}")))?;
        let authority = read(config.account_dir.join("ca.crt"))?;
        let authorities =
            Certificate::from_pem_bundle(authority.as_bytes()).map_err(|error| address(error.to_string()))?;
        let http = authorities
            .into_iter()
            .fold(Client::builder(), |builder, authority| builder.add_root_certificate(authority))
            .https_only(true)
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| address(error.to_string()))?;
        let namespace = read(config.account_dir.join("namespace"))?;
        Ok(Self { http, api, account_dir: config.account_dir.clone(), namespace })
    }

    /// The pods that a selector means, without those that are being deleted.
    pub async fn pods(&self, label_selector: &str) -> Result<Vec<Pod>, ClusterError> {
        let what = "listing pods";
        let mut pods = Vec::new();
        let mut rest = String::new();
        loop {
            let mut url = self.url(None)?;
            url.query_pairs_mut().append_pair("labelSelector", label_selector).append_pair("limit", &PIECE.to_string());
            if !rest.is_empty() {
                url.query_pairs_mut().append_pair("continue", &rest);
            }
            let bytes = self.ask(what, Method::GET, url, None).await?;
            let list: PodList = serde_json::from_slice(&bytes)
                .map_err(|error| ClusterError::Answer { what: what.to_owned(), reason: error.to_string() })?;
            let staying = list.items.into_iter().map(|pod| pod.metadata).filter(|pod| pod.deletion_timestamp.is_none());
            pods.extend(staying.map(|pod| Pod {
                cost: pod.annotations.get(ANNOTATION).and_then(|cost| cost.parse().ok()),
                name: pod.name,
            }));
            rest = list.metadata.rest;
            if rest.is_empty() {
                return Ok(pods);
            }
            if pods.len() >= PODS_MAX {
                let reason = format!("more than {PODS_MAX} pods");
                return Err(ClusterError::Answer { what: what.to_owned(), reason });
            }
        }
    }

    /// Writes a pod's cost. False when the pod is gone.
    pub async fn annotate(&self, pod: &str, cost: i32) -> Result<bool, ClusterError> {
        let what = format!("annotating pod {pod}");
        let patch = json!({"metadata": {"annotations": {ANNOTATION: cost.to_string()}}});
        match self.ask(&what, Method::PATCH, self.url(Some(pod))?, Some(patch.to_string())).await {
            Ok(_) => Ok(true),
            Err(ClusterError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn url(&self, pod: Option<&str>) -> Result<Url, ClusterError> {
        let mut url = self.api.clone();
        let no_base = |()| ClusterError::Address { reason: format!("{} has no path", self.api) };
        url.path_segments_mut()
            .map_err(no_base)?
            .pop_if_empty()
            .extend(["api", "v1", "namespaces", &self.namespace, "pods"])
            .extend(pod);
        Ok(url)
    }

    async fn ask(&self, what: &str, method: Method, url: Url, patch: Option<String>) -> Result<Vec<u8>, ClusterError> {
        // Read each time: the cluster renews it.
        let token = read(Path::join(&self.account_dir, "token"))?;
        let mut request = self.http.request(method, url).bearer_auth(token);
        if let Some(patch) = patch {
            request = request.header(CONTENT_TYPE, "application/merge-patch+json").body(patch);
        }
        let network = |error: reqwest::Error| ClusterError::Network { what: what.to_owned(), reason: causes(&error) };
        let mut answer = request.send().await.map_err(network)?;
        let status = answer.status();
        if !status.is_success() {
            return Err(ClusterError::Refused { what: what.to_owned(), status });
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(network)? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                let reason = format!("more than {ANSWER_BYTES_MAX} bytes");
                return Err(ClusterError::Answer { what: what.to_owned(), reason });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

fn from_environment() -> Result<String, ClusterError> {
    let variable = |name: &str| {
        env::var(name).map_err(|_| ClusterError::Address { reason: format!("the environment has no {name}") })
    };
    let (host, port) = (variable("KUBERNETES_SERVICE_HOST")?, variable("KUBERNETES_SERVICE_PORT")?);
    Ok(if host.contains(':') { format!("https://[{host}]:{port}") } else { format!("https://{host}:{port}") })
}

/// An error with what caused it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
