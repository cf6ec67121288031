//! The room `envelope`: what Sigstore's clients and logs read.

use envelope::bundle::{Bundle, Entry};
use envelope::rekor::{Body, SubmittedBody};
use envelope::trusted_root::TrustedRoot;
use model::Digest;

use crate::Reading::{self, Refused, Taken};
use crate::known::THEN;

/// A bundle: written again it is the same, and so are its log entries on their way into a receipt and back.
pub fn bundle(bytes: &[u8]) -> Reading {
    let Ok(bundle) = Bundle::from_json(bytes) else { return Refused };
    let again = Bundle::from_json(&bundle.to_json()).expect("our own JSON");
    assert_eq!(again.to_json(), bundle.to_json(), "a bundle reads back as itself");
    let _ = bundle.signature();
    for entry in &bundle.entries {
        let Ok(receipt) = entry.to_receipt() else { continue };
        let log_id = Digest::from_slice(&entry.log_id).expect("what a receipt was made of has a log id");
        if let Ok(entry) = Entry::of_receipt(&log_id, &receipt) {
            assert_eq!(entry.to_receipt().expect("our own entry"), receipt);
        }
    }
    Taken
}

/// A trusted root: written again it is the same.
pub fn trusted_root(bytes: &[u8]) -> Reading {
    let Ok(root) = TrustedRoot::from_json(bytes) else { return Refused };
    assert_eq!(TrustedRoot::from_json(&root.to_json()).expect("our own JSON"), root);
    for log in root.tlogs.iter().chain(&root.ctlogs) {
        let _ = (log.key(), log.origin(), log.public_key.valid_for.contains(THEN));
    }
    for authority in root.certificate_authorities.iter().chain(&root.timestamp_authorities) {
        assert_ne!(authority.certificates().len(), 0, "an authority has a certificate");
    }
    Taken
}

/// The body of a log entry: what is read is written again as the same bytes.
pub fn rekor_body(bytes: &[u8]) -> Reading {
    let Ok(body) = Body::parse(bytes) else { return Refused };
    assert_eq!(body.encode(), bytes, "a body is read from its canonical bytes alone");
    body.verifier().key().expect("a body's key can be read");
    let _ = (body.digest(), body.sha256(), body.signature());
    Taken
}

/// A request for an entry: what is taken is a body that fits into the log, and tells what it is found by.
pub fn log_submission(bytes: &[u8]) -> Reading {
    let Ok(submitted) = SubmittedBody::parse(bytes) else { return Refused };
    assert!(submitted.bytes().len() <= model::limits::LOG_ENTRY_BYTES_MAX, "an entry fits into the log");
    let body = Body::parse(submitted.bytes()).expect("what is logged is a body");
    assert_eq!(body.encode(), submitted.bytes(), "in its canonical bytes");
    assert_eq!(body.terms().digest, body.digest());
    Taken
}
