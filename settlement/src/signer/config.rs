//! Where a key comes from.

use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::primitives::Address;
use alloy::signers::local::PrivateKeySigner;
use serde::Deserialize;

use super::{Key, RemoteSigner, SignerError};
use crate::config::EndpointConfig;

/// The table `[signer]`: exactly one of `key_file`, `keystore` and `remote`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignerConfig {
    /// A file with the private key, 64 hex digits in its first line. For development.
    pub key_file: Option<PathBuf>,
    /// An encrypted key (Web3 Secret Storage).
    pub keystore: Option<PathBuf>,
    /// A file with the keystore's password in its first line.
    pub password_file: Option<PathBuf>,
    /// A remote signer's JSON-RPC endpoint.
    pub remote: Option<EndpointConfig>,
    /// The account of the remote signer's key.
    pub address: Option<Address>,
    /// The longest wait for the remote signer.
    pub timeout_ms: Option<u64>,
}

impl SignerConfig {
    /// Opens the key.
    pub fn open(&self) -> Result<Key, SignerError> {
        let refused = |reason: &str| Err(SignerError::Key(reason.to_owned()));
        match (&self.key_file, &self.keystore, &self.remote) {
            (Some(path), None, None) => {
                let text = first_line(path)?;
                let key: PrivateKeySigner = text
                    .parse()
                    // The parser's error may hold part of what it read.
                    .map_err(|_| SignerError::Key(format!("{}: no private key of 64 hex digits", path.display())))?;
                Ok(Key::local(key))
            }
            (None, Some(path), None) => {
                let Some(password_file) = &self.password_file else {
                    return refused("keystore needs password_file");
                };
                let password = first_line(password_file)?;
                let key = PrivateKeySigner::decrypt_keystore(path, password)
                    .map_err(|error| SignerError::Key(format!("{}: {error}", path.display())))?;
                Ok(Key::local(key))
            }
            (None, None, Some(remote)) => {
                let Some(address) = self.address else { return refused("remote needs address") };
                let url = remote.resolve().map_err(|reason| SignerError::Key(format!("remote: {reason}")))?;
                let timeout = Duration::from_millis(self.timeout_ms.unwrap_or(5_000));
                Ok(Key::remote(RemoteSigner::new(&url, address, timeout)?))
            }
            _ => refused("exactly one of key_file, keystore and remote is needed"),
        }
    }
}

fn first_line(path: &Path) -> Result<String, SignerError> {
    let text =
        std::fs::read_to_string(path).map_err(|error| SignerError::Key(format!("{}: {error}", path.display())))?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_from_files_and_are_never_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        let digits = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
        std::fs::write(&path, format!("0x{digits}\n")).expect("written");
        let config = SignerConfig { key_file: Some(path.clone()), ..SignerConfig::default() };
        let key = config.open().expect("a key");
        assert_eq!(key.address().as_slice(), proofyard_contracts::address::DEFAULT_DEPLOYER);
        assert!(!format!("{key:?}").contains("ac09"));
        std::fs::write(&path, format!("{digits}zz")).expect("written");
        let error = config.open().expect_err("no key").to_string();
        assert!(error.contains("PY-L-061") && !error.contains("ac09"), "{error}");
    }

    #[test]
    fn a_keystore_opens_with_its_password_only() {
        // The example of the Web3 Secret Storage definition.
        let store = r#"{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},
            "ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2",
            "kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256",
            "salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
            "mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},
            "id":"3198bc9c-6672-5ab9-d995-4942343ae5b6","version":3}"#;
        let folder = tempfile::tempdir().expect("a folder");
        let (keystore, password) = (folder.path().join("store"), folder.path().join("password"));
        std::fs::write(&keystore, store).expect("written");
        std::fs::write(&password, "testpassword\n").expect("written");
        let config =
            SignerConfig { keystore: Some(keystore), password_file: Some(password.clone()), ..SignerConfig::default() };
        let address = config.open().expect("a key").address();
        assert_eq!(address.to_string().to_lowercase(), "0x008aeeda4d805471df9b2a5b0f38a0c3bcba786b");
        std::fs::write(&password, "wrong\n").expect("written");
        assert!(config.open().is_err());
        assert!(SignerConfig { password_file: None, ..config }.open().is_err());
        assert!(SignerConfig::default().open().is_err());
    }
}
