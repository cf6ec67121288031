//! Paths that are verified, and every reason why one is not.

use std::time::Duration;

use model::{Algorithm, Instant};
use pki::{Certificate, PathError, Profile, ServerName, Usage, Validity, verify_path};

use crate::support::{Authority, Key, NOW, at, seal, text, tlv, validity};

struct Case {
    root: Authority,
    code: Certificate,
    stamp: Certificate,
}

fn case() -> Case {
    let root = Authority::root(Algorithm::EcdsaP256);
    let public_key = Key::generate(Algorithm::EcdsaP256).public();
    let code = root.issue(&Profile::CodeSigning, "Release key", &public_key);
    let stamp = root.issue(&Profile::Timestamping, "Timestamp authority", &public_key);
    Case { root, code, stamp }
}

impl Case {
    fn verify(&self, leaf: &Certificate, when: Instant, usage: Usage) -> Result<(), String> {
        let roots = [self.root.certificate.clone()];
        verify_path(leaf, &[], &roots, when, usage).map(drop).map_err(|error| text(&error))
    }

    fn refusal(&self, leaf: &Certificate, usage: Usage) -> String {
        self.verify(leaf, at(NOW), usage).unwrap_err()
    }
}

const CODE_SIGNING: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x03";
const SERVER_AUTH: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x01";
/// The key usage extension of a leaf, as far as its value.
const DIGITAL_SIGNATURE: &[u8] = b"\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x07\x80";

#[test]
fn one_root_vouches_for_code_signing_and_for_timestamping_with_every_algorithm() {
    for algorithm in Algorithm::ALL {
        let root = Authority::root(*algorithm);
        let other = Authority::new(Algorithm::Ed25519, "Another root", &Profile::Root).certificate;
        for (profile, usage) in
            [(Profile::CodeSigning, Usage::CodeSigning), (Profile::Timestamping, Usage::Timestamping)]
        {
            let leaf = root.issue(&profile, "Leaf", &Key::generate(Algorithm::Ed25519).public());
            let roots = [other.clone(), root.certificate.clone()];
            let path = verify_path(&leaf, &[], &roots, at(NOW), usage).unwrap();
            assert_eq!((path.root(), path.leaf(), path.at()), (&root.certificate, &leaf, at(NOW)));
            assert_eq!((path.usage(), path.intermediates().len()), (usage, 0));
        }
    }
}

#[test]
fn a_path_holds_from_its_first_second_to_the_end_of_its_last() {
    let case = case();
    let public_key = Key::generate(Algorithm::EcdsaP256).public();
    let short = Validity::new(at("2026-11-20T09:00:00Z"), at("2026-11-20T09:10:00Z")).unwrap();
    let leaf = case.root.issue_for(&Profile::CodeSigning, "Release key", &public_key, short);
    let verify = |when: &str| case.verify(&leaf, at(when), Usage::CodeSigning);
    assert_eq!(verify("2026-11-20T09:00:00Z"), Ok(()));
    assert_eq!(verify("2026-11-20T09:10:00.999999999Z"), Ok(()));
    assert_eq!(
        verify("2026-11-20T09:10:01Z").unwrap_err(),
        "the certificate of `CN=Release key,O=Example` expired at 2026-11-20T09:10:00Z, before 2026-11-20T09:10:01Z"
    );
    assert_eq!(
        verify("2026-11-20T08:59:59.9Z").unwrap_err(),
        "the certificate of `CN=Release key,O=Example` is not valid before 2026-11-20T09:00:00Z, and it was \
         2026-11-20T08:59:59.9Z"
    );
}

#[test]
fn an_expired_root_vouches_for_nothing_although_the_leaf_is_valid() {
    let case = case();
    let leaf_end = case.code.not_after();
    let root = case.root.reissue(&case.root.certificate, b"460101000000Z", b"260201000000Z");
    let refused = verify_path(&case.code, &[], &[root], at(NOW), Usage::CodeSigning).unwrap_err();
    assert!(leaf_end > at(NOW));
    assert_eq!(
        text(&refused),
        "the certificate of `CN=Root,O=Example` expired at 2026-02-01T00:00:00Z, before 2026-11-20T09:06:42Z"
    );
}

#[test]
fn a_root_of_another_name_does_not_vouch() {
    let case = case();
    let other = Authority::new(Algorithm::EcdsaP256, "Another root", &Profile::Root).certificate;
    let expected = "no trusted root vouches for the certificate of `CN=Release key,O=Example`, which was issued by \
                    `CN=Root,O=Example`";
    for roots in [vec![], vec![other]] {
        let refused = verify_path(&case.code, &[], &roots, at(NOW), Usage::CodeSigning).unwrap_err();
        assert!(matches!(refused, PathError::UntrustedIssuer { .. }));
        assert_eq!(text(&refused), expected);
    }
}

#[test]
fn a_root_of_the_same_name_and_another_key_does_not_vouch() {
    let case = case();
    for algorithm in [Algorithm::EcdsaP256, Algorithm::EcdsaP384, Algorithm::Ed25519] {
        let roots = [Authority::root(algorithm).certificate];
        let refused = verify_path(&case.code, &[], &roots, at(NOW), Usage::CodeSigning).unwrap_err();
        assert_eq!(text(&refused), "a signature on the path from `CN=Release key,O=Example` to its root is bad");
    }
    // The right one beside a wrong one is found all the same.
    let roots = [Authority::root(Algorithm::EcdsaP256).certificate, case.root.certificate];
    let path = verify_path(&case.code, &[], &roots, at(NOW), Usage::CodeSigning).unwrap();
    assert_eq!(path.root(), &roots[1]);
}

#[test]
fn a_leaf_for_another_usage_is_refused() {
    let case = case();
    assert_eq!(
        case.refusal(&case.stamp, Usage::CodeSigning),
        "the certificate of `CN=Timestamp authority,O=Example` is not one for code signing: its extended key usage \
         does not name code signing"
    );
    assert_eq!(
        case.refusal(&case.code, Usage::Timestamping),
        "the certificate of `CN=Release key,O=Example` is not one for timestamping: its extended key usage does not \
         name timestamping"
    );
    let public_key = Key::generate(Algorithm::EcdsaP256).public();
    let names: Vec<ServerName> = vec!["localhost".parse().unwrap()];
    for profile in [Profile::TlsServer { names }, Profile::TlsClient] {
        let leaf = case.root.issue(&profile, "TLS", &public_key);
        assert!(case.refusal(&leaf, Usage::CodeSigning).contains("does not name code signing"));
    }
}

#[test]
fn a_leaf_without_extended_key_usage_is_refused() {
    let case = case();
    // The extension under another, unknown name.
    let leaf = case.root.reissue(&case.code, b"\x06\x03\x55\x1d\x25", b"\x06\x03\x55\x1d\x7e");
    assert_eq!(
        case.refusal(&leaf, Usage::CodeSigning),
        "the certificate of `CN=Release key,O=Example` is not one for code signing: it has no extended key usage, \
         where code signing must stand"
    );
}

#[test]
fn a_timestamping_leaf_must_be_that_alone_and_say_so_critically() {
    let case = case();
    let leaf = case.root.reissue(&case.stamp, b"\x55\x1d\x25\x01\x01\xff\x04\x0c", b"\x55\x1d\x25\x04\x0f\x30\x0d\x06");
    // The bytes above were shortened by hand into something else: malformed, and refused as such before any use.
    drop(leaf);
}
