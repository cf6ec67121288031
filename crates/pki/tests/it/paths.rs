//! Paths that are verified, and every reason why one is not.

use std::slice;

use model::{Algorithm, Instant};
use pki::{
    Certificate, CertificateProfile, INTERMEDIATES_MAX, PathError, ServerName, Usage, Validity, verify_path,
};

use crate::support::{
    Authority, Key, NOW, VALIDITY, at, extended_key_usage, extension, is_extension, text, tlv,
};

struct Case {
    root: Authority,
    code: Certificate,
    stamp: Certificate,
}

fn case() -> Case {
    let root = Authority::root(Algorithm::EcdsaP256);
    let public_key = Key::generate(Algorithm::EcdsaP256).public();
    let code = root.issue(&CertificateProfile::CodeSigning, "Release key", &public_key);
    let stamp = root.issue(&CertificateProfile::Timestamping, "Timestamp authority", &public_key);
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

#[test]
fn one_root_vouches_for_code_signing_and_for_timestamping_with_every_algorithm() {
    for algorithm in Algorithm::ALL {
        let root = Authority::root(*algorithm);
        let other = Authority::new(Algorithm::Ed25519, "Another root", &CertificateProfile::Root).certificate;
        for (profile, usage) in [
            (CertificateProfile::CodeSigning, Usage::CodeSigning),
            (CertificateProfile::Timestamping, Usage::Timestamping),
        ] {
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
    let leaf = case.root.issue_for(&CertificateProfile::CodeSigning, "Release key", &public_key, short);
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
    let root = case.root.reissue(&case.root.certificate, |parts| {
        parts[VALIDITY] = tlv(0x30, b"\x17\x0d260101000000Z\x17\x0d260201000000Z");
    });
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
    let other = Authority::new(Algorithm::EcdsaP256, "Another root", &CertificateProfile::Root).certificate;
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
        assert_eq!(
            text(&refused),
            "a signature on the path from `CN=Release key,O=Example` to its root is bad"
        );
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
    for profile in [CertificateProfile::TlsServer { names }, CertificateProfile::TlsClient] {
        let leaf = case.root.issue(&profile, "TLS", &public_key);
        assert!(case.refusal(&leaf, Usage::CodeSigning).contains("does not name code signing"));
    }
}

/// The leaf, with its extensions changed, must be refused for `usage` because of `fault`.
#[track_caller]
fn faulty(
    case: &Case,
    leaf: &Certificate,
    usage: Usage,
    change: impl FnOnce(&mut Vec<Vec<u8>>),
    fault: &str,
) {
    let changed = case.root.extend(leaf, change);
    let subject = leaf.subject_text();
    let expected = format!("the certificate of `{subject}` is not one for {usage}: {fault}");
    assert_eq!(case.refusal(&changed, usage), expected);
}

#[test]
fn a_leaf_must_be_restricted_to_its_usage() {
    let case = case();
    let unrestricted = |extensions: &mut Vec<Vec<u8>>| extensions.retain(|e| !is_extension(0x25)(e));
    let fault = "it has no extended key usage, where code signing must stand";
    faulty(&case, &case.code, Usage::CodeSigning, unrestricted, fault);
    let fault = "it has no extended key usage, where timestamping must stand";
    faulty(&case, &case.stamp, Usage::Timestamping, unrestricted, fault);

    let purposes = |critical, purposes: &'static [u8]| {
        move |extensions: &mut Vec<Vec<u8>>| {
            extensions.retain(|e| !is_extension(0x25)(e));
            extensions.push(extended_key_usage(critical, purposes));
        }
    };
    let fault = "its extended key usage also names server authentication or any purpose at all";
    faulty(&case, &case.code, Usage::CodeSigning, purposes(false, &[3, 1]), fault);
    let fault = "its extended key usage names more than timestamping";
    faulty(&case, &case.stamp, Usage::Timestamping, purposes(true, &[8, 3]), fault);
    let fault = "its extended key usage is not critical";
    faulty(&case, &case.stamp, Usage::Timestamping, purposes(false, &[8]), fault);
    // E-mail protection beside code signing is common, and harmless here.
    let both = case.root.extend(&case.code, purposes(false, &[3, 4]));
    assert_eq!(case.verify(&both, at(NOW), Usage::CodeSigning), Ok(()));
}

#[test]
fn a_leaf_must_be_one_that_signs_and_is_no_authority() {
    let case = case();
    let key_usage = |bits: &'static [u8]| {
        move |extensions: &mut Vec<Vec<u8>>| {
            extensions.retain(|e| !is_extension(0x0f)(e));
            extensions.push(extension(0x0f, true, bits));
        }
    };
    let fault = "its key usage does not name digital signatures";
    faulty(&case, &case.code, Usage::CodeSigning, |all| all.retain(|e| !is_extension(0x0f)(e)), fault);
    faulty(&case, &case.code, Usage::CodeSigning, key_usage(&[0x03, 0x02, 0x06, 0x40]), fault);
    let fault = "it belongs to a certificate authority";
    faulty(&case, &case.code, Usage::CodeSigning, key_usage(&[0x03, 0x02, 0x02, 0x84]), fault);
    let authority = |all: &mut Vec<Vec<u8>>| all.push(extension(0x13, true, &[0x30, 0x03, 0x01, 0x01, 0xff]));
    faulty(&case, &case.code, Usage::CodeSigning, authority, fault);
    assert_eq!(
        case.refusal(&case.root.certificate, Usage::CodeSigning),
        "the certificate of `CN=Root,O=Example` is not one for code signing: it belongs to a certificate authority"
    );
}

#[test]
fn what_is_critical_and_unknown_is_not_overlooked() {
    let case = case();
    let unknown = |critical| move |all: &mut Vec<Vec<u8>>| all.push(extension(0x7e, critical, &[0x05, 0x00]));
    let leaf = case.root.extend(&case.code, unknown(true));
    let expected = "the path from `CN=Release key,O=Example` cannot be checked: it has a critical extension that \
                    avouch does not know";
    assert_eq!(case.refusal(&leaf, Usage::CodeSigning), expected);
    let leaf = case.root.extend(&case.code, unknown(false));
    assert_eq!(case.verify(&leaf, at(NOW), Usage::CodeSigning), Ok(()));
}

/// An authority below `above`, with further extensions.
fn below(above: &Authority, common_name: &str, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Authority {
    let own = Authority::new(Algorithm::EcdsaP256, common_name, &CertificateProfile::Root);
    Authority { certificate: above.extend(&own.certificate, change), key: own.key }
}

fn path_over(root: &Authority, authorities: &[&Authority]) -> Result<usize, String> {
    let lowest = authorities.last().unwrap_or(&root);
    let public_key = Key::generate(Algorithm::EcdsaP256).public();
    let leaf = lowest.issue(&CertificateProfile::CodeSigning, "Release key", &public_key);
    let intermediates: Vec<_> = authorities.iter().map(|one| one.certificate.clone()).collect();
    verify_path(&leaf, &intermediates, slice::from_ref(&root.certificate), at(NOW), Usage::CodeSigning)
        .map(|path| path.intermediates().len())
        .map_err(|error| text(&error))
}

#[test]
fn intermediates_must_be_authorities_that_may_issue_for_this_usage() {
    let root = Authority::root(Algorithm::EcdsaP384);
    let refused = "the path from `CN=Release key,O=Example` runs over a certificate that may not issue it: ";
    assert_eq!(path_over(&root, &[&below(&root, "Below", |_| ())]), Ok(1));
    let code = below(&root, "Below", |all| all.push(extended_key_usage(false, &[3])));
    assert_eq!(path_over(&root, &[&code]), Ok(1));
    let any = extension(0x25, false, &tlv(0x30, &[0x06, 0x04, 0x55, 0x1d, 0x25, 0x00]));
    assert_eq!(path_over(&root, &[&below(&root, "Below", |all| all.push(any))]), Ok(1));
    let stamp = below(&root, "Below", |all| all.push(extended_key_usage(false, &[8])));
    assert_eq!(
        path_over(&root, &[&stamp]),
        Err(format!("{refused}the extended key usage of `CN=Below,O=Example` does not name code signing"))
    );
    let mute = below(&root, "Below", |all| {
        all.retain(|e| !is_extension(0x0f)(e));
        all.push(extension(0x0f, true, &[0x03, 0x02, 0x01, 0x02]));
    });
    assert_eq!(
        path_over(&root, &[&mute]),
        Err(format!(
            "{refused}the key usage of `CN=Below,O=Example` does not name the signing of certificates"
        ))
    );
}

#[test]
fn a_leaf_that_issues_another_leaf_is_no_authority() {
    let root = Authority::root(Algorithm::EcdsaP256);
    let key = Key::generate(Algorithm::EcdsaP256);
    let certificate = root.issue(&CertificateProfile::CodeSigning, "Release key", &key.public());
    let usurper = Authority { key, certificate };
    let own = Authority::root(Algorithm::EcdsaP256).issue(
        &CertificateProfile::CodeSigning,
        "Child",
        &root.key.public(),
    );
    let child = usurper.extend(&own, |_| ());
    let intermediates = [usurper.certificate];
    let refused =
        verify_path(&child, &intermediates, &[root.certificate], at(NOW), Usage::CodeSigning).unwrap_err();
    assert_eq!(
        text(&refused),
        "the path from `CN=Child,O=Example` runs over a certificate that may not issue it: `CN=Release key,O=Example` is \
         no certificate authority"
    );
}

#[test]
fn a_root_is_held_to_its_own_path_length_and_usage() {
    let root = Authority::root(Algorithm::EcdsaP256);
    let strict = |limit: u8| {
        let constraints = [0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, limit];
        let certificate = root.extend(&root.certificate, |all| {
            all.retain(|e| !is_extension(0x13)(e));
            all.push(extension(0x13, true, &constraints));
        });
        let key = &root.key;
        move |authorities: &[&Authority]| {
            let leaf_issuer = authorities.last().unwrap();
            let leaf = leaf_issuer.issue(&CertificateProfile::CodeSigning, "Release key", &key.public());
            let intermediates: Vec<_> = authorities.iter().map(|one| one.certificate.clone()).collect();
            verify_path(&leaf, &intermediates, slice::from_ref(&certificate), at(NOW), Usage::CodeSigning)
                .map(drop)
                .map_err(|error| text(&error))
        }
    };
    let first = below(&root, "First", |_| ());
    let second = below(&first, "Second", |_| ());
    assert_eq!(strict(2)(&[&first, &second]), Ok(()));
    assert_eq!(
        strict(1)(&[&first, &second]).unwrap_err(),
        "the path from `CN=Release key,O=Example` runs over a certificate that may not issue it: an authority on the \
         path allows fewer authorities below it than there are"
    );
    let tls = Authority::new(Algorithm::EcdsaP256, "Root", &CertificateProfile::TlsRoot);
    assert_eq!(
        path_over(&tls, &[]).unwrap_err(),
        "the path from `CN=Release key,O=Example` runs over a certificate that may not issue it: the extended key \
         usage of `CN=Root,O=Example` does not name code signing"
    );
    // An intermediate is no root, however much it is trusted.
    let refused = path_over(&first, &[]).unwrap_err();
    assert!(
        refused.ends_with("`CN=First,O=Example` is trusted as a root, and was issued by somebody else"),
        "{refused}"
    );
}

#[test]
fn an_expired_intermediate_is_named() {
    let root = Authority::root(Algorithm::EcdsaP256);
    let mut first = below(&root, "First", |_| ());
    first.certificate = root.reissue(&first.certificate, |parts| {
        parts[VALIDITY] = tlv(0x30, b"\x17\x0d260101000000Z\x17\x0d260201000000Z");
    });
    let short = Validity::new(at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z")).unwrap();
    let public_key = Key::generate(Algorithm::EcdsaP256).public();
    let leaf = first.issue_for(&CertificateProfile::CodeSigning, "Release key", &public_key, short);
    let leaf = first
        .reissue(&leaf, |parts| parts[VALIDITY] = tlv(0x30, b"\x17\x0d260101000000Z\x17\x0d270101000000Z"));
    let refused = verify_path(&leaf, &[first.certificate], &[root.certificate], at(NOW), Usage::CodeSigning);
    assert_eq!(
        text(&refused.unwrap_err()),
        "the certificate of `CN=First,O=Example` expired at 2026-02-01T00:00:00Z, before 2026-11-20T09:06:42Z"
    );
}

#[test]
fn a_flood_of_intermediates_is_not_searched() {
    let case = case();
    let flood = vec![case.root.certificate.clone(); INTERMEDIATES_MAX + 1];
    let refused = verify_path(&case.code, &flood, &[], at(NOW), Usage::CodeSigning).unwrap_err();
    assert_eq!(text(&refused), "17 intermediate certificates, where at most 16 are looked at");
}

#[test]
fn a_certificate_that_may_not_issue_does_not_hide_one_that_may() {
    let root = Authority::root(Algorithm::EcdsaP256);
    let good = below(&root, "Below", |_| ());
    let stamp = root.extend(&good.certificate, |extensions| extensions.push(extended_key_usage(false, &[8])));
    let expired = root.reissue(&good.certificate, |parts| {
        parts[VALIDITY] = tlv(0x30, b"\x17\x0d260101000000Z\x17\x0d260201000000Z");
    });
    let public_key = Key::generate(Algorithm::EcdsaP256).public();
    let leaf = good.issue(&CertificateProfile::CodeSigning, "Release key", &public_key);
    let verify = |intermediates: &[Certificate], roots: &[Certificate]| {
        verify_path(&leaf, intermediates, roots, at(NOW), Usage::CodeSigning)
    };
    let roots = [root.certificate.clone()];
    let path = verify(&[stamp.clone(), expired.clone(), good.certificate.clone()], &roots).unwrap();
    assert_eq!(path.intermediates(), slice::from_ref(&good.certificate));
    assert!(matches!(verify(&[stamp, expired.clone()], &roots), Err(PathError::WrongIssuer { .. })));
    assert!(matches!(verify(slice::from_ref(&expired), &roots), Err(PathError::Expired { .. })));
    // A refused root of another name says nothing about this path; one of the right name explains it.
    let strange = Authority::new(Algorithm::EcdsaP256, "Strange", &CertificateProfile::TlsRoot).certificate;
    let tls = Authority::new(Algorithm::EcdsaP256, "Root", &CertificateProfile::TlsRoot).certificate;
    let refused = verify(slice::from_ref(&good.certificate), slice::from_ref(&strange)).unwrap_err();
    assert!(matches!(refused, PathError::UntrustedIssuer { .. }), "{refused}");
    let refused = verify(slice::from_ref(&good.certificate), &[strange, tls]).unwrap_err();
    assert!(matches!(refused, PathError::WrongIssuer { .. }), "{refused}");
}
