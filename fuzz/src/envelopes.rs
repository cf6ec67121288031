//! The room `envelope`: CMS, DSSE, and the bytes that a key signs for an item.

use envelope::dsse::{Envelope, pre_authentication_encoding};
use envelope::in_toto::{PredicateError, Statement};
use envelope::{Chosen, cms as signed_data};
use model::{Digest, Item};
use pki::Certificate;

use crate::Reading::{self, Refused, Taken};
use crate::known::{ARTIFACT, SIGNED_ATTRIBUTES, UNSIGNED};
use crate::parts;

/// A detached CMS signature: over the worked example's file only its own two verify, over anything else none.
pub fn cms(bytes: &[u8]) -> Reading {
    let Ok(opened) = signed_data::open(bytes) else { return Refused };
    assert!(opened.certificates().len() <= signed_data::CERTIFICATES_MAX);
    let _ = (opened.token(), opened.to_be_signed(), opened.signature());
    assert!(opened.verify_content(UNSIGNED).is_err(), "nobody signed that");
    assert!(opened.verify_signature(&Digest::of(UNSIGNED).into()).is_err(), "nobody signed that");
    let mut reading = Refused;
    for verified in [opened.verify_content(ARTIFACT), opened.verify_signature(&Digest::of(ARTIFACT).into())]
        .into_iter()
        .flatten()
    {
        assert!(SIGNED_ATTRIBUTES.contains(&verified.to_be_signed()), "nobody signed these attributes");
        assert!(opened.certificates().contains(verified.signer()));
        reading = Taken;
    }
    reading
}

/// A DSSE envelope: written again it is the same, and its payload and type are what the encoding covers.
pub fn dsse(bytes: &[u8]) -> Reading {
    let Ok(envelope) = Envelope::from_json(bytes) else { return Refused };
    assert_eq!(Envelope::from_json(&envelope.to_json()).expect("our own JSON"), envelope);
    let covered = pre_authentication_encoding(&envelope.payload_type, &envelope.payload);
    assert!(covered.starts_with(b"DSSEv1 ") && covered.ends_with(&envelope.payload));
    let other = pre_authentication_encoding(&format!("{}x", envelope.payload_type), &envelope.payload);
    assert_ne!(covered, other, "a type is covered");
    envelope.to_be_signed();
    Taken
}

/// A statement: it is about something, and what it says is written again as the same; of a claim that is not what its
/// type says, the place is named.
pub fn statement(bytes: &[u8]) -> Reading {
    let Ok(statement) = Statement::parse(bytes) else { return Refused };
    let kind = &statement.predicate_type;
    assert!(statement.subject.iter().all(|subject| !subject.digest.is_empty()), "a subject is its digests");
    let again = Statement::compose(&statement.subject, kind, statement.predicate.to_string().as_bytes());
    let again = Statement::parse(&again).expect("what was read once");
    assert_eq!((&again.subject, &again.predicate_type), (&statement.subject, kind));
    let checked = kind.check(&statement.predicate);
    assert_eq!(checked.is_ok(), kind.check(&again.predicate).is_ok(), "a claim is judged by what it says");
    let _ = (kind.builder(&statement.predicate), kind.sources(&statement.predicate));
    let names =
        statement.names(&Digest::of(UNSIGNED).into()).map(|subject| subject.digest.contains_key("sha256"));
    assert!(names.is_none_or(|named| named), "a file is known by its digest");
    if let Err(PredicateError::Missing { pointer } | PredicateError::Other { pointer, .. }) = &checked {
        assert!(pointer.starts_with('/') && pointer.chars().all(|c| !c.is_control()));
    }
    Reading::of(&checked)
}

/// Choices, an item and a certificate: choices have one layout, and composing is a function.
pub fn compose(bytes: &[u8]) -> Reading {
    let [chosen, item, certificate] = parts::split(bytes);
    let Ok(choices) = Chosen::decode(chosen) else { return Refused };
    assert_eq!(choices.encode(), chosen, "choices are read from their one layout alone");
    let Ok(item) = Item::parse(item) else { return Refused };
    let certificate = Certificate::from_der(certificate).ok();
    for certificate in [certificate.as_ref(), None] {
        if let Ok(to_be_signed) = envelope::compose(&item, &choices, certificate) {
            let again = envelope::compose(&item, &choices, certificate);
            assert_eq!(again.expect("what was composed once"), to_be_signed);
        }
    }
    Taken
}
