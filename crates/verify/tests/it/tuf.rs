//! What a client takes of a TUF repository: a repository in the test's hand goes back, stands still, and mixes.

use std::collections::BTreeMap;
use std::time::Duration;

use envelope::ToBeSigned;
use envelope::tuf::{NewMetadata, RoleKeys, Sealed};
use model::{Algorithm, Instant, TufRole};
use testkit::Key;
use verify::{Fetched, TufRefused, TufSource, TufTrust};

const NOW: Instant = Instant::from_seconds(1_795_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn later(days: u32) -> Instant {
    NOW.after(DAY * days)
}

/// A repository with a key for each role.
struct Repository {
    keys: BTreeMap<TufRole, Key>,
}

/// Its files, of some versions.
struct Files {
    targets: Sealed,
    snapshot: Sealed,
    timestamp: Sealed,
}

impl Repository {
    fn new() -> Self {
        let key = |role: &TufRole| (*role, Key::generate(Algorithm::EcdsaP256));
        Self { keys: TufRole::ALL.iter().map(key).collect() }
    }

    fn role_keys(&self) -> RoleKeys {
        self.keys.iter().map(|(role, key)| (*role, vec![key.public()])).collect()
    }

    fn seal(&self, metadata: &NewMetadata) -> Sealed {
        seal_by(&self.keys[&metadata.role()], metadata)
    }

    fn root(&self, version: u64) -> Sealed {
        self.seal(&NewMetadata::root(version, later(300), &self.role_keys()))
    }

    /// Each version of each role, and when the timestamp ends.
    fn files(&self, targets: u64, snapshot: u64, timestamp: u64, ends: Instant) -> Files {
        let text = format!("file {targets}");
        let named = [("file", text.as_bytes())];
        let targets = self.seal(&NewMetadata::targets(targets, later(300), named));
        let snapshot = self.seal(&NewMetadata::snapshot(snapshot, later(30), &targets.named()));
        let timestamp = self.seal(&NewMetadata::timestamp(timestamp, ends, &snapshot.named()));
        Files { targets, snapshot, timestamp }
    }
}

fn seal_by(key: &Key, metadata: &NewMetadata) -> Sealed {
    let ToBeSigned::Message(message) = metadata.to_be_signed() else { panic!("metadata is signed as it is") };
    metadata.seal([(&key.public(), key.sign(&message).as_slice())])
}

/// Takes all of it, as a client would that fetched it now.
fn take(trust: &mut TufTrust, files: &Files, now: Instant) -> Result<Fetched, TufRefused> {
    let fetched = trust.timestamp(&files.timestamp.bytes, TufSource::Fetched, now)?;
    if fetched == Fetched::Newer {
        trust.snapshot(&files.snapshot.bytes, TufSource::Fetched, now)?;
        trust.targets("targets", None, &files.targets.bytes, now)?;
    }
    Ok(fetched)
}

#[test]
fn what_belongs_together_is_taken_and_says_its_files() {
    let repository = Repository::new();
    let mut trust = TufTrust::begin(&repository.root(1).bytes).unwrap();
    let files = repository.files(1, 1, 1, later(7));
    assert_eq!(take(&mut trust, &files, NOW).unwrap(), Fetched::Newer);
    assert!(trust.of_role("targets").unwrap().targets["file"].is(b"file 1"));
    assert_eq!(take(&mut trust, &files, NOW).unwrap(), Fetched::Same);
    assert_eq!(take(&mut trust, &repository.files(2, 2, 2, later(7)), NOW).unwrap(), Fetched::Newer);
}

#[test]
fn what_goes_back_is_refused_role_by_role() {
    let repository = Repository::new();
    let mut trust = TufTrust::begin(&repository.root(1).bytes).unwrap();
    take(&mut trust, &repository.files(5, 5, 5, later(7)), NOW).unwrap();
    for (targets, snapshot, timestamp, role) in
        [(5, 5, 4, "timestamp"), (5, 4, 6, "snapshot"), (4, 6, 6, "targets")]
    {
        let refused =
            take(&mut trust.clone(), &repository.files(targets, snapshot, timestamp, later(7)), NOW);
        let Err(TufRefused::Version { role: named, .. }) = refused else { panic!("{role}: {refused:?}") };
        assert_eq!(named, role);
    }
}

#[test]
fn what_stands_still_is_refused_from_its_end_on() {
    let repository = Repository::new();
    let mut trust = TufTrust::begin(&repository.root(1).bytes).unwrap();
    let files = repository.files(1, 1, 1, later(7));
    take(&mut trust, &files, NOW).unwrap();
    let just_before = Instant::from_nanoseconds(later(7).nanoseconds() - 1);
    take(&mut trust, &files, just_before).unwrap();
    for now in [later(7), later(8)] {
        let refused = take(&mut trust, &files, now);
        assert!(
            matches!(&refused, Err(TufRefused::Expired { role, .. }) if role == "timestamp"),
            "{refused:?}"
        );
    }
    // Whoever begins then takes none of it either, and an old root holds back all that follows it.
    let mut fresh = TufTrust::begin(&repository.root(1).bytes).unwrap();
    assert!(matches!(take(&mut fresh, &files, later(7)), Err(TufRefused::Expired { .. })));
    let refused = take(&mut fresh, &repository.files(1, 1, 1, later(400)), later(301));
    assert!(matches!(&refused, Err(TufRefused::Expired { role, .. }) if role == "root"), "{refused:?}");
}

#[test]
fn nobody_is_delegated_to_under_the_name_of_a_role_that_the_root_names() {
    let repository = Repository::new();
    let mut trust = TufTrust::begin(&repository.root(1).bytes).unwrap();
    let files = repository.files(1, 1, 1, later(7));
    take(&mut trust, &files, NOW).unwrap();
    for role in TufRole::ALL.iter().map(|role| role.word()) {
        let refused = trust.targets(role, Some("targets"), &files.targets.bytes, NOW);
        let Err(TufRefused::Taken { role: named }) = refused else { panic!("{role}: {refused:?}") };
        assert_eq!(named, role);
    }
    let other = trust.targets("other", Some("targets"), &files.targets.bytes, NOW);
    assert!(matches!(other, Err(TufRefused::Unnamed { .. })), "{other:?}");
}

#[test]
fn files_of_different_versions_are_not_taken_together() {
    let repository = Repository::new();
    let (old, new) = (repository.files(1, 1, 1, later(7)), repository.files(2, 2, 2, later(7)));
    let mixed = [
        (Files { snapshot: old.snapshot.clone(), ..repository.files(2, 2, 2, later(7)) }, "snapshot"),
        (Files { targets: old.targets, timestamp: new.timestamp, snapshot: new.snapshot }, "targets"),
    ];
    for (files, role) in mixed {
        let mut trust = TufTrust::begin(&repository.root(1).bytes).unwrap();
        let refused = take(&mut trust, &files, NOW);
        assert!(
            matches!(&refused, Err(TufRefused::OtherFile { role: named }) if named == role),
            "{refused:?}"
        );
    }
}

#[test]
fn a_root_follows_only_with_the_signatures_of_those_before_and_from_now_on() {
    let (first, second) = (Repository::new(), Repository::new());
    let begin = || TufTrust::begin(&first.root(1).bytes).unwrap();
    let next = NewMetadata::root(2, later(300), &second.role_keys());
    let ToBeSigned::Message(message) = next.to_be_signed() else { panic!("metadata is signed as it is") };
    let sign = |repository: &Repository| {
        let key = &repository.keys[&TufRole::Root];
        (key.public(), key.sign(&message))
    };
    let (old, new) = (sign(&first), sign(&second));
    for signatures in [vec![&old], vec![&new], vec![]] {
        let sealed = next.seal(signatures.into_iter().map(|(key, signature)| (key, signature.as_slice())));
        assert!(matches!(begin().next_root(&sealed.bytes), Err(TufRefused::Metadata { .. })));
    }
    let both = next.seal([&old, &new].map(|(key, signature)| (key, signature.as_slice())));
    let mut trust = begin();
    trust.next_root(&both.bytes).unwrap();
    assert!(matches!(
        trust.next_root(&both.bytes),
        Err(TufRefused::Metadata { .. } | TufRefused::Version { .. })
    ));
    // What the keys before sign is of no use any more.
    assert!(take(&mut trust, &first.files(1, 1, 1, later(7)), NOW).is_err());
    take(&mut trust, &second.files(1, 1, 1, later(7)), NOW).unwrap();
}
