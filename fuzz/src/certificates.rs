//! The room `pki`: certificates in DER and PEM, and paths of them.

use model::Instant;
use pki::token::CertificateNames;
use pki::{CHAIN_MAX, Certificate, RevocationLists, Usage, verify_path, verify_unrevoked_path};

use crate::Reading::{self, Refused, Taken};
use crate::known::{self, CERTIFICATES, ROOTS, THEN};
use crate::parts;

/// One certificate in DER: it keeps its bytes, and no authority of the worked example vouches for a foreign one.
pub fn certificate(bytes: &[u8]) -> Reading {
    let Ok(certificate) = Certificate::from_der(bytes) else { return Refused };
    assert_eq!(certificate.der(), bytes, "a certificate keeps its bytes");
    read_all(&certificate);
    assert_eq!(Certificate::from_pem(&certificate.to_pem()).expect("our own PEM"), certificate);
    let _ = certificate.verify_signature_by(&certificate);
    for issuer in CERTIFICATES.iter() {
        if certificate.verify_signature_by(issuer).is_ok() {
            assert!(known::is_known(&certificate), "{issuer:?} issued no {certificate:?}");
        }
    }
    Taken
}

/// Certificates in PEM: written again they are the same certificates.
pub fn certificate_chain(bytes: &[u8]) -> Reading {
    let Ok(text) = std::str::from_utf8(bytes) else { return Refused };
    let Ok(chain) = Certificate::chain_from_pem(text) else { return Refused };
    assert!((1..=CHAIN_MAX).contains(&chain.len()));
    let again: String = chain.iter().map(Certificate::to_pem).collect();
    assert_eq!(Certificate::chain_from_pem(&again).expect("our own PEM"), chain);
    if let Ok(one) = Certificate::from_pem(text) {
        assert_eq!(chain, [one], "one certificate is a chain of one");
    }
    Taken
}

/// A path of three arbitrary certificates, at an arbitrary time; and the same below the roots of the worked example.
///
/// Parts: 1 byte of usage and 8 of nanoseconds, leaf, intermediate, root.
pub fn path(bytes: &[u8]) -> Reading {
    let [choice, leaf, intermediate, root] = parts::split(bytes);
    let Ok(leaf) = Certificate::from_der(leaf) else { return Refused };
    let [intermediates, roots] = [intermediate, root].map(|der| Vec::from_iter(Certificate::from_der(der)));
    let (usage, at) = chosen(choice);
    let mut reading = Refused;
    for at in [at, THEN, leaf.not_before(), leaf.not_after()] {
        if let Ok(path) = verify_path(&leaf, &intermediates, &roots, at, usage) {
            assert_eq!((path.leaf(), path.at(), path.usage()), (&leaf, at, usage));
            assert!(roots.contains(path.root()), "a path ends in a root that was given");
            for one in path.intermediates() {
                assert!(intermediates.contains(one), "a path runs over certificates that were given");
            }
            for one in path.intermediates().iter().chain([&leaf]) {
                assert!(one.not_before() <= at && at.whole_second() <= one.not_after(), "{one:?} at {at}");
            }
            reading = Taken;
        }
        if verify_path(&leaf, &intermediates, &ROOTS, at, usage).is_ok() {
            assert!(known::is_known(&leaf), "no root vouches for {leaf:?}");
        }
    }
    reading
}

/// Revocation lists, each behind its length; no list makes a path that was none.
pub fn revocation_lists(bytes: &[u8]) -> Reading {
    let lists = parts::split_all(bytes);
    let Ok(lists) = RevocationLists::read(lists.iter().copied()) else { return Refused };
    for leaf in CERTIFICATES.iter() {
        for usage in [Usage::CodeSigning, Usage::Timestamping] {
            let found = verify_unrevoked_path(leaf, &CERTIFICATES, &ROOTS, &lists, THEN, usage);
            assert!(found.is_err(), "no authority of the worked example signed a list for {leaf:?}");
        }
    }
    Taken
}

/// Usage and time, from the bytes of an input.
pub fn chosen(choice: &[u8]) -> (Usage, Instant) {
    let (usage, time) = choice.split_first().unwrap_or((&0, &[]));
    let usage = if usage & 1 == 0 { Usage::CodeSigning } else { Usage::Timestamping };
    let time = time.try_into().map_or(THEN, |time| Instant::from_nanoseconds(u64::from_be_bytes(time)));
    (usage, time)
}

/// Asks a certificate for all that it tells.
fn read_all(certificate: &Certificate) {
    let _ = certificate.public_key();
    assert!(certificate.not_before() <= certificate.not_after());
    for text in [certificate.subject_text(), certificate.issuer_text()] {
        assert!(!text.contains(char::is_control), "a name prints on one line");
    }
    let _ = certificate.subject_common_name();
    let named = certificate.issuer_and_serial();
    assert_eq!(named.issuer, certificate.issuer_der());
    assert!(!named.der().is_empty());
    let _ = (certificate.subject_key_identifier(), certificate.authority_key_identifier());
    let _ = (certificate.extension("2.5.29.17"), certificate.extension("no oid"));
    let _ = (certificate.is_authority(), certificate.is_self_issued(), certificate.serial());
    for usage in [Usage::CodeSigning, Usage::Timestamping] {
        let _ = certificate.check_usage(usage);
    }
    let _ = (CertificateNames::of(certificate), certificate.signed_timestamps());
    let (logged, precertified) = (certificate.logged_tbs(), certificate.precertified_tbs());
    let signed = certificate.tbs_der();
    for shorter in logged.iter().chain(&precertified) {
        assert!(shorter.len() <= signed.len(), "without an extension it is not longer");
    }
    assert!(
        certificate.der().windows(signed.len()).any(|part| part == signed),
        "what is signed stands in it"
    );
}
