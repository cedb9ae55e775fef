//! What a server is and what it has of a farm, as far as it tells this user. Nothing is made or changed.

use std::time::{Duration, Instant};

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{AccountErrorKind, Context, ContextBuilder, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, DirectGetErrorKind};
use proofyard_job_schema::BlobDigest;

use super::access::{NatsAccess, Role};
use super::layout::{CHUNK_BYTES, Layout};
use super::{REQUEST, describe};
use crate::error::BusError;
use crate::options::{BusOptions, FarmName};

/// The oldest release that the bus works with.
const RELEASE_MIN: [i64; 2] = [2, 11];

/// What was seen of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Its release.
    pub release: String,
    /// The release is one that the bus works with.
    pub is_release_known: bool,
    /// It has JetStream.
    pub has_jetstream: bool,
    /// The longest message it takes, and the longest that a farm sends, in bytes.
    pub message_bytes: [usize; 2],
    /// JetStream's memory for this account; none when the server does not tell this user.
    pub memory: Option<Memory>,
    /// The farm's streams; none when there is no JetStream.
    pub streams: Vec<StreamSeen>,
    /// From a question to its answer; none when no question was answered.
    pub round_trip: Option<Duration>,
}

/// JetStream's memory for an account, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// In use, or reserved by streams.
    pub used: u64,
    /// Allowed; none: as much as the server has.
    pub max: Option<u64>,
    /// What a farm's blobs may take of it.
    pub wanted: u64,
}

/// One of the farm's streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSeen {
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: StreamState,
}

/// How a stream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamState {
    /// It is there.
    Found {
        /// Messages in it.
        messages: u64,
        /// Settings that are not the farm's, as `max_age: 60s, not 3600s`.
        differences: Vec<String>,
    },
    /// It is not there: no coordinator has started yet, or the server was emptied.
    Missing,
    /// The server does not tell this user.
    Untold {
        /// What happened.
        reason: String,
    },
}

/// Looks at a server as the processes of a farm do.
pub async fn survey(
    access: &NatsAccess,
    role: Role,
    farm: &FarmName,
    options: &BusOptions,
) -> Result<Survey, BusError> {
    let client = access.connect_to_any("proofyard-survey", role).await?;
    let server = client.server_info();
    let is_release_known = client.is_server_compatible(RELEASE_MIN[0], RELEASE_MIN[1], 0);
    let mut survey = Survey {
        release: server.version,
        is_release_known,
        has_jetstream: server.jetstream,
        message_bytes: [server.max_payload, longest_message()],
        memory: None,
        streams: Vec::new(),
        round_trip: None,
    };
    if survey.has_jetstream {
        let context = ContextBuilder::new().timeout(REQUEST).build(client);
        let layout = Layout::new(farm);
        ask_account(&context, options, &mut survey).await;
        if survey.has_jetstream {
            for wanted in layout.streams(options) {
                survey.streams.push(ask_stream(&context, wanted).await);
            }
            survey.round_trip = match survey.round_trip {
                Some(known) => Some(known),
                None => round_trip(&context, &layout).await,
            };
        }
    }
    Ok(survey)
}

/// The longest message of a farm: a command, a reply, or a chunk of a blob.
fn longest_message() -> usize {
    use proofyard_job_schema::{Message, WorkerCommand, WorkerMessage};
    WorkerCommand::BYTES_MAX.max(WorkerMessage::BYTES_MAX).max(CHUNK_BYTES)
}

async fn ask_account(context: &Context, options: &BusOptions, survey: &mut Survey) {
    let asked = Instant::now();
    match context.query_account().await {
        Ok(account) => {
            survey.round_trip = Some(asked.elapsed());
            survey.memory = Some(Memory {
                used: account.memory.max(account.reserved_memory),
                max: account.limits.max_memory.and_then(|bytes| u64::try_from(bytes).ok()),
                wanted: options.blobs_bytes_max,
            });
        }
        // The server has it, this account has not.
        Err(error) if error.kind() == AccountErrorKind::JetStreamUnavailable => survey.has_jetstream = false,
        Err(error) => match error.kind() {
            AccountErrorKind::JetStream(refusal)
                if refusal.error_code() == ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT =>
            {
                survey.has_jetstream = false;
            }
            // A user of least privilege may not ask; what it may ask is asked below.
            _ => {}
        },
    }
}

async fn ask_stream(context: &Context, wanted: Config) -> StreamSeen {
    let name = wanted.name.clone();
    let state = match context.get_stream(&name).await {
        Ok(stream) => {
            let info = stream.cached_info();
            StreamState::Found { messages: info.state.messages, differences: differences(&info.config, &wanted) }
        }
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(refusal) if refusal.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                StreamState::Missing
            }
            _ => StreamState::Untold { reason: describe(&error) },
        },
    };
    StreamSeen { name, state }
}

/// Settings that a farm depends on and that are others.
fn differences(found: &Config, wanted: &Config) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, found: String, wanted: String| {
        if found != wanted {
            differences.push(format!("{what}: {found}, not {wanted}"));
        }
    };
    compare("subjects", format!("{:?}", found.subjects), format!("{:?}", wanted.subjects));
    compare("retention", format!("{:?}", found.retention), format!("{:?}", wanted.retention));
    compare("storage", format!("{:?}", found.storage), format!("{:?}", wanted.storage));
    compare("discard", format!("{:?}", found.discard), format!("{:?}", wanted.discard));
    compare("max_age", format!("{:?}", found.max_age), format!("{:?}", wanted.max_age));
    compare("num_replicas", found.num_replicas.to_string(), wanted.num_replicas.to_string());
    compare("allow_direct", found.allow_direct.to_string(), wanted.allow_direct.to_string());
    // The server says -1 for what is not limited, whichever way that was asked for.
    let limit = |value: i64| if value <= 0 { "none".to_owned() } else { value.to_string() };
    compare("max_messages", limit(found.max_messages), limit(wanted.max_messages));
    compare("max_bytes", limit(found.max_bytes), limit(wanted.max_bytes));
    let [per_subject, per_subject_wanted] = [found, wanted].map(|config| limit(config.max_messages_per_subject));
    compare("max_messages_per_subject", per_subject, per_subject_wanted);
    let [longest, longest_wanted] = [found, wanted].map(|config| limit(config.max_message_size.into()));
    compare("max_message_size", longest, longest_wanted);
    differences
}

/// Asks for a blob that cannot be there, which every user of a farm may do.
async fn round_trip(context: &Context, layout: &Layout) -> Option<Duration> {
    let stream = context.get_stream_no_info(&layout.blobs_stream).await.ok()?;
    let asked = Instant::now();
    let answer = stream.direct_get_last_for_subject(layout.length(BlobDigest([0; 32]))).await;
    let answered = answer.map_or_else(|error| error.kind() == DirectGetErrorKind::NotFound, |_| true);
    answered.then(|| asked.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_others_are_named_and_equal_ones_are_not() {
        let [jobs, ..] = Layout::new(&FarmName::default()).streams(&BusOptions::default());
        assert_eq!(differences(&jobs, &jobs), Vec::<String>::new());
        let unlimited = Config { max_bytes: -1, ..jobs.clone() };
        assert_eq!(differences(&unlimited, &jobs), Vec::<String>::new(), "0 and -1 are the same");
        let other = Config { max_messages: 5, num_replicas: 3, ..jobs.clone() };
        assert_eq!(differences(&other, &jobs), ["num_replicas: 3, not 1", "max_messages: 5, not 16384"]);
    }
}
