//! Certificates of an authority of the test, under the names that cert-manager gives its files.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;

/// `ca.crt`, `tls.crt` and `tls.key`, for 127.0.0.1.
pub struct Certificates {
    files: TempDir,
}

impl Certificates {
    pub fn new() -> Self {
        let files = tempfile::tempdir().expect("a folder");
        let mut authority = CertificateParams::new(Vec::new()).expect("no names");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let certificate = authority.self_signed(&key).expect("a certificate");
        let issuer = Issuer::new(authority, key);
        let mut node = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("an address");
        node.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let node_key = KeyPair::generate().expect("a key");
        let node = node.signed_by(&node_key, &issuer).expect("a certificate");
        let write = |name: &str, text: String| fs::write(files.path().join(name), text).expect("written");
        write("ca.crt", certificate.pem());
        write("tls.crt", node.pem());
        write("tls.key", node_key.serialize_pem());
        Self { files }
    }

    pub fn folder(&self) -> &Path {
        self.files.path()
    }

    pub fn authority(&self) -> PathBuf {
        self.files.path().join("ca.crt")
    }
}
