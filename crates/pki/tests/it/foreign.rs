//! What OpenSSL says of our certificates.

use std::path::{Path, PathBuf};
use std::process::Command;

use model::Algorithm;
use pki::{Certificate, Profile};
use tempfile::TempDir;

use crate::support::{Authority, Key};

/// Runs `openssl`; its output, and whether it was content. `None`, loudly, where there is none.
fn openssl(arguments: &[&str]) -> Option<(bool, String)> {
    match Command::new("openssl").args(arguments).output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
        }
        Err(error) => {
            eprintln!("SKIPPED: openssl cannot be run: {error}");
            None
        }
    }
}

fn write(folder: &TempDir, name: &str, certificate: &Certificate) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, certificate.to_pem()).unwrap();
    path
}

fn verify(purpose: &str, root: &Path, leaf: &Path) -> Option<(bool, String)> {
    let (root, leaf) = (root.to_str().unwrap(), leaf.to_str().unwrap());
    openssl(&["verify", "-x509_strict", "-check_ss_sig", "-purpose", purpose, "-CAfile", root, leaf])
}

#[test]
fn openssl_verifies_strictly_what_every_profile_makes() {
    let folder = tempfile::tempdir().unwrap();
    let names = vec!["localhost".parse().unwrap(), "127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
    let server = Profile::TlsServer { names };
    for algorithm in [Algorithm::EcdsaP256, Algorithm::EcdsaP384, Algorithm::Rsa3072, Algorithm::Ed25519] {
        let root = Authority::root(algorithm);
        let tls = Authority::new(algorithm, "TLS root", &Profile::TlsRoot);
        let public_key = Key::generate(algorithm).public();
        for (purpose, authority, profile, wrong) in [
            ("any", &root, &Profile::CodeSigning, "timestampsign"),
            ("timestampsign", &root, &Profile::Timestamping, "sslserver"),
            ("sslserver", &tls, &server, "sslclient"),
            ("sslclient", &tls, &Profile::TlsClient, "sslserver"),
        ] {
            let root = write(&folder, "root.pem", &authority.certificate);
            let leaf = write(&folder, "leaf.pem", &authority.issue(profile, "Leaf", &public_key));
            let Some((good, said)) = verify(purpose, &root, &leaf) else { return };
            assert!(good, "{algorithm} for {purpose}: {said}");
            let (good, said) = verify(wrong, &root, &leaf).unwrap();
            assert!(!good, "{algorithm} for {wrong}: {said}");
        }
    }
}

#[test]
fn openssl_refuses_a_changed_leaf_and_a_root_that_did_not_issue_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::root(Algorithm::EcdsaP256);
    let leaf = root.issue(&Profile::CodeSigning, "Leaf", &Key::generate(Algorithm::EcdsaP256).public());
    let other = write(&folder, "other.pem", &Authority::root(Algorithm::EcdsaP256).certificate);
    let Some((good, said)) = verify("any", &other, &write(&folder, "leaf.pem", &leaf)) else { return };
    assert!(!good, "{said}");
    let mut changed = leaf.der().to_vec();
    *changed.last_mut().unwrap() ^= 1;
    let changed = write(&folder, "changed.pem", &Certificate::from_der(&changed).unwrap());
    let (good, said) = verify("any", &write(&folder, "root.pem", &root.certificate), &changed).unwrap();
    assert!(!good, "{said}");
}

#[test]
fn openssl_reads_the_extensions_that_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::root(Algorithm::EcdsaP256);
    let public_key = Key::generate(Algorithm::EcdsaP256).public();
    let text = |certificate: &Certificate| {
        let path = write(&folder, "one.pem", certificate);
        let (good, said) = openssl(&["x509", "-noout", "-text", "-in", path.to_str().unwrap()])?;
        assert!(good, "{said}");
        // Runs of white space are a matter of its version.
        Some(said.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let Some(said) = text(&root.certificate) else { return };
    for part in [
        "Version: 3 (0x2)",
        "Issuer: O = Example, CN = Root",
        "Subject: O = Example, CN = Root",
        "X509v3 Key Usage: critical Certificate Sign, CRL Sign",
        "X509v3 Basic Constraints: critical CA:TRUE X509v3 Subject Key Identifier",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(!said.contains("Extended Key Usage"));
    let said = text(&root.issue(&Profile::Timestamping, "Leaf", &public_key)).unwrap();
    for part in
        ["X509v3 Key Usage: critical Digital Signature", "X509v3 Extended Key Usage: critical Time Stamping"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
    let said = text(&root.issue(&Profile::CodeSigning, "Leaf", &public_key)).unwrap();
    assert!(said.contains("X509v3 Extended Key Usage: Code Signing"), "{said}");
    let names = vec!["sign.example.test".parse().unwrap(), "::1".parse().unwrap()];
    let said = text(&root.issue(&Profile::TlsServer { names }, "Leaf", &public_key)).unwrap();
    let part = "X509v3 Subject Alternative Name: DNS:sign.example.test, IP Address:0:0:0:0:0:0:0:1";
    assert!(said.contains(part), "{said}");
}
