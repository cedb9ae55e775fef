//! Between client and node: forwards, changes, cuts or withholds answers.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What happens with one request.
pub enum Action {
    /// To the node and back.
    Forward,
    /// To the node; the answer is lost.
    ForwardAndCut,
    /// Not to the node; no answer, the connection is closed.
    Cut,
    /// Never an answer.
    Hang,
    /// To the node, and its result changed.
    Change(Box<dyn FnOnce(Value) -> Value + Send>),
    /// This result.
    Say(Value),
}

type Rule = Box<dyn FnMut(&str, &Value) -> Action + Send>;

/// A proxy on a free port of the loopback; ended when dropped.
pub struct Proxy {
    pub url: String,
    rule: Arc<Mutex<Rule>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Forwards everything to `node` until told otherwise.
    pub async fn start(node: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let rule: Arc<Mutex<Rule>> = Arc::new(Mutex::new(Box::new(|_, _| Action::Forward)));
        let (rules, node) = (rule.clone(), node.to_owned());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, rules.clone(), node.clone()));
            }
        });
        Self { url, rule, task }
    }

    /// From now on, by method and parameters.
    pub fn rule(&self, rule: impl FnMut(&str, &Value) -> Action + Send + 'static) {
        *self.rule.lock().expect("the rule") = Box::new(rule);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, rule: Arc<Mutex<Rule>>, node: String) {
    let http = reqwest::Client::new();
    let mut buffer = Vec::new();
    while let Some(body) = request(&mut stream, &mut buffer).await {
        let asked: Value = serde_json::from_slice(&body).expect("JSON");
        let action = (rule.lock().expect("the rule"))(asked["method"].as_str().expect("a method"), &asked["params"]);
        let forward = async || -> Option<Value> { http.post(&node).json(&asked).send().await.ok()?.json().await.ok() };
        let answer = match action {
            Action::Forward => forward().await,
            Action::ForwardAndCut => {
                forward().await;
                None
            }
            Action::Cut => None,
            Action::Hang => std::future::pending().await,
            Action::Change(change) => forward().await.map(|mut answer| {
                answer["result"] = change(answer["result"].take());
                answer
            }),
            Action::Say(result) => Some(json!({"jsonrpc": "2.0", "id": 1, "result": result})),
        };
        let Some(answer) = answer else { return };
        let text = answer.to_string();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", text.len());
        if stream.write_all((head + &text).as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The body of the next request.
async fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
            let length: usize = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .map_or(0, |length| length.trim().parse().expect("a length"));
            if buffer.len() >= end + 4 + length {
                let body = buffer[end + 4..end + 4 + length].to_vec();
                buffer.drain(..end + 4 + length);
                return Some(body);
            }
        }
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => buffer.extend_from_slice(&part[..count]),
        }
    }
}
