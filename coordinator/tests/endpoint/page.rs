//! The live page's files as they are served.

use crate::desk::*;
use proofyard_coordinator::endpoint::Limits;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

#[tokio::test]
async fn each_file_comes_with_strict_headers_and_once() {
    let served = served(Limits::default()).await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/page/page.css", "text/css; charset=utf-8"),
        ("/page/page.js", "text/javascript; charset=utf-8"),
        ("/page/logo.svg", "image/svg+xml"),
    ] {
        let answer = served.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, kind), "{path}");
        assert_eq!(answer.header("content-security-policy"), POLICY);
        assert_eq!(
            (answer.header("x-content-type-options"), answer.header("referrer-policy")),
            ("nosniff", "no-referrer")
        );
        assert_eq!(answer.header("cache-control"), "no-cache");
        let tag = answer.header("etag").to_owned();
        assert_eq!(tag.len(), 66, "{tag}");
        let held = served.send(served.http.get(served.url(path)).header("if-none-match", &tag)).await;
        assert_eq!((held.status, held.body.len(), held.header("content-security-policy")), (304, 0, POLICY));
        let older = served.send(served.http.get(served.url(path)).header("if-none-match", "\"older\"")).await;
        assert_eq!((older.status, older.body.len()), (200, answer.body.len()));
    }
    assert_eq!(served.get("/page/").await.code(), "404 PY-C-210");
    assert_eq!(served.get("/page/mod.rs").await.code(), "404 PY-C-210");
    let posted = served.send(served.http.post(served.url("/"))).await;
    assert_eq!(posted.code(), "405 PY-C-211");
}

#[tokio::test]
async fn every_address_in_the_page_is_answered() {
    let served = served(Limits::default()).await;
    let page = String::from_utf8(served.get("/").await.body).expect("text");
    let named: Vec<&str> = [" href=\"/", " src=\"/"].iter().flat_map(|start| page.split(start).skip(1)).collect();
    assert!(named.len() > 10, "{page}");
    for rest in named {
        let path = rest.split('"').next().expect("a path");
        assert_eq!(served.get(&format!("/{path}")).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_view_names_the_explorer_that_is_configured() {
    let explorer_url = Some("https://explorer.example".to_owned());
    let served = served(Limits { explorer_url: explorer_url.clone(), ..Limits::default() }).await;
    let view: serde_json::Value = serde_json::from_slice(&served.get("/v1/farm").await.body).expect("JSON");
    assert_eq!(view["explorer_url"].as_str(), explorer_url.as_deref());
}
