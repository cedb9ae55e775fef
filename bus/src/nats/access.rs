//! How a NATS server is reached: address, user, trust.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_nats::{
    Auth, AuthError, Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, ServerAddr, ServerError,
};
use tracing::{debug, info, warn};

use super::{REQUEST, describe};
use crate::error::BusError;

/// Time between the client's pings.
const PING: Duration = Duration::from_secs(2);
/// Messages of one subscription that wait in the client; more are dropped, which only heartbeats can suffer.
const BUFFERED: usize = 1024;
/// Longest time spent on the first connection.
const CONNECT: Duration = Duration::from_secs(5);

/// How a NATS server is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NatsAccess {
    /// `nats://HOST:PORT`, or `tls://HOST:PORT` for TLS. May hold `USER:PASSWORD@` before the host, for development.
    pub url: String,
    /// The user; empty: none, or the address's.
    pub user: String,
    /// File with the user's password in its first line, read again whenever the connection is made anew.
    pub password_file: PathBuf,
    /// File with the PEM certificates of the authorities that are trusted; needs TLS. Empty: the system's, where the
    /// server asks for TLS.
    pub ca_file: PathBuf,
}

impl From<&str> for NatsAccess {
    /// An address without anything else.
    fn from(url: &str) -> Self {
        Self { url: url.to_owned(), ..Self::default() }
    }
}

/// What an end of the bus may do on a server with users; it names the inbox that the user may listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Owns the farm's streams and consumers.
    Coordinator,
    /// Pulls commands, sends messages, reads blobs; makes nothing on the server.
    Worker,
}

impl Role {
    /// Replies to requests of this role arrive below this subject, which no other role may listen on.
    fn inbox_prefix(self) -> &'static str {
        match self {
            Self::Coordinator => "_INBOX.coordinator",
            Self::Worker => "_INBOX.worker",
        }
    }
}

impl NatsAccess {
    /// Checks what can be checked without files and network.
    pub fn validate(&self) -> Result<(), BusError> {
        let wrong = |reason: &str| Err(BusError::Access { url: self.shown(), reason: reason.to_owned() });
        let has_file = !self.password_file.as_os_str().is_empty();
        if self.user.is_empty() == has_file {
            return wrong("user and password_file belong together: set both or none");
        }
        let Ok(address) = self.url.parse::<ServerAddr>() else {
            return wrong("url must be nats://HOST:PORT or tls://HOST:PORT");
        };
        if has_file && address.username().is_some() {
            return wrong("url holds a user, and so does `user`: take the one in url away");
        }
        Ok(())
    }

    /// The address without user and password, for errors and logs.
    fn shown(&self) -> String {
        without_credentials(&self.url)
    }

    /// Connects to a server with JetStream.
    pub(super) async fn connect(&self, name: &str, role: Role) -> Result<Client, BusError> {
        let client = self.connect_to_any(name, role).await?;
        if !client.server_info().jetstream {
            let what = format!("the NATS server at {}", self.shown());
            return Err(BusError::JetStream { what, reason: "it has no JetStream".to_owned() });
        }
        Ok(client)
    }

    /// Connects. The first connection must succeed within five seconds; one lost later is made again without end.
    pub(super) async fn connect_to_any(&self, name: &str, role: Role) -> Result<Client, BusError> {
        let url = self.shown();
        let no_address = |reason: String| BusError::Connect { url: url.clone(), reason };
        let address = self.url.parse::<ServerAddr>().map_err(|error| no_address(error.to_string()))?;
        self.validate()?;
        let mut options = match (address.username(), address.password()) {
            (Some(user), Some(password)) => {
                ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
            }
            _ if !self.user.is_empty() => self.with_password_file()?,
            _ => ConnectOptions::new(),
        };
        if !self.ca_file.as_os_str().is_empty() {
            readable(&self.ca_file)?;
            options = options.add_root_certificates(self.ca_file.clone()).require_tls(true);
        }
        let options = options
            .name(name)
            .custom_inbox_prefix(role.inbox_prefix())
            .ping_interval(PING)
            .connection_timeout(REQUEST)
            .request_timeout(Some(REQUEST))
            .subscription_capacity(BUFFERED)
            .max_reconnects(None)
            .reconnect_delay_callback(|attempts| Duration::from_millis(100 * attempts.clamp(1, 10) as u64))
            .event_callback(report);
        match tokio::time::timeout(CONNECT, options.connect(address)).await {
            Ok(Ok(client)) => Ok(client),
            Ok(Err(error)) => Err(refused(url.clone(), &error)),
            Err(_) => Err(no_address(format!("no answer within {} s", CONNECT.as_secs()))),
        }
    }

    /// Logs in with the password that is in the file at that time, so that it can be changed under a running process.
    fn with_password_file(&self) -> Result<ConnectOptions, BusError> {
        first_line(&self.password_file)?;
        let (user, file) = (self.user.clone(), self.password_file.clone());
        Ok(ConnectOptions::with_auth_callback(move |_| {
            let (user, password) = (user.clone(), first_line(&file));
            async move {
                let password = password.map_err(AuthError::new)?;
                let mut auth = Auth::new();
                (auth.username, auth.password) = (Some(user), Some(password));
                Ok(auth)
            }
        }))
    }
}

fn first_line(path: &Path) -> Result<String, BusError> {
    let wrong = |reason: String| BusError::File { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    match text.lines().next().map(str::trim) {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(wrong("its first line is empty".to_owned())),
    }
}

fn readable(path: &Path) -> Result<(), BusError> {
    let opened = std::fs::File::open(path).map(drop);
    opened.map_err(|error| BusError::File { path: path.to_owned(), reason: error.to_string() })
}

/// Why the first connection was not made.
fn refused(url: String, error: &ConnectError) -> BusError {
    let reason = describe(error);
    match error.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            BusError::Refused { url, reason }
        }
        // What rustls refuses comes as an I/O error.
        ConnectErrorKind::Tls => BusError::Tls { url, reason },
        ConnectErrorKind::Io if reason.contains("certificate") || reason.contains("TLS") => {
            BusError::Tls { url, reason }
        }
        _ => BusError::Connect { url, reason },
    }
}

/// The address without user and password.
fn without_credentials(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, host)| host)),
        None => url.rsplit_once('@').map_or(url, |(_, host)| host).to_owned(),
    }
}

/// Logs what happens to the connection.
async fn report(event: Event) {
    match event {
        Event::Connected => info!("connected to NATS"),
        Event::Disconnected => warn!("connection to NATS lost, reconnecting"),
        Event::SlowConsumer(_) => warn!(%event, "messages of a slow receiver were dropped"),
        Event::ServerError(ServerError::AuthorizationViolation) => {
            warn!(%event, "NATS refuses this user; the password may have changed")
        }
        Event::Draining | Event::Closed => debug!(%event, "NATS connection"),
        _ => warn!(%event, "NATS connection"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_shown() {
        assert_eq!(without_credentials("nats://user:pa@ss@host:4222"), "nats://host:4222");
        assert_eq!(without_credentials("user:pass@host"), "host");
        assert_eq!(without_credentials("nats://host:4222"), "nats://host:4222");
    }

    #[test]
    fn user_and_password_file_belong_together() {
        let access = |url: &str, user: &str, file: &str| NatsAccess {
            user: user.to_owned(),
            password_file: file.into(),
            ..NatsAccess::from(url)
        };
        assert_eq!(access("nats://host:4222", "", "").validate(), Ok(()));
        assert_eq!(access("tls://host:4222", "worker", "password").validate(), Ok(()));
        for wrong in [
            access("nats://host:4222", "worker", ""),
            access("nats://host:4222", "", "password"),
            access("nats://user:secret@host:4222", "worker", "password"),
            access("no address at all", "", ""),
        ] {
            let error = wrong.validate().expect_err("refused").to_string();
            assert!(error.contains("PY-B-060") && !error.contains("secret"), "{error}");
        }
    }
}
