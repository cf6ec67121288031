//! The certificates of the worked example, which foreign verifiers accept.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pki::{Certificate, Usage, verify_path};

use crate::support::{NOW, at, text};

fn chain(path: &str) -> Vec<Certificate> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/worked-example").join(path);
    Certificate::chain_from_pem(&std::fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn the_worked_examples_paths_verify() {
    for (leaf, intermediates, root, usage) in [
        ("cms/rsa/leaf.pem", chain("cms/rsa/intermediate.pem"), "cms/rsa/root.pem", Usage::CodeSigning),
        ("cms/ecdsa/leaf.pem", chain("cms/ecdsa/intermediate.pem"), "cms/ecdsa/root.pem", Usage::CodeSigning),
        ("keyless/leaf.pem", chain("certs/ca-intermediate.pem"), "certs/ca-root.pem", Usage::CodeSigning),
        ("certs/tsa-leaf.pem", vec![], "certs/tsa-root.pem", Usage::Timestamping),
    ] {
        let leaf = &chain(leaf)[0];
        let path = verify_path(leaf, &intermediates, &chain(root), at(NOW), usage).unwrap();
        assert_eq!(path.intermediates(), intermediates);
        assert_eq!(path.root(), &chain(root)[0]);
        assert!(
            verify_path(leaf, &intermediates, &chain("certs/tsa-root.pem"), at(NOW), Usage::CodeSigning)
                .is_err()
        );
    }
}

#[test]
fn the_worked_examples_certificates_say_what_its_readme_says() {
    let code = &chain("cms/rsa/leaf.pem")[0];
    assert_eq!(code.subject_common_name().unwrap(), "Example Code Signer RSA");
    assert_eq!(code.public_key().unwrap().algorithm(), model::Algorithm::Rsa3072);
    assert_eq!(code.not_after(), at("2045-01-01T00:00:00Z"));
    code.verify_signature_by(&chain("cms/rsa/intermediate.pem")[0]).unwrap();
    let keyless = &chain("keyless/leaf.pem")[0];
    assert_eq!(keyless.extension("1.3.6.1.4.1.57264.1.1").unwrap(), b"https://idp.example.test");
    assert_eq!((keyless.not_before(), keyless.subject_common_name()), (at("2026-11-20T09:06:42Z"), None));
    assert_eq!(chain("certs/ca-chain.pem").len(), 2);
}

/// Every certificate in the public conformance suite's trust roots is read, and every timestamp authority's chain
/// verifies, but for those which do not keep to RFC 3161 §2.3.
#[test]
fn certificates_of_public_trust_roots_are_read_and_their_timestamping_chains_verify() {
    let Some(vectors) = testkit::vectors() else { return };
    let (mut read, mut verified, mut refused) = (0, 0, BTreeSet::new());
    for file in trusted_roots(&vectors) {
        let root: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        read += authorities(&root, "certificateAuthorities").map(|chain| chain.len()).sum::<usize>();
        for chain in authorities(&root, "timestampAuthorities") {
            read += chain.len();
            let [leaf, between @ .., last] = chain.as_slice() else { panic!("no chain in {file:?}") };
            let roots = std::slice::from_ref(last);
            match verify_path(leaf, between, roots, leaf.not_before(), Usage::Timestamping) {
                Ok(_) => verified += 1,
                Err(error) => {
                    refused.insert(text(&error));
                }
            }
        }
    }
    eprintln!("{read} certificates read, {verified} timestamping paths verified");
    assert!(read > 100 && verified > 20, "{read} {verified}");
    let exceptions = [
        "the certificate of `CN=TSA Timestamping,O=GitHub\\, Inc.` is not one for timestamping: its extended key usage \
         is not critical",
    ];
    assert_eq!(refused.iter().map(String::as_str).collect::<Vec<_>>(), exceptions);
}

/// The certificates in the suite's bundles lead to an authority of their trust root, but for those that the suite
/// has put there because they do not.
#[test]
fn certificates_of_public_bundles_are_read_and_their_paths_verify() {
    let Some(vectors) = testkit::vectors() else { return };
    let suite = vectors.join("sigstore-conformance");
    let (mut verified, mut refused) = (0, BTreeSet::new());
    for folder in std::fs::read_dir(suite.join("bundle-verify")).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(leaf) = bundle_certificate(&folder.join("bundle.sigstore.json")) else { continue };
        let own = folder.join("trusted_root.json");
        let root = if own.exists() { own } else { suite.join("trusted_root.production.json") };
        let root: serde_json::Value = serde_json::from_slice(&std::fs::read(root).unwrap()).unwrap();
        let good = authorities(&root, "certificateAuthorities").any(|chain| {
            let (last, between) = chain.split_last().unwrap();
            let roots = std::slice::from_ref(last);
            verify_path(&leaf, between, roots, leaf.not_before(), Usage::CodeSigning).is_ok()
        });
        if good {
            verified += 1;
        } else {
            refused.insert(name);
        }
    }
    eprintln!("{verified} code signing paths verified, {} refused", refused.len());
    assert!(verified > 40, "{verified}");
    let exceptions = ["bundle-from-wrong-instance_fail", "intoto-expired-certificate_fail"];
    assert_eq!(refused.iter().map(String::as_str).collect::<Vec<_>>(), exceptions);
}

/// The signer's certificate in a bundle, if it is JSON and has one.
fn bundle_certificate(bundle: &Path) -> Option<Certificate> {
    let bundle: serde_json::Value = serde_json::from_slice(&std::fs::read(bundle).ok()?).ok()?;
    let material = &bundle["verificationMaterial"];
    let first = &material["x509CertificateChain"]["certificates"][0];
    let bytes = material["certificate"]["rawBytes"].as_str().or_else(|| first["rawBytes"].as_str())?;
    Some(Certificate::from_der(&base64(bytes)).unwrap_or_else(|error| panic!("{}", text(&error))))
}

fn authorities(root: &serde_json::Value, list: &str) -> impl Iterator<Item = Vec<Certificate>> {
    root[list].as_array().into_iter().flatten().map(|authority| {
        let certificates = authority["certChain"]["certificates"].as_array().unwrap().iter();
        let read = |der: &[u8]| Certificate::from_der(der).unwrap_or_else(|error| panic!("{}", text(&error)));
        certificates.map(|one| read(&base64(one["rawBytes"].as_str().unwrap()))).collect()
    })
}

fn trusted_roots(vectors: &Path) -> Vec<PathBuf> {
    let suite = vectors.join("sigstore-conformance");
    let folders = std::fs::read_dir(suite.join("bundle-verify")).unwrap();
    let own =
        folders.map(|folder| folder.unwrap().path().join("trusted_root.json")).filter(|file| file.exists());
    own.chain([suite.join("trusted_root.production.json")]).collect()
}

fn base64(text: &str) -> Vec<u8> {
    let quoted = serde_json::Value::String(text.to_owned());
    serde_json::from_value::<model::Base64>(quoted).unwrap().0
}
