//! By what entries are found: what a body tells of its signer.

use envelope::ToBeSigned;
use envelope::rekor::{Body, Verifier};
use model::{Algorithm, Digest};
use pki::CertificateProfile;

use crate::support::{Signer, example, example_key};

#[test]
fn a_holders_certificate_tells_the_identity_its_issuer_and_when_it_was_valid() {
    let terms = Body::parse(&example("keyless/log-body.json")).unwrap().terms();
    let certificate = pki::Certificate::from_der(&example("keyless/leaf.der")).unwrap();
    let names = pki::token::CertificateNames::of(&certificate).unwrap();
    assert_eq!(terms.identity.as_deref(), Some(names.subject.text()));
    assert_eq!(terms.issuer, Some(names.issuer));
    assert_eq!(terms.validity, Some((certificate.not_before(), certificate.not_after())));
    assert_eq!(terms.key, certificate.public_key().unwrap().id());
}

#[test]
fn a_bare_key_tells_no_name_and_no_time_and_another_certificate_its_subject() {
    let terms = Body::parse(&example("blob/log-body.json")).unwrap().terms();
    assert_eq!((terms.identity, terms.issuer, terms.validity), (None, None, None));
    assert_eq!(terms.digest, Digest::of(&example("artifact.txt")).as_bytes());
    assert_eq!(terms.key, example_key("blob/key.pub.pem").id());
    let signer = Signer::new(Algorithm::EcdsaP256, &CertificateProfile::CodeSigning);
    let subject = signer.certificate.subject_text();
    let signature = signer.key.sign(b"message");
    let message = ToBeSigned::Message(b"message".to_vec());
    let body = Body::new(&message, &signature, Verifier::Certificate(signer.certificate)).unwrap();
    let terms = body.terms();
    assert_eq!((terms.identity, terms.issuer), (Some(subject), None));
    assert!(terms.validity.is_some());
}
