//! Pods as a cluster's API shows and changes them.

mod api;

use std::{collections::BTreeMap, fs};

use api::{TOKEN, served};
use axum::http::StatusCode;
use proofyard_deletion_cost::{
    cluster::{ANNOTATION, Cluster, ClusterError},
    config::ClusterConfig,
    costs::Pod,
};
use serde_json::json;

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
    let pods = cluster.pods("app.kubernetes.io/name=worker,x!=y").await.expect("pods");
    assert_eq!(pods, [pod("a", Some(1_000)), pod("b", None), pod("c", None)]);
    assert!(cluster.annotate("b", -1_000).await.expect("written"));
    assert!(!cluster.annotate("gone", 5).await.expect("told"), "a pod that is gone is no error");
    let known = known.lock().expect("no panic");
    assert!(known.selectors.iter().all(|selector| selector == "app.kubernetes.io/name=worker,x!=y"));
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
