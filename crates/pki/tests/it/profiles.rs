//! What our own certificates look like.

use model::Algorithm;
use pki::algorithm::{DigestAlgorithm, Parameters, names_signature, signature_identifier};
use pki::{
    Certificate, CertificateProfile, DistinguishedName, Issuer, NewCertificate, Serial, ServerName,
    SignatureError, Usage, UsageFault, Validity,
};

use crate::support::{Authority, Key, VALIDITY, at, name, seal, text, tlv, validity};

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let root = Authority::root(Algorithm::EcdsaP256);
    let public_key = Key::generate(Algorithm::EcdsaP256).public();
    let (profile, subject) = (CertificateProfile::CodeSigning, name("Release key"));
    let mut new = NewCertificate {
        profile: &profile,
        subject: &subject,
        public_key: &public_key,
        serial: Serial::from_random([7; 16]),
        validity: validity(),
        issuer: Issuer::Certificate(&root.certificate),
    };
    let composed = new.compose().unwrap();
    assert_eq!(composed, new.compose().unwrap());
    assert_eq!(composed.algorithm(), Algorithm::EcdsaP256);
    new.serial = Serial::from_random([8; 16]);
    assert_ne!(composed, new.compose().unwrap());
}

#[test]
fn every_algorithm_seals_a_root_and_a_leaf_that_verify_with_their_issuer_and_with_nobody_else() {
    let other = Authority::root(Algorithm::EcdsaP256);
    let renamed = Authority::new(Algorithm::EcdsaP256, "Another root", &CertificateProfile::Root);
    for algorithm in Algorithm::ALL {
        let root = Authority::root(*algorithm);
        let leaf = root.issue(
            &CertificateProfile::CodeSigning,
            "Release key",
            &Key::generate(Algorithm::Ed25519).public(),
        );
        root.certificate.verify_signature_by(&root.certificate).unwrap();
        leaf.verify_signature_by(&root.certificate).unwrap();
        let refused = leaf.verify_signature_by(&other.certificate).unwrap_err();
        let expected = match algorithm {
            Algorithm::EcdsaP256 => {
                "the certificate's signature is bad: the signature does not verify with this key"
            }
            _ => "the certificate's signature is of another algorithm than the issuer's key",
        };
        assert_eq!(text(&refused), expected);
        let refused = leaf.verify_signature_by(&renamed.certificate).unwrap_err();
        assert!(matches!(refused, SignatureError::OtherIssuer { .. }), "{refused}");
    }
}

#[test]
fn a_root_is_an_authority_without_a_usage_of_its_own() {
    let root = Authority::root(Algorithm::EcdsaP384).certificate;
    assert!(root.is_authority() && root.is_self_issued());
    assert_eq!(root.extension("2.5.29.19").unwrap(), [0x30, 0x03, 0x01, 0x01, 0xff]);
    assert_eq!(root.extension("2.5.29.15").unwrap(), [0x03, 0x02, 0x01, 0x06]);
    assert_eq!(root.extension("2.5.29.37"), None);
    assert_eq!(root.authority_key_identifier(), None);
    assert_eq!(root.check_usage(Usage::CodeSigning), Err(UsageFault::Authority));
}

#[test]
fn leaves_are_good_for_one_usage_and_name_their_issuers_key() {
    let root = Authority::root(Algorithm::EcdsaP256);
    let key = Key::generate(Algorithm::EcdsaP256).public();
    let code = root.issue(&CertificateProfile::CodeSigning, "Release key", &key);
    let stamp = root.issue(&CertificateProfile::Timestamping, "Timestamp authority", &key);
    for leaf in [&code, &stamp] {
        assert!(!leaf.is_authority());
        assert_eq!(leaf.extension("2.5.29.15").unwrap(), [0x03, 0x02, 0x07, 0x80]);
        assert_eq!(leaf.authority_key_identifier(), root.certificate.subject_key_identifier());
        assert_eq!(leaf.issuer_der(), root.certificate.subject_der());
        assert_eq!(leaf.public_key().unwrap(), key);
        assert_eq!(leaf.subject_key_identifier().unwrap().len(), 20);
    }
    assert_eq!(code.check_usage(Usage::CodeSigning), Ok(()));
    let fault = UsageFault::OtherPurpose { usage: Usage::Timestamping };
    assert_eq!(code.check_usage(Usage::Timestamping), Err(fault));
    assert_eq!(stamp.check_usage(Usage::Timestamping), Ok(()));
    let fault = UsageFault::OtherPurpose { usage: Usage::CodeSigning };
    assert_eq!(stamp.check_usage(Usage::CodeSigning), Err(fault));
}

#[test]
fn what_a_certificate_says_is_what_was_asked() {
    let root = Authority::root(Algorithm::EcdsaP256);
    let key = Key::generate(Algorithm::Ed25519).public();
    let leaf = root.issue(&CertificateProfile::CodeSigning, "Höhe, \"Nr. 1\"", &key);
    assert_eq!(leaf.subject_common_name().unwrap(), "Höhe, \"Nr. 1\"");
    assert_eq!(root.certificate.subject_text(), "CN=Root,O=Example");
    assert_eq!(leaf.issuer_text(), "CN=Root,O=Example");
    assert_eq!(leaf.not_before(), at("2026-01-01T00:00:00Z"));
    assert_eq!(leaf.not_after(), at("2045-01-01T00:00:00Z"));
    assert_eq!(leaf.serial(), [&[0x42], [2; 15].as_slice()].concat());
    let named = leaf.issuer_and_serial();
    assert_eq!(named.issuer, root.certificate.subject_der());
    assert_eq!(named.serial, [&[0x02, 0x10], leaf.serial()].concat());
    assert_eq!(&named.der()[2..], [named.issuer, named.serial].concat());
    let again = Certificate::from_pem(&leaf.to_pem()).unwrap();
    assert_eq!(again, leaf);
    let chain =
        Certificate::chain_from_pem(&format!("{}\r\n{}", leaf.to_pem(), root.certificate.to_pem())).unwrap();
    assert_eq!(chain, [leaf, root.certificate]);
}

#[test]
fn serial_numbers_are_positive_and_of_one_length_whatever_the_random_bytes() {
    for random in [[0; 16], [0xff; 16], [0x80; 16]] {
        let first = Serial::from_random(random).as_bytes()[0];
        assert!((0x40..0x80).contains(&first));
    }
}

#[test]
fn dates_from_2050_are_generalized_and_earlier_ones_are_utc() {
    let root = Authority::root(Algorithm::EcdsaP256);
    let key = Key::generate(Algorithm::EcdsaP256);
    let new = |to: &str| {
        let public_key = key.public();
        let validity = Validity::new(at("2026-01-01T00:00:00.75Z"), at(to)).unwrap();
        let new = NewCertificate {
            profile: &CertificateProfile::Root,
            subject: &name("Root"),
            public_key: &public_key,
            serial: Serial::from_random([1; 16]),
            validity,
            issuer: Issuer::Itself,
        };
        seal(&new.compose().unwrap(), &key)
    };
    let has =
        |certificate: &Certificate, bytes: &[u8]| certificate.der().windows(bytes.len()).any(|w| w == bytes);
    let last = new("2049-12-31T23:59:59Z");
    assert!(has(&last, b"\x17\x0d260101000000Z\x17\x0d491231235959Z"));
    let later = new("2050-01-01T00:00:00Z");
    assert!(has(&later, b"\x17\x0d260101000000Z\x18\x0f20500101000000Z"));
    assert_eq!(later.not_after(), at("2050-01-01T00:00:00Z"));
    let never = root.reissue(&later, |parts| {
        parts[VALIDITY] = tlv(0x30, b"\x17\x0d260101000000Z\x18\x0f99991231235959Z");
    });
    assert_eq!(never.not_after(), model::Instant::from_seconds(u64::MAX));
}

#[test]
fn what_cannot_be_composed_says_why() {
    let root = Authority::root(Algorithm::EcdsaP256);
    let public_key = Key::generate(Algorithm::EcdsaP256).public();
    let leaf = root.issue(&CertificateProfile::CodeSigning, "Release key", &public_key);
    let refusal = |profile: CertificateProfile, issuer: Issuer<'_>, validity: Validity| {
        let subject = name("Release key");
        let serial = Serial::from_random([3; 16]);
        let new = NewCertificate {
            profile: &profile,
            subject: &subject,
            public_key: &public_key,
            serial,
            validity,
            issuer,
        };
        text(&new.compose().unwrap_err())
    };
    let by_root = Issuer::Certificate(&root.certificate);
    let wrong = "a root signs its own certificate, and nothing else does";
    assert_eq!(refusal(CertificateProfile::Root, by_root, validity()), wrong);
    assert_eq!(refusal(CertificateProfile::CodeSigning, Issuer::Itself, validity()), wrong);
    assert_eq!(
        refusal(CertificateProfile::CodeSigning, Issuer::Certificate(&leaf), validity()),
        "`CN=Release key,O=Example` is no certificate authority"
    );
    assert_eq!(
        refusal(CertificateProfile::TlsServer { names: vec![] }, by_root, validity()),
        "a certificate of a TLS server needs at least one name"
    );
    let long = Validity::new(at("2026-01-01T00:00:00Z"), at("2046-01-01T00:00:01Z")).unwrap();
    assert_eq!(
        refusal(CertificateProfile::CodeSigning, by_root, long),
        "a certificate until 2046-01-01T00:00:01Z would outlive its issuer `CN=Root,O=Example`, which ends at \
         2046-01-01T00:00:00Z"
    );
    let backwards = Validity::new(at("2026-01-01T00:00:00.1Z"), at("2026-01-01T00:00:00.9Z")).unwrap_err();
    assert_eq!(
        text(&backwards),
        "a certificate valid from 2026-01-01T00:00:00Z to 2026-01-01T00:00:00Z would never be valid"
    );
}

#[test]
fn names_that_would_mislead_are_refused() {
    for bad in ["", " x", "x\n", &"x".repeat(65)] {
        assert!(DistinguishedName::new("Example", bad).is_err(), "{bad:?}");
        assert!(DistinguishedName::new(bad, "Root").is_err(), "{bad:?}");
    }
    for good in ["localhost", "sign.example.test", "127.0.0.1", "::1", "xn--hhe-sna.example"] {
        assert!(good.parse::<ServerName>().is_ok(), "{good}");
    }
    for bad in
        ["", ".", "a..b", "-a", "a-", "*.example.test", "UPPER", "1.2.3.4.5", "300.1.1.1", "a b", "a\0"]
    {
        assert!(bad.parse::<ServerName>().is_err(), "{bad:?}");
    }
}

#[test]
fn every_algorithm_has_its_identifiers() {
    for algorithm in Algorithm::ALL {
        let identifier = signature_identifier(*algorithm);
        assert!(names_signature(identifier, *algorithm));
        let digest = DigestAlgorithm::of(*algorithm);
        for form in [Parameters::Absent, Parameters::Null] {
            assert_eq!(DigestAlgorithm::from_identifier(digest.identifier(form)), Some(digest));
        }
    }
    assert!(!names_signature(signature_identifier(Algorithm::EcdsaP384), Algorithm::EcdsaP256));
    assert_eq!(DigestAlgorithm::from_identifier(signature_identifier(Algorithm::Ed25519)), None);
}
