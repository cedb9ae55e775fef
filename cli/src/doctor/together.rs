//! What must fit together across configurations and running processes.

use super::{report::About, setup::Key};

/// What the other checks saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Farms that configurations name.
    pub farms: Vec<Farm>,
    /// Keys that configurations lead to.
    pub keys: Vec<Key>,
    /// The running coordinator.
    pub running: Option<Running>,
}

/// A farm on a server, as a configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Farm {
    subject: String,
    is_coordinator: bool,
    url: String,
    name: String,
}

impl Farm {
    /// Named by a coordinator's configuration, or by a worker's.
    pub fn new(subject: &str, is_coordinator: bool, url: &str, name: &str) -> Self {
        Self { subject: subject.to_owned(), is_coordinator, url: url.to_owned(), name: name.to_owned() }
    }
}

/// A running coordinator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Where.
    pub url: String,
    /// Its verifying key's digest.
    pub key_digest: String,
}

/// Compares what was seen.
pub fn check(seen: &Seen, about: &mut About<'_>) {
    for coordinator in seen.farms.iter().filter(|farm| farm.is_coordinator) {
        for worker in seen.farms.iter().filter(|farm| !farm.is_coordinator) {
            let pair = format!("{} and {}", coordinator.subject, worker.subject);
            let same = coordinator.name == worker.name && server(&coordinator.url) == server(&worker.url);
            match same {
                true => about.ok("together.farm", format!("{pair}: farm {}", worker.name)),
                false => about.warn(
                    "together.farm",
                    format!("{pair}: farm {} and {}, or other servers", coordinator.name, worker.name),
                    "if they belong together, give both the same bus.farm and bus.url",
                ),
            }
        }
    }
    let differ = |one: &Key, other: &Key| one.rows_log2 == other.rows_log2 && one.digest != other.digest;
    for (index, one) in seen.keys.iter().enumerate() {
        for other in seen.keys[..index].iter().filter(|other| differ(one, other)) {
            about.fail(
                "together.key",
                format!("{} and {} have other keys for 2^{} rows", other.subject, one.subject, one.rows_log2),
                "give all processes of a farm the same setup folder or copies of it",
            );
        }
    }
    if let Some(running) = &seen.running
        && !seen.keys.is_empty()
    {
        match seen.keys.iter().any(|key| key.digest == running.key_digest) {
            true => about.ok("together.key", format!("{} proves with a key that is here", running.url)),
            false => about.fail(
                "together.key",
                format!("{} proves with key {}, which is not here", running.url, running.key_digest),
                "give all processes of a farm the same setup folder or copies of it",
            ),
        }
    }
}

/// An address without user and password, which may differ by role.
fn server(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.rsplit_once('@').map_or(rest, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::{Report, State};

    fn states(seen: &Seen) -> [usize; 3] {
        let mut report = Report::default();
        check(seen, &mut report.about("together"));
        [State::Ok, State::Warn, State::Fail].map(|state| report.count(state))
    }

    #[test]
    fn farms_and_keys_must_be_the_same() {
        let farm = |is_coordinator, url: &str, name: &str| Farm::new("a", is_coordinator, url, name);
        let key = |digest: &str| Key { subject: "a".into(), rows_log2: 12, digest: digest.into() };
        let seen = |farms: &[Farm], keys: &[Key], running: Option<&str>| Seen {
            farms: farms.to_vec(),
            keys: keys.to_vec(),
            running: running.map(|digest| Running { url: "b".into(), key_digest: digest.into() }),
        };
        let coordinator = farm(true, "nats://coordinator:x@host:4222", "main");
        assert_eq!(states(&seen(std::slice::from_ref(&coordinator), &[], None)), [0, 0, 0]);
        assert_eq!(
            states(&seen(&[coordinator.clone(), farm(false, "nats://host:4222", "main")], &[], None)),
            [1, 0, 0]
        );
        assert_eq!(
            states(&seen(&[coordinator.clone(), farm(false, "nats://host:4222", "mian")], &[], None)),
            [0, 1, 0]
        );
        assert_eq!(states(&seen(&[coordinator, farm(false, "nats://other:4222", "main")], &[], None)), [0, 1, 0]);
        assert_eq!(states(&seen(&[], &[key("1"), key("2")], None)), [0, 0, 1]);
        assert_eq!(states(&seen(&[], &[key("1")], Some("1"))), [1, 0, 0]);
        assert_eq!(states(&seen(&[], &[key("1")], Some("2"))), [0, 0, 1]);
    }
}
