//! A real NATS server for tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A NATS server on a port of its own on the loopback interface; ended when dropped.
pub struct NatsServer {
    process: Child,
    port: u16,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    files: TempDir,
}

impl NatsServer {
    /// Starts a server with JetStream.
    #[allow(dead_code, reason = "not every test file has a server without more")]
    pub fn start() -> Self {
        Self::start_with(&["-js"])
    }

    /// Starts a server with these arguments besides address and folders.
    #[allow(dead_code, reason = "not every test file has a server without more")]
    pub fn start_with(arguments: &[&str]) -> Self {
        Self::start_in(arguments, Vec::new())
    }

    /// The same, with these variables in its environment.
    pub fn start_in(arguments: &[&str], environment: Vec<(String, String)>) -> Self {
        let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_string()).collect();
        let files = tempfile::tempdir().expect("a folder for the server");
        let (process, port) = spawn(&arguments, &environment, None, files.path());
        Self { process, port, arguments, environment, files }
    }

    /// `nats://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Ends the server with SIGKILL and starts another on the same port with nothing of the old one's data.
    #[allow(dead_code, reason = "not every test file restarts its server")]
    pub fn replace(&mut self) {
        self.stop();
        self.files = tempfile::tempdir().expect("a folder for the server");
        (self.process, self.port) = spawn(&self.arguments, &self.environment, Some(self.port), self.files.path());
    }

    /// Ends the server with SIGKILL.
    #[allow(dead_code, reason = "not every test file stops its server")]
    pub fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(arguments: &[String], environment: &[(String, String)], port: Option<u16>, files: &Path) -> (Child, u16) {
    let program = program();
    let mut process = Command::new(&program)
        .args(["-a", "127.0.0.1", "-p"])
        .arg(port.map_or("-1".to_owned(), |port| port.to_string()))
        .arg("--ports_file_dir")
        .arg(files)
        .arg("-sd")
        .arg(files)
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask setup`", program.display()));
    let ports = files.join(format!("nats-server_{}.ports", process.id()));
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(20) {
        let text = fs::read_to_string(&ports).unwrap_or_default();
        // `nats://`, or `tls://` for a server with TLS.
        let clients = text.split_once("\"nats\"").map_or("", |(_, rest)| rest);
        let digits = clients.split_once("//127.0.0.1:").map(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()));
        if let Some(port) = digits.and_then(|mut parts| parts.next()).and_then(|digits| digits.parse().ok()) {
            return (process, port);
        }
        sleep(Duration::from_millis(10));
    }
    let _ = process.kill();
    let _ = process.wait();
    panic!("{} did not say its port within 20 s", program.display());
}

/// The server's program: named by the environment, else where `cargo xtask setup` puts it.
fn program() -> PathBuf {
    let named = std::env::var_os("PROOFYARD_NATS_SERVER").map(PathBuf::from);
    let program = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin/nats-server"));
    assert!(program.is_file(), "no NATS server at {}; run `cargo xtask setup`", program.display());
    program
}
