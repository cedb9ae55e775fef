//! What a role tries and must not do, and how the server's refusal is seen.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, ServerError};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::cluster::Cluster;
use crate::users::Users;

/// Time enough for an answer of the server.
const ANSWER: Duration = Duration::from_secs(20);

/// A bare client under a user, which hears of every refusal.
pub struct Intruder {
    pub client: Client,
    refusals: Arc<Mutex<UnboundedReceiver<String>>>,
}

impl Intruder {
    pub async fn new(cluster: &Cluster, user: &str) -> Self {
        let (told, refusals) = unbounded_channel();
        let options = ConnectOptions::with_user_and_password(user.to_owned(), Users::password(user))
            .custom_inbox_prefix(format!("_INBOX.{user}"))
            .event_callback(move |event| {
                let told = told.clone();
                async move {
                    if let Event::ServerError(ServerError::Other(text)) = event {
                        // Nobody listens any more when the test is over.
                        let _ = told.send(text.to_lowercase());
                    }
                }
            });
        let client = options.connect(cluster.url(0)).await.expect("a connection");
        Self { client, refusals: Arc::new(Mutex::new(refusals)) }
    }

    /// The server's next refusal, which must name this subject.
    async fn refused(&self, deed: &str, subject: &str) {
        let refusal = timeout(ANSWER, self.refusals.lock().await.recv()).await;
        let refusal = refusal.unwrap_or_else(|_| panic!("{deed} {subject} is not refused"));
        let refusal = refusal.expect("the connection stands");
        let (deed, subject) = (deed.to_lowercase(), subject.to_lowercase());
        assert!(
            refusal.contains(&format!("permissions violation for {deed} to \"{subject}\"")),
            "{subject}: {refusal}"
        );
    }

    /// Sending there is refused.
    pub async fn cannot_publish(&self, subject: &str) {
        self.client.publish(subject.to_owned(), "{}".into()).await.expect("sent");
        self.client.flush().await.expect("sent");
        self.refused("publish", subject).await;
    }

    /// Listening there is refused.
    pub async fn cannot_subscribe(&self, subject: &str) {
        let subscription = self.client.subscribe(subject.to_owned()).await.expect("sent");
        self.client.flush().await.expect("sent");
        self.refused("subscription", subject).await;
        drop(subscription);
    }

    /// Nothing that was done since the last refusal was refused: the next one is that of a deed that always is.
    pub async fn was_not_refused(&self) {
        self.cannot_publish("refused.to.everybody").await;
    }
}

/// Subjects at which only the server's own account may do something.
pub const SYSTEM: [&str; 3] = ["$SYS.REQ.SERVER.PING", "$SYS.REQ.ACCOUNT.FARM.PURGE", "$JS.API.ACCOUNT.PURGE.FARM"];

/// Requests that change, take or read what a stream holds; no role but the coordinator may any of them, and that one only some.
pub fn requests_to_the_server() -> Vec<String> {
    let mut all = Vec::new();
    for stream in ["proofyard-main-jobs", "proofyard-main-replies", "proofyard-main-blobs", "other"] {
        for request in ["CREATE", "UPDATE", "DELETE", "PURGE", "MSG.GET", "MSG.DELETE", "SNAPSHOT", "RESTORE"] {
            all.push(format!("$JS.API.STREAM.{request}.{stream}"));
        }
        for request in ["LEADER.STEPDOWN", "PEER.REMOVE"] {
            all.push(format!("$JS.API.STREAM.{request}.{stream}"));
        }
        all.push(format!("$JS.API.CONSUMER.CREATE.{stream}"));
        all.push(format!("$JS.API.CONSUMER.CREATE.{stream}.spy"));
        all.push(format!("$JS.API.CONSUMER.CREATE.{stream}.spy.proofyard.main.>"));
        for request in ["DURABLE.CREATE", "DELETE", "PAUSE", "RESET", "LEADER.STEPDOWN", "UNPIN"] {
            all.push(format!("$JS.API.CONSUMER.{request}.{stream}.spy"));
        }
    }
    for subject in ["jobs.pool", "jobs.worker.other", "jobs.worker.*", "replies"] {
        let stream = if subject == "replies" { "replies" } else { "jobs" };
        all.push(format!("$JS.API.CONSUMER.CREATE.proofyard-main-{stream}.spy.proofyard.main.{subject}"));
    }
    all.push("$JS.API.DIRECT.GET.proofyard-main-replies".to_owned());
    all.push("$JS.API.DIRECT.GET.proofyard-main-jobs.proofyard.main.jobs.worker.other".to_owned());
    all.push("$JS.API.META.LEADER.STEPDOWN".to_owned());
    all.push("$JS.API.SERVER.REMOVE".to_owned());
    all
}

/// Where nobody may listen who is not told so.
pub const LISTENING: [&str; 9] = [
    ">",
    "*",
    "proofyard.>",
    "proofyard.main.>",
    "proofyard.main.replies",
    "proofyard.main.jobs.>",
    "proofyard.main.blobs.>",
    "_INBOX.>",
    "$JS.>",
];
