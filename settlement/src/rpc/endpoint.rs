//! A JSON-RPC request over HTTP with a time limit and a cap on the answer.

use std::time::Duration;

use alloy::primitives::Bytes;
use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json, value::RawValue};

use super::error::RpcError;
use crate::config::Secret;

/// An address that answers JSON-RPC. Shown by name and host only.
pub(crate) struct JsonRpc {
    label: String,
    url: Url,
    http: reqwest::Client,
    timeout: Duration,
    answer_bytes_max: usize,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    code: i64,
    #[serde(default)]
    message: String,
    data: Option<Value>,
}

/// Longest part of a node's words that is kept.
const WORDS: usize = 500;

impl JsonRpc {
    pub(crate) fn new(
        name: &str,
        url: &Secret,
        http: reqwest::Client,
        timeout: Duration,
        answer_bytes_max: usize,
    ) -> Result<Self, String> {
        // The parser's error does not show what it read.
        let url = Url::parse(url.expose()).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("only http and https are supported".to_owned());
        }
        let host = url.host_str().ok_or("no host in the URL")?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self { label: format!("{name} ({host}{port})"), url, http, timeout, answer_bytes_max })
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// Asks and waits for the answer; `null` is an answer.
    pub(crate) async fn request<T: DeserializeOwned>(
        &self,
        method: &'static str,
        parameters: &Value,
    ) -> Result<T, RpcError> {
        match tokio::time::timeout(self.timeout, self.exchange(method, parameters)).await {
            Ok(Ok(body)) => self.read(method, &body),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(RpcError::Timeout {
                endpoint: self.label.clone(),
                method,
                millis: self.timeout.as_millis().try_into().unwrap_or(u64::MAX),
            }),
        }
    }

    async fn exchange(&self, method: &'static str, parameters: &Value) -> Result<Vec<u8>, RpcError> {
        let unreachable = |error: reqwest::Error| RpcError::Unreachable {
            endpoint: self.label.clone(),
            method,
            // Without the URL, which may hold a key.
            detail: innermost(&error.without_url()),
        };
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters});
        let mut response = self.http.post(self.url.clone()).json(&body).send().await.map_err(unreachable)?;
        let status = response.status();
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if answer.len() + chunk.len() > self.answer_bytes_max {
                let (endpoint, cap) = (self.label.clone(), self.answer_bytes_max);
                return Err(RpcError::TooLarge { endpoint, method, cap });
            }
            answer.extend_from_slice(&chunk);
        }
        // Some nodes send JSON-RPC errors with a status that is no success.
        if !status.is_success()
            && serde_json::from_slice::<Answer>(&answer).map_or(true, |answer| answer.error.is_none())
        {
            return Err(RpcError::Status { endpoint: self.label.clone(), method, status: status.as_u16() });
        }
        Ok(answer)
    }

    fn read<T: DeserializeOwned>(&self, method: &'static str, body: &[u8]) -> Result<T, RpcError> {
        let bad = |detail: String| RpcError::BadAnswer { endpoint: self.label.clone(), method, detail };
        let answer: Answer = serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?;
        if let Some(Failure { code, message, data }) = answer.error {
            let message = message.chars().filter(|c| !c.is_control()).take(WORDS).collect();
            let data = data.as_ref().and_then(bytes_within);
            return Err(RpcError::Refused { endpoint: self.label.clone(), method, code, message, data });
        }
        let result = answer.result.map_or("null", RawValue::get);
        serde_json::from_str(result).map_err(|error| bad(error.to_string()))
    }
}

/// Revert data: nodes send it as a string, or as an object with a field `data` or `result`.
fn bytes_within(data: &Value) -> Option<Bytes> {
    let text = data.as_str().or_else(|| data.get("data")?.as_str()).or_else(|| data.get("result")?.as_str())?;
    // Some put words before it.
    let start = text.find("0x")?;
    text[start..].trim().parse().ok()
}

/// The first cause of an error, which says what happened.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Result<JsonRpc, String> {
        let http = reqwest::Client::new();
        JsonRpc::new("endpoint 3", &Secret::from(url.to_owned()), http, Duration::from_millis(200), 1 << 16)
    }

    #[test]
    fn keys_in_the_address_are_not_in_its_name() {
        let endpoint = endpoint("https://user:password@host.example:8545/v3/key?token=t").expect("an endpoint");
        assert_eq!(endpoint.label(), "endpoint 3 (host.example:8545)");
    }

    #[test]
    fn addresses_that_cannot_work_are_refused_without_showing_them() {
        for url in ["ws://secret@host", "secret", "", "http://"] {
            let reason = endpoint(url).err().expect("refused");
            assert!(!reason.contains("secret"), "{reason}");
        }
    }

    #[tokio::test]
    async fn errors_do_not_hold_the_address() {
        let endpoint = endpoint("http://user:password@127.0.0.1:9/key").expect("an endpoint");
        let error = endpoint.request::<Value>("eth_chainId", &json!([])).await.expect_err("nobody listens there");
        let text = format!("{error} {error:?}");
        assert!(text.contains("PY-L-010") && !text.contains("password") && !text.contains("key"), "{text}");
    }

    #[test]
    fn answers_are_read_and_strange_ones_refused() {
        let endpoint = endpoint("http://127.0.0.1:9").expect("an endpoint");
        let read = |text: &str| endpoint.read::<Option<String>>("eth_x", text.as_bytes());
        assert_eq!(read(r#"{"jsonrpc":"2.0","id":1,"result":"a"}"#), Ok(Some("a".to_owned())));
        assert_eq!(read(r#"{"jsonrpc":"2.0","id":1,"result":null}"#), Ok(None));
        for strange in ["", "[]", "{\"result\":1}", "\u{0}", r#"{"result":"a""#] {
            assert!(matches!(read(strange), Err(RpcError::BadAnswer { .. })), "{strange}");
        }
        let reverted = r#"{"error":{"code":3,"message":"execution reverted","data":"0x0102"}}"#;
        assert_eq!(read(reverted).expect_err("an error").revert_data(), Some(Bytes::from_static(&[1, 2])));
        let wrapped = r#"{"error":{"code":-32000,"message":"x","data":{"data":"Reverted 0x0304"}}}"#;
        assert_eq!(read(wrapped).expect_err("an error").revert_data(), Some(Bytes::from_static(&[3, 4])));
        let busy = r#"{"error":{"code":-32005,"message":"limit exceeded"}}"#;
        assert!(!read(busy).expect_err("an error").is_answer());
    }
}
