//! The Public Key Interoperability Test Suite of NIST, which `cargo xtask test` fetches.

use std::fs;
use std::path::Path;

use crate::skip;
use crate::tool::tools_folder;

/// PKITS, a test suite for certificate paths.
#[derive(Debug, Clone)]
pub struct Pkits {
    /// The certificate of its trust anchor, in DER.
    pub root: Vec<u8>,
    /// Its messages by the names of their tests, each with the certificates and revocation lists that belong to it.
    pub messages: Vec<(String, String)>,
}

/// The suite, or a loud skip.
pub fn pkits() -> Option<Pkits> {
    let packages = tools_folder().map(|folder| folder.join("pki-vectors/lib"));
    let versions = packages.and_then(|lib| fs::read_dir(lib).ok()).into_iter().flatten().flatten();
    let suite = "site-packages/cryptography_vectors/x509/PKITS_data";
    let found = versions.map(|python| python.path().join(suite)).find(|folder| folder.is_dir());
    if found.is_none() {
        skip("pkits", "the test suite for certificate paths is not here; `cargo xtask test` fetches it");
    }
    found.map(|folder| read(&folder))
}

fn read(folder: &Path) -> Pkits {
    let failed = |error| panic!("`{}` cannot be read: {error}", folder.display());
    let root = fs::read(folder.join("certs/TrustAnchorRootCertificate.crt")).unwrap_or_else(failed);
    let mut messages = Vec::new();
    for entry in fs::read_dir(folder.join("smime")).into_iter().flatten().flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        let name = file.strip_prefix("Signed").and_then(|name| name.strip_suffix(".eml"));
        if let (Some(name), Ok(text)) = (name, fs::read_to_string(entry.path())) {
            messages.push((name.to_owned(), text));
        }
    }
    Pkits { root, messages }
}
