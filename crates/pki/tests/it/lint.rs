//! Certificates for holders of ID tokens that must not leave, whoever composed them.

use model::Algorithm;
use pki::sct::{self, SignedTimestamp};
use pki::token::{CertificateNames, SubjectName};
use pki::{Certificate, CertificateProfile, HolderCertificate, LintFault, Linted, Serial, Validity};

use crate::support::{
    Authority, EXTENSIONS, Key, NOW, VALIDITY, at, children, extended_key_usage, extension, is_extension,
    seal, tlv,
};

const SERIAL: usize = 1;
const SUBJECT: usize = 5;

struct World {
    authority: Authority,
    certificate: Certificate,
}

fn world() -> World {
    let authority = Authority::new(Algorithm::EcdsaP256, "Holders", &CertificateProfile::HolderAuthority);
    let names = CertificateNames {
        subject: SubjectName::Email("ada@example.com".to_owned()),
        issuer: "https://issuer.example.com".to_owned(),
        workflow: Vec::new(),
    };
    let new = HolderCertificate {
        names: &names,
        public_key: &Key::generate(Algorithm::EcdsaP256).public(),
        serial: Serial::from_random([9; 16]),
        validity: Validity::new(at(NOW), at(NOW).after(pki::HOLDER_PERIOD)).unwrap(),
        issuer: &authority.certificate,
    };
    let log = Key::generate(Algorithm::EcdsaP256).public();
    let timestamp = SignedTimestamp::new(&log, at(NOW), sct::leaf_index(3).unwrap(), vec![7; 70]);
    let certificate = seal(&new.certificate(&timestamp).unwrap(), &authority.key);
    World { authority, certificate }
}

#[test]
fn a_certificate_that_holds_to_its_profile_may_leave() {
    let World { authority, certificate, .. } = world();
    Linted::check(certificate, &authority.certificate).unwrap();
}

#[test]
fn whatever_else_a_certificate_says_keeps_it_here() {
    let World { authority, certificate, .. } = world();
    let with = |change: &dyn Fn(&mut Vec<Vec<u8>>)| authority.extend(&certificate, change);
    let part =
        |place: usize, value: &[u8]| authority.reissue(&certificate, |parts| parts[place] = value.to_vec());
    let without = |id: u8| with(&|all| all.retain(|one| !is_extension(id)(one)));
    let instead = |id: u8, new: Vec<u8>| {
        with(&|all| all.iter_mut().filter(|one| is_extension(id)(one)).for_each(|one| *one = new.clone()))
    };
    let two_names = tlv(0x30, &[tlv(0x81, b"a@example.com"), tlv(0x81, b"b@example.com")].concat());
    let poison = tlv(
        0x30,
        &[&b"\x06\x0a\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x03\x01\x01\xff"[..], &tlv(4, b"\x05\0")].concat(),
    );
    let cases = [
        ("subject", part(SUBJECT, b"\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02\x6d\x65")),
        ("serial of eight bytes", part(SERIAL, b"\x02\x08\x01\x02\x03\x04\x05\x06\x07\x08")),
        ("negative serial", part(SERIAL, &[&b"\x02\x10\xff"[..], &[9; 15]].concat())),
        ("eleven minutes", part(VALIDITY, b"\x30\x1e\x17\x0d261120090642Z\x17\x0d261120091742Z")),
        ("before its issuer", part(VALIDITY, b"\x30\x1e\x17\x0d250101000000Z\x17\x0d250101001000Z")),
        ("no name", without(0x11)),
        ("two names", instead(0x11, extension(0x11, true, &two_names))),
        (
            "name not critical",
            instead(0x11, extension(0x11, false, &tlv(0x30, &tlv(0x81, b"a@example.com")))),
        ),
        ("no key usage", without(0x0f)),
        ("key usage not critical", instead(0x0f, extension(0x0f, false, b"\x03\x02\x07\x80"))),
        ("signs certificates", instead(0x0f, extension(0x0f, true, b"\x03\x02\x02\x84"))),
        ("no purpose", without(0x25)),
        ("two purposes", instead(0x25, extended_key_usage(false, &[3, 8]))),
        ("another purpose", instead(0x25, extended_key_usage(false, &[1]))),
        ("an authority", with(&|all| all.push(extension(0x13, true, b"\x30\x03\x01\x01\xff")))),
        ("no key identifier", without(0x0e)),
        ("no authority key identifier", without(0x23)),
        (
            "another authority's identifier",
            instead(0x23, extension(0x23, false, &tlv(0x30, &tlv(0x80, b"other")))),
        ),
        ("poison", with(&|all| all.push(poison.clone()))),
        (
            "no timestamp",
            with(&|all| {
                all.pop();
            }),
        ),
        ("unknown extension", with(&|all| all.push(extension(0x36, false, b"\x02\x01\x00")))),
    ];
    for (what, bad) in cases {
        assert!(Linted::check(bad, &authority.certificate).is_err(), "{what}");
    }
    assert_eq!(children(&certificate.tbs_der()).len(), EXTENSIONS + 1);
}

#[test]
fn a_certificate_of_another_issuer_or_with_another_signature_stays_here() {
    let World { authority, certificate } = world();
    let other = Linted::check(certificate.clone(), &Authority::root(Algorithm::EcdsaP256).certificate);
    assert!(matches!(other, Err(LintFault::Signature(_))));
    let mut der = certificate.der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    let bad = Certificate::from_der(&der).unwrap();
    assert!(matches!(Linted::check(bad, &authority.certificate), Err(LintFault::Signature(_))));
}
