//! The bus: a NATS server with JetStream, and the farm's streams on it.

use proofyard_coordinator::bus::{
    BusError, BusOptions, FarmName,
    nats::{Memory, NatsAccess, Role, StreamSeen, StreamState, Survey, survey},
};

use super::{files, report::About};
use crate::view::size;

/// What is not looked at when nobody answers, in order.
const LATER: [&str; 6] =
    ["nats.credentials", "nats.release", "nats.jetstream", "nats.limits", "nats.streams", "nats.round-trip"];
/// Longer than this from question to answer, and rounds are slowed down.
const ROUND_TRIP_MS: u128 = 100;

/// Looks at a farm's server.
pub async fn check(access: &NatsAccess, role: Role, farm: &FarmName, options: &BusOptions, about: &mut About<'_>) {
    if !access.password_file.as_os_str().is_empty() && !files::secret(about, "bus.password_file", &access.password_file)
    {
        skip(about, &["nats.connect"], "files");
        skip(about, &LATER, "files");
        return;
    }
    match survey(access, role, farm, options).await {
        Ok(survey) => judge(&survey, about),
        Err(error) => unreached(&error, about),
    }
}

fn skip(about: &mut About<'_>, checks: &[&'static str], why: &str) {
    checks.iter().for_each(|check| about.skip(check, format!("{why} fails")));
}

fn unreached(error: &BusError, about: &mut About<'_>) {
    let seen = error.to_string();
    match error {
        BusError::Refused { .. } => {
            about.ok("nats.connect", "a server answers");
            about.fail(
                "nats.credentials",
                seen,
                "correct user and password under [bus], or let the server know this user",
            );
            skip(about, &LATER[1..], "nats.credentials");
        }
        BusError::JetStream { .. } => {
            about.ok("nats.connect", "a server answers");
            about.ok("nats.credentials", "this user may connect");
            about.fail("nats.jetstream", seen, JETSTREAM);
            skip(about, &LATER[3..], "nats.jetstream");
        }
        BusError::Access { .. } | BusError::File { .. } | BusError::Tls { .. } => {
            about.fail("nats.connect", seen, "correct url, user, password_file and ca_file under [bus]");
            skip(about, &LATER, "nats.connect");
        }
        _ => {
            let remedy = "start nats-server -js, correct bus.url, or open the way to it (name resolution, firewall, network policy)";
            about.fail("nats.connect", seen, remedy);
            skip(about, &LATER, "nats.connect");
        }
    }
}

const JETSTREAM: &str = "start the server with -js, or with a section jetstream in its configuration; an account of its own needs \
                         `jetstream: enabled`";

fn judge(survey: &Survey, about: &mut About<'_>) {
    about.ok("nats.connect", "a server answers");
    about.ok("nats.credentials", "this user may connect");
    let release = format!("nats-server {}", survey.release);
    match survey.is_release_known {
        true => about.ok("nats.release", release),
        false => about.fail("nats.release", release, "the bus needs release 2.11 or later: install one"),
    }
    if !survey.has_jetstream {
        about.fail("nats.jetstream", "the server has no JetStream for this user's account", JETSTREAM);
        skip(about, &LATER[3..], "nats.jetstream");
        return;
    }
    about.ok("nats.jetstream", "on");
    limits(survey, about);
    streams(&survey.streams, about);
    match survey.round_trip.map(|time| (time.as_millis(), time.as_secs_f64() * 1e3)) {
        Some((0..=ROUND_TRIP_MS, millis)) => about.ok("nats.round-trip", format!("{millis:.1} ms")),
        Some((_, millis)) => {
            about.warn(
                "nats.round-trip",
                format!("{millis:.0} ms"),
                "put the server nearer: each round waits for it twice",
            );
        }
        None => about.skip("nats.round-trip", "the server answers no question of this user"),
    }
}

fn limits(survey: &Survey, about: &mut About<'_>) {
    let [taken, needed] = survey.message_bytes;
    if taken < needed {
        let seen = format!("the server takes messages of {taken} bytes, a farm's are up to {needed}");
        about.fail("nats.limits", seen, format!("set max_payload = {needed} or more in the server's configuration"));
        return;
    }
    let Some(Memory { used, max, wanted }) = survey.memory else {
        about.skip("nats.limits", "the server does not tell this user; ask as one who may ($JS.API.INFO)");
        return;
    };
    let has_streams = survey.streams.iter().any(|stream| matches!(stream.state, StreamState::Found { .. }));
    let seen = match max {
        Some(max) => format!("JetStream's memory: {} of {} in use or reserved", size(used), size(max)),
        None => format!("JetStream's memory: {} in use or reserved, as much as the server has", size(used)),
    };
    // What the farm's own streams reserve is in use already.
    let free = max.map(|max| max.saturating_sub(used)).filter(|_| !has_streams);
    match free {
        Some(free) if free < wanted => {
            let remedy =
                format!("raise max_memory_store, or the account's max_mem: a farm's blobs reserve {}", size(wanted));
            about.fail("nats.limits", seen, remedy);
        }
        _ => about.ok("nats.limits", seen),
    }
}

fn streams(streams: &[StreamSeen], about: &mut About<'_>) {
    for StreamSeen { name, state } in streams {
        match state {
            StreamState::Found { messages, differences } if differences.is_empty() => {
                about.ok("nats.streams", format!("{name}: {messages} messages"));
            }
            StreamState::Found { differences, .. } => {
                let remedy = "start the coordinator again, which sets them; if it cannot, delete the stream while no block is in work";
                about.warn("nats.streams", format!("{name}: {}", differences.join("; ")), remedy);
            }
            StreamState::Missing => {
                about.ok("nats.streams", format!("{name}: not there yet; the coordinator makes it at its start"));
            }
            StreamState::Untold { reason } => {
                about.skip("nats.streams", format!("{name}: the server does not tell this user ({reason})"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;
    use crate::doctor::report::Report;

    fn found(survey: &Survey) -> Vec<(String, String)> {
        let mut report = Report::default();
        judge(survey, &mut report.about("a"));
        let checks = report.json()["checks"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        checks
            .iter()
            .map(|check| (text(&check["check"]), text(&check["state"])))
            .filter(|(_, state)| state != "ok")
            .collect()
    }

    fn good() -> Survey {
        Survey {
            release: "2.15.1".into(),
            is_release_known: true,
            has_jetstream: true,
            message_bytes: [1 << 20, 1 << 19],
            memory: Some(Memory { used: 0, max: None, wanted: 1 << 30 }),
            streams: vec![StreamSeen { name: "a".into(), state: StreamState::Missing }],
            round_trip: Some(Duration::from_micros(300)),
        }
    }

    #[test]
    fn each_fault_is_found_by_its_check_alone() {
        assert_eq!(found(&good()), []);
        let one = |check: &str, state: &str| vec![(check.to_owned(), state.to_owned())];
        assert_eq!(found(&Survey { is_release_known: false, ..good() }), one("nats.release", "fail"));
        assert_eq!(found(&Survey { message_bytes: [1 << 18, 1 << 19], ..good() }), one("nats.limits", "fail"));
        let memory = |used, max| Some(Memory { used, max: Some(max), wanted: 1 << 30 });
        assert_eq!(found(&Survey { memory: memory(0, 1 << 29), ..good() }), one("nats.limits", "fail"));
        let there = StreamState::Found { messages: 0, differences: Vec::new() };
        let streams = vec![StreamSeen { name: "a".into(), state: there }];
        assert_eq!(
            found(&Survey { memory: memory(1 << 30, 1 << 30), streams, ..good() }),
            [],
            "reserved by the farm itself"
        );
        let differs = StreamState::Found { messages: 0, differences: vec!["max_age: 1s, not 2s".into()] };
        let streams = vec![StreamSeen { name: "a".into(), state: differs }];
        assert_eq!(found(&Survey { streams, ..good() }), one("nats.streams", "warn"));
        assert_eq!(
            found(&Survey { round_trip: Some(Duration::from_millis(400)), ..good() }),
            one("nats.round-trip", "warn")
        );
        assert_eq!(found(&Survey { memory: None, ..good() }), one("nats.limits", "skip"));
        let off = found(&Survey { has_jetstream: false, ..good() });
        assert_eq!(off[0], ("nats.jetstream".to_owned(), "fail".to_owned()));
        assert!(off[1..].iter().all(|(_, state)| state == "skip"), "{off:?}");
    }
}
