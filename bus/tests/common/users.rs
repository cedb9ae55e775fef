//! The users of the deployed NATS server, with passwords of the test.

use std::fs;
use std::path::{Path, PathBuf};

use proofyard_bus::nats::NatsAccess;
use tempfile::TempDir;

/// User names of deploy/k8s/base/nats/accounts.conf.
pub const USERS: [&str; 3] = ["coordinator", "worker", "monitor"];

/// The folder of the deployed server's configuration.
pub fn deployed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/k8s/base/nats")
}

/// Passwords in files, as a pod has them.
pub struct Users {
    files: TempDir,
}

impl Users {
    pub fn new() -> Self {
        let files = tempfile::tempdir().expect("a folder for passwords");
        for user in USERS {
            fs::write(files.path().join(user), format!("{}\n", Self::password(user))).expect("written");
        }
        Self { files }
    }

    pub fn password(user: &str) -> String {
        format!("pw-{user}-0123456789")
    }

    /// The environment that accounts.conf names.
    pub fn environment() -> Vec<(String, String)> {
        let variable = |user: &&str| (format!("NATS_{}_PASSWORD", user.to_uppercase()), Self::password(user));
        USERS.iter().map(variable).collect()
    }

    /// A way to a server as one of the users.
    pub fn access(&self, url: &str, user: &str) -> NatsAccess {
        NatsAccess { user: user.to_owned(), password_file: self.files.path().join(user), ..NatsAccess::from(url) }
    }

    /// Writes another password into a user's file.
    #[allow(dead_code, reason = "not every test file changes passwords")]
    pub fn set_password(&self, user: &str, password: &str) {
        fs::write(self.files.path().join(user), password).expect("written");
    }
}
