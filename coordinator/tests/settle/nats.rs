//! A real NATS server.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// A server with JetStream on a port of its own of the loopback; ended when dropped.
pub struct Nats {
    process: Child,
    port: u16,
    files: TempDir,
}

impl Nats {
    pub fn start() -> Self {
        Self::on(None)
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Ends it with SIGKILL, and starts another on the same port with nothing of its data.
    pub fn wipe(&mut self) {
        let port = self.port;
        self.stop();
        *self = Self::on(Some(port));
    }

    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    fn on(port: Option<u16>) -> Self {
        let program = std::env::var_os("PROOFYARD_NATS_SERVER")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin/nats-server"), PathBuf::from);
        let files = tempfile::tempdir().expect("a folder");
        let process = Command::new(&program)
            .args(["-js", "-a", "127.0.0.1", "-p"])
            .arg(port.map_or("-1".to_owned(), |port| port.to_string()))
            .arg("--ports_file_dir")
            .arg(files.path())
            .arg("-sd")
            .arg(files.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask setup`", program.display()));
        let ports = files.path().join(format!("nats-server_{}.ports", process.id()));
        let mut nats = Self { process, port: 0, files };
        let started = Instant::now();
        while nats.port == 0 {
            assert!(started.elapsed() < Duration::from_secs(60), "the server did not say its port");
            sleep(Duration::from_millis(10));
            let text = fs::read_to_string(&ports).unwrap_or_default();
            let rest = text.split_once("nats://127.0.0.1:").map_or("", |(_, rest)| rest);
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            nats.port = if rest.len() > digits.len() { digits.parse().unwrap_or(0) } else { 0 };
        }
        assert!(nats.files.path().is_dir());
        nats
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.stop();
    }
}
