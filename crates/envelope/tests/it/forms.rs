//! What is composed for each form, and what is refused.

use envelope::timestamp::{
    self, Authority, CertificateWish, Imprint, Request, Stamped, TimestampError, TstInfo,
};
use envelope::{Chosen, ComposeError, ToBeSigned, cms, compose, sshsig};
use model::{
    Algorithm, Base64, Content, Digest, Digest384, Digests, Form, Hash, Hashed, Instant, Item, Parameters,
};
use pki::CertificateProfile;

use crate::support::{Signer, carried_item, inline_item, item, then};

fn with(parameters: Parameters, item: Item) -> Item {
    Item { parameters, ..item }
}

fn payload_type() -> Parameters {
    Parameters { payload_type: Some("text/plain".to_owned()), ..Parameters::default() }
}

fn namespace() -> Parameters {
    Parameters { namespace: Some("file".to_owned()), ..Parameters::default() }
}

#[test]
fn a_blob_key_signs_a_digest_and_has_no_certificate() {
    let signer = Signer::new(Algorithm::EcdsaP256, &CertificateProfile::CodeSigning);
    let sha384 = Content::Sha384 { digest: Digest384::of(b"content"), length: 7 };
    let by_sha384 = Item { content: sha384, ..item(Form::Blob, b"content") };
    for (item, hashed) in [
        (item(Form::Blob, b"content"), Hashed::Sha256(Digest::of(b"content"))),
        (by_sha384, Hashed::Sha384(Digest384::of(b"content"))),
    ] {
        let composed = compose(&item, &Chosen::Nothing, None).unwrap();
        assert_eq!(composed, ToBeSigned::Hashed(hashed));
        let refused = compose(&item, &Chosen::Nothing, Some(&signer.certificate));
        assert!(matches!(refused, Err(ComposeError::UnwantedCertificate { form: Form::Blob })));
        let refused = compose(&item, &Chosen::SigningTime(then()), None);
        assert!(matches!(refused, Err(ComposeError::OtherChoice { form: Form::Blob })));
        let refused = compose(&with(payload_type(), item), &Chosen::Nothing, None);
        assert!(matches!(refused, Err(ComposeError::UnwantedParameter { parameter: "payloadType", .. })));
    }
    let inline = compose(&inline_item(Form::Blob, b"content"), &Chosen::Nothing, None);
    assert!(matches!(inline, Err(ComposeError::Inline { form: Form::Blob })));
}

#[test]
fn dsse_covers_inline_content_and_its_payload_type() {
    let good = with(payload_type(), inline_item(Form::Dsse, b"content"));
    let expected = b"DSSEv1 10 text/plain 7 content".to_vec();
    assert_eq!(compose(&good, &Chosen::Nothing, None).unwrap(), ToBeSigned::Message(expected));
    let digest_only = with(payload_type(), item(Form::Dsse, b"content"));
    assert!(matches!(compose(&digest_only, &Chosen::Nothing, None), Err(ComposeError::NotInline { .. })));
    let bare = inline_item(Form::Dsse, b"content");
    assert!(matches!(compose(&bare, &Chosen::Nothing, None), Err(ComposeError::NoParameter { .. })));
    let both = Parameters { namespace: namespace().namespace, ..payload_type() };
    let refused = compose(&with(both, bare), &Chosen::Nothing, None);
    assert!(matches!(refused, Err(ComposeError::UnwantedParameter { parameter: "namespace", .. })));
}

#[test]
fn minisign_covers_the_blake2b_of_content_and_a_comment() {
    let comment = || Parameters { trusted_comment: Some("timestamp:1".to_owned()), ..Parameters::default() };
    let good = with(comment(), carried_item(Form::Minisign, Algorithm::Ed25519, b"content"));
    let message = Hash::Blake2b512.digest(b"content");
    let expected = ToBeSigned::Twice { message, comment: "timestamp:1".to_owned() };
    assert_eq!(compose(&good, &Chosen::Nothing, None).unwrap(), expected);
    let bare = Item { parameters: Parameters::default(), ..good.clone() };
    let refused = compose(&bare, &Chosen::Nothing, None);
    assert!(matches!(refused, Err(ComposeError::NoParameter { parameter: "trustedComment", .. })));
    let refused = compose(
        &with(Parameters { namespace: namespace().namespace, ..comment() }, good),
        &Chosen::Nothing,
        None,
    );
    assert!(matches!(refused, Err(ComposeError::UnwantedParameter { parameter: "namespace", .. })));
    for other in [item(Form::Minisign, b"content"), inline_item(Form::Minisign, b"content")] {
        let refused = compose(&with(comment(), other), &Chosen::Nothing, None);
        assert!(matches!(refused, Err(ComposeError::OtherHash { form: Form::Minisign, .. })));
    }
    let signer = Signer::new(Algorithm::Ed25519, &CertificateProfile::CodeSigning);
    let item = with(comment(), carried_item(Form::Minisign, Algorithm::Ed25519, b"content"));
    let refused = compose(&item, &Chosen::Nothing, Some(&signer.certificate));
    assert!(matches!(refused, Err(ComposeError::UnwantedCertificate { .. })));
    // 64 bytes that somebody calls a digest are none that a blob key signs.
    let blob = Item { form: Form::Blob, parameters: Parameters::default(), ..item };
    assert!(matches!(
        compose(&blob, &Chosen::Nothing, None),
        Err(ComposeError::OtherHash { form: Form::Blob, .. })
    ));
}

#[test]
fn an_ssh_signature_covers_the_digest_of_content_in_its_namespace_and_none_of_avouchs_own() {
    let by_sha512 = carried_item(Form::SshSig, Algorithm::Ed25519, b"content");
    for (hash, item) in [(Hash::Sha512, by_sha512), (Hash::Sha256, item(Form::SshSig, b"content"))] {
        let good = with(namespace(), item);
        let expected = sshsig::signed_data("file", hash, b"content");
        assert_eq!(compose(&good, &Chosen::Nothing, None).unwrap(), ToBeSigned::Message(expected));
        for reserved in ["endorse.avouch.v1", "enrol.avouch.v1", "Avouch", "x.AVOUCH"] {
            let parameters = Parameters { namespace: Some(reserved.to_owned()), ..Parameters::default() };
            let refused = compose(&with(parameters, good.clone()), &Chosen::Nothing, None);
            assert!(matches!(refused, Err(ComposeError::ReservedNamespace { .. })), "{reserved}");
        }
        let refused = compose(&with(Parameters::default(), good), &Chosen::Nothing, None);
        assert!(matches!(refused, Err(ComposeError::NoParameter { parameter: "namespace", .. })));
    }
    let inline = with(namespace(), inline_item(Form::SshSig, b"content"));
    assert!(matches!(compose(&inline, &Chosen::Nothing, None), Err(ComposeError::OtherHash { .. })));
}

#[test]
fn cms_needs_a_certificate_and_a_signing_time() {
    let signer = Signer::new(Algorithm::EcdsaP256, &CertificateProfile::CodeSigning);
    let item = item(Form::Cms, b"content");
    let chosen = Chosen::SigningTime(then());
    assert!(matches!(compose(&item, &chosen, None), Err(ComposeError::NoCertificate { .. })));
    let refused = compose(&item, &Chosen::Nothing, Some(&signer.certificate));
    assert!(matches!(refused, Err(ComposeError::OtherChoice { .. })));
    let refused = compose(&with(namespace(), item), &chosen, Some(&signer.certificate));
    assert!(matches!(refused, Err(ComposeError::UnwantedParameter { parameter: "namespace", .. })));
}

#[test]
fn the_same_choice_composes_the_same_bytes_and_another_one_composes_others() {
    let signer = Signer::new(Algorithm::EcdsaP256, &CertificateProfile::CodeSigning);
    let item = item(Form::Cms, b"content");
    let at = |time: Instant| {
        let chosen = Chosen::decode(&Chosen::SigningTime(time).encode()).unwrap();
        compose(&item, &chosen, Some(&signer.certificate)).unwrap()
    };
    let half_a_second = Instant::from_nanoseconds(then().nanoseconds() + 500_000_000);
    assert_eq!(at(then()), at(half_a_second));
    assert_ne!(at(then()), at(Instant::from_seconds(then().seconds() + 1)));
    // From 2050 the signing time is a GeneralizedTime.
    let (last, first) = ("2049-12-31T23:59:59Z".parse().unwrap(), "2050-01-01T00:00:00Z".parse().unwrap());
    let ToBeSigned::Message(utc) = at(last) else { panic!() };
    let ToBeSigned::Message(generalized) = at(first) else { panic!() };
    assert!(utc.windows(13).any(|window| window == b"491231235959Z"));
    assert!(generalized.windows(15).any(|window| window == b"20500101000000Z".as_slice()));
}

#[test]
fn keys_that_hash_otherwise_need_the_content_inline() {
    for algorithm in [Algorithm::EcdsaP384, Algorithm::Ed25519] {
        let signer = Signer::new(algorithm, &CertificateProfile::CodeSigning);
        let chosen = Chosen::SigningTime(then());
        let refused = compose(&item(Form::Cms, b"content"), &chosen, Some(&signer.certificate));
        assert!(matches!(refused, Err(ComposeError::OtherDigest { .. })));
        let composed =
            compose(&inline_item(Form::Cms, b"content"), &chosen, Some(&signer.certificate)).unwrap();
        let ToBeSigned::Message(attributes) = composed else { panic!() };
        let signature = signer.key.sign(&attributes);
        let chain = [signer.certificate.clone()];
        let opened = cms::open(&cms::seal(&attributes, &chain, &signature, None).unwrap()).unwrap();
        opened.verify_content(b"content").unwrap();
        assert!(matches!(opened.verify_content(b"other"), Err(cms::CmsError::OtherContent)));
        let unknown = opened.verify_signature(&Digest::of(b"content").into());
        let needed = algorithm.content_hash();
        assert!(matches!(unknown, Err(cms::CmsError::DigestUnknown { hash }) if hash == needed));
        opened.verify_signature(&Digests::of(b"content", &[needed])).unwrap();
    }
}

#[test]
fn other_forms_say_that_they_are_not_composed() {
    const COMPOSED: &[Form] =
        &[Form::Blob, Form::Cms, Form::Dsse, Form::Minisign, Form::SshSig, Form::OpenPgp];
    for form in Form::ALL.iter().copied().filter(|form| !COMPOSED.contains(form)) {
        let refused = compose(&item(form, b"content"), &Chosen::Nothing, None).unwrap_err();
        assert_eq!(refused.to_string(), format!("form `{form}` is not composed yet"));
    }
}

#[test]
fn a_blob_with_the_bytes_of_an_attribute_set_is_not_composed_for_a_key_with_a_certificate() {
    // A blob whose bytes are an attribute set: its signature would be one over the attributes. That is why a blob
    // key has no certificate, and why nothing is composed for it with one.
    let signer = Signer::new(Algorithm::EcdsaP256, &CertificateProfile::CodeSigning);
    let chosen = Chosen::SigningTime(then());
    let attributes = compose(&item(Form::Cms, b"content"), &chosen, Some(&signer.certificate)).unwrap();
    let ToBeSigned::Message(attributes) = attributes else { panic!() };
    let blob = Item { content: Content::Inline { bytes: Base64(attributes) }, ..item(Form::Blob, b"") };
    assert!(compose(&blob, &Chosen::Nothing, Some(&signer.certificate)).is_err());
}

#[test]
fn the_attributes_of_a_token_are_none_of_a_cms_signature_and_the_other_way_round() {
    // The same key under both kinds of certificates: the content type among the attributes keeps the forms apart.
    let signer = Signer::new(Algorithm::EcdsaP256, &CertificateProfile::CodeSigning);
    let chain = [signer.certificate.clone()];
    let imprint = Imprint::sha256(&Digest::of(b"content"));
    let request = Request { imprint, policy: None, nonce: None, certificate: CertificateWish::Embedded };
    let content = TstInfo::answer(&request, then(), 1).unwrap().encode().unwrap();

    let composed = timestamp::compose(&content, &signer.certificate, then()).unwrap();
    let ToBeSigned::Message(attributes) = composed else { panic!() };
    let sealed = cms::seal(&attributes, &chain, &signer.key.sign(&attributes), None).unwrap();
    let refused = cms::open(&sealed).unwrap().verify_content(&content);
    assert!(matches!(refused, Err(cms::CmsError::ContentType)));

    let composed =
        compose(&inline_item(Form::Cms, &content), &Chosen::SigningTime(then()), Some(&signer.certificate));
    let ToBeSigned::Message(attributes) = composed.unwrap() else { panic!() };
    let signature = signer.key.sign(&attributes);
    let sealed =
        timestamp::seal(&content, &attributes, &signature, &chain, CertificateWish::Embedded).unwrap();
    let authority = Authority { certificates: &[], roots: std::slice::from_ref(&signer.root) };
    let refused =
        timestamp::verify(&timestamp::open(&sealed).unwrap(), Stamped::Bytes(b"content"), authority);
    assert!(matches!(refused, Err(TimestampError::Cms(cms::CmsError::ContentType))));
}
