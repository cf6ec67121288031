//! What OpenSSL says of our certificates.

use std::path::{Path, PathBuf};

use model::Algorithm;
use pki::{Certificate, CertificateProfile, Usage, verify_path};
use testkit::{Direction, TempFolder, Tool};

use crate::support::{Authority, Key, NOW, at};

/// Runs `openssl`: what it said, and whether it was content.
fn run(openssl: &Tool, arguments: &[&str]) -> (bool, String) {
    let output = openssl.command().args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn write(folder: &TempFolder, name: &str, certificate: &Certificate) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, certificate.to_pem()).unwrap();
    path
}

fn verify(openssl: &Tool, purpose: &str, root: &Path, leaf: &Path) -> (bool, String) {
    let (root, leaf) = (root.to_str().unwrap(), leaf.to_str().unwrap());
    run(openssl, &["verify", "-x509_strict", "-check_ss_sig", "-purpose", purpose, "-CAfile", root, leaf])
}

#[test]
fn interop_openssl_verifies_strictly_what_every_profile_makes_and_for_nothing_else() {
    let Some(openssl) = testkit::tool("openssl") else { return };
    let folder = testkit::temp_folder();
    let (mut accepted, mut refused) = (0, 0);
    let names = vec!["localhost".parse().unwrap(), "127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
    let server = CertificateProfile::TlsServer { names };
    for algorithm in [Algorithm::EcdsaP256, Algorithm::EcdsaP384, Algorithm::Rsa3072, Algorithm::Ed25519] {
        let root = Authority::root(algorithm);
        let tls = Authority::new(algorithm, "TLS root", &CertificateProfile::TlsRoot);
        let public_key = Key::generate(algorithm).public();
        for (purpose, authority, profile, wrong) in [
            ("any", &root, &CertificateProfile::CodeSigning, "timestampsign"),
            ("timestampsign", &root, &CertificateProfile::Timestamping, "sslserver"),
            ("sslserver", &tls, &server, "sslclient"),
            ("sslclient", &tls, &CertificateProfile::TlsClient, "sslserver"),
        ] {
            let root = write(&folder, "root.pem", &authority.certificate);
            let leaf = write(&folder, "leaf.pem", &authority.issue(profile, "Leaf", &public_key));
            let (good, said) = verify(&openssl, purpose, &root, &leaf);
            assert!(good, "{algorithm} for {purpose}: {said}");
            let (good, said) = verify(&openssl, wrong, &root, &leaf);
            assert!(!good, "{algorithm} for {wrong}: {said}");
            (accepted, refused) = (accepted + 1, refused + 1);
        }
    }
    testkit::interop_row("certificate", &openssl, Direction::Ours, accepted, refused);
}

#[test]
fn openssl_refuses_a_changed_leaf_and_a_root_that_did_not_issue_it() {
    let Some(openssl) = testkit::tool("openssl") else { return };
    let folder = testkit::temp_folder();
    let root = Authority::root(Algorithm::EcdsaP256);
    let leaf =
        root.issue(&CertificateProfile::CodeSigning, "Leaf", &Key::generate(Algorithm::EcdsaP256).public());
    let other = write(&folder, "other.pem", &Authority::root(Algorithm::EcdsaP256).certificate);
    let (good, said) = verify(&openssl, "any", &other, &write(&folder, "leaf.pem", &leaf));
    assert!(!good, "{said}");
    let mut changed = leaf.der().to_vec();
    *changed.last_mut().unwrap() ^= 1;
    let changed = write(&folder, "changed.pem", &Certificate::from_der(&changed).unwrap());
    let (good, said) = verify(&openssl, "any", &write(&folder, "root.pem", &root.certificate), &changed);
    assert!(!good, "{said}");
}

#[test]
fn openssl_reads_the_extensions_that_were_written() {
    let Some(openssl) = testkit::tool("openssl") else { return };
    let folder = testkit::temp_folder();
    let root = Authority::root(Algorithm::EcdsaP256);
    let public_key = Key::generate(Algorithm::EcdsaP256).public();
    let text = |certificate: &Certificate| {
        let path = write(&folder, "one.pem", certificate);
        let (good, said) = run(&openssl, &["x509", "-noout", "-text", "-in", path.to_str().unwrap()]);
        assert!(good, "{said}");
        // Runs of white space are a matter of its version.
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let said = text(&root.certificate);
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
    let said = text(&root.issue(&CertificateProfile::Timestamping, "Leaf", &public_key));
    for part in
        ["X509v3 Key Usage: critical Digital Signature", "X509v3 Extended Key Usage: critical Time Stamping"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
    let said = text(&root.issue(&CertificateProfile::CodeSigning, "Leaf", &public_key));
    assert!(said.contains("X509v3 Extended Key Usage: Code Signing"), "{said}");
    let names = vec!["sign.example.test".parse().unwrap(), "::1".parse().unwrap()];
    let said = text(&root.issue(&CertificateProfile::TlsServer { names }, "Leaf", &public_key));
    let part = "X509v3 Subject Alternative Name: DNS:sign.example.test, IP Address:0:0:0:0:0:0:0:1";
    assert!(said.contains(part), "{said}");
}

#[test]
fn interop_openssl_verifies_leaves_whose_key_is_of_another_algorithm_than_their_roots() {
    const ALGORITHMS: [Algorithm; 5] = [
        Algorithm::EcdsaP256,
        Algorithm::EcdsaP384,
        Algorithm::Rsa3072,
        Algorithm::Rsa4096,
        Algorithm::Ed25519,
    ];
    let Some(openssl) = testkit::tool("openssl") else { return };
    let folder = testkit::temp_folder();
    let roots = ALGORITHMS.map(Authority::root);
    let mut accepted = 0;
    // The keys of the roots serve as those of the leaves: an RSA key takes a second to make.
    for (root, leaf) in roots.iter().flat_map(|root| roots.iter().map(move |leaf| (root, leaf))) {
        let key = leaf.certificate.public_key().unwrap();
        let issued = root.issue(&CertificateProfile::CodeSigning, "Leaf", &key);
        let (anchors, path) =
            (write(&folder, "root.pem", &root.certificate), write(&folder, "leaf.pem", &issued));
        let (good, said) = verify(&openssl, "any", &anchors, &path);
        let root_key = root.certificate.public_key().unwrap();
        assert!(good, "{} under {}: {said}", key.algorithm(), root_key.algorithm());
        verify_path(&issued, &[], std::slice::from_ref(&root.certificate), at(NOW), Usage::CodeSigning)
            .unwrap();
        accepted += 1;
    }
    testkit::interop_row("certificate", &openssl, Direction::Ours, accepted, 0);
}
