//! Files that a configuration names: whether they are there, who may read them, and room on their disk.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use proofyard_settlement::{config::L1Config, signer::SignerConfig};
use rustix::fs::{Access, access, statvfs};

use super::report::About;
use crate::view::size;

/// Below this, the next writes may fail: SQLite's log alone grows to 64 MiB.
const DISK_BYTES_MIN: u64 = 128 << 20;
/// Below this, somebody should look.
const DISK_BYTES_LOW: u64 = 2 << 30;
/// Permissions of everybody who is neither owner nor in the group.
const OTHERS: u32 = 0o007;

/// A file that only its owner (and group, as Kubernetes mounts Secrets) may read. True when the process can read it.
pub fn secret(about: &mut About<'_>, key: &str, path: &Path) -> bool {
    let named = format!("{key} = {}", path.display());
    let mode = match fs::metadata(path) {
        Ok(file) if file.is_file() => file.permissions().mode() & 0o777,
        Ok(_) => {
            about.fail("files", format!("{named}: no file"), format!("name a file with {key}"));
            return false;
        }
        Err(error) => {
            about.fail("files", format!("{named}: {error}"), format!("put the file there, or correct {key}"));
            return false;
        }
    };
    if let Err(error) = fs::File::open(path) {
        about.fail("files", format!("{named}: {error}"), "let the user of this process read it");
        return false;
    }
    if mode & OTHERS != 0 {
        let remedy = format!("chmod 600 {}; if others may have read it, use another secret", path.display());
        about.fail("files", format!("{named}: everybody on this machine may use it (mode {mode:03o})"), remedy);
    } else {
        about.ok("files", format!("{named}, mode {mode:03o}"));
    }
    true
}

/// The files of a signer. True when all that are named can be read.
pub fn signer(about: &mut About<'_>, signer: &SignerConfig) -> bool {
    let remote = signer.remote.as_ref().and_then(|remote| remote.url_file.as_ref());
    let files = [
        ("signer.key_file", signer.key_file.as_ref()),
        ("signer.keystore", signer.keystore.as_ref()),
        ("signer.password_file", signer.password_file.as_ref()),
        ("signer.remote.url_file", remote),
    ];
    let mut all = true;
    for (key, path) in files.into_iter().filter_map(|(key, path)| Some((key, path?))) {
        all &= secret(about, key, path);
    }
    all
}

/// Files with the addresses of endpoints, which may hold keys.
pub fn endpoints(about: &mut About<'_>, l1: &L1Config) -> bool {
    let mut all = true;
    for path in l1.endpoints.iter().filter_map(|endpoint| endpoint.url_file.as_ref()) {
        all &= secret(about, "l1.endpoints.url_file", path);
    }
    all
}

/// Whether a file that grows can: its folder is there and can be written, and has room.
pub fn disk(about: &mut About<'_>, path: &Path) {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let shown = folder.display();
    if let Err(error) = access(folder, Access::EXISTS | Access::WRITE_OK) {
        about.fail("disk", format!("{shown}: {error}"), "make the folder, and let the user of the process write there");
        return;
    }
    let free = match statvfs(folder) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => {
            about.warn("disk", format!("{shown}: its room is not known: {error}"), "look at it with df");
            return;
        }
    };
    let seen = format!("{shown}: {} free", size(free));
    match free {
        DISK_BYTES_LOW.. => about.ok("disk", seen),
        DISK_BYTES_MIN.. => about.warn("disk", seen, "make room; nothing is signed that cannot be written"),
        _ => about.fail("disk", seen, "make room; nothing is signed that cannot be written"),
    }
}
