//! The room `envelope`: what Sigstore's clients and logs read.

use envelope::bundle::{Bundle, Entry};
use envelope::rekor::{Body, SubmittedBody};
use envelope::rekor_v1::{KIND, ProposedEntry, VERSION, terms};
use envelope::signing_config::SigningConfig;
use envelope::trusted_root::TrustedRoot;
use envelope::tuf::{Opened, Root, Snapshot, Targets, Timestamp};
use model::{Digest, TufRole};

use crate::Reading::{self, Refused, Taken};
use crate::known::THEN;

/// A bundle, or what stands for one beside a package: written again it is the same, and so are its log entries on their way into a receipt and back.
pub fn bundle(bytes: &[u8]) -> Reading {
    let read = Bundle::from_json(bytes).or_else(|_| Bundle::from_published(bytes));
    let Ok(bundle) = read else { return Refused };
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

/// A signing config: written again it is the same.
pub fn signing_config(bytes: &[u8]) -> Reading {
    let Ok(config) = SigningConfig::from_json(bytes) else { return Refused };
    assert_eq!(SigningConfig::from_json(&config.to_json()).expect("our own JSON"), config);
    let _ = (config.authority(THEN), config.issuer(THEN), config.log(THEN), config.timestamp_authority(THEN));
    Taken
}

/// A request for an entry of Rekor v1: what is taken is one of its own bodies, fits into the log, and is found again.
pub fn proposed_entry(bytes: &[u8]) -> Reading {
    let Ok(proposed) = ProposedEntry::parse(bytes) else { return Refused };
    assert!(proposed.bytes().len() <= model::limits::LOG_ENTRY_BYTES_MAX, "an entry fits into the log");
    assert_eq!(ProposedEntry::parse(proposed.bytes()).expect("our own entry"), proposed);
    envelope::rekor_v1::Body::parse(KIND, VERSION, proposed.bytes()).expect("a verifier reads it");
    assert!(terms(proposed.bytes()).is_some(), "it tells what it is found by");
    Taken
}

/// TUF metadata of any role: nothing counts that nobody signed.
pub fn tuf_metadata(bytes: &[u8]) -> Reading {
    let root = Opened::<Root>::parse(bytes);
    if let Ok(root) = &root {
        for role in TufRole::ALL {
            // Whoever names its own keys may have signed itself; that it is so is for the one before to say.
            let _ = root.check(root.says.signers(*role), &root.says.keys);
        }
    }
    let timestamp = Opened::<Timestamp>::parse(bytes);
    let _ = timestamp.as_ref().map(|timestamp| timestamp.says.snapshot().is(bytes));
    let (snapshot, targets) = (Opened::<Snapshot>::parse(bytes), Opened::<Targets>::parse(bytes));
    let of_one = [root.is_ok(), timestamp.is_ok(), snapshot.is_ok(), targets.is_ok()];
    assert!(of_one.iter().filter(|taken| **taken).count() <= 1, "a file is of one role");
    if of_one.contains(&true) { Taken } else { Refused }
}
