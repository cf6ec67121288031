//! The bundles of sigstore-conformance, as far as this room reads them: what must be accepted parses, keeps its
//! meaning when it is written again, and its tokens verify against the case's own trusted root.

use std::path::Path;

use envelope::bundle::Bundle;
use envelope::rekor::{self, Body};
use envelope::timestamp::{self, Authority, Stamped};
use envelope::trusted_root::TrustedRoot;
use pki::Certificate;

/// The cases whose bundle must be refused because of its token.
const BAD_TOKENS: [&str; 5] = [
    "rekor2-timestamp-outside-trust-root-tsa-validity_fail",
    "rekor2-timestamp-outside-tsa-cert-validity_fail",
    "rekor2-timestamp-payload-mismatch_fail",
    "rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail",
    "rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail",
];

fn trusted_root(folder: &Path) -> Option<TrustedRoot> {
    let own = folder.join("trusted_root.json");
    let production = folder.join("../../trusted_root.production.json");
    let json = std::fs::read(if own.is_file() { own } else { production }).unwrap();
    TrustedRoot::from_json(&json).ok()
}

/// Does one of the root's authorities vouch for each of the bundle's tokens?
fn stamped(bundle: &Bundle, root: &TrustedRoot) -> bool {
    bundle.timestamps.iter().all(|response| {
        let Ok(token) = timestamp::open(response) else { return false };
        root.timestamp_authorities.iter().any(|authority| {
            let chain: Vec<Certificate> =
                authority.certificates().map(|der| Certificate::from_der(der).unwrap()).collect();
            let Some((root, below)) = chain.split_last() else { return false };
            let known = Authority { certificates: below, roots: std::slice::from_ref(root) };
            timestamp::verify(&token, Stamped::Bytes(bundle.signature()), known)
                .is_ok_and(|verified| authority.valid_for.contains(verified.time()))
        })
    })
}

#[test]
fn bundles_that_must_be_accepted_parse_and_their_tokens_verify() {
    let Some(vectors) = testkit::vectors() else { return };
    let (mut bundles, mut tokens, mut bodies, mut refused) = (0, 0, 0, 0);
    for folder in std::fs::read_dir(vectors.join("sigstore-conformance/bundle-verify")).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let Ok(json) = std::fs::read(folder.join("bundle.sigstore.json")) else { continue };
        let (bundle, root) = (Bundle::from_json(&json), trusted_root(&folder));
        if name.ends_with("_fail") {
            if BAD_TOKENS.contains(&name.as_str()) {
                assert!(!stamped(&bundle.unwrap(), &root.unwrap()), "{name}");
                refused += 1;
            }
            continue;
        }
        let bundle = bundle.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(Bundle::from_json(&bundle.to_json()).unwrap(), bundle, "{name}");
        assert!(stamped(&bundle, &root.unwrap()), "{name}");
        for entry in
            bundle.entries.iter().filter(|one| one.kind == rekor::KIND && one.kind_version == rekor::VERSION)
        {
            assert_eq!(Body::parse(&entry.body).unwrap().encode(), entry.body, "{name}");
            bodies += 1;
        }
        (bundles, tokens) = (bundles + 1, tokens + bundle.timestamps.len());
    }
    assert_eq!(refused, BAD_TOKENS.len());
    assert!(
        bundles >= 20 && tokens >= 10 && bodies >= 10,
        "{bundles} bundles, {tokens} tokens, {bodies} bodies"
    );
}

#[test]
fn what_cannot_be_a_bundle_or_a_trusted_root_is_refused_on_reading() {
    let Some(vectors) = testkit::vectors() else { return };
    let folder = |name: &str| vectors.join("sigstore-conformance/bundle-verify").join(name);
    for name in [
        "bundle-empty-certificate-chain_fail",
        "bundle-invalid-base64-signature_fail",
        "bundle-malformed-json_fail",
        "bundle-negative-log-index_fail",
        "bundle-unknown-version_fail",
    ] {
        let json = std::fs::read(folder(name).join("bundle.sigstore.json")).unwrap();
        assert!(Bundle::from_json(&json).is_err(), "{name}");
    }
    assert!(trusted_root(&folder("trust-root-tlog-missing-validity-start_fail")).is_none());
}
