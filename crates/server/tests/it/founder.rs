//! The platform that tests of the server find at the key process.

use std::path::Path;

use model::{Algorithm, Clock, Digest, Form, Instant, PublicKey};
use quorum::{Change, KeyRecord, Moment, Registry};
use signer::{AdminAnswer, AdminClient, AdminMessage, Signer};
use testkit::Person;
use testkit::founding::key_record;
pub(crate) use testkit::founding::space;

/// Begins a platform at a key process that has none, with a key for each of the platform's purposes and two that
/// sign code.
pub(crate) fn found(orders: &dyn Signer, admin_socket: &Path, clock: &dyn Clock, policy: Digest) {
    let admin = AdminClient::new(admin_socket);
    let now = clock.now();
    let founder = Person::new(1);
    let journal = PublicKey::from_spki(&orders.state().unwrap().journal_key).unwrap();
    let genesis = founder.found(founder.genesis(&[], &journal, now), now).encode();
    let mut registry = Registry::begin(&genesis).unwrap();
    append(&admin, AdminMessage::Begin { entry: genesis });
    let mut changes: Vec<Change> = [
        ("platform/ca", Form::Ca, Algorithm::EcdsaP256),
        ("platform/timestamp", Form::Timestamp, Algorithm::EcdsaP256),
        ("platform/log", Form::Checkpoint, Algorithm::Ed25519),
        ("platform/holders", Form::Certificate, Algorithm::EcdsaP256),
        ("platform/ct", Form::Sct, Algorithm::EcdsaP256),
        ("platform/rekor-v1", Form::Set, Algorithm::EcdsaP256),
        ("default/cms", Form::Cms, Algorithm::EcdsaP256),
        ("default/blob", Form::Blob, Algorithm::EcdsaP256),
    ]
    .map(|(name, form, algorithm)| Change::Key(record(&admin, name, form, algorithm, now)))
    .into();
    changes.push(Change::Policy { digest: policy });
    let entry = founder.enter(&registry, changes, now).encode();
    registry.append(&entry, Moment::Live(now)).unwrap();
    append(&admin, AdminMessage::Append { entry });
}

/// Enters one more change.
pub(crate) fn enter(orders: &dyn Signer, admin_socket: &Path, clock: &dyn Clock, change: Change) {
    let registry = orders.state().unwrap().replay().unwrap();
    let entry = Person::new(1).enter(&registry, vec![change], clock.now()).encode();
    append(&AdminClient::new(admin_socket), AdminMessage::Append { entry });
}

/// The record of a key that is made now.
pub(crate) fn record_at(admin_socket: &Path, name: &str, form: Form, now: Instant) -> KeyRecord {
    record(&AdminClient::new(admin_socket), name, form, Algorithm::EcdsaP256, now)
}

fn append(admin: &AdminClient, message: AdminMessage) {
    let answer = admin.send(&message).unwrap();
    assert!(matches!(answer, AdminAnswer::Appended { .. }), "{answer:?}");
}

fn record(admin: &AdminClient, name: &str, form: Form, algorithm: Algorithm, now: Instant) -> KeyRecord {
    let message = AdminMessage::Generate { store: "software".to_owned(), algorithm };
    let AdminAnswer::Generated { spki } = admin.send(&message).unwrap() else { panic!("no key") };
    key_record(name, form, PublicKey::from_spki(&spki).unwrap(), now)
}
